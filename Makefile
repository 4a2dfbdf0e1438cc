# make demo   set everything up, then run the nightly job on real data and show what came of it
# make test   the tests that guard every change          make prove  the long proofs, or PART=… of them
# make check  lint, types, SQL lint                      make bench  speed, beside a floor measured in the same run
# make dev    Dagster's UI on this machine               make lock   pin the dependencies anew
# make notebooks   eight notebooks on the demonstration's figures, or CLIENTELA_CONFIG's
# make docs   the pages of marts and of the contract, out of their YAML and the contract itself

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# stamps: what the demonstration uses is installed; so is what tests, checks, measurements and Dagster need beside it
READY := $(VENV)/.ready
COMPLETE := $(VENV)/.complete
EXAMPLE := examples/complete_journey/clientela.yml

# the same, but for the DuckDB that most BI tools hold: the whole suite runs on it too
DUCKDB15 := duckdb==1.5.6\nduckdb-sqlalchemy==1.5.6.5
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 $(UPGRADE)

export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: demo test check prove bench dev notebooks docs lock clean

# The environment keeps what Python compiled, once: else each of many processes would compile Great Expectations anew
unexport PYTHONDONTWRITEBYTECODE

# $(call install,LOCK) installs what a lock lists and says how far it is; what is imported is compiled then, not all of it here
define install
	set -o pipefail; PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off \
		--no-deps --no-compile --require-hashes -r $(1) | awk -v total=$$(grep -c '==' $(1)) ' \
		/^(Collecting|Processing|Requirement already)/ && ++count % 10 == 0 { print "  " count " of " total " packages"; fflush() } \
		/^Installing/ { print "  all fetched; unpacking"; fflush() }'
endef

$(READY): requirements-demo.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "clientela needs Python 3.11 or later")'
	@echo "Installing what the demonstration uses into $(VENV): 0.9 GB, a minute or two"
	@$(PYTHON) -m venv $(VENV)
	@$(call install,requirements-demo.lock)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "Compiling the models, once for this code"
	@$(BIN)/python -c 'from clientela import transform; transform.compiled()'
	@touch $(READY)

$(COMPLETE): $(READY) requirements.lock
	@echo "Installing what tests and Dagster need beside it into $(VENV): another 0.8 GB"
	@$(call install,requirements.lock)
	-@$(BIN)/python -m compileall -q -j 2 -x '/tests?/' $(VENV)/lib
	@touch $(COMPLETE)

demo: $(READY)
	$(BIN)/python -m clientela.cli.demo

test: $(COMPLETE)
	$(BIN)/python -m pytest -m "not prove" -n 2 --dist loadfile --no-loadscope-reorder tests/unit tests/integration

check: $(COMPLETE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint models

prove: $(COMPLETE)
	$(BIN)/python -m tests.prove.parts $(PART)

bench: $(COMPLETE)
	$(BIN)/python -m bench $(if $(LARGE),--large)

# on this machine only: marimo asks nobody for a newer version, and leaves nothing in the checkout
notebooks: $(COMPLETE)
	MARIMO_SKIP_UPDATE_CHECK=1 PYTHONDONTWRITEBYTECODE=1 $(BIN)/marimo run notebooks --host 127.0.0.1

dev: $(COMPLETE)
	$(BIN)/python -m dagster_project.dev

docs: $(READY)
	$(BIN)/python dbt/marts_page.py
	$(BIN)/python -m clientela.contracts.page > docs/contract.md

# What is pinned stays as long as it fits pyproject.toml; `make lock UPGRADE=--upgrade` takes the newest releases. What installs
# less is a part of the whole
lock: $(COMPLETE)
	$(COMPILE) --extra dev pyproject.toml -o requirements.lock
	$(COMPILE) --extra checkout --extra demo --constraint requirements.lock pyproject.toml -o requirements-demo.lock
	$(COMPILE) --extra checkout --extra dagster --extra mysql --extra postgres --extra sqlite --constraint requirements.lock \
		pyproject.toml -o requirements-server.lock
	cp requirements.lock requirements-duckdb15.lock
	$(COMPILE) --override <(printf "$(DUCKDB15)") --extra dev pyproject.toml -o requirements-duckdb15.lock

clean:
	rm -rf data
