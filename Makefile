# The two commands: `make demo` and `make test`. Both set up what they need; `make help` lists the rest.

PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
STAMP := .venv/.set-up
TOOLS := tests/interop/node_modules/.set-up
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help setup redis demo test lint generate types unit contract kill-matrix bench bench-clients bench-contract bench-generate compare-clients bench-mock bench-stores fuzz any-catalog regenerate money-proof clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) $(TOOLS) redis  ## create .venv and install everything (quick when done already)

$(STAMP): pyproject.toml constraints.txt generated/python/pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or later found; install one, or name it: make PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]' --editable generated/python
	@touch $@

$(TOOLS): tests/interop/package-lock.json
	npm ci --prefix tests/interop --ignore-scripts --loglevel error --no-fund --no-audit
	@touch $@

# The tests of the shared stores talk to a real server. Where it can't be installed, they fail and say so.
redis:  ## install redis-server where it is missing and apt-get may (Debian's package, root)
	@command -v redis-server >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y redis-server; } \
		|| echo "make: redis-server is missing, and only root can install it with apt-get; install it yourself" >&2

demo: $(STAMP)  ## run all models through the mock with both SDKs, and a short contract campaign
	$(BIN)/segforge lint
	$(BIN)/segforge generate
	$(BIN)/python examples/demo.py

test: setup lint types unit  ## everything that CI runs
	@echo "all checks passed"

lint: $(STAMP)  ## style, direction of imports, specs, and that generated files are current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/segforge lint
	$(BIN)/segforge generate --check

types: $(STAMP)  ## mypy --strict
	$(BIN)/mypy generator mock_server contract_tests generated/mock tests benchmarks examples

unit: setup  ## all tests, contract tests included
	$(BIN)/pytest --numprocesses auto --quiet

generate: $(STAMP)  ## write everything that is derived from the specs
	$(BIN)/segforge generate

contract: $(STAMP)  ## the contract tests alone, on the mock in process
	$(BIN)/pytest contract_tests --quiet

bench: $(STAMP)  ## start-up and generation time
	$(BIN)/python benchmarks/startup.py

BENCH := .venv/.set-up-bench
$(BENCH): $(STAMP)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

bench-clients: $(BENCH)  ## the client against raw httpx, the official SDK and openai
	$(BIN)/python -m benchmarks.clients

compare-clients: setup $(BENCH)  ## our client beside those that others make of our OpenAPI document; writes docs/clients.md
	$(BIN)/python -m benchmarks.client_comparison

bench-generate: $(STAMP)  ## generation for 500 models against other generators (OpenAPI Generator where it is installed)
	$(BIN)/python -m benchmarks.generate_500

bench-stores: setup  ## submits and polls a second of the three stores, side by side
	$(BIN)/python benchmarks/stores.py

PAGES ?= pages
regenerate: $(STAMP)  ## dry run of the weekly workflow on a copy of the specs; pages from PAGES=pages, fetched if that is reachable
	rm -rf out/regenerate && mkdir -p out/regenerate && cp -r specs out/regenerate/specs
	-$(BIN)/segforge fetch --all --store $(PAGES)
	$(BIN)/segforge drift --all --store $(PAGES) --specs out/regenerate/specs --apply --format markdown \
		> out/regenerate/drift.md || test $$? -ne 2
	$(BIN)/segforge diff specs out/regenerate/specs --write-changelog --format markdown \
		>> out/regenerate/drift.md || test $$? -ne 2
	$(BIN)/segforge lint --specs out/regenerate/specs
	$(BIN)/segforge generate --specs out/regenerate/specs --out out/regenerate/generated
	$(BIN)/segforge contract --target mock --specs out/regenerate/specs --max-examples 5
	@cat out/regenerate/drift.md

bench-mock: $(STAMP)  ## the mock against Prism, Mockoon and a bare application (needs wrk)
	npm ci --prefix benchmarks/peers --silent --no-fund --no-audit
	$(BIN)/python benchmarks/mock.py
	$(BIN)/python benchmarks/mock_memory.py
	$(BIN)/python -m benchmarks.mock_start

kill-matrix: $(STAMP)  ## run the contract tests on every mutant; writes tests/mutants/kill-matrix.md
	$(BIN)/python -m tests.harness.mutants.matrix

bench-contract: $(STAMP)  ## the harness against Schemathesis on the same seeded faults, over HTTP; SAMPLE=40 for so many of them
	$(BIN)/python benchmarks/contract.py $(if $(SAMPLE),--sample $(SAMPLE))

money-proof: $(STAMP)  ## 200 campaigns against a gateway that bills, drops and lies: none may cost more than its cap
	$(BIN)/python -m tests.contract.money 200

any-catalog: setup  ## serve, test and compile 200 models that Hypothesis makes (30 in the suite)
	SEGFORGE_MODELS=200 $(BIN)/pytest tests/test_any_catalog.py --quiet

fuzz: $(STAMP)  ## 100,000 malformed requests to the mock
	$(BIN)/python benchmarks/fuzz_mock.py

clean:  ## remove what set-up and runs leave behind
	rm -rf .venv tests/interop/node_modules benchmarks/peers/node_modules out .mypy_cache .ruff_cache .hypothesis
