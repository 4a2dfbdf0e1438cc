"""A file several times larger than the memory that is allowed is read whole, clean or dirty."""

import gzip
import shutil
import sys
from pathlib import Path

import duckdb
import pytest

from clientela import warehouse
from clientela.load import candidate as candidates
from clientela.load.landing import DeliveredFile

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "readers"))
from reading import feed_of


def _write(path: Path, rows: int) -> None:
    duckdb.execute(
        f"""
        copy (select i as id, 'customer ' || i as name, 'c' || i || '@example.com' as email, '+34 600 ' || i as phone,
            repeat('note ', 8) as note from range({rows}) as numbers (i)) to ? (header)
        """,
        [str(path)],
    )


def _read(folder: Path, path: Path, memory: str) -> tuple[int, int]:
    """(rows delivered, rows quarantined)"""
    (folder / "scratch").mkdir()
    connection = warehouse.connect(folder / "w.duckdb", memory_limit=memory, threads=2)
    try:
        warehouse.prepare(connection)
        candidates.prepare_rates(connection)
        file = DeliveredFile(path, path.name, "0", path.stat().st_size, path)
        built = candidates.build(connection, feed_of(folder), [file], folder / "scratch")
        return built.delivered, built.quarantined
    finally:
        connection.close()


def test_a_file_larger_than_the_memory_limit_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "x.csv", 2_000_000)
    assert (tmp_path / "x.csv").stat().st_size > 1.5 * 110 * 10**6
    assert _read(tmp_path, tmp_path / "x.csv", "110MB") == (2_000_000, 0)


@pytest.mark.prove
@pytest.mark.parametrize("is_dirty", [False, True])
def test_five_times_the_memory_limit_is_read_clean_or_dirty(tmp_path: Path, is_dirty: bool) -> None:
    _write(tmp_path / "x.csv", 14_000_000)
    assert (tmp_path / "x.csv").stat().st_size > 5 * 256 * 10**6
    path = tmp_path / "x.csv"
    if is_dirty:
        with path.open("ab") as file:
            file.write(b'x,"never closed\n')
        with path.open("rb") as file, gzip.open(tmp_path / "x.csv.gz", "wb", 1) as packed:
            shutil.copyfileobj(file, packed)
        path = tmp_path / "x.csv.gz"
    assert _read(tmp_path, path, "256MB") == (14_000_000 + is_dirty, int(is_dirty))
