# make install   .venv with everything, from constraints.txt          make test       the tests (they install what they need)
# make demo      the demo story, and the console on 127.0.0.1:8501     make test-long  those that take minutes
# make serve     the console for the hub in ./hub (HUB=DIR)            make check      ruff, mypy, import-linter, typos
# make bench     one ratio per performance promise                    make docs       the generated tables in docs/

SHELL := /bin/bash
.DEFAULT_GOAL := install
.PHONY: install demo serve test test-long check bench docs

HUB ?= hub
WORKERS ?= 2
BIN := .venv/bin
PACKAGES := store connectors monitors reports service dashboard

install: .venv/.installed

# The stamp makes `install` cheap to repeat: it is older than what it was made from, or there is nothing to do.
# hatchling goes in first and builds without isolation, so that constraints.txt holds for the build as well.
.venv/.installed: pyproject.toml constraints.txt
	@python=$$(.ci/find-python) || exit 1; test -x $(BIN)/python || $$python -m venv .venv || \
		{ rm -rf .venv; echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv from constraints.txt (one to three minutes the first time)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt hatchling editables
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[hub,dev]'
	@touch $@

demo: install
	$(BIN)/bailiwick demo --serve

serve: install
	$(BIN)/bailiwick serve --hub $(HUB)

test: install
	@.ci/test-tools
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

test-long: install
	@.ci/test-tools
	$(BIN)/python -m pytest -q -m long

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/typos

bench: install
	@for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: install
	$(BIN)/python docs/tables.py
