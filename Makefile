# make demo   watch the main job run        make test    all tests        make check   lint, types, layout
# make cover  tests with branch coverage    make bench   benchmarks with ratios (not run by CI)
# make prove  the proof's gate              make prove-long  its long run, which goes on where it was stopped
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test check cover bench prove prove-long clean

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[cli,aiohttp,contract,keyring,otel,postgresql,mysql,redis]" --group test --group check
	touch $@

setup: $(VENV)/.ready

demo: setup
	$(BIN)/payport demo

test: setup
	$(BIN)/python -m pytest -n auto

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python -m pytest -q tests/test_layout.py tests/test_tidy.py

cover: setup
	$(BIN)/python -m pytest -n auto --cov --cov-report=term --cov-fail-under=95

$(VENV)/.bench: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	touch $@

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

prove: setup
	$(BIN)/python -m proof --within 19 --table proof-gate.md

prove-long: setup
	$(BIN)/python -m proof --long --state proof-long.jsonl --table proof-long.md

clean:
	rm -rf $(VENV) .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
