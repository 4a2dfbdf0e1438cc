"""A step that takes customers a block at a time makes the rows that it makes of all at once, and reads each customer once."""

import duckdb
import polars as pl
import pytest

from clientela.warehouse.customer_blocks import CustomerBlocks


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create table customers as select 10 - range as customer_id from range(7)")
    connection.execute("create table days as select range % 8 + 4 as customer_id, range as day from range(24)")
    return connection


def days_summed(days: pl.DataFrame) -> pl.DataFrame:
    return days.group_by("customer_id").agg(days=pl.col("day").sum(), block=pl.lit(days["customer_id"].n_unique()))


def blocks_of(connection: duckdb.DuckDBPyConnection, customers: int) -> CustomerBlocks:
    read = {"days": connection.sql("select * from days")}
    return CustomerBlocks(connection, connection.sql("select * from customers"), read, customers)


@pytest.mark.parametrize(
    ("customers", "bounds"),
    [
        (100, [(None, None)]),
        (7, [(None, None)]),
        (3, [(None, 7), (7, 10), (10, None)]),
        (1, [(None, 5), (5, 6), (6, 7), (7, 8), (8, 9), (9, 10), (10, None)]),
    ],
)
def test_a_block_has_so_many_customers_and_no_customer_is_left_out(
    connection: duckdb.DuckDBPyConnection, customers: int, bounds: list[tuple[int | None, int | None]]
) -> None:
    blocks = blocks_of(connection, customers)
    assert blocks.bounds == bounds
    # customer 11 is in no table of customers, and in the last block
    writer = connection.cursor()
    writer.register("made_now", blocks.made(days_summed))
    writer.execute("create table made as select * from made_now")
    whole = connection.sql("select customer_id, sum(day) from days group by all order by all").fetchall()
    assert connection.sql("select customer_id, days from made order by all").fetchall() == whole
    assert connection.sql("select max(block) from made").fetchall()[0][0] <= customers + 1


def test_a_customer_of_several_rows_is_one(connection: duckdb.DuckDBPyConnection) -> None:
    once = blocks_of(connection, 3).bounds
    connection.execute("insert into customers from customers where customer_id % 2 = 0")
    assert blocks_of(connection, 3).bounds == once


def test_a_block_is_read_when_its_rows_are_asked_for(connection: duckdb.DuckDBPyConnection) -> None:
    taken: list[int] = []

    def of_block(days: pl.DataFrame) -> pl.DataFrame:
        taken.append(days.height)
        return days

    reader = blocks_of(connection, 1).made(of_block).reader()
    assert len(taken) == 1, "the first block alone, which says what columns there are"
    assert reader.read_all().num_rows == 24 and len(taken) == 7


def test_without_customers_there_are_columns(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("delete from customers")
    connection.execute("delete from days")
    assert blocks_of(connection, 5).made(days_summed).reader().read_all().column_names == [
        "customer_id",
        "days",
        "block",
    ]


def test_what_a_block_reads_is_computed_once(connection: duckdb.DuckDBPyConnection) -> None:
    """A view of a company's orders may take longer to read than a block to compute."""
    connection.execute("create sequence looked")
    read = {"days": connection.sql("select customer_id, day, nextval('looked') as look from days")}
    blocks = CustomerBlocks(connection, connection.sql("select * from customers"), read, 1)
    rows = pl.concat([*blocks.frames("days"), *blocks.frames("days")])
    assert (rows.height, rows["look"].max()) == (48, 24)
