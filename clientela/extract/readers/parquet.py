"""Parquet: the format counts its own rows and carries its own types."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from clientela.errors import DeliveryError
from clientela.extract.column_names import named_apart
from clientela.extract.delivery import Delivery
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.extract.readers.text import too_large
from clientela.masking import without_values
from clientela.sql.quoting import quoted


def open_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, parameters: Parameters, allowed: int | None = None
) -> Opened:
    """Raises DeliveryError if the file is no Parquet, or only half of one, or has more than `allowed` bytes unpacked."""
    relation = f"read_parquet({parameters.bind(str(path))}, file_row_number = true)"
    try:
        rows = connection.execute("select num_rows from parquet_file_metadata(?)", [str(path)]).fetchall()
        described = connection.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
    except duckdb.Error as error:
        raise DeliveryError(f"it is not a whole Parquet file ({without_values(str(error).splitlines()[0])})") from error
    columns = {row[0]: row[1] for row in described}
    # DuckDB gives a name that is there already, capital letters aside, a number
    with pq.ParquetFile(path) as file:
        apart, repeated = named_apart(file.schema_arrow.names)
    if repeated:
        renamed = ", ".join(f"{quoted(name)} as {quoted(new)}" for name, new in zip(columns, apart, strict=True))
        relation = f"(select {renamed}, file_row_number from {relation})"
        columns = dict(zip(apart, columns.values(), strict=True))
    # a value that repeats is written once, so that rows tell more than the bytes that are stated
    stated = connection.execute("select sum(total_uncompressed_size) from parquet_metadata(?)", [str(path)]).fetchall()
    if allowed is not None and max(int(rows[0][0]) * len(columns), int(stated[0][0] or 0)) > allowed:
        raise DeliveryError(too_large(allowed))
    delivery = Delivery(relation, columns, "file_row_number + 1", repeated=repeated)
    return Opened(delivery, expected_rows=int(rows[0][0]))
