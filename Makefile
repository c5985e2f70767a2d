# What a developer and CI run. Everything is installed into .venv; the rest of the machine stays as it is.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIND ?= 127.0.0.1:3000
TESTS ?=
BIN := .venv/bin
SOURCES := pyproject.toml setup.py $(shell find src/t0 -name "*.py" -o -name "*.pyx" -o -name "*.pyi")
KERNELS := $(patsubst src/t0/_core/%.pyx,t0._core.%,$(wildcard src/t0/_core/*.pyx))

.PHONY: run test lint types stubs check bench format clean

run: .venv/.installed
	@printf '%s\n' '' 'Once the gateway is listening, try this in another terminal:' '' \
	  "  curl http://$(BIND)/inference -d '{\"function_name\": \"repeat\", \"input\": {\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}}'" ''
	exec $(BIN)/t0 gateway --config-file examples/quickstart/tensorzero.toml --bind-address $(BIND)

test: .venv/.test
	$(BIN)/python -m pytest $(TESTS)

lint: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/.dev
	$(BIN)/mypy

stubs: .venv/.dev
	$(BIN)/python -m mypy.stubtest --allowlist tests/stubtest-allowlist.txt --ignore-unused-allowlist $(KERNELS)

check:
	.ci/run

bench: .venv/.dev
	$(BIN)/python -m pytest bench/kernels --benchmark-only

format: .venv/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks src/*.egg-info
	rm -f src/t0/_core/*.so

# `--group` needs pip 25.1 or newer, and a new environment starts with the pip that came with its Python.
.venv/.pip:
	$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make a virtual environment: on Debian, install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

.venv/.installed: .venv/.pip $(SOURCES)
	$(BIN)/python -m pip install --quiet '.[embedded]'
	touch $@

.venv/.test: .venv/.installed
	$(BIN)/python -m pip install --quiet --group test
	touch $@

.venv/.dev: .venv/.test
	$(BIN)/python -m pip install --quiet --group dev
	touch $@
