# Two commands need no set-up: `make demo` and `make test`. Everything runs in .venv, which is made when needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The machine's own pip configuration (extra indexes, constraints) is not part of the project; certificates are.
PIP_ENV := env $(foreach name,FIND_LINKS EXTRA_INDEX_URL CONSTRAINT REQUIREMENT TARGET USER,-u PIP_$(name)) PIP_CONFIG_FILE=/dev/null

.PHONY: help demo test online check format lint types arch docs golden bench bench-full wheel-test clean

help:
	@echo "make demo    install a small web stack into a throw-away environment, and see refusals"
	@echo "make test    run the tests"
	@echo "make online  judge the newest wheels of 150 popular projects, fetched from the configured index"
	@echo "make check   everything that must hold before a change lands: format, lint, types, layers, tests, docs"
	@echo "make golden  write the golden command-line cases anew, to be read in the diff"
	@echo "make bench   compare with pip on a loopback index, as ratios"

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); \
	  else \
	    echo "python3 cannot make virtual environments here; on Debian: sudo apt-get install python3-venv" >&2; exit 1; \
	  fi; }
	@$(PIP_ENV) $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=26.1'
	@$(PIP_ENV) $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

demo: $(VENV)/.ready
	@$(PIP_ENV) $(BIN)/python -m tests.demo

test: $(VENV)/.ready
	@$(PIP_ENV) $(BIN)/python -m pytest -q -n 2

# Not part of `make test`: it fetches some 400 MB.
online: $(VENV)/.ready
	@$(PIP_ENV) $(BIN)/python -m pytest -q -m online tests/online

check: format lint types arch docs test

format: $(VENV)/.ready
	$(BIN)/ruff format --check .

lint: $(VENV)/.ready
	$(BIN)/ruff check .

types: $(VENV)/.ready
	$(BIN)/mypy

arch: $(VENV)/.ready
	$(BIN)/lint-imports --no-logo

docs: $(VENV)/.ready
	$(PIP_ENV) $(BIN)/python -m pytest -q tests/arch

golden: $(VENV)/.ready
	$(PIP_ENV) $(BIN)/python -m pytest -q tests/golden --golden-write

bench: $(VENV)/.ready
	$(PIP_ENV) $(BIN)/python -m bench

bench-full: $(VENV)/.ready
	$(PIP_ENV) $(BIN)/python -m bench --full

# The built wheel, tested with the source tree out of the way.
wheel-test: $(VENV)/.ready
	$(PIP_ENV) sh .ci/wheel-test $(BIN)/python

clean:
	rm -rf $(VENV) .demo dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache
