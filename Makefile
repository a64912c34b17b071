# `make run` needs Python 3.11 or newer and nothing else. The environment is made again only when its pins change.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
T ?= tests

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench chaos pictures

help: ## Say what there is
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile

setup: .venv/dev .venv-bench/ready ## Bring everything for working on Backlot

run: .venv/runtime ## Start Backlot and print its address; Ctrl-C ends it
	@exec $(BIN)/python -m console up

test: .venv/dev ## Run the tests; T=tests/unit for some of them
	@chromium=$$($(BIN)/python -m tests.browser) && BACKLOT_CHROMIUM=$$chromium $(BIN)/python -m pytest $(T)

check: .venv/dev ## Style, types, imports between the parts, security
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml console pages jobs services

bench: .venv/dev .venv-bench/ready ## Measure what there is to measure
	$(BIN)/python -m bench

chaos: .venv/dev ## Break things while they work, and count what was lost
	$(BIN)/python -m tests.chaos --pipelines 500 --faults 60 --seed 1 2 3

pictures: .venv/dev ## Take a picture of every page into docs/pictures
	@chromium=$$($(BIN)/python -m tests.browser) && BACKLOT_CHROMIUM=$$chromium $(BIN)/python -m tests.pictures

.venv/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Backlot needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@echo 'Bringing what Backlot runs on. This happens once and takes a minute or two.'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) --requirement requirements.txt
	@touch $@

.venv/dev: .venv/runtime requirements-dev.txt
	@$(PIP) --requirement requirements-dev.txt
	@touch $@

.venv-bench/ready: requirements-bench.txt
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-bench.txt
	@touch $@
