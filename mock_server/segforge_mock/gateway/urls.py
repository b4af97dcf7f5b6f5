"""The URLs in answers."""

from typing import Final, NamedTuple

from segforge.spec.catalog import Route, Routes
from segforge_mock.http.request import IncomingRequest
from segforge_mock.http.tls import GATEWAY_HOSTS

OUTPUT_HOST: Final = "images.segmind.com"
"""The gateway's host of outputs and, by the official SDK, of uploads."""
STORAGE_HOST: Final = "storage.segmind.com"
"""The gateway's host of uploads by its page."""


class _JobPath(NamedTuple):
    """A route's path, split at the job's id."""

    before: str
    after: str

    def of(self, origin: str, request_id: str) -> str:
        return f"{origin}{self.before}{request_id}{self.after}"


def _job_path(route: Route) -> _JobPath:
    before, _, after = route.path.partition("{request_id}")
    return _JobPath(before, after)


class Urls:
    """Makes URLs. They start with the public URL, or without one with the address that the caller used."""

    def __init__(self, routes: Routes, public_url: str | None) -> None:
        self._public_url = public_url
        self.poll = _job_path(routes.poll).of
        self.status = _job_path(routes.status).of
        self.result = _job_path(routes.result).of

    def origin(self, request: IncomingRequest) -> str:
        """Returns the scheme and authority of the URLs in the answer to a request."""
        return self._public_url or request.origin

    def file_origin(self, request: IncomingRequest, host: str = OUTPUT_HOST) -> str:
        """Returns the scheme and authority of the files in the answer to a request.

        It has the gateway's own `host` of files if the caller reached the mock by a host name of the gateway.
        """
        if self._public_url is not None:
            return self._public_url
        origin = request.origin
        scheme, _, authority = origin.partition("://")
        name, colon, port = authority.partition(":")
        return f"{scheme}://{host}{colon}{port}" if name.lower() in GATEWAY_HOSTS else origin
