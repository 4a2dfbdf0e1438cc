"""What cannot be recomputed from raw: the identity registry and its events, and what later runs must remember.

Only this module writes schema `memory`, append-only, keyed by run. A run stages its rows in dbt's intermediate tables;
they are committed here in one transaction, just before the run's file is switched in. Memory holds ids and keyed hashes,
never names. `export` writes the copy that goes out with each publication: delivered files and memory rebuild everything.
"""

import os
from pathlib import Path

import duckdb

MEMORY_TABLES: dict[str, str] = {
    "customer_registry": """
        record_id bigint not null, customer_id bigint not null, run_id varchar not null, run_sequence bigint not null,
        assigned_at timestamptz not null""",
    "identity_events": """
        event varchar not null, customer_id bigint not null, other_customer_id bigint, record_count bigint,
        cause varchar, run_id varchar not null, run_sequence bigint not null, occurred_at timestamptz not null""",
    "segment_fits": """
        fitted_on date not null, made_from varchar not null, fit varchar not null, run_id varchar not null,
        made_at timestamptz not null""",
}


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the memory tables that are missing."""
    connection.execute("create schema if not exists memory")
    for name, columns in MEMORY_TABLES.items():
        connection.execute(f"create table if not exists memory.{name} ({columns})")


def commit(connection: duckdb.DuckDBPyConnection) -> int:
    """Remember what the build of the run in `run.context` decided; committing it again adds nothing. Gives rows added."""
    connection.execute("begin")
    try:
        connection.execute(
            """
            create or replace temp table this_run as
            select run_id, started_at, (select coalesce(max(run_sequence), 0) + 1 from memory.customer_registry) as sequence
            from run.context
            where run_id not in (select run_id from memory.customer_registry)
                and run_id not in (select run_id from memory.identity_events)
            """
        )
        added = connection.execute(
            """
            insert into memory.customer_registry
            select record_id, customer_id, run_id, sequence, started_at
            from intermediate.int_customer_crosswalk cross join this_run where is_added
            """
        ).fetchall()[0][0]
        connection.execute(
            """
            insert into memory.identity_events
            select event, customer_id, other_customer_id, record_count, cause, run_id, this_run.sequence, started_at
            from intermediate.int_identity_events cross join this_run
            """
        )
        connection.execute(
            """
            insert into memory.segment_fits
            select fitted_on, made_from, fit, run_id, started_at
            from intermediate.int_customer_segments cross join run.context
            where is_new and made_from not in (select made_from from memory.segment_fits)
            """
        )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return int(added)


def export(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write every memory table as Parquet into `folder`, each switched in whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MEMORY_TABLES:
        aside = folder / f".{name}.{os.getpid()}.parquet"
        connection.execute(f"copy memory.{name} to ? (format parquet)", [str(aside)])
        os.replace(aside, folder / f"{name}.parquet")
