"""A file several times larger than the memory that is allowed is read whole, clean or dirty."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from clientela import transform
from clientela.load import staging
from clientela.load.context import LoadContext
from clientela.load.landing import DeliveredFile
from clientela.warehouse import tables as warehouse

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "readers"))
from reading import feed_of


def write_customers(path: Path, rows: int) -> None:
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
        staging.prepare_rates(connection)
        file = DeliveredFile(path, path.name, "0", path.stat().st_size, path)
        built = staging.build(
            LoadContext(connection, feed_of(folder), "run", datetime(2026, 3, 1, tzinfo=UTC), folder / "scratch"),
            [file],
        )
        return built.delivered, built.quarantined
    finally:
        connection.close()


def test_a_file_larger_than_the_memory_limit_is_read(tmp_path: Path) -> None:
    write_customers(tmp_path / "x.csv", 2_000_000)
    assert (tmp_path / "x.csv").stat().st_size > 1.5 * 110 * 10**6
    assert _read(tmp_path, tmp_path / "x.csv", "110MB") == (2_000_000, 0)


def test_models_that_spill_to_disk_do_not_stop_the_ones_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that holds spilled data may not be named again, and dbt repeats its settings for every model."""
    import dbt.cli.main  # noqa: F401 - the adapter cannot be imported before dbt itself
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.adapters.duckdb.environments import create
    from jinja2 import Environment

    monkeypatch.setenv("CLIENTELA_WAREHOUSE", str(tmp_path / "w.duckdb"))
    monkeypatch.setenv("CLIENTELA_MEMORY_LIMIT", "120MB")
    jinja = Environment()
    jinja.globals["env_var"], jinja.filters["as_number"] = os.environ.get, int
    profiles = jinja.from_string((transform.PROJECT / "dbt" / "profiles.yml").read_text()).render()
    profile = yaml.safe_load(profiles)["clientela"]["outputs"]["night"]
    del profile["type"]
    database = create(DuckDBCredentials.from_dict(profile | {"database": "w"}))
    for name in ("first", "second"):
        model = database.handle()
        model.cursor().execute(
            f"create table {name} as select md5(i::varchar) as a, md5((i + 1)::varchar) as b from range(3000000) r (i) order by a"
        )
        model.close()
    database.close()
