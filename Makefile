# Everything a person does here, as two or three words. Needs only make, git and Python 3.11+;
# the tests also use a browser, curl and node, which tests/tools.sh looks after.
# `make run` and `make test` set up what they need; nothing else has to be done first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first of these that exists and is new enough makes .venv; `make PYTHON=...` overrides.
PYTHONS := python3.11 python3.12 python3.13 python3
NEW_ENOUGH := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for python in $(PYTHONS); do \
	$$python -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done)

BIN := .venv/bin
READY := .venv/.ready
ARGS ?=

# Two tests at a time; those that kill processes or ask a real model have the machine to themselves.
ALONE := chaos or model

.PHONY: help run test check map bench bench-pii bench-faults chaos lock lock-peers

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## Start the whole platform here and send one example letter through it
	@$(BIN)/stellwerk up --demo $(ARGS)

test: $(READY) ## Run every test: unit, contract, architecture, integration, chaos
	@tests/tools.sh
ifeq ($(strip $(ARGS)),)
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not ($(ALONE))"
	@$(BIN)/python -m pytest -m "$(ALONE)" tests/integration tests/chaos
else
	@$(BIN)/python -m pytest $(ARGS)
endif

check: $(READY) ## Run every rule: style, types, imports, generated files, architecture, contracts
	@echo "style";           $(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@echo "types";           $(BIN)/mypy --no-error-summary
	@echo "imports";         $(BIN)/lint-imports --no-logo
	@echo "generated files"; $(BIN)/python -m shared.contracts.generate --check
	@$(BIN)/python -m pytest -q tests/architecture tests/contract

map: $(READY) ## Write again what is generated: the map, docs/events.md, AsyncAPI, the list of decisions
	@$(BIN)/python -m shared.contracts.generate
	@$(BIN)/python -m tests.architecture.decisions --write

bench: $(READY) ## Print CPU per request and process, latencies and memory; asserts nothing
	@$(BIN)/python -m tests.bench $(ARGS)

# The peers are measured where they can be installed; without them the tables say so.
bench-pii: $(READY) ## Print how well personal data is found, beside Presidio and euredact
	@$(MAKE) .venv.peers/.ready || echo "the peers cannot be installed here; measuring without them"
	@$(BIN)/python -m tests.bench.pii

# LiteLLM stands beside it where it is installed; without it the output says so.
bench-faults: $(READY) ## Print what callers get and pay under every fault of every provider wire
	@$(BIN)/python -m tests.bench.faults

chaos: $(READY) ## Kill services, NATS and PostgreSQL, and show that nothing is lost
	@tests/tools.sh
	@$(BIN)/python -m pytest tests/chaos $(ARGS)

# Universal over Python 3.11 to 3.13, names and hashes only: where packages come from is a
# matter of each machine. The notes of what needs what let an image install a part of it
# (deploy/images/pinned.py). Keeps what is pinned; `make lock ARGS=--upgrade` takes newer releases.
lock: .venv.lock/bin/uv ## Pin every dependency again in requirements.lock (needs a package index)
	@.venv.lock/bin/uv pip compile pyproject.toml --output-file requirements.lock --quiet \
		--all-extras --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)

lock-peers: .venv.lock/bin/uv ## Pin again what make bench-pii compares with
	@cd tests/bench/pii && $(CURDIR)/.venv.lock/bin/uv pip compile peers.in --output-file peers.lock \
		--quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock-peers" $(ARGS)

.venv.lock/bin/uv: | .venv/bin/python
	@$(BIN)/python -m venv .venv.lock
	@.venv.lock/bin/pip install -qq uv

.venv.peers/.ready: tests/bench/pii/peers.lock | .venv/bin/python
	@echo "setup: the peers in .venv.peers, a minute or more"
	@rm -rf .venv.peers
	@$(BIN)/python -m venv .venv.peers
	@.venv.peers/bin/python -m pip install -qq --require-hashes --no-deps -r $< || { rm -rf .venv.peers; exit 1; }
	@touch $@

# --- .venv ------------------------------------------------------------------------------

.venv/bin/python:
	@{ test -n "$(PYTHON)" && $(PYTHON) -c '$(NEW_ENOUGH)'; } 2>/dev/null || { \
		echo "Stellwerk needs Python 3.11, 3.12 or 3.13. Install one, or name it: make PYTHON=python3.12 run"; \
		exit 1; }
	@echo "setup: .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

# setuptools comes first and by hash, because the one package without a wheel (nkeys) would
# otherwise be built with a setuptools that nobody pinned.
$(READY): requirements.lock pyproject.toml | .venv/bin/python
	@echo "setup: $$(grep -c '^[a-z]' requirements.lock) pinned packages, half a minute or more"
	@awk '/^setuptools==/ {keep = 1} keep {print} keep && !/\\$$/ {exit}' requirements.lock > .venv/setuptools.lock
	@$(BIN)/python -m pip install -qq --require-hashes -r .venv/setuptools.lock
	@$(BIN)/python -m pip install --progress-bar off --require-hashes --no-deps --no-build-isolation \
		-r requirements.lock 2> .venv/pip.errors | tee .venv/pip.log \
		| awk '/^(Collecting|Processing)/ && ++n % 20 == 0 {print "setup: " n " packages found"; fflush()} \
			/^Installing/ {print "setup: installing"; fflush()}' \
		|| { cat .venv/pip.errors; exit 1; }
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@
	@echo "setup: done"
