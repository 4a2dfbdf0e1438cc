"""The steps from one schema version to the next, each of which changes what the version before it left.

To change a table of `raw`, `ledger` or `memory`: change its definition, raise `SCHEMA_VERSION`, and add a step here that
renames, drops or fills what the change asks for. A column that is only added needs a step too, but one that does nothing:
it is added, empty, when every table gets its present columns after the last step. A column that would be lost without a
step having dropped it stops the upgrade.

A step is given a copy of the warehouse, or of memory alone, so it changes what is there and asks for nothing that is not. How
the copy is made, and how it takes the warehouse's place, is in `clientela.warehouse.upgrade`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from clientela.sql.quoting import quoted


@dataclass(frozen=True)
class Step:
    """`version`: the one that it leads to, from the one before. `sentence`: what it does, for the person who upgrades."""

    version: int
    sentence: str
    apply: Callable[[duckdb.DuckDBPyConnection], None]


def rename_column(connection: duckdb.DuckDBPyConnection, table: str, old: str, new: str) -> None:
    """Rename a column of `schema.table`, where it is there and has not the new name already."""
    columns = columns_of(connection, table)
    if old in columns and new not in columns:
        connection.execute(f"alter table {table} rename column {quoted(old)} to {quoted(new)}")


def drop_column(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
    """Drop a column of `schema.table`, where it is there."""
    if column in columns_of(connection, table):
        connection.execute(f"alter table {table} drop column {quoted(column)}")


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The columns of `schema.table`; none where there is no such table."""
    schema, name = table.split(".")
    rows = connection.execute(
        """
        select column_name from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ? order by column_index
        """,
        [schema, name],
    ).fetchall()
    return [column for (column,) in rows]


def _from_0_1(connection: duckdb.DuckDBPyConnection) -> None:
    for column in ("value_settings", "money_tolerance", "annual_discount_rate"):
        drop_column(connection, "run.context", column)
    rename_column(connection, "ledger.loads", "page", "validation_report")
    rename_column(connection, "ledger.load_files", "place", "sequence")
    rename_column(connection, "ledger.load_amounts", "fate", "disposition")
    _account(connection)
    _rank_consents(connection)
    # the RFM group stood in the column that the name of any segment takes now
    rename_column(connection, "memory.value_predictions", "segment", "rfm_group")
    for table in ("memory.value_predictions", "memory.value_backtest"):
        rename_column(connection, table, "grouping_name", "segmentation")
        rename_column(connection, table, "label", "segment")
        for suffix in ("", "_p10", "_p50", "_p90"):
            rename_column(connection, table, f"expected_contribution{suffix}", f"expected_value{suffix}")
        rename_column(connection, table, "actual_contribution", "actual_value")
        if columns_of(connection, table):
            connection.execute(f"update {table} set segmentation = 'rfm_group' where segmentation = 'segment'")


def _account(connection: duckdb.DuckDBPyConnection) -> None:
    """Every feed was its entity's only one, no row was left out, and what was delivered is the sum of what became of it."""
    for table in ("ledger.loads", "ledger.load_files"):
        if "entity" in columns_of(connection, table):
            connection.execute(f"alter table {table} add column if not exists feed varchar")
            connection.execute(f"update {table} set feed = entity where feed is null")
    if columns_of(connection, "ledger.loads"):
        connection.execute("alter table ledger.loads add column if not exists left_out_rows bigint")
        connection.execute("update ledger.loads set left_out_rows = 0 where left_out_rows is null")
    if columns_of(connection, "ledger.load_amounts"):
        connection.execute(
            """
            insert into ledger.load_amounts (batch_id, source, entity, month, disposition, row_count, net_amount)
            select batch_id, source, entity, month, 'delivered', sum(row_count), sum(net_amount)
            from ledger.load_amounts
            where disposition <> 'restated' and batch_id not in (
                select batch_id from ledger.load_amounts where disposition = 'delivered'
            )
            group by batch_id, source, entity, month
            """
        )


def _rank_consents(connection: duckdb.DuckDBPyConnection) -> None:
    """Of decisions of one instant the one that allows less counts: its hash begins with its rank, as it is loaded now."""
    if columns_of(connection, "raw.consents"):
        connection.execute(
            f"""
            update raw.consents set content_hash = (content_hash >> 3) + cast(
                case status when 'withdrawn' then 3 when 'refused' then 2 when 'granted' then 1 else 0 end as bigint
            ) * {2**60}
            """
        )


STEPS: tuple[Step, ...] = (
    Step(2, "from 0.1: columns bear the names of docs/marts.md, settings are in tables of their own", _from_0_1),
)
