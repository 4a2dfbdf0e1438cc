"""The warehouse file: opening it, and the tables that exist before the first row arrives.

Schemas: `raw` (versioned rows as delivered, one table per entity), `ledger` (what arrived, what each gate found, what
was refused, every run), `run` (the two instants and the settings of the run under way), `memory` (what cannot be
recomputed; its tables are made in `clientela.warehouse.memory`), `identity` (evidence between records, a cache), `forecast`
(what is expected of customers, a cache too). Everything else in the file is built by dbt. No statement that moves data is here.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import duckdb

from clientela.contracts import ENTITIES
from clientela.contracts.raw_table import raw_columns
from clientela.identity.tables import EVIDENCE_TABLES, FOUND_TABLES, RUN_TABLES
from clientela.sql.quoting import quoted
from clientela.value.tables import FORECAST_TABLES, SETTLED_TABLES
from clientela.warehouse import audit, expiries, memory, tombstones
from clientela.warehouse.schema_version import VERSION_COLUMNS, begin_with_present
from clientela.warehouse.transactions import transaction

SCHEMAS = ("raw", "ledger", "run", "identity", "forecast")


LEDGER_TABLES: dict[str, str] = {
    "runs": """
        run_id varchar not null, kind varchar not null, started_at timestamptz not null, ended_at timestamptz,
        status varchar not null, as_of_on date, known_at timestamptz, config_hash varchar, code_version varchar,
        message varchar, published_path varchar, loads_state varchar""",
    "loads": """
        batch_id bigint not null, run_id varchar not null, source varchar not null, entity varchar not null,
        delivery varchar not null, status varchar not null, reason varchar, mapping_hash varchar not null,
        started_at timestamptz not null, loaded_at timestamptz, retired_at timestamptz, file_count bigint,
        delivered_rows bigint, loaded_rows bigint, unchanged_rows bigint, quarantined_rows bigint,
        left_out_rows bigint, deleted_rows bigint, first_event_on date, last_event_on date, warning_count bigint,
        validation_report varchar, columns varchar, new_columns varchar, feed varchar, forgotten_rows bigint,
        expired_rows bigint""",
    "load_files": """
        batch_id bigint not null, source varchar not null, entity varchar not null, file_name varchar not null,
        content_sha256 varchar not null, bytes bigint not null, landed_as varchar, version bigint,
        version_at timestamptz, delivered_rows bigint, control_rows bigint, control_sum decimal(18,4),
        delivered_sum decimal(18,4), sequence bigint, landed_at timestamptz, feed varchar""",
    "seen_files": """
        path varchar not null, bytes bigint not null, modified_ns bigint not null, content_sha256 varchar not null""",
    "load_checks": """
        batch_id bigint not null, source varchar not null, entity varchar not null, expectation varchar not null,
        severity varchar not null, is_met boolean not null, column_name varchar, description varchar,
        observed varchar, unexpected_count bigint, unexpected_share double, examples varchar""",
    "load_amounts": """
        batch_id bigint not null, source varchar not null, entity varchar not null, month date, disposition varchar not null,
        row_count bigint not null, net_amount decimal(38,4), amount_unreadable bigint""",
    "quarantined_rows": """
        batch_id bigint not null, source varchar not null, entity varchar not null, source_file varchar not null,
        source_row bigint, field varchar, value varchar, personal_value varchar, reason varchar not null,
        delivered_row varchar, quarantined_at timestamptz not null, shape varchar, amount decimal(18,4)""",
    # tells whether the secret in the data folder is the one that this warehouse was made with
    "secret": "check_value varchar not null, made_at timestamptz not null",
    # changes of what an earlier version left here, each of which is made once
    "renewals": "what varchar not null, made_at timestamptz not null",
    # who ran, corrected, backed up, restored, forgot, disclosed or exported
    "audit": audit.COLUMNS,
    # who was forgotten, by keyed hashes
    "tombstones": tombstones.COLUMNS,
    # up to when facts and personal values expired, and what the facts had come to
    "expiries": expiries.COLUMNS,
    **expiries.TOTALS,
    "schema_version": VERSION_COLUMNS,
}


CONTEXT = """
    run_id varchar not null, as_of_on date not null, known_at timestamptz not null, company varchar not null,
    currency varchar not null, time_zone varchar not null, left_censored_days integer not null,
    config_hash varchar not null, code_version varchar not null, started_at timestamptz not null,
    duckdb_version varchar, contract_version integer, entities_without_source varchar, refit varchar"""


#: which run built each mart: publication wants one run for all
BUILT = "model varchar not null, run_id varchar not null"


#: the sources that deliver headers of orders: their lines wait for them
HEADER_SOURCES = "source varchar not null"


#: the batches of returns whose orders bear numbers of their own: no header is theirs, and none is waited for
RETURN_BATCHES = "batch_id bigint not null"


#: what the last whole build saw, so that the next one builds only what differs; no state, no short way
BUILT_STATE: dict[str, str] = {
    "built_state": "as_of_on date not null, config_hash varchar not null, code_version varchar not null",
    "built_batches": "batch_id bigint not null",
    "built_costs": """
        product_id bigint not null, unit_cost decimal(18,4), margin_rate decimal(18,6), margin_rule varchar,
        is_margin_assumed boolean""",
    "built_facts": """
        fact varchar not null, customer_id bigint not null, month_number integer, row_hash decimal(38,0)""",
    "built_months": "input varchar not null, month_number integer, rows_hash decimal(38,0)",
}


#: DuckDB 1.5 takes a file that was rewritten within a second, as scratch files are, for the one that it has read
READ_ANEW = "set enable_external_file_cache = false"


#: the files published last: by which rules each was made, and how it was left
PUBLISHED_FILES = "name varchar not null, rules varchar not null, left_as varchar not null"


#: a new file is written so that every DuckDB from this one on reads it; dbt/profiles.yml says the same
STORAGE_VERSION = "v1.4.0"


def connect(path: Path, *, memory_limit: str = "4GB", threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Open the warehouse with explicit limits, spilling beside it; session time zone UTC."""
    connection = duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE_VERSION})
    connection.execute(READ_ANEW)
    connection.execute("set memory_limit = ?", [memory_limit])
    connection.execute("set threads = ?", [threads])
    connection.execute("set temp_directory = ?", [str(path.parent / "spill")])
    connection.execute("set timezone = 'UTC'")
    return connection


#: the columns that each table has, by `schema.table`
Held = Mapping[str, frozenset[str]]


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing, and add columns that the contract has gained since the file was made."""
    begin_with_present(connection)
    with transaction(connection):
        held = _held(connection)
        for schema in SCHEMAS:
            connection.execute(f"create schema if not exists {quoted(schema)}")
        for entity in ENTITIES.values():
            _make_table(connection, "raw", entity.name, raw_columns(entity), held)
        _make_tables(connection, "ledger", LEDGER_TABLES, held)
        _make_tables(connection, "run", {"context": CONTEXT, "built": BUILT, "published_files": PUBLISHED_FILES}, held)
        _make_tables(connection, "run", {"header_sources": HEADER_SOURCES, "return_batches": RETURN_BATCHES}, held)
        prepare_built(connection, held)
        prepare_identity(connection, held)
        prepare_forecast(connection, held)
        memory.prepare(connection)
        connection.execute(f"create or replace view ledger.source_state as {source_state_sql()}")


def prepare_built(connection: duckdb.DuckDBPyConnection, held: Held | None = None) -> None:
    """Create the tables of what the last whole build saw that are missing."""
    _make_tables(connection, "run", BUILT_STATE, _held(connection) if held is None else held)


def prepare_identity(connection: duckdb.DuckDBPyConnection, held: Held | None = None) -> None:
    """Create the tables of identity that are missing: the run's settings, the evidence, and what a night found."""
    held = _held(connection) if held is None else held
    _make_tables(connection, "run", RUN_TABLES, held)
    _make_tables(connection, "identity", EVIDENCE_TABLES | FOUND_TABLES, held)


def prepare_forecast(connection: duckdb.DuckDBPyConnection, held: Held | None = None) -> None:
    """Create the tables of the forecasts that are missing."""
    definitions = FORECAST_TABLES | SETTLED_TABLES
    _make_tables(connection, "forecast", definitions, _held(connection) if held is None else held)


def _held(connection: duckdb.DuckDBPyConnection) -> Held:
    """What is there, asked once: a statement for each column of each table would take longer than a small batch."""
    found = connection.execute(
        """
        select schema_name || '.' || table_name, list(column_name) from duckdb_columns()
        where database_name = current_database() group by all
        """
    ).fetchall()
    return {table: frozenset(columns) for table, columns in found}


def _make_tables(
    connection: duckdb.DuckDBPyConnection, schema: str, definitions: Mapping[str, str], held: Held
) -> None:
    for name, definition in definitions.items():
        columns = (column.split(maxsplit=1) for column in re.split(r",(?![^(]*\))", definition))
        _make_table(connection, schema, name, dict(columns), held)


def _make_table(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, columns: Mapping[str, str], held: Held
) -> None:
    """Create the table, or add the columns that its definition has gained since it was made."""
    table = f"{quoted(schema)}.{quoted(name)}"
    if f"{schema}.{name}" not in held:
        connection.execute(f"create table {table} ({', '.join(f'{quoted(c)} {d}' for c, d in columns.items())})")
        return
    for column, definition in columns.items():
        if column not in held[f"{schema}.{name}"]:
            sql_type = definition.replace("not null", "")
            connection.execute(f"alter table {table} add column {quoted(column)} {sql_type}")


def source_state_sql() -> str:
    """The one definition of each source's state, over the ledger and run.context."""
    return (Path(__file__).parent / "source_state.sql").read_text(encoding="utf-8")
