"""What of an earlier build may be used again: the whole published file, or the tables to build upon.

The rule is the same for both: the same settings, the same code, and nothing missing. What the incremental models do with
what they find is in `models/`.
"""

from collections.abc import Sequence
from datetime import date

import duckdb

from clientela import project_files, transform
from clientela.build_models import NodeResult
from clientela.config.company import Config
from clientela.publish import MARTS_FILE, is_readable
from clientela.warehouse.transactions import transaction

#: what a build saw, and where it stands while the build is there
ORDERS_SEEN = {
    "built_state": "select as_of_on, config_hash, code_version from run.context",
    "built_batches": "select batch_id from intermediate.int_active_batches",
    "built_costs": "select * from intermediate.int_cost_basis",
}
MONTHS_SEEN = {
    "built_facts": "select fact, customer_id, month_number, row_hash from intermediate.int_customer_facts_hashed",
    "built_months": "select input, month_number, rows_hash from intermediate.int_months_hashed",
}


def loads_state(connection: duckdb.DuckDBPyConnection) -> str:
    """Which batches and identity model are active, in short: differs as soon as a batch is loaded, replaced or unloaded, a
    model accepted, a campaign's split kept, or an audience written out."""
    return str(
        connection.execute(
            """
            select count(*) || ' batches, last ' || coalesce(max(batch_id), 0) || ', sum ' || coalesce(sum(batch_id), 0)
                || coalesce(', identity ' || (select max_by(model_id, trained_at) from memory.identity_models), '')
                || coalesce(', splits ' || (
                    select nullif(count(distinct campaign_key), 0) from memory.campaign_splits
                ), '')
                || coalesce(', audiences ' || (
                    select nullif(count(*), 0) from memory.audience_writes where event = 'written'
                ), '')
            from ledger.loads where status = 'loaded'
            """
        ).fetchall()[0][0]
    )


def has_no_changes(connection: duckdb.DuckDBPyConnection, config: Config, day: date) -> bool:
    """Whether the published file already says what these batches, these settings and this code would say as of the day."""
    if not is_readable(config.published / MARTS_FILE):
        return False
    if not connection.execute("select 1 from run.built_state").fetchall():
        # a warehouse that was rebuilt, or whose secret was rotated
        return False
    last = connection.execute(
        """
        select config_hash, code_version, as_of_on, loads_state from ledger.runs
        where status = 'published' and kind = 'night' order by rowid desc limit 1
        """
    ).fetchall()
    return last == [(config.fingerprint(), project_files.code_version(), day, loads_state(connection))]


def forget_build(connection: duckdb.DuckDBPyConnection, config: Config) -> bool:
    """Whether a full refresh is due: the last build was broken off, of other settings or code, or somebody dropped a part of it.

    Until this build has succeeded there is none to build upon.
    """
    known = connection.execute(
        """
        select 1 from run.built_state, run.context
        where built_state.config_hash = context.config_hash and built_state.code_version = context.code_version
        """
    ).fetchall()
    connection.execute("update run.built_state set code_version = 'under way'")
    is_full_refresh = not known or not is_cached(connection, config)
    if is_full_refresh:
        for table in MONTHS_SEEN:
            connection.execute(f"delete from run.{table}")
    return is_full_refresh


def is_cached(connection: duckdb.DuckDBPyConnection, config: Config) -> bool:
    """Whether every seed and view is there: unlike tables they are not built each night."""
    there = connection.execute(
        """
        select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()
        union all
        select schema_name || '.' || view_name from duckdb_views() where database_name = current_database()
        """
    ).fetchall()
    return transform.cached_relations(config) <= {name for (name,) in there}


def remember_build(connection: duckdb.DuckDBPyConnection) -> None:
    """What this build saw: `changed_order_lines` and `int_touched_months` compare the next one with it."""
    with transaction(connection):
        for table, query in (ORDERS_SEEN | MONTHS_SEEN).items():
            connection.execute(f"delete from run.{table}")
            connection.execute(f"insert into run.{table} {query}")


def remember_models(
    connection: duckdb.DuckDBPyConnection, config: Config, results: Sequence[NodeResult], run_id: str
) -> None:
    """Which models are this run's: only those are published."""
    built = [result.unique_id for result in results if result.kind == "model" and result.is_up_to_date]
    nodes = {
        unique_id: f"{node['schema']}.{node['name']}"
        for unique_id, node in transform.manifest(config)["nodes"].items()
        if node["resource_type"] == "model"
    }
    with transaction(connection):
        connection.execute("delete from run.built")
        connection.executemany("insert into run.built values (?, ?)", [(nodes[name], run_id) for name in built])
