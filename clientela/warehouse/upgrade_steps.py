"""The steps from one schema version to the next, each of which changes what the version before it left.

To change a table of `raw`, `ledger` or `memory`: change its definition, raise `SCHEMA_VERSION`, and add a step here that
renames, drops or fills what the change asks for. A column that is only added needs a step too, but one that does nothing:
it is added, empty, when every table gets its present columns after the last step. A column that would be lost without a
step having dropped it stops the upgrade.

A step is given a copy of the warehouse, or of memory alone, so it changes what is there and asks for nothing that is not. How
the copy is made, and how it takes the warehouse's place, stands in `clientela.warehouse.upgrade`.
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
    # the RFM group stood in the column that the name of any segment takes now
    rename_column(connection, "memory.value_predictions", "segment", "rfm_group")
    for table in ("memory.value_predictions", "memory.value_backtest"):
        rename_column(connection, table, "grouping_name", "segmentation")
        rename_column(connection, table, "label", "segment")
        if columns_of(connection, table):
            connection.execute(f"update {table} set segmentation = 'rfm_group' where segmentation = 'segment'")


STEPS: tuple[Step, ...] = (
    Step(2, "from 0.1: columns bear the names of docs/marts.md, settings stand in tables of their own", _from_0_1),
)
