# `make demo` and `make test` set up everything that they need. Rarely used targets are in benchmarks/Makefile.

PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
STAMP := .venv/.set-up
DIST := .venv-dist/.set-up
TOOLS := tests/interop/node_modules/.set-up
# Many tests wait for a process or a clock, so more workers than cores keep the cores busy.
WORKERS ?= $(shell $(BIN)/python -c 'import os; print(2 * os.cpu_count())' 2>/dev/null)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help setup redis fish demo docs test lint types unit generate contract test-lowest test-newest test-compat again dist npm clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 13
	@echo 'Benchmarks and long proofs: make help-benchmarks'

setup: $(STAMP) $(TOOLS) redis fish  ## create .venv and install everything that is missing

$(STAMP): pyproject.toml constraints.txt generated/python/pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later was not found. Install it, or run make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]' --editable generated/python
	@touch $@

$(TOOLS): tests/interop/package-lock.json
	npm ci --prefix tests/interop --ignore-scripts --loglevel error --no-fund --no-audit
	@touch $@

# The tests of the shared stores and of the completion need real programs. They fail, or are skipped, if these can't be installed.
redis: PROGRAM := redis-server
fish: PROGRAM := fish
redis fish:  # install a program with apt-get if it is missing and the user is root
	@command -v $(PROGRAM) >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $(PROGRAM); } \
		|| echo "make: $(PROGRAM) is missing, and only root can install it with apt-get. Install it yourself." >&2

demo: $(STAMP)  ## run a model of each medium through the mock with both SDKs, and a short contract campaign
	$(BIN)/segforge lint
	$(BIN)/segforge generate
	$(BIN)/python examples/demo.py

test: setup lint types unit  ## run everything that CI runs
	@echo "all checks passed"

lint: $(STAMP)  ## check the style, the direction of imports, the specs, and that generated files are current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/segforge lint
	$(BIN)/segforge generate --check

types: $(STAMP)  ## run mypy --strict
	$(BIN)/mypy generator mock_server contract_tests generated/mock tests benchmarks examples docs

unit: setup  ## run all tests, contract tests included, and list the ten slowest
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal --durations 10 --quiet

generate: $(STAMP)  ## write everything that is derived from the specs
	$(BIN)/segforge generate

docs: $(STAMP)  ## build the documentation site into out/site; a warning or a broken link is an error
	$(BIN)/python -m docs.building out/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

contract: $(STAMP)  ## run the contract tests alone, against the mock in this process
	$(BIN)/pytest contract_tests --quiet --segforge-models all

# Environments beside .venv: with the lowest or the newest versions of the dependencies, or with another Python.
.venv-lowest/.set-up: VERSIONS := --constraint constraints-lowest.txt
.venv-newest/.set-up: VERSIONS := --upgrade
.venv-compat/.set-up: VERSIONS := --constraint constraints.txt
.venv-newest/.set-up .venv-compat/.set-up: again
.venv-lowest/.set-up .venv-newest/.set-up .venv-compat/.set-up: pyproject.toml constraints-lowest.txt generated/python/pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later was not found. Install it, or run make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet $(VERSIONS) --editable '.[all]' --editable generated/python pytest-xdist requests segmind
	@touch $@

# The essential tests: they need the extras and the packages that the recipe above names, and no other package.
ESSENTIAL := contract_tests tests/client/test_conformance.py tests/client/test_errors.py tests/client/test_jobs.py \
	tests/client/test_media.py tests/emit/test_generate.py tests/contract/test_campaign.py tests/contract/test_deviations.py \
	tests/contract/test_examples.py tests/contract/test_stateful.py tests/contract/test_suite.py \
	tests/mock/stores tests/mock/test_admin.py tests/mock/test_fixture.py \
	tests/mock/test_counts.py tests/mock/test_environment.py tests/mock/test_protocol.py \
	tests/mock/test_tls.py tests/mock/test_transport.py tests/pages/test_import.py tests/spec/test_specs.py
test-lowest:  ## run the essential tests with the lowest supported version of each dependency
test-newest:  ## run them with the newest version of each dependency
test-compat:  ## run them with another Python: make test-compat PYTHON=python3.13
test-lowest test-newest test-compat: test-%: .venv-%/.set-up redis
	.venv-$*/bin/pytest --numprocesses auto --dist worksteal --quiet $(ESSENTIAL)

# The tools come from requirements-dist.txt alone, which pins each file by its hash.
$(DIST): requirements-dist.txt
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later was not found. Install it, or run make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv-dist
	.venv-dist/bin/pip install --quiet --require-hashes --only-binary :all: --requirement requirements-dist.txt
	@touch $@

dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
dist: export PYTHONPATH := generator:mock_server:contract_tests:generated/mock
dist: $(DIST) $(TOOLS)  ## build into dist/ what a release publishes, reproducibly, and check it
	.venv-dist/bin/python -m segforge.cli generate --check --no-cache
	.venv-dist/bin/python -m tests.dist.build dist
	.venv-dist/bin/python -m tests.dist.check dist
	.venv-dist/bin/python -m tests.dist.sbom dist

npm: $(TOOLS)  ## build the npm packages alone into dist/, without the checks of make dist
	@echo 'compiling the client and the launcher (about half a minute)'
	$(PYTHON) -m tests.dist.build dist npm

clean:  ## delete what set-up and test runs leave behind
	rm -rf .venv .venv-* dist tests/interop/node_modules benchmarks/peers/node_modules out .mypy_cache .ruff_cache .hypothesis

include benchmarks/Makefile
