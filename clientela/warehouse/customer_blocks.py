"""A Python step that takes customers a block at a time, so that memory holds a block of them, however many there are.

What belongs here: which customers are a block, what is read of them, and their rows as a stream. What does not: what is computed
of a block, which is a pure function of frames. A block is a range of customer numbers, so that rows come in their order.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise

import duckdb
import polars as pl
import pyarrow as pa

from clientela.sql.quoting import quoted

#: customers of a block
BLOCK_CUSTOMERS = 25_000
#: the first customer of a block and of the next; None where there is no bound
Bounds = tuple[int | None, int | None]
#: the frames that are read of a block, by name → its rows, of the same columns whatever is read
OfBlock = Callable[..., pl.DataFrame]


class CustomerBlocks:
    """Relations with a `customer_id`, by name, read a block of customers at a time: all rows of these, in no order.

    connection: what the relations are of, or None where their rows lie in the order of customers already. customers: a relation
    with every `customer_id`; whoever is missing there is in the block of the number before theirs.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection | None,
        customers: duckdb.DuckDBPyRelation,
        read: Mapping[str, duckdb.DuckDBPyRelation],
        block_customers: int = BLOCK_CUSTOMERS,
    ) -> None:
        firsts = (
            customers.select("customer_id")
            .distinct()
            .select("customer_id, row_number() over (order by customer_id) as number")
            .filter(f"number > 1 and number % {block_customers} = {1 % block_customers}")
            .order("customer_id")
            .select("customer_id")
            .fetchall()
        )
        self.bounds: list[Bounds] = list(pairwise([None, *(first for (first,) in firsts), None]))
        self._read = dict(read)
        if connection is not None and len(self.bounds) > 1:
            self._read = {name: _by_customer(connection, name, rows) for name, rows in read.items()}

    def relations(self, bounds: Bounds) -> dict[str, duckdb.DuckDBPyRelation]:
        """What is read of one block."""
        first, before = bounds
        within = [f"customer_id >= {first}"] * (first is not None) + [f"customer_id < {before}"] * (before is not None)
        return {name: of.filter(" and ".join(within)) if within else of for name, of in self._read.items()}

    def frames(self, name: str) -> Iterator[pl.DataFrame]:
        """One of the relations, a block at a time."""
        for bounds in self.bounds:
            yield self.relations(bounds)[name].pl()

    def made(self, of_block: OfBlock, below: pl.DataFrame | None = None) -> "MadeByBlock":
        """The rows that the function makes of each block. below: rows of no customer, which come last."""
        if below is not None:
            of_block = partial(_with_columns_of, below.clear(), of_block)
        return MadeByBlock(self, of_block, below)


def _by_customer(
    connection: duckdb.DuckDBPyConnection, name: str, rows: duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    """The rows, computed once and laid down in the order of customers: a block is then found without reading the others. The
    table goes with the step."""
    table = quoted(f"{name} by customer")
    connection.execute(
        f"create or replace temp table {table} as select * from ({rows.sql_query()}) as found order by customer_id"
    )
    return connection.sql(f"select * from temp.{table}")


class MadeByBlock:
    """Rows made a block at a time, each when it is asked for. DuckDB reads them like a table (Arrow's PyCapsule interface), by
    another cursor than the blocks are read with."""

    def __init__(self, blocks: CustomerBlocks, of_block: OfBlock, below: pl.DataFrame | None = None) -> None:
        self.blocks, self.of_block, self.below = blocks, of_block, below

    def reader(self) -> pa.RecordBatchReader:
        """All rows, in the order of customers if a block's are."""
        made = (
            self.of_block(**{name: of.pl() for name, of in self.blocks.relations(bounds).items()})
            for bounds in self.blocks.bounds
        )
        first: pl.DataFrame | None = next(made)
        assert first is not None
        nothing = first.clear()

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal first
            assert first is not None
            yield from first.to_arrow().to_batches()
            first = None
            for block in made:
                yield from block.to_arrow().to_batches()
            if self.below is not None:
                yield from pl.concat([nothing, self.below], how="diagonal").to_arrow().to_batches()

        return pa.RecordBatchReader.from_batches(nothing.to_arrow().schema, batches())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.reader().__arrow_c_stream__(requested_schema)


def _with_columns_of(below: pl.DataFrame, of_block: OfBlock, **frames: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([of_block(**frames), below], how="diagonal")
