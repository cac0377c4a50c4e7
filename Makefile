# Two commands on a fresh machine: `make run` and `make test`. Everything else is here to be found by `make help`.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install

# The first Python on the path that is new enough; name another with `make env PYTHON=...`.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# Processes that share out the files of tests; each that comes to one starts services of its own, some 2 GiB of memory.
PROCESSES ?= 2

# Locks carry hashes of every file, and no word of where files come from.
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# All of them, also when the first one fails: one run shows everything there is to correct.
CHECKS = failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1

.DEFAULT_GOAL := help
.PHONY: help run test lint format env env-dev jars lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: env ## Run the demo: two simulated days of 2,000 meters, no service needed
	@$(BIN)/kvarn demo

test: env-dev jars ## Check everything: lint, types, layers, then all tests
	@$(CHECKS); \
	$(BIN)/pytest tests -n $(PROCESSES) --dist loadfile || exit $$?; \
	if [ $$failed -ne 0 ]; then echo "The tests passed; the checks before them did not (make lint)."; exit 1; fi

lint: env-dev ## Check style, types and layers
	@$(CHECKS); exit $$failed

format: env-dev ## Put the code into the one style
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

env: $(VENV)/.run-installed ## Make the environment, when the lock changed

env-dev: $(VENV)/.dev-installed ## The same with what the tests and checks need

jars: env ## Fetch Kafka and the schema registry with Maven, when they are not there
	@$(BIN)/python -m cli.services.jars || echo "Going on without them."

lock: env-dev ## Write the locks anew from requirements*.in
	$(LOCK) --output-file requirements.lock requirements.in
	$(LOCK) --output-file requirements-dev.lock requirements-dev.in
	$(LOCK) --output-file bench/peers/quix/requirements.lock bench/peers/quix/requirements.in

clean: ## Remove caches and builds; environment, jars and data stay
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(VENV)/.run-installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Kvarn needs Python 3.11 or newer on the path." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python's venv module is missing: on Debian, install python3-venv." >&2; exit 1; }
	@echo "Installing what Kvarn runs on into $(VENV) (once, a minute or two)"
	@$(PIP) --require-hashes -r requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev-installed: requirements-dev.lock $(VENV)/.run-installed
	@echo "Installing what the tests need"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
