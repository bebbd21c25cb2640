# Needs python3 (3.11 or newer), git and make. Everything else is installed into .venv, pinned by hash.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PYTEST ?= $(BIN)/pytest
WORKERS ?= auto
CHOSEN ?= -m "not nightly"
export UV_PYTHON_DOWNLOADS := never
export PYTHONHASHSEED := 0
# Volant is many processes, and one that compiles what it imports takes three times as long to start. Where Python may not write
# bytecode by itself, it is written here.
export UV_COMPILE_BYTECODE := 1
COMPILED := $(BIN)/python -m compileall -q src/volant

.PHONY: help install demo test test-all ci lint types test-lowest docs bench soak lock clean

help:
	@echo "make install      the package and its developers' tools, into $(VENV)"
	@echo "make demo         the whole wheel on a simulated city, about a minute, offline once installed"
	@echo "make test         the suite, without what is marked nightly"
	@echo "make test-all     the whole suite"
	@echo "make ci           lint, types, layers, the lowest allowed dependencies, the whole suite"
	@echo "make docs         write the generated reference pages again"
	@echo "make bench        measure, beside peers where there are any"
	@echo "make soak         long runs that look for slow leaks and rare failures"
	@echo "make lock         resolve the newest and the lowest dependencies again"
	@echo "make clean        remove what was built"

$(UV): requirements-build.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

$(VENV)/.runtime: $(UV) requirements.lock pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.dev

demo: $(VENV)/.runtime
	@$(COMPILED)
	$(BIN)/volant demo

test: $(VENV)/.dev
	@$(COMPILED)
	$(PYTEST) -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(CHOSEN)

test-all:
	@$(MAKE) --no-print-directory test CHOSEN=

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

ci: lint types test-lowest test-all

# The lowest allowed versions are those of Python 3.11: later Pythons have no wheels of some of them.
test-lowest: $(VENV)-lowest/.dev
	@$(COMPILED)
	@if $(VENV)-lowest/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then \
		$(VENV)-lowest/bin/pytest -q -n $(WORKERS) --dist loadfile -m "not slow and not browser and not data"; \
	else echo "the lowest allowed dependencies were NOT tested: they are those of Python 3.11"; fi

$(VENV)-lowest/.dev: $(UV) requirements-lowest.lock pyproject.toml
	test -x $(VENV)-lowest/bin/python || $(UV) venv --quiet --python $(BIN)/python $(VENV)-lowest
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then \
		$(UV) pip install --quiet --python $(VENV)-lowest/bin/python --require-hashes -r requirements-build.lock -r requirements-lowest.lock && \
		$(UV) pip install --quiet --python $(VENV)-lowest/bin/python --no-deps --no-build-isolation --editable . ; fi
	@touch $@

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

bench: $(VENV)/.dev
	@$(COMPILED)
	@for file in benchmarks/*.py; do \
		grep -q '^if __name__ == "__main__"' $$file || continue; echo "== $$file"; $(BIN)/python $$file || exit 1; done

# Journeys and crash tests over and over, each round with other random inputs; in each, KILLS processes of a whole project are
# killed at moments drawn by chance.
ROUNDS ?= 20
KILLS ?= 100
soak: $(VENV)/.dev
	@$(COMPILED)
	@for round in $$(seq 1 $(ROUNDS)); do \
		echo "== round $$round of $(ROUNDS)"; \
		VOLANT_SOAK_KILLS=$(KILLS) VOLANT_SOAK_SEED=$$round $(PYTEST) -q -x -s -p no:rerunfailures tests/journeys/test_killed_at_random.py || exit 1; \
		$(PYTEST) -q -x -p no:rerunfailures -m slow --hypothesis-seed=$$round || exit 1; done

COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: $(UV)
	printf 'uv>=0.9,<1\nuv_build>=0.9,<1\n' | $(COMPILE) --python-version 3.11 --upgrade -o requirements-build.lock -
	$(COMPILE) --python-version 3.11 --upgrade pyproject.toml -o requirements.lock
	$(COMPILE) --python-version 3.11 --upgrade --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) --python-version 3.11 --upgrade --group test --resolution lowest-direct pyproject.toml -o requirements-lowest.lock
	@! grep -n '://' requirements*.lock

clean:
	rm -rf $(VENV) $(VENV)-lowest dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
