# `make demo` and `make test` need Python 3.11 to 3.13 and a network the first time, and nothing else.

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { echo $$name; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --constraint constraints.txt
PARALLEL := --numprocesses logical --maxprocesses 4 --dist worksteal

.PHONY: demo test fast long same chaos-data chaos-cluster chaos-train check docs links clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11, 3.12 or 3.13 is needed; name one with make PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# a stamp for each set of extras: the second run installs nothing
$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing lrcn with what the demo needs"
	$(INSTALL) --editable '.[train,ffmpeg]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "installing what the tests need"
	$(INSTALL) --editable '.[train,ffmpeg,test]'
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	$(INSTALL) --editable '.[dev]'
	@touch $@

## demo: generate videos, shard them, train and evaluate on them
demo: export PATH := $(CURDIR)/$(BIN):$(PATH)
demo: $(VENV)/.demo
	lrcn-data demo demo
	cd demo && lrcn-data shard --fps 5 --seq-len 8
	cd demo && lrcn-data stats
	cd demo && lrcn-data preview --split test --out preview.png
	cd demo && lrcn-train --config ../configs/demo.toml --shards 'shards/train-*.tar' --val-shards 'shards/val-*.tar' --out runs/demo
	cd demo && lrcn-eval runs/demo --shards 'shards/test-*.tar'
	@echo
	@echo "look at:  demo/preview.png     clips of the test split, as the net sees them"
	@echo "          demo/shards/         the data set: tars, dataset.json, stats.json, mean.png"
	@echo "          demo/runs/demo/      the run: learning-curves.png, config.toml, metrics.jsonl, weights.safetensors"
	@echo "          demo/runs/demo/evaluations/  what was scored: confusion-matrix.png, clips.jpg, per-class.csv, ..."

## test: the whole test suite
test: $(VENV)/.test
	$(BIN)/python -m pytest $(PARALLEL)

## fast: the tests to run all the time
fast: $(VENV)/.test
	$(BIN)/python -m pytest $(PARALLEL) -m 'not slow'

## long: tests that vary others at length, which make test leaves out
long: $(VENV)/.test
	LRCN_LONG=1 $(BIN)/python -m pytest $(PARALLEL) -m long

## same: what BASE and HEAD make, compared bit for bit; BASE=7b7e841 by default; ten minutes
BASE ?= 7b7e841
same: $(VENV)/.test
	$(BIN)/python bench/same_results.py --base $(BASE)

## chaos-data: stage 1's rows of docs/reliability.md at their full figures; rewrites that section; a quarter of an hour
chaos-data: $(VENV)/.test
	PYTHONPATH=tests/chaos LRCN_CHAOS=docs/reliability.md $(BIN)/python -m pytest -p promises --stage 1 -m promise --timeout 2400

## chaos-cluster: the same of stage 1 on many machines, by real engines: Slurm where slurmctld is on the PATH (Debian: slurm-wlm)
chaos-cluster: $(VENV)/.test
	$(INSTALL) --editable '.[slurm,ray]'
	PYTHONPATH=tests/chaos LRCN_CHAOS=docs/reliability.md $(BIN)/python -m pytest -p promises --stage cluster -m promise --timeout 3600

## chaos-train: the same of stage 2
chaos-train: $(VENV)/.test
	PYTHONPATH=tests/chaos LRCN_CHAOS=docs/reliability.md $(BIN)/python -m pytest -p promises --stage 2 -m promise --timeout 2400

## check: format, lint, types, import directions, and that no large file is tracked
check: $(VENV)/.dev
	@git ls-files -z | xargs -0 -r stat --printf '%s %n\n' -- | awk '$$1 > 1048576 \
		{ print "error: " substr($$0, index($$0, " ") + 1) " has " $$1 " bytes; track no file above 1 MiB"; large = 1 } \
		END { exit large }'
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## docs: the site, in build/site; warnings, among them links that lead nowhere, are errors
docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -b html -q -W --keep-going docs build/site
	@echo "open build/site/index.html"

## links: the addresses of other sites that the documents name
links: $(VENV)/.dev
	$(BIN)/python -m sphinx -b linkcheck -q docs build/links

clean:
	rm -rf $(VENV) demo build *.egg-info
