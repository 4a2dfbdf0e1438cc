"""A file five times the memory that is allowed goes through the gate, clean or dirty."""

import gzip
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from clientela.load import staging
from clientela.load.context import LoadContext
from clientela.load.landing import DeliveredFile
from clientela.load.loader import load_batch
from clientela.warehouse import tables as warehouse
from tests.integration.test_kinds_beyond_memory import write_customers
from tests.unit.readers.reading import feed_of


def _write_lines(path: Path, rows: int) -> None:
    duckdb.execute(
        f"""
        copy (select i // 4 as receipt, i % 4 as line, (i * 7919) % 100000 as customer, 'p' || (i * 31 % 5000) as product,
            1 + i % 9 as qty, ((i * 37) % 10000) / 100 as net, timestamp '2026-01-01' + interval (i % 5000000) second as sold_at,
            repeat('x', 30) as note from range({rows}) as numbers (i)) to ? (header)
        """,
        [str(path)],
    )


LINES = {
    "key": ["receipt", "line"],
    "columns": {
        "order_key": "receipt", "line_key": "line", "customer_key": "customer", "product_key": "product", "quantity": "qty",
        "net_amount": "net", "ordered_at": "sold_at",
    },
}  # fmt: skip


@pytest.mark.prove
@pytest.mark.parametrize("kind", ["customers, packed and dirty", "order lines"])
def test_five_times_the_memory_limit_is_loaded(tmp_path: Path, kind: str) -> None:
    """20 GB in the 4 GB that are the default, in small: through the gate into raw and the ledger."""
    path, is_dirty = tmp_path / "x.csv", kind != "order lines"
    rows = 14_000_000 if is_dirty else 16_800_000
    (write_customers if is_dirty else _write_lines)(path, rows)
    assert path.stat().st_size > 5 * 256 * 10**6
    if is_dirty:
        with path.open("ab") as file:
            file.write(b'x,"never closed\n')
        with path.open("rb") as file, gzip.open(tmp_path / "x.csv.gz", "wb", 1) as packed:
            shutil.copyfileobj(file, packed)
        path.unlink()
        path = tmp_path / "x.csv.gz"
    feed = feed_of(tmp_path) if is_dirty else feed_of(tmp_path, LINES, "transactions")
    connection = warehouse.connect(tmp_path / "w.duckdb", memory_limit="256MB", threads=2)
    try:
        warehouse.prepare(connection)
        staging.prepare_rates(connection)
        file = DeliveredFile(path, path.name, "0", path.stat().st_size, path)
        outcome = load_batch(LoadContext(connection, feed, "run", datetime(2027, 1, 1, tzinfo=UTC)), [file])
    finally:
        connection.close()
    assert (outcome.status, outcome.loaded, outcome.quarantined) == ("loaded", rows, int(is_dirty)), outcome.reason
    assert list((tmp_path / "data" / "scratch").iterdir()) == []
