# The two commands that matter are `make forecast` and `make test`; each does its own set-up.
# All work that is not a command line of cardbreak or of a checking tool stands in requirements/install.py.

PYTHON     ?= python3
SCALE      ?= 200
REPLICATES ?= 12
DRAWS      ?= plausible
SCENARIOS  ?= card-cleanup opening-suspension card-broken-2020
OUT        ?= results/forecast
BENCH_OUT  ?= results/bench
WORKERS    ?= 2
SPEAK      ?= en

BIN := .venv/bin
COMPILE := .venv/bin/uv pip compile --quiet --python $(BIN)/python --universal --python-version 3.11 \
           --generate-hashes --no-emit-index-url --no-annotate $(UPGRADE)

export UV_PYTHON_DOWNLOADS := never
export UV_CUSTOM_COMPILE_COMMAND := make lock

.DEFAULT_GOAL := help
.PHONY: help setup setup-studies setup-docs setup-dev check-python docs forecast demo measures calibrate calibrate-rivals calibrate-small bench bench-small test test-full lint lock clean

help: ## Show this list
	@echo 'cardbreak: what cracking down on the two-card trade does to telecom fraud'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'Settings, as in "make forecast SCALE=1000 REPLICATES=10":'
	@echo '  PYTHON=$(PYTHON)  SCALE=$(SCALE)  REPLICATES=$(REPLICATES)  DRAWS=$(DRAWS)  OUT=$(OUT)  WORKERS=$(WORKERS)  SPEAK=$(SPEAK)'
	@echo '  SCENARIOS="$(SCENARIOS)"'

check-python:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || \
	  { echo 'cardbreak needs Python 3.11 or newer, and there is no "$(PYTHON)" here: make PYTHON=/path/to/python3.12 ...' >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "cardbreak needs Python 3.11 or newer; $(PYTHON) is %d.%d: make PYTHON=/path/to/python3.12 ..." % tuple(sys.version_info[:2]))'

setup: check-python ## Make or refresh .venv with what the model needs
	@"$(PYTHON)" requirements/install.py core

setup-studies: check-python ## The same, with what scenario discovery, calibration and a Dask cluster need
	@"$(PYTHON)" requirements/install.py studies

setup-docs: check-python ## The same, with the tools that build the documentation
	@"$(PYTHON)" requirements/install.py docs

setup-dev: check-python ## The same, with the tools for tests and checks
	@"$(PYTHON)" requirements/install.py dev

forecast: setup ## Compare the card measures with the baseline (tables, pictures and files)
	@$(BIN)/cardbreak compare $(SCENARIOS) --baseline baseline --out "$(OUT)" --force \
	  --scale $(SCALE) --replicates $(REPLICATES) --draws $(DRAWS)

demo: check-python ## Open the web demo: two worlds side by side, for a class (SPEAK=zh for Chinese)
	@"$(PYTHON)" requirements/install.py app
	@$(BIN)/cardbreak app --lang $(SPEAK)

measures: OUT = results/measures
measures: setup ## Compare the whole operation and each of its measures alone with the baseline
	@$(BIN)/cardbreak compare card-broken-2020 --each --out "$(OUT)" --force \
	  --scale $(SCALE) --replicates $(REPLICATES) --draws $(DRAWS)

calibrate: setup-studies ## Remake the shipped plausible draws (over two hours on two cores)
	@$(BIN)/cardbreak calibrate --bank results/bank-coarse --wanted 1
	@$(BIN)/cardbreak calibrate --bank results/bank --scouts results/bank-coarse --scale 50 --start 128 --matching 64 \
	  --generations 12

calibrate-rivals: setup-studies ## Remake the draws of the rival structures (three quarters of an hour on two cores)
	@for rival in no-card-effect=3 no-awareness-effect=4 no-adaptation=3; do \
	  $(BIN)/cardbreak calibrate --rival $${rival%=*} --scale 100 --prior 64 --start 96 --matching-waves 0 \
	    --generation 80 --generations $${rival#*=} --wanted 60 || exit; \
	done

calibrate-small: setup-studies ## The same in small, some twelve minutes, held against the shipped draws
	@$(BIN)/cardbreak calibrate --bank results/bank-small --prior 100 --start 60 --matching 40 \
	  --generation 60 --generations 2 --wanted 20 --against results/reference/calibration

docs: setup-docs ## Build the documentation as a site that opens without a network
	@$(BIN)/python -m sim.documents.site build/docs/pages
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --jobs $(WORKERS) -d build/docs/cache \
	  build/docs/pages build/docs/html
	@echo 'wrote build/docs/html/index.html'

bench: setup ## Measure speed and memory beside other libraries, against the targets (some minutes)
	@"$(PYTHON)" requirements/install.py bench || \
	  echo 'Starsim and laser-generic could not be installed; the benchmark goes on without them.' >&2
	@$(BIN)/cardbreak bench --out "$(BENCH_OUT)" --force

bench-small: setup ## The same in small, in about a minute, with what is installed already
	@$(BIN)/cardbreak bench --quick --out "$(BENCH_OUT)-small" --force

lint: setup-dev ## Style, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo 'Some files are not formatted: .venv/bin/ruff format .' >&2; exit 1; }
	@$(BIN)/mypy sim

test: lint ## Style, types and the tests (within ten minutes on two cores)
	@"$(PYTHON)" requirements/install.py browser
	@$(BIN)/pytest -n $(WORKERS) --quiet

test-full: lint ## The same with the longer tests
	@"$(PYTHON)" requirements/install.py browser
	@$(BIN)/pytest -n $(WORKERS) --quiet -m 'full or not full'

lock: setup-dev ## Remake the pinned versions after a change of dependencies (UPGRADE=--upgrade for newer ones)
	@$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(COMPILE) pyproject.toml requirements/build.in -o requirements/core.txt
	@$(COMPILE) pyproject.toml requirements/build.in --extra discover --extra calibrate --extra cluster -c requirements/core.txt \
	  -o requirements/studies.txt
	@$(COMPILE) pyproject.toml requirements/build.in --extra discover --extra calibrate --extra cluster --extra docs \
	  -c requirements/studies.txt -o requirements/docs.txt
	@$(COMPILE) pyproject.toml requirements/build.in --extra app -c requirements/docs.txt -o requirements/app.txt
	@$(COMPILE) pyproject.toml requirements/build.in --extra dev -c requirements/docs.txt -c requirements/app.txt \
	  -o requirements/dev.txt
	@$(COMPILE) requirements/bench.in -o requirements/bench.txt

clean: ## Remove the environments and the caches; results stay
	@rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
