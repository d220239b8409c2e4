# Everything a fresh machine needs is Python 3.10+, make and a package index.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
PACE ?= 1
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help up down demo demo-check test check dashboards docs conformance conformance-peers drill install console clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## Start the whole stack in Docker: Grafana, Prometheus, Loki, Jaeger, the shop; prints the login
	@$(PYTHON) stack/up.py up

down: ## Stop the stack; its data stays
	@$(PYTHON) stack/up.py down

demo: $(VENV)/.installed-demo ## Start three services and the console, place an order, print the link to its trace
	@$(BIN)/python -m demo_services

demo-check: $(VENV)/.installed-demo ## The demo without a screen: one order through, every signal checked, exit 0 or 1
	@$(BIN)/python -m demo_services check

test: check ## Lint, type check, and run every test
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

check: $(VENV)/.installed-dev ## Lint, type check, and see that dashboards and alerts are current
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/python -m dashboards build --check

dashboards: $(VENV)/.installed-dev ## Build the Grafana dashboards, recording rules and alerts anew from the code
	@$(BIN)/python -m dashboards build

install: $(VENV)/.installed-dev ## Make the virtual environment with all that development needs

docs: $(VENV)/.installed-dev ## Write the reference tables anew from the code
	@$(BIN)/python docs/build.py

conformance: $(VENV)/.installed-dev ## Run the conformance table, and write docs/reference/conformance.md from the run
	@OBSERVE_REQUIRE_REAL=1 $(BIN)/python -m pytest tests/conformance --ignore tests/conformance/test_page.py -q -n $(WORKERS) --dist loadfile --conformance docs/reference/conformance.md

conformance-peers: $(VENV)/.installed-dev ## The same rows against django-guid and OpenTelemetry's own instrumentations
	@CONFORMANCE_KIT=hand $(BIN)/python -m pytest tests/conformance --ignore tests/conformance/test_page.py -q -n $(WORKERS) --dist loadfile --conformance tests/conformance/peers.json; test $$? -le 1

drill: $(VENV)/.installed-dev ## Play ten incidents on the demo (95 minutes, or PACE=10 for ten): do the right alerts come
	@$(BIN)/python -m demo_services.drills --pace $(PACE)

console: $(VENV)/.installed-demo ## Start the local console alone: pages on 8088, OTLP on 4318
	@$(BIN)/django-observe console

clean: ## Remove the virtual environments, the demo's data and all caches
	rm -rf $(VENV) .venv-matrix .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("Python 3.10 or later is needed, %s is %s: make PYTHON=/path/to/python3" % (sys.executable, sys.version.split()[0]))'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml | $(BIN)/pip
	@echo 'Installing what the demo needs into $(VENV) (a minute or two the first time)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/pip
	@echo 'Installing what the tests need into $(VENV) (a minute or two the first time)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.installed-demo $@
