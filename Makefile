# Everything a developer does here. Needs Python 3.11+ and a package index; the rest is fetched into this folder.
SHELL := /bin/sh
PYTHON ?= $(firstword $(foreach name,python3.14 python3.13 python3.12 python3.11 python3 python,$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
RUN := .venv/bin/
UV_VERSION := 0.13.9
SYNC := .uv/bin/uv sync --locked --quiet --extra search
# Tests wait for half of their time, so three workers keep two cores busy. What ARGS names runs in one process.
WORKERS ?= $(if $(ARGS),1,3)
SHARED := $(if $(filter-out 1,$(WORKERS)),-n $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0)

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-fast test-cluster test-renewals test-search test-control test-api mutants bench lint types clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1  \2/p' Makefile

setup: .venv/.ready ## Make the virtual environment from the lock file

.venv/.ready: uv.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found: install one, or name it with PYTHON=..."; exit 1; }
	@test -x .uv/bin/uv || { echo "fetching uv $(UV_VERSION) ..."; \
		$(PYTHON) -m venv .uv || { echo "make: $(PYTHON) cannot make virtual environments: on Debian, install python3-venv"; exit 1; }; \
		.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@echo "fetching the locked packages ..."
	@$(SYNC) --compile-bytecode --python "$$(command -v $(PYTHON))"
	@touch .venv/.ready

demo: setup ## Replay real purchases, kill processes, prove that the cents agree (PURCHASES=500, FILE=other.csv)
	@$(RUN)python -m demo $(if $(PURCHASES),--purchases $(PURCHASES)) $(if $(FILE),--file "$(FILE)")

up: setup ## Run servers and all processes in the foreground; Ctrl-C ends everything
	@$(RUN)python -m stack up

test: setup ## Run the whole suite on real PostgreSQL and real Kafka (ARGS="tests/faults -k R12", WORKERS=3)
	@$(RUN)python -m stack with-servers --copies $(WORKERS) -- $(RUN)python -m pytest $(SHARED) $(ARGS)

test-fast: setup ## Run the tests that need no Kafka
	@$(RUN)python -m stack with-servers --without-kafka --copies $(WORKERS) -- $(RUN)python -m pytest $(SHARED) -m "not kafka and not search and not control and not fuzz" $(ARGS)

mutants: setup ## Plant bugs in a copy, one after the other, and see the named test catch each (ONLY="name name")
	@$(RUN)python -m stack with-servers -- $(RUN)python -m tests.mutants $(ONLY)
test-cluster: setup ## Run the broker faults on three Kafka brokers (two minutes, 1.6 GB)
	@$(RUN)python -m stack with-servers --without-kafka -- $(RUN)python -m pytest -m cluster $(ARGS)
test-renewals: setup ## Run the disaster story with 2,000 renewals, and its control (three minutes; the suite has 300)
	@$(RUN)python -m stack with-servers -- env RENEWALS=$(or $(RENEWALS),2000) $(RUN)python -m pytest tests/faults/test_renewal_story.py tests/faults/test_naive_control.py $(ARGS)
test-search: setup ## Run the tests of the search index on a real OpenSearch node (0.6 GB; fetches 74 MB once)
	@$(SYNC) --group opensearch
	@$(RUN)python -m stack with-servers --without-kafka -- $(RUN)python -m pytest -m search $(ARGS)
test-control: setup ## Run payments against a provider that ignores idempotency keys (localstripe), beside the simulated one
	@$(SYNC) --group control
	@$(RUN)python -m stack with-servers --without-kafka -- $(RUN)python -m pytest -m control $(ARGS)
test-api: setup ## Send what the served schemas allow and what they forbid, thoroughly (schemathesis; four minutes)
	@$(RUN)python -m stack with-servers --without-kafka -- $(RUN)python -m pytest -m fuzz --timeout 900 $(ARGS)
bench: setup ## Measure everything beside its limits (ONLY=relay, inbox, posting, renewals or rebuild, RUNS=5, ROWS=500000, FULL=1)
	@$(SYNC) --group bench
	@$(RUN)python -m stack with-servers --folder bench -- $(RUN)python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS)) $(if $(ROWS),--rows $(ROWS)) $(if $(FULL),--full)

lint: setup ## Check style, format and who imports whom
	@$(RUN)ruff check . && $(RUN)ruff format --check . && $(RUN)lint-imports

types: setup ## Check types, strictly
	@$(RUN)mypy .

clean: ## Remove everything that was fetched or made (data of the local stack included)
	rm -rf .venv .uv .stack .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
