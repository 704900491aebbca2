# Every target sets up what it needs: Python 3.11 or newer, git and make are enough.
PYTHON ?= python3
PROFILE ?= $(if $(FULL),testbed-full,testbed)
SIZE ?= 0.5M
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup test lint reproduce bench bench-gpu gpu-wheels testbed pins release clean

help:  ## Show the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /: /'

setup: $(READY)  ## Make .venv with pinned versions.

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed ($(PYTHON) is older); try make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# whole files go to a process, so that what a file prepares is prepared once; a process takes up to 4 GB
test: $(READY)  ## Run all tests that this machine can, in two processes (JOBS=4; FAST=1 leaves the slow ones out).
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile $(if $(FAST),-m 'not slow and not browser') $(TESTS)

lint: $(READY)  ## Check style, imports and docstrings.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

reproduce: $(READY)  ## The testbed, to its report (FULL=1: all of it, STUDY=news: one study), or another profile: make reproduce PROFILE=laptop SET="studies.refusal.base_size=64" DRY_RUN=1 (CLUSTER=slurm: as jobs)
	$(BIN)/rt reproduce --profile $(PROFILE) $(foreach study,$(STUDY),--study $(study)) $(foreach setting,$(SET),--set $(setting)) $(if $(CLUSTER),--cluster $(CLUSTER)) $(if $(DRY_RUN),--dry-run)

testbed: $(READY)  ## Make a shipped base model again from its seeds and compare it with its card: make testbed SIZE=0.5M
	$(BIN)/rt testbed rebuild $(if $(NAME),$(NAME),$(SIZE))

# those that need nothing but this machine; the others want the mirror, or peers in an environment of their own
bench: $(READY)  ## Measure pre-training, tuning and generation on this machine; results go to benchmarks/results/.
	@for name in pretraining tuning generation; do echo "== $$name"; $(BIN)/python benchmarks/$${name}_cpu.py || exit 1; done

# uses the Python that has torch for the GPU, not .venv, whose torch is for the CPU; installs only from WHEELS, if given
bench-gpu:  ## Measure tuning an 8B model on this machine's GPU; call it until it says it is done: make bench-gpu PYTHON=python3 WHEELS=wheels (SMALL=1: prove the script)
	$(if $(WHEELS),$(PYTHON) -m pip install --quiet --no-index --no-deps $(WHEELS)/*.whl)
	$(PYTHON) benchmarks/tuning_gpu.py $(if $(SMALL),--small) $(if $(LIMIT),--limit-s $(LIMIT))

gpu-wheels:  ## Fetch into wheels/ what a GPU machine without a network needs beside torch and transformers (Linux, Python 3.12).
	$(PYTHON) -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 \
		--platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --dest wheels --requirement benchmarks/gpu_wheels.txt

pins: $(READY)  ## Make the pins of what comes with the package anew, from its files (after a prompt or a result changed).
	$(BIN)/python -m artifacts.shipped_pins

# from committed files alone; the environments see .venv's libraries in the run of a profile, with FULL=1 nothing but their own
release: $(READY)  ## Build sdist and wheel into dist/, and check both in empty environments, outside the repository (FULL=1: the whole testbed).
	@test -z "$$(git status --porcelain)" || { echo "not committed:"; git status --short; exit 2; }
	rm -rf dist build
	$(BIN)/python -m build --no-isolation --outdir dist .
	RT_RELEASE=dist RT_RELEASE_FULL=$(FULL) $(BIN)/python -m pytest -q tests/release

clean:  ## Remove the environment and caches (runs are kept).
	rm -rf $(VENV) .pytest_cache .ruff_cache build dist *.egg-info
