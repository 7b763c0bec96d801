# Every target does its own set-up: a virtual environment in .venv, what pip can bring, and the build.
# The machine needs g++ >= 12 (or clang++ >= 14), make, and python3 >= 3.11 with python3-venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
ifeq ($(origin CXX),default)
CXX := g++
endif
export CXX
# The sanitizers' home is clang, and only clang has libFuzzer.
ASAN_CXX ?= $(shell command -v clang++ || echo "$(CXX)")
SECONDS_EACH ?= 60
STEPS ?= 21000

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP := $(BIN)/python -m pip --quiet
# What the named tables of pyproject.toml ask for; `build` is the build requirements.
REQUIRES := $(BIN)/python -c 'import sys, tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
  t = {"build": p["build-system"]["requires"], **p["project"]["optional-dependencies"], **p["dependency-groups"]}; \
  print(*(r for name in sys.argv[1:] for r in t[name]), sep="\n")'
# Where the interpreter has no Python.h of its own, tools/python_headers.sh found one.
HEADERS = $$(sed 's/^/--config-settings=cmake.define.Python_INCLUDE_DIR=/' $(VENV)/.headers)

CORE := CMakeLists.txt cpp/CMakeLists.txt $(wildcard cmake/*.cmake) $(shell find cpp -name '*.cpp' -o -name '*.hpp')
CXX_FILES := $(shell find cpp tests -name '*.cpp' -o -name '*.hpp')
# The test programs that have threaded tests.
THREADED = $(addprefix apportion_test_,$(sort $(shell grep -lE '^TEST.*Thread' tests/cpp/*/*_test.cpp | cut -d/ -f3)))

.PHONY: help
help: ## this list
	@echo 'usage: make TARGET'
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS=$$'\t' read -r name text; do printf '  %-18s %s\n' "$$name" "$$text"; done

# The two commands of the README.

.PHONY: demo test
demo: $(VENV)/.package ## the main job: requests granted, denied and explained; writes demo.html
	@$(BIN)/apportion demo

test: test-cpp test-python typing lint ## every test: C++, Python, doctests, notebooks, README, typing, lint

# Parts of `make test`.

.PHONY: test-cpp test-python typing lint check
test-cpp: $(VENV)/.test ## the C++ tests, through CTest
	@cmake --workflow --preset default

test-python: $(VENV)/.package $(VENV)/.test ## pytest: Python tests, doctests, README, notebooks
	@$(BIN)/python -m pytest

typing: $(VENV)/.package $(VENV)/.test ## mypy --strict, and the stubs of the extension against the extension
	@$(BIN)/mypy
	@$(BIN)/stubtest apportion._core --mypy-config-file pyproject.toml --allowlist tests/python/stubtest_allowlist.txt

lint: $(VENV)/.test ## ruff and clang-format, changing nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/clang-format --dry-run --Werror $(CXX_FILES)

check: $(VENV)/.test ## the C++ tests of one area: make check AREA=expr
	@test -d "tests/cpp/$(AREA)" -a -n "$(AREA)" || { echo "usage: make check AREA=(" $$(ls tests/cpp | grep -v '\.') ")" >&2; exit 2; }
	@test -f build/default/build.ninja || cmake --preset default
	@cmake --build --preset default --target apportion_test_$(AREA)
	@ctest --preset default -L '^$(AREA)$$' --progress

# Beside it.

.PHONY: laws
laws: $(VENV)/.test ## law L2 over STEPS=21000 random operations on each of 48 pools: a million
	@test -f build/default/build.ninja || cmake --preset default
	@cmake --build --preset default --target apportion_test_allocator
	@APPORTION_STEPS=$(STEPS) ctest --preset default -R EveryFeature

.PHONY: bench bench-gate bench-gate-update docs format wheel asan tsan fuzz tidy clean distclean
bench: $(VENV)/.package $(VENV)/.test ## the benchmarks, optimised
	@cmake --preset release && cmake --build --preset release
	@for each in build/release/tests/bench/*_bench; do echo "== $${each##*/}"; "$$each"; done
	@$(BIN)/apportion bench allocator --rows python
	@$(BIN)/apportion bench state

GATE := build/release/tests/bench/gate
bench-gate: $(VENV)/.test ## instructions of fixed workloads, against tests/bench/gate.json (needs valgrind)
	@cmake --preset release >/dev/null && cmake --build --preset release --target gate
	@$(BIN)/python tools/bench_gate.py $(GATE) tests/bench/gate.json

bench-gate-update: $(VENV)/.test ## record them anew: make bench-gate-update REASON='...'
	@test -n "$(REASON)" || { echo "usage: make bench-gate-update REASON='why the record changes'" >&2; exit 2; }
	@cmake --preset release >/dev/null && cmake --build --preset release --target gate
	@$(BIN)/python tools/bench_gate.py $(GATE) tests/bench/gate.json --update "$$REASON"

docs: $(VENV)/.package $(VENV)/.docs ## the documentation, in build/docs/index.html; a warning is an error
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	@echo 'build/docs/index.html'

format: $(VENV)/.test ## put the code into its format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/clang-format -i $(CXX_FILES)

wheel: $(VENV)/.build ## a wheel in dist/, built in isolation
	@$(PIP) wheel --no-deps --wheel-dir dist $(HEADERS) .
	@ls dist/*.whl

asan: $(VENV)/.test ## the C++ tests under the address and undefined-behaviour sanitizers
	@ulimit -s 65532 2>/dev/null; CXX="$(ASAN_CXX)" cmake --workflow --preset asan

tsan: $(VENV)/.test ## the threaded C++ tests under the thread sanitizer
	@cmake --preset tsan && cmake --build --preset tsan --target $(THREADED)
	@$$(setarch -R true 2>/dev/null && echo setarch -R) ctest --preset tsan

fuzz: $(VENV)/.test ## every fuzz target for SECONDS_EACH=60 seconds (needs clang++)
	@CXX="$(ASAN_CXX)" cmake --preset asan && cmake --build --preset asan
	@bash tests/fuzz/run.sh build/asan/tests/fuzz $(SECONDS_EACH)

tidy: $(VENV)/.test ## clang-tidy over the core
	@$(REQUIRES) tidy | $(PIP) install -r /dev/stdin
	@cmake --workflow --preset tidy

clean: ## remove what was built
	@rm -rf build dist demo.html

distclean: clean ## remove the virtual environment too
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .nox

# Set-up. Each file in .venv says that a step was done for the present pyproject.toml.

$(VENV)/.build: pyproject.toml tools/machine.sh tools/python_headers.sh
	@bash tools/machine.sh "$(PYTHON)" "$(CXX)"
	@echo 'apportion: preparing $(VENV)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1'
	@{ $(REQUIRES) build; \
	   cmake --version 2>/dev/null | grep -qE ' (3\.(2[5-9]|[3-9][0-9])|[4-9])\.' || echo 'cmake>=3.25'; \
	   command -v ninja >/dev/null || echo ninja; } | $(PIP) install -r /dev/stdin
	@bash tools/python_headers.sh $(BIN)/python "$(CURDIR)/$(VENV)/headers" >$(VENV)/.headers
	@touch $@

# The Python code is read from the checkout: a changed .py counts at once, a changed .cpp at the next make.
$(VENV)/.package: $(VENV)/.build $(CORE)
	@echo 'apportion: building and installing the package (a minute or two the first time)'
	@$(PIP) install --no-build-isolation --config-settings=build-dir=build/python $(HEADERS) --editable '.[sweep,view]'
	@touch $@

$(VENV)/.test: $(VENV)/.build
	@echo 'apportion: installing what the tests need'
	@{ $(REQUIRES) test lint; \
	   echo '#include <gtest/gtest.h>' | $(CXX) -std=c++20 -fsyntax-only -x c++ - 2>/dev/null || $(REQUIRES) googletest; \
	 } | $(PIP) install -r /dev/stdin
	@touch $@

$(VENV)/.docs: $(VENV)/.build
	@$(REQUIRES) docs | $(PIP) install -r /dev/stdin
	@touch $@
