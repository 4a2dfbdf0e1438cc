"""An audience is handed out once, whatever comes between: the steps of a write, and what a run makes of a broken one.

The file is written under a name of its own and is whole on the disk before memory learns who stands in it. Giving it its name is
the one step that hands it out. Where a fault came after memory learnt of it, the file's first name tells how far it got: still
there, and nobody can have seen it, so the write is abandoned; gone, and it was handed out. A table of the company's database is
written in one transaction with a line that bears the run, after memory learnt of it: the line tells the same. `settle` says so at
a run's begin.

Belongs here: these steps. Does not belong here: who is in an audience (`clientela.pipeline.audience`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

import duckdb

from clientela import durable, stopping
from clientela.config.company import Config
from clientela.errors import ConfigError, DeliveryError
from clientela.pipeline import audience_table
from clientela.relationship.settings import AudienceTable
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
    aside = prepared_path(config, str(write["run_id"]))
    path = config.data / FOLDER / str(write["file_name"])
    durable.sync(aside)
    durable.sync(aside.parent)
    _prepare(connection, write, arms)
    with stopping.deferred():
        durable.switch_in(aside, path)
        _note(connection, {**write, "event": WRITTEN})
    return path


def hand_over(
    connection: duckdb.DuckDBPyConnection,
    config: Config,
    settings: AudienceTable,
    write: Mapping[str, object],
    arms: Mapping[int, str],
    content: tuple[dict[str, str], Sequence[Sequence[object]]],
) -> None:
    """Remember who is in it, and write it to the company's table. content: name → DuckDB type of its columns, and the rows."""
    _prepare(connection, write, arms)
    mark = (str(write["run_id"]), str(write["campaign_key"]), cast("datetime", write["occurred_at"]))
    with stopping.deferred():
        audience_table.write_rows(settings, config.path.parent, *content, mark)
        _note(connection, {**write, "event": WRITTEN})


def _prepare(connection: duckdb.DuckDBPyConnection, write: Mapping[str, object], arms: Mapping[int, str]) -> None:
    with transaction(connection):
        _note(connection, {**write, "event": PREPARED})
        connection.execute(
            """
            insert into memory.audience_members
            select ?, ?, customers.record_key, drawn.customer_id, drawn.arm
            from (select unnest(?::bigint[]) as customer_id, unnest(?::varchar[]) as arm) as drawn
            inner join intermediate.int_customers as customers on drawn.customer_id = customers.customer_id
            """,
            [write["run_id"], write["campaign_key"], list(arms), list(arms.values())],
        )


def settle(connection: duckdb.DuckDBPyConnection, config: Config, now: datetime) -> None:
    """Say of each write that was broken off whether it was handed out; what was prepared and nobody saw goes.

    What a database that cannot be asked would tell stays open.
    """
    pending = connection.execute(
        """
        select run_id, any_value(campaign_key), any_value(audience), any_value(file_name)
        from memory.audience_writes group by run_id having count(*) = 1
        """
    ).fetchall()
    for run_id, campaign_key, audience, file_name in pending:
        if file_name is not None:
            was_handed_out = not prepared_path(config, run_id).exists()
        elif (answer := _is_in_database(config, audience, run_id)) is not None:
            was_handed_out = answer
        else:
            continue
        event = WRITTEN if was_handed_out else ABANDONED
        _note(connection, {"run_id": run_id, "campaign_key": campaign_key, "event": event, "occurred_at": now})
    for path in (config.data / FOLDER).glob(f".*{_SUFFIX}"):
        path.unlink()


def _is_in_database(config: Config, audience: str, run_id: str) -> bool | None:
    """None where nobody can tell now."""
    settings = config.audiences[audience].database if audience in config.audiences else None
    if settings is None:
        return None
    try:
        return audience_table.was_written(settings, config.path.parent, run_id)
    except (DeliveryError, ConfigError):
        return None


def is_pending(connection: duckdb.DuckDBPyConnection, campaign_key: str) -> bool:
    """Whether a write of the campaign's audience was broken off, and nobody can tell how far it got."""
    return bool(
        connection.execute(
            "select 1 from memory.audience_writes where campaign_key = ? group by run_id having count(*) = 1",
            [campaign_key],
        ).fetchall()
    )


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
