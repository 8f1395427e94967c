# What a person types. `make run` and `make test` set up everything they need in .venv/.
# DATA_DIR (default data/) is where files land and warehouse and published copy stand.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run up status test ordeal crashes lint format dev docs metrics forecast bench bench-events \
	demo-data clean dashboard pictures

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(STAMP) ## Load what is in landing, build, test, publish
	@$(BIN)/python -m orchestration run $(ARGS)

up: $(STAMP) ## UI and daemon for good: what lands is loaded by itself (ARGS="--port 3000")
	@exec $(BIN)/python -m orchestration up $(ARGS)

status: $(STAMP) ## What readers see, the last builds, what waits
	@$(BIN)/python -m orchestration status

test: $(STAMP) ## All tests
	@tests/install_programs.sh
	@$(BIN)/python -m pytest $(ARGS)

ordeal: $(STAMP) ## Random sequences against rebuilds (ARGS="--count 200 --seed 1")
	@PYTHONPATH=tests/python $(BIN)/python -m ordeal $(ARGS)

crashes: $(STAMP) ## Runs killed at every named point, against undisturbed ones
	@EVERY_CRASH=1 $(BIN)/python -m pytest tests/python/test_crash_matrix.py tests/python/killed_daemon.py \
		tests/python/overlapping_runs.py $(ARGS)

lint: $(STAMP) ## ruff and sqlfluff
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@DATA_DIR=target/lint $(BIN)/sqlfluff lint --disable-progress-bar --processes 0 models snapshots tests/singular

format: $(STAMP) ## Let ruff format the Python
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

dev: $(STAMP) ## Dagster UI on http://localhost:3000
	@$(BIN)/python -m orchestration dev $(ARGS)

dashboard: $(STAMP) ## Sales and the pipeline's health on http://localhost:8050 (PORT=8060)
	@$(BIN)/python -m orchestration dashboard $(if $(PORT),--port $(PORT)) $(ARGS)

pictures: $(STAMP) ## docs/pictures, from the dashboard over demo data of their own
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	export DATA_DIR=$$folder/data DAGSTER_HOME=$$folder/dagster SETTLE_SECONDS=0 \
		DBT_TARGET_PATH=$$folder/target DBT_LOG_PATH=$$folder/logs && \
	$(BIN)/python -m orchestration demo-data --start 2024-11-11 --days 70 --orders 7000 --faults && \
	$(BIN)/python -m orchestration run && $(BIN)/python -m dashboard.pictures

docs: $(STAMP) ## Every table, column, macro, owner and lineage on one page
	@$(BIN)/python -m orchestration docs

metrics: $(STAMP) ## What a metric says (ARGS="net_amount orders --by month")
	@$(BIN)/python -m orchestration metrics $(ARGS)

forecast: $(STAMP) ## Forecast the next 28 days of every category (the night does it by itself)
	@$(BIN)/python -m orchestration forecast

bench: $(STAMP) ## What loads cost, beside a script by hand (ARGS="--orders 100000 --days 30")
	@$(BIN)/python -m benchmarks.bench $(ARGS)

bench-events: $(STAMP) ## How long a file takes to gold with the platform up (ARGS="--repeats 3")
	@$(BIN)/python -m benchmarks.events $(ARGS)

demo-data: $(STAMP) ## Made-up deliveries into landing (ARGS="--days 7 --orders 1000 --faults")
	@$(BIN)/python -m orchestration demo-data $(ARGS)

clean: ## Remove .venv, target, logs and Dagster's record of runs; DATA_DIR stays
	@rm -rf $(VENV) target logs .dagster .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || \
		{ echo "Python 3.11 to 3.13 is needed; $(PYTHON) is another or missing. Try: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) (once; again when requirements.lock changes)."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $(STAMP)
