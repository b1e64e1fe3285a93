# `make demo` and `make test` are all a user needs; everything lives in .venv.
PYTHON ?= python3.11
PYTHON := $(or $(shell command -v $(PYTHON) 2>/dev/null),python3)
BIN    := .venv/bin
TORCH  := torch==2.13.0

.PHONY: help setup demo test lint test-oracles clean

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/.ready   ## create .venv and install everything (quick when nothing has changed)

.venv/.ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[data,dev]'
	@touch $@

demo: setup      ## train a spiking network on handwritten digits
	$(BIN)/spikeloom run examples/digits.snn

test: setup lint ## lint, types and the whole test suite
	$(BIN)/lit -q tests/filecheck
	$(BIN)/python -m pytest tests -m 'not oracle' -n 2 --dist worksteal

lint: setup      ## ruff and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

test-oracles: .venv-oracles/.ready   ## compare gradients with PyTorch (installs CPU torch into .venv-oracles)
	.venv-oracles/bin/python -m pytest tests -m oracle -n 2 --dist worksteal

.venv-oracles/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-oracles
	.venv-oracles/bin/python -m pip install --quiet --editable '.[data,dev]' '$(TORCH)'
	@touch $@

clean:           ## remove both environments
	rm -rf .venv .venv-oracles
