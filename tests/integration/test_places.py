"""Whatever a run writes is registered in `clientela.places`: each file of the data folder, each table of the warehouse."""

import shutil
from pathlib import Path

import duckdb

from clientela.backup.make import back_up
from clientela.places import PATHS, files_of, place_of, place_of_table
from tests.conftest import Company


def unregistered(data: Path) -> list[str]:
    """The files and tables that no place is named for."""
    found = [str(path.relative_to(data)) for path, place in files_of(data) if place is None]
    for path in data.rglob("warehouse.duckdb"):
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        found += [f"{schema}.{table}" for schema, table in tables if place_of_table(schema, table) is None]
    return found


def test_a_night_writes_nothing_that_is_not_registered(first_night: Path) -> None:
    assert unregistered(Company(first_night).config.data) == []


def test_an_unregistered_file_or_table_is_found(running: Company) -> None:
    data = running.config.data
    (data / "notes.txt").write_text("Ana Gil", encoding="utf-8")
    with duckdb.connect(str(running.config.warehouse)) as connection:
        connection.execute("create schema aside; create table aside.people as select 'Ana Gil' as name")
        connection.execute("create table ledger.people as select 'Ana Gil' as name")
    assert unregistered(data) == ["notes.txt", "aside.people", "ledger.people"]


def test_everything_that_would_be_lost_is_in_a_backup(running: Company, tmp_path: Path) -> None:
    # taken before: the backup itself leaves a line of the audit
    kept = {path.relative_to(running.config.data).as_posix() for path, place in files_of(running.config.data)
            if place is not None and place.kind.value == "kept"}  # fmt: skip
    made = back_up(running.config, tmp_path / "kept")
    assert kept <= {file.removeprefix("data/") for file in made.files}
    assert {place_of(name) for name in kept} <= set(PATHS)
    shutil.rmtree(tmp_path / "kept")
