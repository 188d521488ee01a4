# Every target creates .venv by itself when it is missing. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
VENV := .venv
RUN := $(VENV)/bin/python -m
INSTALLED := $(VENV)/.installed

# make eval MODEL=oracle BENCHMARK=path PROFILE=signal SUBSET=inter SEEDS=3 ARGS="--limit 4 --only"
MODEL ?=
BENCHMARK ?=
PROFILE ?=
SUBSET ?=
SEEDS ?=
# make reproduce TABLE=D5 PUBLISHED=mine.csv BENCHMARK=path PROFILE=paper ARGS="--rows SELVA-S-16k --diagnose"
TABLE ?=
PUBLISHED ?=
# make build-benchmark SOURCES=folder LABELS=list.csv OUT=dir ALLOW_MISSING=1
SOURCES ?=
LABELS ?=
OUT ?=
ALLOW_MISSING ?=
ARGS ?=

.PHONY: help install build-benchmark eval reproduce report test test-slow test-all mutants lint format docs-tables bench bench-gpu clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Create .venv with the pinned versions of requirements.lock

$(INSTALLED): pyproject.toml requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "error: no Python found; pass PYTHON=/path/to/python (3.11 or 3.12)" >&2; exit 2; }
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev,curation,extended,train,web]'
	touch $@

build-benchmark: $(INSTALLED) ## Build a benchmark: SOURCES=clips [LABELS=list.csv] [OUT=dir] [ALLOW_MISSING=1]; without SOURCES the demo
	@$(RUN) benchmark build $(if $(SOURCES),--sources "$(SOURCES)") $(if $(LABELS),--labels "$(LABELS)") $(if $(OUT),--out "$(OUT)") $(if $(ALLOW_MISSING),--allow-missing) $(ARGS)

eval: $(INSTALLED) ## Generate, score, report beside the rows that are there: [MODEL=selva] [BENCHMARK=dir] [PROFILE=signal] [SUBSET=inter] [SEEDS=3]; without MODEL the controls
	@$(RUN) benchmark eval $(foreach model,$(MODEL),--model $(model)) $(if $(BENCHMARK),--benchmark "$(BENCHMARK)") $(if $(PROFILE),--profile $(PROFILE)) $(if $(SUBSET),--subset $(SUBSET)) $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

reproduce: $(INSTALLED) ## Make a printed table again, with a verdict for each number: TABLE=1|A1|D3|D4|D5 [PUBLISHED=file] [BENCHMARK=dir] [PROFILE=paper]
	@test -n "$(TABLE)" || { echo "error: TABLE: expected 1, A1, D3, D4, D5 or one of your own, as in make reproduce TABLE=D5" >&2; exit 2; }
	@$(RUN) benchmark reproduce "$(TABLE)" $(if $(PUBLISHED),--published "$(PUBLISHED)") $(if $(BENCHMARK),--benchmark "$(BENCHMARK)") $(if $(PROFILE),--profile $(PROFILE)) $(ARGS)

report: $(INSTALLED) ## Write tables and page from results/runs
	@$(RUN) benchmark.report $(ARGS)

test: $(INSTALLED) ## Run the tests (a quarter of an hour on two cores; more: ARGS="-n 8"); ARGS go to pytest
	OMP_NUM_THREADS=1 $(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: $(INSTALLED) ## Run the slow tests alone (40 minutes on two cores): full size networks, every kill, every full disk
	OMP_NUM_THREADS=1 $(RUN) pytest -m slow -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-all: test test-slow ## Run all tests

mutants: $(INSTALLED) ## Plant each fault of tests/mutants/lists alone and run the test that must notice (minutes)
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(RUN) mutants $(ARGS)

lint: $(INSTALLED) ## Format check, lint, types, import directions
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(VENV)/bin/lint-imports

format: $(INSTALLED) ## Format and fix what can be fixed
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

docs-tables: $(INSTALLED) ## Write the tables of the documents from the rows and from docs/performance
	@$(RUN) benchmark docs-tables $(ARGS)

bench: $(INSTALLED) ## Measure speed against plain implementations; keep figures in docs/performance
	PYTHONPATH=tests $(RUN) speed $(ARGS)

bench-gpu: $(INSTALLED) ## Measure what needs a GPU (8 minutes); ARGS name sections
	PYTHONPATH=.:tests $(RUN) speed.gpu $(ARGS)

clean: ## Remove everything that can be rebuilt: environment, demo, results
	rm -rf $(VENV) data/demo data/demo.building results/runs results/cache results/report*
