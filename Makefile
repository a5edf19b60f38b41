# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= $(firstword $(foreach python,python3.13 python3.12 python3.11 python3,\
  $(if $(shell $(python) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo yes),$(python))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ENCODE ?= ../shared/data/encode
SEEDS ?= 1
COUNT ?= 100000
SEED ?= 0

.PHONY: help setup demo test check fuzz bench bench-paper faults clean

help:
	@echo "make demo        set up, then show the main job on the shipped experts (no network but the package index)"
	@echo "make test        set up, then run every check and every test"
	@echo "make check       style, types and import rules alone"
	@echo "make fuzz        damage 130,000 files and 2,000 stored weights; writes build/fuzz.json (COUNT=100000, SEED=0)"
	@echo "make bench       side-by-side timings; writes build/bench.json"
	@echo "make bench-paper   train from scratch and compare on the paper's files (ENCODE=folder, SEEDS=3)"
	@echo "make faults      try to break the registry: kills, full disks, power cuts; writes build/faults.json (PARTS=power)"
	@echo "make setup       make .venv, or bring it up to date"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . --group dev
	@touch $@

demo: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest -n 2 --dist worksteal

fuzz: setup
	$(BIN)/python tests/hostile/fuzz --count $(COUNT) --seed $(SEED)

bench: setup
	@# ushuffle, the yardstick of the shuffle, must be compiled anew; where that fails, its row says so.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation ushuffle || true
	$(BIN)/python tests/benchmarks

bench-paper: setup
	OMP_NUM_THREADS=1 $(BIN)/python tests/benchmarks/paper.py $(ENCODE) --seeds $(SEEDS)

faults: setup
	$(BIN)/python tests/faults $(PARTS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
