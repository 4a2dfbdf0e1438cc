"""Helpers: a feed of customers over one delivered file, and what came of each of its rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from clientela.config.company import Config
from clientela.contracts import ENTITIES
from clientela.extract.feed import Feed
from clientela.load import staging
from clientela.load.context import LoadContext
from clientela.load.landing import DeliveredFile
from tests.conftest import prepared_warehouse

COLUMNS = {"full_name": "name", "email": "email"}


def feed_of(folder: Path, entity: dict[str, Any] | None = None, name: str = "customers", **source: Any) -> Feed:
    """A feed with the given entity settings; by default customers with the columns id, name and email."""
    settings = {"files": "x.csv", "key": "id", "columns": COLUMNS, **(entity or {})}
    if "database" in settings:
        settings.pop("files")
    values = {
        "company": "Acme",
        "currency": "EUR",
        "time_zone": "Europe/Madrid",
        "sources": {"crm": {"entities": {name: settings}, **source}},
    }
    config = Config.model_validate(values)
    config._path = folder / "clientela.yml"
    crm = config.sources["crm"]
    return Feed(config, "crm", crm, ENTITIES[name], crm.entities[name], "secret")


def prepared(path: Path) -> duckdb.DuckDBPyConnection:
    """A warehouse with its tables."""
    connection = prepared_warehouse(path)
    staging.prepare_rates(connection)
    return connection


@dataclass(frozen=True)
class Read:
    """What came of a file: rows by their place, and places that could not be read, with the reason."""

    delivered: int
    rows: dict[int, tuple[Any, ...]]
    faults: dict[int, list[str]]
    unreadable: dict[int, str]
    texts: dict[int, str]


def read(connection: duckdb.DuckDBPyConnection, feed: Feed, path: Path, scratch: Path, *columns: str) -> Read:
    """Stage one file. Fails unless every delivered row is found exactly once."""
    file = DeliveredFile(path, path.name, "0", path.stat().st_size, path)
    context = LoadContext(connection, feed, "run", datetime(2026, 3, 1, tzinfo=UTC), scratch)
    built = staging.build(context, [file])
    chosen = columns or ("record_key", "full_name", "email")
    found = connection.execute(f"select source_row, faults, {', '.join(chosen)} from staged_rows").fetchall()
    unreadable = connection.execute("select source_row, reason, text from unreadable").fetchall()
    places = [row[0] for row in (*found, *unreadable)]
    assert None not in places
    assert len(places) == len(set(places)), "a row stands for two"
    assert built.delivered - built.left_out == len(places)
    assert list(scratch.iterdir()) == [], "the scratch folder is left as it was"
    return Read(
        built.delivered,
        {row[0]: row[2:] for row in found},
        {row[0]: [f"{fault['field']}: {fault['reason']}" for fault in row[1]] for row in found if row[1]},
        {row[0]: row[1] for row in unreadable},
        {row[0]: row[2] for row in unreadable},
    )
