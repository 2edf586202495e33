# One folder, one command: everything is installed below .venv, and nothing is written outside this folder.

PYTHON ?= python3
BIN := .venv/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_CACHE_DIR := 1
export MPLCONFIGDIR := $(CURDIR)/.venv/matplotlib

.DEFAULT_GOAL := help
.PHONY: help demo test bench reference paper calibrate format clean

help:
	@echo "make demo       fit eight schools: install into .venv, run, print the posterior"
	@echo "make test       what CI runs: lint, types, import floors, tests"
	@echo "make bench      time every benchmark model against other engines, in hours; docs/performance.md shows the results"
	@echo "make reference  fit public benchmark posteriors, and compare with long runs; docs/reference.md shows the result"
	@echo "make paper      run the published experiments, in half an hour; docs/paper.md shows the results"
	@echo "make calibrate  calibrate fits of five examples on simulated data, in an hour or less; docs/calibration.md shows the result"
	@echo "make format     lay out the source and apply safe lint fixes"
	@echo "make clean      remove .venv and every cache"

demo: .venv/.installed
	$(BIN)/qemppl fit examples/eight_schools/model.qem examples/eight_schools/data.json --seed 1

test: .venv/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-cache
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 # two workers: threads of torch would only fight for the same cores

bench: .venv/.installed-bench
	$(BIN)/python -m benchmarks.performance
	$(BIN)/python -m benchmarks.performance.report

reference: .venv/.installed-dev
	$(BIN)/python -m benchmarks.reference_table

paper: .venv/.installed-bench
	$(BIN)/python -m benchmarks.paper
	$(BIN)/python -m benchmarks.paper.report

calibrate: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.calibration

format: .venv/.installed-dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# The stamps: a change of what is to be installed installs it again.
$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@ .venv/.installed

.venv/.installed-bench: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[bench]'
	@touch $@ .venv/.installed

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
