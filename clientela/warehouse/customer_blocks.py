"""A Python step that takes customers a block at a time, so that memory holds a block of them, however many there are.

What belongs here: which customers are a block, what is read of them, and their rows as a stream. What does not: what is computed
of a block, which is a pure function of frames. A block is a range of customer numbers, so that rows come in their order.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import duckdb
import polars as pl
import pyarrow as pa

#: customers of a block
BLOCK_CUSTOMERS = 25_000


class CustomerBlocks:
    """The rows that a function makes of each block, as what DuckDB reads like a table (Arrow's stream).

    customers: a relation with every `customer_id`. read: relations with a `customer_id`, by the function's parameters; it gets
    frames of all rows of the block's customers, in no order. Its own frames have the same columns whatever it is given.
    """

    def __init__(
        self,
        customers: duckdb.DuckDBPyRelation,
        read: Mapping[str, duckdb.DuckDBPyRelation],
        of_block: Callable[..., pl.DataFrame],
        block_customers: int = BLOCK_CUSTOMERS,
    ) -> None:
        self.read = dict(read)
        self.of_block = of_block
        firsts = (
            customers.select("customer_id, row_number() over (order by customer_id) as number")
            .filter(f"number > 1 and number % {block_customers} = {1 % block_customers}")
            .select("customer_id")
            .order("customer_id")
            .fetchall()
        )
        #: the first customer of each block and of the one after it; None where there is no bound
        self.bounds = list(pairwise([None, *(first for (first,) in firsts), None]))

    def relations(self, first: int | None, before: int | None) -> dict[str, duckdb.DuckDBPyRelation]:
        """What is read of the block of these bounds."""
        bounds = [f"customer_id >= {first}"] * (first is not None) + [f"customer_id < {before}"] * (before is not None)
        return {name: of.filter(" and ".join(bounds)) if bounds else of for name, of in self.read.items()}

    def frames(self, name: str) -> Iterator[pl.DataFrame]:
        """One of the relations, a block at a time."""
        for bounds in self.bounds:
            yield self.relations(*bounds)[name].pl()

    def made(self) -> Iterator[pl.DataFrame]:
        """The function's rows, a block at a time."""
        for bounds in self.bounds:
            yield self.of_block(**{name: of.pl() for name, of in self.relations(*bounds).items()})

    def reader(self) -> pa.RecordBatchReader:
        """All rows; a block is computed when its rows are asked for."""
        blocks = (frame.to_arrow() for frame in self.made())
        first = next(blocks)

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal first
            yield from first.to_batches()
            first = None
            for block in blocks:
                yield from block.to_batches()

        return pa.RecordBatchReader.from_batches(first.schema, batches())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's PyCapsule interface."""
        return self.reader().__arrow_c_stream__(requested_schema)
