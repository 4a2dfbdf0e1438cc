"""An audience's file is handed out once, whatever comes between: the steps of a write, and what a run makes of a broken one.

The file is written under a name of its own and is whole on the disk before memory learns who stands in it. Giving it its name is
the one step that hands it out. Where a fault came after memory learnt of it, the file's first name tells how far it got: still
there, and nobody can have seen it, so the write is abandoned; gone, and it was handed out. `settle` says so at a run's begin.

Belongs here: these steps. Does not belong here: who is in an audience (`clientela.pipeline.audience`).
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb

from clientela import durable, stopping
from clientela.config.company import Config
from clientela.warehouse.transactions import transaction

FOLDER = "audiences"
PREPARED, WRITTEN, ABANDONED = "prepared", "written", "abandoned"
_SUFFIX = ".prepared"


def prepared_path(config: Config, run_id: str) -> Path:
    """Where the file lies until it is handed out."""
    return config.data / FOLDER / f".{run_id}{_SUFFIX}"


def hand_out(
    connection: duckdb.DuckDBPyConnection, config: Config, write: Mapping[str, object], arms: Mapping[int, str]
) -> Path:
    """Remember who is in the file that lies at `prepared_path`, and give it its name; gives its path.

    write: the columns of memory.audience_writes but `event`. arms: customer_id → arm.
    """
    run_id = str(write["run_id"])
    aside = prepared_path(config, run_id)
    path = config.data / FOLDER / str(write["file_name"])
    durable.sync(aside)
    durable.sync(aside.parent)
    with transaction(connection):
        _note(connection, {**write, "event": PREPARED})
        connection.execute(
            """
            insert into memory.audience_members
            select ?, ?, customers.record_key, drawn.customer_id, drawn.arm
            from (select unnest(?::bigint[]) as customer_id, unnest(?::varchar[]) as arm) as drawn
            inner join intermediate.int_customers as customers on drawn.customer_id = customers.customer_id
            """,
            [run_id, write["campaign_key"], list(arms), list(arms.values())],
        )
    with stopping.deferred():
        durable.switch_in(aside, path)
        _note(connection, {**write, "event": WRITTEN})
    return path


def settle(connection: duckdb.DuckDBPyConnection, config: Config, now: datetime) -> None:
    """Say of each write that was broken off whether its file was handed out; what was prepared and nobody saw goes."""
    pending = connection.execute(
        "select run_id, campaign_key from memory.audience_writes group by all having count(*) = 1"
    ).fetchall()
    for run_id, campaign_key in pending:
        event = ABANDONED if prepared_path(config, run_id).exists() else WRITTEN
        _note(connection, {"run_id": run_id, "campaign_key": campaign_key, "event": event, "occurred_at": now})
    for path in (config.data / FOLDER).glob(f".*{_SUFFIX}"):
        path.unlink()


def written_at(connection: duckdb.DuckDBPyConnection, campaign_key: str) -> datetime | None:
    """When the campaign's audience was handed out; None where it was not yet."""
    rows: list[tuple[datetime | None]] = connection.execute(
        "select min(occurred_at) from memory.audience_writes where campaign_key = ? and event = ?",
        [campaign_key, WRITTEN],
    ).fetchall()
    return rows[0][0]


def _note(connection: duckdb.DuckDBPyConnection, row: Mapping[str, object]) -> None:
    names = ", ".join(row)
    marks = ", ".join("?" for _ in row)
    connection.execute(f"insert into memory.audience_writes ({names}) values ({marks})", list(row.values()))
