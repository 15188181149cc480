# Two commands do all the set-up: `make run` and `make test`.
.DEFAULT_GOAL := help
PORT ?= 8000
# The interpreter is run, not only found: a shim may be on the path and not work.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && { echo $$p; break; }; done)
# uv does not read pip's mirror setting; hand it over.
MIRROR := $(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL),$(if $(PYTHON),$(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null)))
ifneq ($(MIRROR),)
export UV_DEFAULT_INDEX := $(MIRROR)
endif
ifneq ($(PIP_CERT),)
export SSL_CERT_FILE ?= $(PIP_CERT)
endif
# Where nothing compiled is kept, each of the hundreds of processes that tests start compiles all it imports: 1.5 s of a
# processor each instead of none.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python -I
BENCH := .venv-bench
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
# One more than the cores of a small machine: much of a test's time is waiting.
JOBS ?= 3
# Workers get whole files, in the order tests/conftest.py gives them.
BY_FILE := --dist loadfile --no-loadscope-reorder
# A test that waits for ever is told with its stack, and fails: nothing else would end the run.
NOT_FOR_EVER := -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true
ORDERS ?= 20000
SEED ?= 1

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run $(VENV)/.durable ## Demo shop at http://127.0.0.1:8000 (PORT=…), SQLite, no other server
	@$(BIN)/tidegate run --demo --port $(PORT)

setup: $(VENV)/.run $(VENV)/.durable ## Install into .venv, so that `.venv/bin/tidegate` works

test: $(VENV)/.dev $(VENV)/.durable ## Everything CI runs: format, lint, types, contracts, rules, all tests
	@$(MAKE) --no-print-directory -j2 check-fast suite

suite: $(VENV)/.dev $(VENV)/.durable
	@$(PY) -m pytest -q -n $(JOBS) $(BY_FILE) $(NOT_FOR_EVER) -m "not long"

test-long: $(VENV)/.dev $(VENV)/.durable ## The long suites: evaluators against each other, patterns, checker against z3 (tens of minutes)
	@$(PY) -m pytest -q -n $(JOBS) $(BY_FILE) -m long

test-postgres: $(VENV)/.dev $(VENV)/.durable ## All tests on PostgreSQL instead of SQLite, where a test does not say which it means
	@TEST_BACKEND=postgres $(PY) -m pytest -q -n $(JOBS) $(BY_FILE) $(NOT_FOR_EVER) -m "not long"

test-faults: $(VENV)/.dev ## All of the fault suite: crashes at every point, bursts of 10,000 orders, killed databases (an hour or more)
	@$(PY) -m pytest -q -rP tests/faults -m faults

test-connectors-long: $(VENV)/.dev ## Shops, an ERP and carriers with faults on, 20,000 orders, all books compared (ORDERS=…, SEED=…; about an hour or two)
	@$(PY) tests/at_work/work_run.py --orders $(ORDERS) --seed $(SEED)

check: $(VENV)/.dev $(VENV)/.durable check-fast ## The fast part: no browser, no database server, no big files
	@$(PY) -m pytest -q -n $(JOBS) $(BY_FILE) $(NOT_FOR_EVER) -m "not browser and not postgres and not redis and not shared_data and not long"

check-fast: $(VENV)/.dev
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/tidegate rules check
	@$(BIN)/tidegate rules test
	@$(PY) tools/vendored.py check

coverage: $(VENV)/.dev ## Tests with branch coverage (slow)
	@$(PY) -m coverage run -m pytest -q -m "not browser" && $(PY) -m coverage report

bench: $(VENV)/.dev bench-engine ## Benchmarks, each a ratio within one run (a quarter of an hour)
	@for b in benchmarks/*.py; do echo "== $$b"; $(PY) $$b || exit 1; done

bench-engine: $(BENCH)/.done ## The engine against its peers, which are installed for this only
	@for b in checker cold explain memory peers simulation; do echo "== $$b"; $(BENCH)/bin/python benchmarks/engine/$$b.py || exit 1; done

bars: $(BENCH)/.done ## Only whether the engine holds what it promises, peers measured three times in turn
	@$(BENCH)/bin/python benchmarks/engine/bars.py

lock: $(VENV)/.uv ## Renew requirements/*.txt (hashes, no addresses)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url requirements/bench.in -c requirements/run.txt -o requirements/bench.txt

clean: ## Remove the environments and the demo's data
	rm -rf $(VENV) $(BENCH) var/demo

$(VENV)/.uv: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "Tidegate needs Python 3.11, 3.12 or 3.13 with venv. Debian/Ubuntu: sudo apt install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Debian/Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.run: $(VENV)/.uv requirements/run.txt pyproject.toml
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-deps --editable .
	@touch $@

# Source only. Where there is no compiler, patterns are matched by our own matcher alone (docs/decisions/0004).
$(VENV)/.durable: $(VENV)/.uv requirements/durable.txt
	@if command -v cc >/dev/null && $(BIN)/python -c 'import sys, sysconfig, os; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'; then \
	  CPPFLAGS="-O2 -DPyEval_CallObject=PyObject_CallObject" $(INSTALL) --require-hashes -r requirements/durable.txt && touch $@; \
	else echo "durable-rules is left out: it needs a C compiler and Python headers (Debian/Ubuntu: sudo apt install gcc python3-dev)"; fi

$(BENCH)/.done: $(VENV)/.uv requirements/run.txt requirements/bench.txt requirements/durable.txt pyproject.toml
	@test -x $(BENCH)/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(BENCH)
	@$(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --require-hashes -r requirements/run.txt -r requirements/bench.txt
	@$(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --no-deps --editable .
	@CPPFLAGS="-O2 -DPyEval_CallObject=PyObject_CallObject" $(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --require-hashes -r requirements/durable.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: help run setup test suite test-postgres test-long test-faults check check-fast coverage bench bench-engine bars lock clean test-connectors-long
