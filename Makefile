# Every target creates .venv by itself when it is missing. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
VENV := .venv
RUN := $(VENV)/bin/python -m
INSTALLED := $(VENV)/.installed
DEVELOPED := $(VENV)/.developed
# Name of the lock: py311 and so on, of the Python in .venv.
LOCK = py$$($(VENV)/bin/python -c 'import sys; print(*sys.version_info[:2], sep="")')
PIP := $(VENV)/bin/pip install --quiet --disable-pip-version-check

# make eval MODEL=oracle BENCHMARK=path PROFILE=signal SUBSET=inter SEEDS=3 ARGS="--limit 4 --only"
MODEL ?=
BENCHMARK ?=
PROFILE ?=
SUBSET ?=
SEEDS ?=
# make reproduce TABLE=D5 PUBLISHED=mine.csv BENCHMARK=path PROFILE=paper ARGS="--rows SELVA-S-16k --diagnose"
TABLE ?=
PUBLISHED ?=
# make build-benchmark SOURCES=folder LABELS=list.csv OUT=dir RESERVES=1 ALLOW_MISSING=1
SOURCES ?=
LABELS ?=
OUT ?=
RESERVES ?=
ALLOW_MISSING ?=
ARGS ?=

.PHONY: help install dev lock wheel wheel-check build-benchmark eval reproduce report test test-slow test-all mutants lint format docs docs-tables bench bench-gpu clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Create .venv for users: the core, the networks of profile paper, SELVA; versions and hashes of requirements/

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "error: no Python found; pass PYTHON=/path/to/python (3.11, 3.12 or 3.13)" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "error: PYTHON: expected 3.11, 3.12 or 3.13, got $$($(PYTHON) --version); pass PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml setup.py $(wildcard requirements/*.txt) | $(VENV)/bin/python
	$(PIP) --require-hashes --requirement requirements/$(LOCK).txt
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

dev: $(DEVELOPED) ## Add to .venv what tests and lint need: every extra

$(DEVELOPED): $(INSTALLED)
	$(PIP) --require-hashes --requirement requirements/$(LOCK)-dev.txt
	touch $@

lock: $(DEVELOPED) ## Write requirements/ again; ARGS name the packages that are to move, as in ARGS="av pandas"
	$(VENV)/bin/python tests/installing/lock.py $(ARGS)

wheel: $(DEVELOPED) ## Build dist/: wheel and source archive
	$(RUN) build --no-isolation .

wheel-check: wheel ## Install the wheel in a fresh environment beside numpy 2 and the newest torch, and run the demo there
	$(VENV)/bin/python tests/installing/wheel_check.py $(ARGS)

build-benchmark: $(INSTALLED) ## Build a benchmark: SOURCES=clips [LABELS=list.csv] [OUT=dir] [RESERVES=1] [ALLOW_MISSING=1]; without SOURCES the demo
	@$(RUN) benchmark build $(if $(SOURCES),--sources "$(SOURCES)") $(if $(LABELS),--labels "$(LABELS)") $(if $(OUT),--out "$(OUT)") $(if $(RESERVES),--reserves) $(if $(ALLOW_MISSING),--allow-missing) $(ARGS)

eval: $(INSTALLED) ## Generate, score, report beside the rows that are there: [MODEL=selva] [BENCHMARK=dir] [PROFILE=signal] [SUBSET=inter] [SEEDS=3]; without MODEL the controls
	@$(RUN) benchmark eval $(foreach model,$(MODEL),--model $(model)) $(if $(BENCHMARK),--benchmark "$(BENCHMARK)") $(if $(PROFILE),--profile $(PROFILE)) $(if $(SUBSET),--subset $(SUBSET)) $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

reproduce: $(INSTALLED) ## Make a printed table again, with a verdict for each number: TABLE=1|A1|D3|D4|D5 [PUBLISHED=file] [BENCHMARK=dir] [PROFILE=paper]
	@test -n "$(TABLE)" || { echo "error: TABLE: expected 1, A1, D3, D4, D5 or one of your own, as in make reproduce TABLE=D5" >&2; exit 2; }
	@$(RUN) benchmark reproduce "$(TABLE)" $(if $(PUBLISHED),--published "$(PUBLISHED)") $(if $(BENCHMARK),--benchmark "$(BENCHMARK)") $(if $(PROFILE),--profile $(PROFILE)) $(ARGS)

report: $(INSTALLED) ## Write tables and page from results/runs
	@$(RUN) benchmark.report $(ARGS)

test: $(DEVELOPED) ## Run the tests (a quarter of an hour on two cores; more: ARGS="-n 8"); ARGS go to pytest
	OMP_NUM_THREADS=1 $(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: $(DEVELOPED) ## Run the slow tests alone (40 minutes on two cores): full size networks, every kill, every full disk
	OMP_NUM_THREADS=1 $(RUN) pytest -m slow -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-all: test test-slow ## Run all tests

mutants: $(DEVELOPED) ## Plant each fault of tests/mutants/lists alone and run the test that must notice (minutes)
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(RUN) mutants $(ARGS)

lint: $(DEVELOPED) ## Format check, lint, types, import directions
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(VENV)/bin/lint-imports

format: $(DEVELOPED) ## Format and fix what can be fixed
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

docs: docs-tables ## Build the documents into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --quiet --strict $(ARGS)

docs-tables: $(DEVELOPED) ## Write the tables of the documents from the rows and from docs/performance
	@$(RUN) benchmark docs-tables $(ARGS)

bench: $(DEVELOPED) ## Measure speed against plain implementations; keep figures in docs/performance
	PYTHONPATH=tests $(RUN) speed $(ARGS)

bench-gpu: $(DEVELOPED) ## Measure what needs a GPU (8 minutes); ARGS name sections
	PYTHONPATH=.:tests $(RUN) speed.gpu $(ARGS)

clean: ## Remove everything that can be rebuilt: environment, demo, results
	rm -rf $(VENV) data/demo data/demo.building results/runs results/cache results/report* build dist
