# Everything a contributor runs. Needs Python 3.10 or later with its venv module; each target makes what it needs in .venv.
#   make demo                a model behind Flask, its telemetry in your terminal; KEEP=1 leaves it running
#   make test                lint, types, import contracts, the convention's check, then the tests
#   make test-all            the same with the slow tests
#   make test-backends       the demo's telemetry through the Collector into real backends, queried back
#   make test-gpu            the tests that need an NVIDIA GPU
#   make test-oldest         the tests against the oldest versions that pyproject.toml allows (Python 3.10 or 3.11)
#   make PYTHON=python3.12 … another interpreter (after `make clean`)

PYTHON ?= python3
VENV := .venv
PINS := constraints.txt
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet install --constraint $(PINS)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate $(if $(UPGRADE),--upgrade)
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --semconv-coverage

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-gpu test-all test-backends test-oldest backends collector collector-check check lint types contracts semconv-check semconv docs format bench bench-collector constraints clean rules

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

demo: $(VENV)/demo.stamp ## run the demo; KEEP=1 leaves it running
	@$(BIN)/otelml demo $(if $(filter-out 0,$(KEEP)),--keep)

test: check ## lint, types, contracts, the convention's check, the tests that are not slow
	$(PYTEST) -m "not slow"

test-all: check backends ## the same with the slow tests
	$(PYTEST)

test-gpu: $(VENV)/dev.stamp ## the tests that need an NVIDIA GPU and a PyTorch built for it
	$(BIN)/python -m pytest -m gpu -p no:xdist -rs

test-backends: backends ## send the demo's telemetry through the Collector into real backends, and query it back
	$(BIN)/python -m pytest tests/backends

backends: $(VENV)/dev.stamp ## get the Collector and the backends for the tests: 2.2 GB, once, outside this folder
	@PYTHONPATH=collector-config $(BIN)/python -m tests.backends.prepare

collector: $(VENV)/dev.stamp ## build the OpenTelemetry Collector from Debian's or Ubuntu's packaged sources
	@PYTHONPATH=collector-config $(BIN)/python -m tests.backends.prepare otelcol otelcol-check

collector-check: collector ## check a combination of Collector configs: FILES="gateway.yaml exporters/mimir.yaml"
	@cd collector-config/collector && ../../$(BIN)/python ../collector_check.py $(FILES)

rules: $(VENV)/dev.stamp ## make the Prometheus rules of collector-config/prometheus/slo.yaml, and the dashboards
	$(BIN)/otelml rules collector-config/prometheus/slo.yaml --output collector-config/prometheus/rules
	$(BIN)/python -W ignore::DeprecationWarning collector-config/generate_dashboards.py

test-oldest: ## the quick tests against the oldest supported versions, in .venv-oldest
	@$(MAKE) --no-print-directory VENV=.venv-oldest PINS=constraints-oldest.txt .venv-oldest/test.stamp
	.venv-oldest/bin/python -m pytest --numprocesses 2 --dist loadfile -m "not slow"

check: lint types contracts semconv-check ## everything but the tests

lint: $(VENV)/dev.stamp ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp ## mypy --strict
	$(BIN)/mypy

contracts: $(VENV)/dev.stamp ## import-linter: who may know whom
	$(BIN)/lint-imports --no-logo --no-cache

semconv-check: $(VENV)/dev.stamp ## the registry is valid, and what is generated from it is current
	$(BIN)/python semconv/tools/generate.py --check

semconv: $(VENV)/dev.stamp ## generate src/otelml/semconv and semconv/docs from semconv/model
	$(BIN)/python semconv/tools/generate.py

docs: $(VENV)/dev.stamp ## generate docs/settings.md from the table of settings
	$(BIN)/python docs/generate.py

format: $(VENV)/dev.stamp ## let ruff format the code and sort the imports
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp ## measure the overhead
	$(BIN)/python -m benchmarks

bench-collector: backends ## measure the Collector: load, and a backend that is down for a minute
	@PYTHONPATH=collector-config $(BIN)/python -m benchmarks.collector --write

constraints: $(VENV)/python.stamp ## resolve the pinned versions again; UPGRADE=1 takes the newest
	@$(BIN)/python -m pip --disable-pip-version-check --no-input --quiet install uv
	$(COMPILE) --extra dev pyproject.toml --output-file constraints.txt
	$(COMPILE) --extra test --resolution lowest-direct pyproject.toml --output-file constraints-oldest.txt
	@for pins in constraints.txt constraints-oldest.txt; do \
	  { echo '# Pinned versions; made by `make constraints`, never edited.'; cat $$pins; } >$$pins.new && mv $$pins.new $$pins; \
	done

clean: ## remove the virtual environments, the caches and what was built
	rm -rf .venv .venv-oldest .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment; a stamp says which extra is in it. A later run does nothing until the pins or pyproject.toml change.
$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "otelml needs Python 3.10 or later; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) could not make a virtual environment; on Debian and Ubuntu install python3-venv." >&2; exit 1; }
	@touch $@

$(VENV)/%.stamp: $(VENV)/python.stamp pyproject.toml $(PINS)
	@echo "Installing otelml[$*] into $(VENV) (once, a minute or two) ..."
	@$(INSTALL) --editable '.[$*]' || { \
	  echo "Could not install otelml[$*]. The first run needs a package index in reach; later runs need no network." >&2; exit 1; }
	@touch $@ $(if $(filter dev,$*),$(VENV)/demo.stamp)
