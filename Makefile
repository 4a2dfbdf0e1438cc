# make demo   set everything up, then run the nightly job on real data and show what came of it
# make test   the tests that guard every change          make prove  the long proofs, or PART=… of them
# make check  lint, types, SQL lint                      make bench  speed, beside a floor measured in the same run
# make dev    Dagster's UI on this machine               make lock   pin the dependencies anew

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXAMPLE := examples/complete_journey/clientela.yml

# the same, but for the DuckDB that most BI tools hold: the whole suite runs on it too
DUCKDB15 := duckdb==1.5.6\nduckdb-sqlalchemy==1.5.6.5

export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: demo test check prove bench dev lock clean

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "clientela needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

demo: $(READY)
	$(BIN)/python -m clientela.demo

test: $(READY)
	$(BIN)/python -m pytest -m "not prove" -n 2 --dist loadfile --no-loadscope-reorder tests

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint models

prove: $(READY)
	$(BIN)/python -m tests.prove.parts $(PART)

bench: $(READY)
	$(BIN)/python -m bench

dev: $(READY)
	$(BIN)/python -m dagster_project.dev

lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--extra dev --extra notebooks pyproject.toml -o requirements.lock
	cp requirements.lock requirements-duckdb15.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--override <(printf "$(DUCKDB15)") --extra dev --extra notebooks pyproject.toml -o requirements-duckdb15.lock

clean:
	rm -rf data
