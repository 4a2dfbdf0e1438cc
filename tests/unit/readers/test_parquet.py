"""Parquet: missing numbers as pandas writes them are missing here too."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from reading import feed_of, prepared, read


def test_nan_in_a_key_or_a_reference_is_no_value(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    nan, infinity = float("nan"), float("inf")
    table = {
        "id": [1.0, 2.0, nan, infinity, 5.0],
        "order": [10.0, nan, 12.0, 13.0, 1e300],
        "buyer": [7.0, 7.0, 7.0, 7.0, nan],
        "at": ["2026-01-01 08:00:00"] * 5,
        "product": ["p"] * 5,
        "net": [1.0] * 5,
    }
    pq.write_table(pa.table(table), tmp_path / "x.parquet")
    columns = {
        "order_key": "order",
        "customer_key": "buyer",
        "ordered_at": "at",
        "product_key": "product",
        "net_amount": "net",
    }
    feed = feed_of(tmp_path, {"files": "x.parquet", "columns": columns}, "transactions")
    with prepared(tmp_path / "w.duckdb") as connection:
        found = read(
            connection, feed, tmp_path / "x.parquet", tmp_path / "scratch", "record_key", "order_key", "customer_key"
        )
    assert found.rows[1] == ("1", "10", "7")
    assert found.rows[5] == ("5", "1e+300", None)
    assert found.faults == {
        2: ["order_key: a value is required"],
        3: ["id: the key is empty"],
        4: ["id: the key is empty"],
    }
