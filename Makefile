# Rackflow. `make run` and `make test` set up everything they need; see packaging/setup.
.DEFAULT_GOAL := help
.PHONY: help setup run test lint types fences unit gui bench soak calibrate validate examples golden-update lock clean

VENV := .venv/bin
export PYTHONDONTWRITEBYTECODE := 1
OFFSCREEN := QT_QPA_PLATFORM=offscreen

help: ## what the targets do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## system libraries (Debian), private environment, locked packages
	@sh packaging/setup

run: setup ## open the example, playing; without a display leave out/al128-agents.png and .json
	@if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ] || [ "$$(uname -s)" = Darwin ]; then \
	    $(VENV)/rackflow demo; \
	else \
	    echo "no display: the example runs off screen for 10 s (the first run compiles for two minutes)"; \
	    $(OFFSCREEN) $(VENV)/rackflow demo --seconds 10 \
	        --screenshot out/al128-agents.png --summary out/al128-agents.json && \
	    echo "wrote out/al128-agents.png and out/al128-agents.json"; \
	fi

test: setup lint types fences unit gui ## everything that CI runs

lint: setup ## style and formatting
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .

types: setup ## static types
	@$(VENV)/mypy

fences: setup ## import rules between the rooms
	@$(VENV)/lint-imports

unit: setup ## all tests, windows off screen
	@$(OFFSCREEN) $(VENV)/python -m pytest -q tests

gui: setup ## tests of the window again, on a display of their own (Xvfb)
	@sh packaging/on-xvfb $(VENV)/python -m pytest -q tests/app

bench: setup ## speed, as ratios in one run: make bench ONLY=network SIMGRID=all
	@$(OFFSCREEN) OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(VENV)/python -m tests.benchmarks $(ONLY)

soak: setup ## long trials: 200 kills while editing, 10 minutes of random events: make soak KILLS=200
	@$(OFFSCREEN) $(VENV)/python -m tests.soak.kills $(or $(KILLS),200)
	@$(OFFSCREEN) $(VENV)/python -m tests.soak.monkey $(or $(MONKEY_S),600)

calibrate: setup ## fit all efficiencies: make calibrate DATA=folder of published measurements
	@test -d "$(DATA)" || { echo "say DATA=folder with operators/, *_calibrate.csv"; exit 2; }
	@$(VENV)/python -m pip install --quiet 'pyarrow>=17'
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(VENV)/python -m engine.study.calibration "$(DATA)"

validate: setup ## predictions beside measurements: writes resources/docs/validation.html (5 min)
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(VENV)/python -m engine.study.validation \
	    $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(DATA),"$(DATA)")

examples: setup ## write resources/examples from code
	@$(VENV)/python packaging/make_examples.py

golden-update: setup ## rewrite the expected results of golden runs; read the diff
	@RACKFLOW_GOLDEN_UPDATE=1 $(VENV)/python -m pytest -q tests/golden

lock: setup ## resolve the dependencies anew into requirements.lock (needs uv)
	@uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --extra dev \
	    --python-version 3.11 pyproject.toml -o requirements.lock

clean: ## remove what was built
	@rm -rf .venv out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
