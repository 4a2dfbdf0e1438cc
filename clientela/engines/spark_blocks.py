"""A Python step by blocks of customers on Spark: what a block reads goes into the lake, and its pure function runs on a worker.

What belongs here: how blocks get there and back. What does not: what a block is (`clientela.warehouse.customer_blocks`), what
is computed of it. Workers need clientela as well, of the same version.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from clientela.warehouse.customer_blocks import MadeByBlock, OfBlock

#: what mapInArrow takes
OnBatches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def rows_by_block(spark: Any, made: MadeByBlock, folder: Path) -> Any:
    """The rows as a frame of Spark, a task for each block. folder: of the lake, for what the blocks read."""
    from pyspark.sql.pandas.types import from_arrow_schema

    names: Sequence[str] = ()
    for number, bounds in enumerate(made.blocks.bounds):
        relations = made.blocks.relations(bounds)
        names = list(relations)
        for name, relation in relations.items():
            path = _file(folder, name, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            relation.write_parquet(str(path), compression="zstd")
    nothing = {name: pl.read_parquet(_file(folder, name, 0), n_rows=0) for name in names}
    schema = _plain(made.of_block(**nothing).to_arrow().schema)
    count = len(made.blocks.bounds)
    numbers = spark.range(0, count, 1, count)
    return numbers.mapInArrow(_on_worker(made.of_block, folder, names, schema), from_arrow_schema(schema))


def _on_worker(of_block: OfBlock, folder: Path, names: Sequence[str], schema: pa.Schema) -> OnBatches:
    def rows(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                frames = {name: pl.read_parquet(_file(folder, name, number)) for name in names}
                yield from of_block(**frames).to_arrow().cast(schema).to_batches()

    return rows


def _file(folder: Path, name: str, number: int) -> Path:
    return folder / name / f"{number:05}.parquet"


def _plain(schema: pa.Schema) -> pa.Schema:
    """Texts as earlier Sparks know them."""
    texts = {pa.large_string(), pa.string_view()}
    return pa.schema([field.with_type(pa.string()) if field.type in texts else field for field in schema])
