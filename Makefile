# Everything a fresh machine needs is Python 3.10+, make and a package index.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 3
PACE ?= 1
MINUTES ?= 30
FUZZ ?= 10000
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help up down demo demo-check test check dashboards docs site tutorial conformance conformance-peers delivery latency bench bench-scrubbing bench-console longrun drill install console screenshots wheel bare lowest highest matrix clean

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

test: export PYTHONDONTWRITEBYTECODE = # the suite starts a thousand interpreters: what they compile is kept
test: check ## Lint, type check, and run every test
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: $(VENV)/.installed-dev ## Lint, type check, and see that dashboards and alerts are current
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/python -m dashboards build --check

dashboards: $(VENV)/.installed-dev ## Build the Grafana dashboards, recording rules and alerts anew from the code
	@$(BIN)/python -m dashboards build

install: $(VENV)/.installed-dev ## Make the virtual environment with all that development needs

docs: $(VENV)/.installed-dev ## Write the reference tables anew from the code
	@$(BIN)/python -m docs.build
	@$(BIN)/python -m tests.differential.page
	@$(BIN)/python -m tests.docs.spanpage

site: $(VENV)/.installed-dev ## Build the documentation site into build/site; a warning fails it
	@$(BIN)/python -m sphinx -q -b html -n -W --keep-going docs build/site
	@echo 'build/site/index.html'

tutorial: $(VENV)/.installed-dev ## Follow the tutorial to the letter, pip included, and print the time (ports 8000, 8088 and 4318 must be free)
	@$(BIN)/python -m tests.docs.tutorial

conformance: $(VENV)/.installed-dev ## Run the conformance table, and write docs/reference/conformance.md from the run
	@OBSERVE_REQUIRE_REAL=1 $(BIN)/python -m pytest tests/conformance --ignore tests/conformance/test_page.py -q -n $(WORKERS) --dist loadfile --conformance docs/reference/conformance.md

conformance-peers: $(VENV)/.installed-dev ## The same rows against django-guid and OpenTelemetry's own instrumentations
	@CONFORMANCE_KIT=hand $(BIN)/python -m pytest tests/conformance --ignore tests/conformance/test_page.py -q -n $(WORKERS) --dist loadfile --conformance tests/conformance/peers.json; test $$? -le 1

delivery: $(VENV)/.installed-dev ## Run the faults suite, and write the tables of docs/explanation/delivery.md from the run
	@OBSERVE_REQUIRE_REAL=1 FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/faults --ignore tests/faults/test_page.py -q -n $(WORKERS) --dist loadfile --timeout 1800 --delivery docs/explanation/delivery.md

latency: $(VENV)/.installed-dev ## What the receiver's trouble costs a request: p50 and p99 by mode (quarter of an hour, wants a quiet machine)
	@$(BIN)/python -m tests.benchmarks.latency --write

bench: $(VENV)/.installed-dev ## What telemetry costs, beside a hand-made assembly: instructions, CPU, memory, start; writes docs/explanation/cost.md (8 minutes)
	@$(BIN)/python -m tests.benchmarks.cost --write --json build/cost.json

bench-scrubbing: $(VENV)/.installed-dev ## What scrubbing costs, text by text; writes the table of docs/explanation/privacy.md
	@$(BIN)/python -m tests.benchmarks.scrubbing --write

bench-console: $(VENV)/.installed-dev ## The console's numbers; writes their table into docs/explanation/console.md (2 minutes)
	@$(BIN)/python -m tests.benchmarks.console --write

longrun: $(VENV)/.installed-dev ## A service and a worker under load, the receiver in every mode by turns: does anything grow (MINUTES=30)
	@nice $(BIN)/python -m tests.faults.longrun --minutes $(MINUTES) --write

drill: $(VENV)/.installed-dev ## Play ten incidents on the demo (95 minutes, or PACE=10 for ten): do the right alerts come
	@$(BIN)/python -m demo_services.drills --pace $(PACE)

console: $(VENV)/.installed-demo ## Start the local console alone: pages on 8088, OTLP on 4318
	@$(BIN)/django-observe console

screenshots: $(VENV)/.installed-dev ## Photograph every screen of the console, both themes, wide and narrow, into build/screenshots
	@$(BIN)/python -m tests.browser.screenshots build/screenshots

wheel: $(VENV)/.installed-dev ## Install the built wheel in a fresh environment, run the sdist's tests and the typing test against it
	@$(BIN)/python -m tests.versions wheel

bare: $(VENV)/.installed-dev ## The same without any extra: no Celery, no gunicorn, no httpx
	@$(BIN)/python -m tests.versions bare

lowest: $(VENV)/.installed-dev ## The same with the lowest version of everything that pyproject.toml takes, on Python 3.10
	@$(BIN)/python -m tests.versions lowest

highest: $(VENV)/.installed-dev ## The same with the newest of everything, on the newest Python at hand
	@$(BIN)/python -m tests.versions highest

matrix: $(VENV)/.installed-dev ## Each Django on each Python at hand (an hour; MATRIX='--python 3.12 --django 6.1' for one)
	@nice $(BIN)/python -m tests.versions matrix $(MATRIX)

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
