# The mock gateway as a container: docker build -t segforge . && docker run --rm -p 8086:8086 segforge
# Use a tag, not a digest, so that each build gets fixes of the base image. The digest also differs between platforms.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY specs specs
COPY generator generator
COPY generated/mock generated/mock
COPY mock_server mock_server
COPY contract_tests contract_tests
# The pip of the image installs into the environment, which needs none of its own.
RUN python -m venv --without-pip /opt/segforge \
    && python -m pip --python /opt/segforge/bin/python install --no-cache-dir --constraint constraints.txt '.[media,redis]'

FROM python:3.11-slim
LABEL org.opencontainers.image.title="segforge mock" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/segforge /opt/segforge
USER 65534:65534
EXPOSE 8086
HEALTHCHECK --interval=10s --timeout=2s --start-period=2s \
    CMD ["/opt/segforge/bin/python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8086/healthz', timeout=1)"]
ENTRYPOINT ["/opt/segforge/bin/segforge", "mock", "--host", "0.0.0.0", "--port", "8086"]
