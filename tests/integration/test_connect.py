"""The page on other tools is true: its Python, its SQLAlchemy and its exports run as written, on a published file."""

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from clientela.cli.main import main
from tests.conftest import ROOT, Company

PAGE = (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def _run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "docs/connect.md", "exec"), names)
    return names


@pytest.fixture
def published(first_night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds `published/`, in which a person stands."""
    shutil.copytree(Company(first_night).config.published, tmp_path / "published")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "published" / "marts.duckdb"


def test_python_and_sqlalchemy_read_the_marts_as_the_page_says(published: Path) -> None:
    plain, alchemy = (_run(code) for code in _blocks("python"))
    best, total = plain["best"], alchemy["total"]
    assert best.height > 0 and best["net_revenue"].sum() == total
    inspector = sa.inspect(alchemy["engine"])
    with duckdb.connect(str(published), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name, comment from duckdb_tables()").fetchall()
        described = connection.execute(
            "select column_name, comment from duckdb_columns() where table_name = 'customer_value' order by column_index"
        ).fetchall()
    columns = inspector.get_columns("customer_value", schema="value")
    assert [(column["name"], column["comment"]) for column in columns] == described
    assert all(comment for _, comment in described)
    everything = sa.MetaData()
    for schema in {schema for schema, _, _ in tables}:
        everything.reflect(alchemy["engine"], schema=schema)
    assert {f"{schema}.{table}" for schema, table, _ in tables} == set(everything.tables)
    for schema, table, comment in tables:
        assert everything.tables[f"{schema}.{table}"].comment == comment


def test_a_connection_without_a_pool_sees_the_next_publication_and_an_open_one_does_not(published: Path) -> None:
    engine = _run(_blocks("python")[1])["engine"]
    question = sa.text("select run_id from operations.publication")
    with duckdb.connect(str(published), read_only=True) as connection:
        before = connection.execute(str(question)).fetchall()
    aside = published.with_name("next.duckdb")
    shutil.copy(published, aside)
    with duckdb.connect(str(aside)) as connection:
        connection.execute("update operations.publication set run_id = 'the next night'")
    with engine.connect() as held:
        assert held.execute(question).all() == before
        os.replace(aside, published)
        assert held.execute(question).all() == before
        with engine.connect() as second:
            assert second.execute(question).all() == before, "while one is open, another gets the old file too"
    with engine.connect() as connection:
        assert connection.execute(question).all() == [("the next night",)]


def test_the_exports_of_the_page_run(first_night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIENTELA_CONFIG", str(first_night / "clientela.yml"))
    commands = [shlex.split(line) for block in _blocks("sh") for line in block.splitlines() if "clientela" in line]
    assert len(commands) == 2
    for command in commands:
        done = CliRunner().invoke(main, command[1:])
        assert done.exit_code == 0, done.output
    with duckdb.connect(str(Company(first_night).config.published / "marts.duckdb"), read_only=True) as connection:
        tables = {
            row[0]
            for row in connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        }
    assert {path.stem for path in (tmp_path / "lake").glob("*.parquet")} == tables
    assert len(list((tmp_path / "for_excel").glob("*.csv"))) == 2
