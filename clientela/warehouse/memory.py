"""What cannot be recomputed from raw: the identity registry and its events, and what later runs must remember.

Only this module writes schema `memory`, append-only, keyed by run. A run stages its rows in dbt's intermediate tables;
they are committed here in one transaction, just before the run's file is switched in. Memory holds ids and keyed hashes,
never names, and the keys of those hashes. `export` writes a copy with each publication, which is not published: delivered
files and memory rebuild everything.
"""

import os
from contextlib import suppress
from pathlib import Path

import duckdb

from clientela.durable import switch_in
from clientela.value.tables import SETTLED_TABLES
from clientela.warehouse.schema_version import SCHEMA_VERSION, VERSION_COLUMNS
from clientela.warehouse.transactions import transaction

MEMORY_TABLES: dict[str, str] = {
    "customer_registry": """
        record_id bigint not null, customer_id bigint not null, run_id varchar not null, run_sequence bigint not null,
        assigned_at timestamptz not null""",
    "identity_events": """
        event varchar not null, customer_id bigint not null, other_customer_id bigint, record_count bigint,
        cause varchar, run_id varchar not null, run_sequence bigint not null, occurred_at timestamptz not null""",
    "value_predictions": """
        as_of_on date not null, run_id varchar not null, run_sequence bigint not null, horizon_months integer not null,
        segmentation varchar not null, segment varchar, customer_id bigint, cohort varchar, decile integer,
        rfm_group varchar, customers bigint, expected_orders double, expected_orders_p10 double,
        expected_orders_p50 double, expected_orders_p90 double, expected_value double,
        expected_value_p10 double, expected_value_p50 double, expected_value_p90 double,
        order_model varchar, spend_model varchar, contract_model varchar, annual_discount_rate double""",
    "value_backtest": """
        as_of_on date not null, predicted_by varchar not null, horizon_months integer not null,
        segmentation varchar not null, segment varchar not null, order_model varchar, run_id varchar not null,
        run_sequence bigint not null, scored_on date not null, customers bigint not null,
        customers_merged bigint not null, customers_split bigint not null, expected_orders double,
        actual_orders bigint not null, expected_value double, actual_value double,
        expected_orders_p10 double, expected_orders_p90 double, expected_value_p10 double,
        expected_value_p90 double, orders_inside_customers bigint, rmse_orders double""",
    # fitted once and used until someone accepts another; the names in it are keyed hashes
    "identity_models": """
        model_id varchar not null, model varchar not null, node_count bigint, is_trained boolean, reason varchar,
        run_id varchar not null, trained_at timestamptz not null""",
    "segment_fits": """
        fitted_on date not null, made_from varchar not null, fit varchar not null, run_id varchar not null,
        made_at timestamptz not null""",
    # what was learnt for the forecasts at closed month-ends, and why it was: by the run that settled a month-end
    "settled_month_ends": """
        month_end date not null, cause varchar not null, reason varchar not null, changed_share double,
        replaced_run_id varchar, models varchar not null, counts varchar not null, run_id varchar not null,
        run_sequence bigint not null, made_at timestamptz not null""",
    "settled_fits": """
        month_end date not null, part varchar not null, fit varchar not null, settled_run_id varchar not null,
        run_id varchar not null, run_sequence bigint not null, made_at timestamptz not null""",
    # for which reasons a run made figures of closed months anew
    "changed_months": """
        run_id varchar not null, made_at timestamptz not null, reason varchar not null, first_month date not null,
        closed_months bigint not null, customers bigint""",
    # who was held out of a planned campaign, by the records that the customer had then; drawn once, for ever
    "campaign_splits": """
        campaign_key varchar not null, record_id bigint not null, customer_id bigint not null, arm varchar not null,
        salt varchar not null, held_out_share double not null, run_id varchar not null, planned_at timestamptz not null""",
    # audiences as they were written out: `prepared` before anybody can see the file, then `written`, or `abandoned` where a fault
    # came between; what is said of the campaign stands in the first
    "audience_writes": """
        run_id varchar not null, campaign_key varchar not null, event varchar not null, occurred_at timestamptz not null,
        audience varchar, purpose varchar, channel varchar, approach varchar, fixed_cost decimal(18,4),
        unit_cost decimal(18,4), held_out_share double, salt varchar, file_name varchar""",
    # who was in it, by a record that they had then: chosen and written out, or held out
    "audience_members": """
        run_id varchar not null, campaign_key varchar not null, record_id bigint not null, customer_id bigint not null,
        arm varchar not null""",
    # where the plan of a day put a customer, by a record that they had then; only what differed from what was remembered
    "portfolio_decisions": """
        as_of_on date not null, run_id varchar not null, run_sequence bigint not null, record_id bigint not null,
        customer_id bigint not null, portfolio varchar, reason varchar not null, is_voluntary boolean not null,
        assigned_at timestamptz not null""",
    # what record keys and evidence are hashed with, for ever: `clientela.warehouse.keys` writes it when the warehouse is made
    "keys": "name varchar not null, method varchar not null, key varchar not null, made_at timestamptz not null",
    # the last of the copy's files: one whose writing is cut off is still of the version before
    "schema_version": VERSION_COLUMNS,
}

#: the tables that know customers by a record that they had
BY_RECORD = ("customer_registry", "campaign_splits", "audience_members", "portfolio_decisions")


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the memory tables that are missing."""
    connection.execute("create schema if not exists memory")
    for name, columns in MEMORY_TABLES.items():
        connection.execute(f"create table if not exists memory.{name} ({columns})")
    if not connection.execute("select 1 from memory.schema_version").fetchall():
        connection.execute("insert into memory.schema_version values (?, now())", [SCHEMA_VERSION])


def commit(connection: duckdb.DuckDBPyConnection) -> int:
    """Remember what the build of the run in `run.context` decided; committing it again adds nothing. Gives rows added."""
    with transaction(connection):
        connection.execute(
            """
            create or replace temp table this_run as
            select
                run_id, started_at,
                1 + greatest(
                    (select coalesce(max(run_sequence), 0) from memory.customer_registry),
                    (select coalesce(max(run_sequence), 0) from memory.value_predictions),
                    (select coalesce(max(run_sequence), 0) from memory.settled_fits)
                ) as sequence
            from run.context
            where run_id not in (select run_id from memory.customer_registry)
                and run_id not in (select run_id from memory.identity_events)
                and run_id not in (select run_id from memory.value_predictions)
                and run_id not in (select run_id from memory.settled_fits)
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
            from identity.events cross join this_run
            """
        )
        connection.execute(
            """
            insert into memory.identity_models
            select model_id, model, node_count, is_trained, reason, run_id, started_at
            from identity.trained_model cross join run.context
            where model_id not in (select model_id from memory.identity_models)
            """
        )
        for name, beside in (("value_predictions", ""), ("value_backtest", "exclude (is_frozen)")):
            # the marts show what was remembered before, and what this run adds; what was not frozen bears no run
            connection.execute(
                f"""
                insert into memory.{name} by name
                select mart.* {beside} replace (this_run.sequence as run_sequence)
                from quality.{name} as mart inner join this_run using (run_id)
                """
            )
        connection.execute(
            """
            insert into memory.portfolio_decisions
            select context.as_of_on, this_run.run_id, this_run.sequence, record_id, customer_id, portfolio, reason,
                is_voluntary, this_run.started_at
            from intermediate.int_portfolios_assigned cross join this_run cross join run.context
            where is_changed and customer_id is not null
            """
        )
        for name in SETTLED_TABLES:
            # what a run that was broken off has left there bears another run
            connection.execute(
                f"""
                insert into memory.{name} by name
                select settled.*, this_run.sequence as run_sequence, this_run.started_at as made_at
                from forecast.{name} as settled inner join this_run using (run_id)
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
        connection.execute(
            """
            insert into memory.changed_months by name
            select changed.* from operations.changed_months as changed inner join run.context using (run_id)
            where run_id not in (select run_id from memory.changed_months)
            """
        )
    return int(added)


def export(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write every memory table as Parquet into `folder`, each switched in whole. Only its owner may look into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in MEMORY_TABLES:
        aside = folder / f".{name}.{os.getpid()}.parquet"
        connection.execute(f"copy memory.{name} to ? (format parquet)", [str(aside)])
        switch_in(aside, folder / f"{name}.parquet")
    models = connection.execute("select model_id, model from memory.identity_models order by trained_at").fetchall()
    for version, (model_id, model) in enumerate(models, start=1):
        path = folder / f"identity_model_{version}_{model_id}.json"
        if not path.exists():
            path.write_text(model, encoding="utf-8")


def is_exported(folder: Path) -> bool:
    """Whether there is a whole copy: the version is the last of its files."""
    return (folder / "schema_version.parquet").is_file()


def withdraw(folder: Path) -> None:
    """Remove a copy that version 0.1 left among the published files, where readers could take it."""
    if not folder.is_dir():
        return
    for path in (*folder.glob("*.parquet"), *folder.glob("identity_model_*.json")):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
