# The project's commands; PYTHON chooses the interpreter, e.g. make test PYTHON=python3.13

PYTHON ?= python3
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin

.PHONY: run test bench prove lock packages tools

run:
	$(PYTHON) Servidor.py

# Quick checks and tests first, so that most mistakes show within a minute.
test: packages tools
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -q -n 2 -m "not slow and not gui and not faults"
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "slow or gui or faults"

bench: tools
	$(BIN)/python -m bench

# On Linux, as root: databases, their members and the servers have networks of their own, which are cut.
prove: packages tools
	$(BIN)/python -m tests.ha

packages:
	@PYTHON=$(PYTHON) sh tests/install_packages.sh

tools:
	@$(PYTHON) first_run.py $(VENV)

# Exact versions for every supported Python and system, from the ranges in pyproject.toml.
LOCK = .venv-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate --no-header
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
	printf "patroni[etcd3]\npsycopg[binary]\n" | $(LOCK) - -c requirements-dev.txt -o deploy/container/patroni-requirements.txt
