"""Letting go what is over by `privacy.retention_days`: facts become monthly totals, personal values null, by whole months.

It takes the same road as forgetting: the warehouse is written anew into a file that never held them and takes the old one's place
in one step, with the totals and the ledger's lines; landed files are written anew before. So there is no moment at which half
of it is gone. What goes of each entity is in `clientela.privacy.expiring`, what is delivered again of it in
`clientela.load.expired`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from clientela import durable
from clientela.config.company import EXPIRING_ENTITIES, OWN_SOURCE, Config
from clientela.contracts import ENTITIES, Entity
from clientela.load.expired import OWN_DAYS, event_day
from clientela.privacy.expiring import STATEMENTS
from clientela.privacy.forget import (
    PROOFS,
    carry_quarantine,
    drop_refused,
    insert_gone,
    is_held_before,
    make_gone,
    rewrite_landing,
    settle_gone,
    work_folder,
    written_anew,
)
from clientela.sql.quoting import literal, quoted
from clientela.warehouse import audit, tombstones
from clientela.warehouse.expiries import expiry_of
from clientela.warehouse.transactions import transaction
from clientela.wording import counted, listed

#: what is taken aside of the warehouse before it is written anew, and as what
_TAKEN = {
    "going": "select null::varchar as entity, null::bigint as record_id where false",
    "gone_campaigns": "select null::varchar as campaign_key where false",
    "totals": "select * exclude (expired_at) from ledger.expired_amounts where false",
    "points": "select * exclude (expired_at) from ledger.expired_points where false",
}
#: the source that campaigns bear which clientela itself wrote out, and the tables of memory that say whom they were for
_OWN_CONTACTS = ("audience_members", "campaign_splits")


def together(entity: str) -> tuple[str, ...]:
    """The entities whose rows go with those of the one that is named."""
    return ("transactions", "orders") if entity == "transactions" else (entity,)


@dataclass(frozen=True)
class Due:
    """What of one source's entity is over: rows (no column), or values of a column, from before the first day of a month."""

    source: str
    entity: str
    column: str
    before: date


@dataclass(frozen=True)
class Expired:
    """What went: facts, values, and the files that were written anew."""

    rows: int
    values: int
    files: int
    before: date

    @property
    def sentence(self) -> str:
        gone = [counted(self.rows, "fact")] * bool(self.rows) + [counted(self.values, "personal value")] * bool(
            self.values
        )
        return (
            f"Expired by privacy.retention_days, from before {self.before}: {listed(gone or ['what was loaded no more'])}; "
            f"{counted(self.files, 'kept file was', 'kept files were')} written anew. Their monthly totals stay in the ledger."
        )


def due(connection: duckdb.DuckDBPyConnection, config: Config, today: date, as_of: date | None = None) -> list[Due]:
    """What has come to be over since the last time. `as_of`: facts from after its month begins cannot be totalled yet."""
    found = []
    for name, days in config.privacy.retention_days.items():
        entity, _, column = name.partition(".")
        before = (today - timedelta(days=days)).replace(day=1)
        if not column and as_of is not None:
            before = min(before, as_of.replace(day=1))
        old = _is_old(ENTITIES[entity], column)
        sources = connection.execute(
            f"select distinct source from raw.{quoted(entity)} as rows where {old} order by source",
            {"before": before, **({"zone": config.time_zone} if "$zone" in old else {})},
        ).fetchall()
        if name == "campaign_contacts":
            sources += connection.execute(
                """
                select ? where exists (
                    select 1 from memory.audience_members as members
                    inner join memory.audience_writes as written on members.run_id = written.run_id and written.event = 'prepared'
                    where cast(timezone(?, written.occurred_at) as date) < ?
                )
                """,
                [OWN_SOURCE, config.time_zone, before],
            ).fetchall()
        for (source,) in sources:
            expiry = expiry_of(connection, source, entity)
            last = expiry.values_before.get(column) if column else expiry.rows_before
            if last is None or before > last:
                found.append(Due(source, entity, column, before))
    return found


def expire(config: Config, dues: Sequence[Due], run_id: str, now: datetime) -> Expired:
    """Let what is due go from warehouse, landing and quarantine. Nobody else has the warehouse open, and its models are built
    upon all that is loaded: the totals are the ledger's own lines.

    What is published goes with the next publication, as after forgetting.
    """
    with work_folder(config) as work:
        _plan(config, dues, work)
        with written_anew(config, work) as connection:
            for table in ("going", "gone_campaigns"):
                connection.execute(
                    f"create temp table {table} as select * from read_parquet(?)", [str(work / f"{table}.parquet")]
                )
            with transaction(connection):
                values = _carry(connection, config, dues)
                _note(connection, dues, work, now)
            files = rewrite_landing(connection, config, (), run_id, now, is_expiry=True)
            with transaction(connection):
                rows = _settle(connection, config, dues)
            _scrub_refused(connection, config, dues)
            for item in dues:
                audit.record(
                    connection, config, "expire", f"{item.source}.{item.entity}{item.column and f'.{item.column}'}"
                )
            _begin_proof(config, dues, run_id, now, rows, values)
    return Expired(rows, values, files, max(item.before for item in dues))


def _is_old(entity: Entity, column: str) -> str:
    """SQL: whether a row of raw is over, or its value; $zone and $before are bound. `rows` is the row."""
    if column:
        return f"rows.{quoted(column)} is not null and {_value_day(entity)} < $before"
    if entity.name in OWN_DAYS:
        # of a contract the last that was said of it
        later = f"select 1 from raw.{quoted(entity.name)} as later where later.record_id = rows.record_id"
        return f"{event_day(entity, 'rows')} < $before and not exists ({later} and later.version > rows.version)"
    # the instant at which the day begins, rather than the day of each of millions of rows
    return f"rows.{quoted(entity.event_time or '')} < timezone($zone, cast($before as timestamp))"


def _value_day(entity: Entity, schema: str = "ledger") -> str:
    landed = (
        f"(select min(landed_at) from {schema}.load_files as files "
        "where files.batch_id = rows.batch_id and files.file_name = rows.source_file)"
    )
    when = [f"cast(timezone($zone, {at}) as date)" for at in ("rows.version_at", landed, "rows.loaded_at")]
    return f"coalesce({', '.join([event_day(entity, 'rows'), *when])})"


def _plan(config: Config, dues: Sequence[Due], work: Path) -> None:
    """Write aside which records go whole (`going`), and what they came to in the value ledger (`totals`).

    An order goes once its last line and its header are over; a line that waits for its header stays, since no mart knows it.
    """
    with duckdb.connect(str(config.warehouse), read_only=True) as connection:
        connection.execute("set memory_limit = ?", [config.limits.duckdb_memory])
        connection.execute("set threads = ?", [config.limits.threads])
        connection.execute("set timezone = 'UTC'")
        connection.execute("create temp table ends (source varchar, entity varchar, before date)")
        for item in dues:
            if not item.column:
                connection.execute("insert into ends values (?, ?, ?)", [item.source, item.entity, item.before])
        for table, empty in _TAKEN.items():
            connection.execute(f"create temp table {table} as {empty}")
        for name in sorted({item.entity for item in dues if not item.column}):
            for statement in STATEMENTS[name].split(";"):
                connection.execute(statement, {"zone": config.time_zone} if "$zone" in statement else {})
        for table in _TAKEN:
            connection.execute(f"copy {table} to {literal(str(work / f'{table}.parquet'))} (format parquet)")


def _carry(connection: duckdb.DuckDBPyConnection, config: Config, dues: Sequence[Due]) -> int:
    """Carry raw, memory and ledger into the new file but what is over; quarantine waits for the files. Gives the values that
    became null."""
    held = connection.execute(
        """
        select schema_name, table_name from duckdb_tables()
        where database_name = 'before' and schema_name in ('raw', 'ledger', 'memory')
        """
    ).fetchall()
    emptied = 0
    # first the keys, by which hashes are made
    for schema, table in sorted(held, key=lambda name: name != ("memory", "keys")):
        if (schema, table) == ("ledger", "quarantined_rows"):
            continue
        name = f"{schema}.{quoted(table)}"
        connection.execute(f"delete from {name}")
        if schema == "raw" and table in ENTITIES:
            emptied += _carry_entity(connection, config, ENTITIES[table], dues)
        elif schema == "memory" and table in _OWN_CONTACTS:
            connection.execute(
                f"insert into {name} by name select * from before.{name} "
                "where campaign_key not in (select campaign_key from gone_campaigns)"
            )
        else:
            connection.execute(f"insert into {name} by name select * from before.{name}")
    if is_held_before(connection, "run", "context"):
        connection.execute("delete from run.context")
        connection.execute("insert into run.context by name select * from before.run.context")
    return emptied


def _carry_entity(connection: duckdb.DuckDBPyConnection, config: Config, entity: Entity, dues: Sequence[Due]) -> int:
    name = f"raw.{quoted(entity.name)}"
    kept = f"rows.record_id not in (select record_id from going where entity = {literal(entity.name)})"
    columns = [item for item in dues if item.entity == entity.name and item.column]
    if not columns:
        connection.execute(f"insert into {name} by name select * from before.{name} as rows where {kept}")
        return 0
    emptied = 0
    conditions: dict[str, str] = {}
    for item in columns:
        over = (
            f"rows.source = {literal(item.source)} and rows.{quoted(item.column)} is not null "
            f"and {_value_day(entity, 'before.ledger')} < date {literal(item.before.isoformat())}"
        )
        conditions[item.column] = f"{conditions[item.column]} or {over}" if item.column in conditions else over
        emptied += connection.execute(
            f"select count(*) from before.{name} as rows where {kept} and {over}", {"zone": config.time_zone}
        ).fetchall()[0][0]
    changes = [
        f"case when {over} then null else {quoted(column)} end as {quoted(column)}"
        for column, over in conditions.items()
    ]
    # the hash of the values as delivered would tell the one that went to whoever tries all
    any_over = " or ".join(f"({over})" for over in conditions.values())
    digest = tombstones.number_sql("$key || '|' || cast(content_hash as varchar)")
    changes.append(f"case when {any_over} then {digest} else content_hash end as content_hash")
    connection.execute(
        f"insert into {name} by name select rows.* replace ({', '.join(changes)}) from before.{name} as rows where {kept}",
        {"zone": config.time_zone, "key": tombstones.tombstone_key(connection)},
    )
    return emptied


def _note(connection: duckdb.DuckDBPyConnection, dues: Sequence[Due], work: Path, now: datetime) -> None:
    """Up to when it expired, and what it came to."""
    for item in dues:
        for entity in (item.entity,) if item.column else together(item.entity):
            connection.execute(
                "insert into ledger.expiries values (?, ?, ?, ?, ?)",
                [item.source, entity, item.column, item.before, now],
            )
    for table, taken in (("expired_amounts", "totals"), ("expired_points", "points")):
        connection.execute(
            f"insert into ledger.{table} by name select *, cast(? as timestamptz) as expired_at from read_parquet(?)",
            [now, str(work / f"{taken}.parquet")],
        )


def _settle(connection: duckdb.DuckDBPyConnection, config: Config, dues: Sequence[Due]) -> int:
    """Quarantine without what is over, and the ledger's counts; gives the rows of facts that went."""
    carry_quarantine(connection, ())
    make_gone(connection)
    for name in EXPIRING_ENTITIES:
        if any(item.entity == name and not item.column for item in dues):
            for entity in together(name):
                condition = f"record_id in (select record_id from going where entity = {literal(entity)})"
                insert_gone(connection, ENTITIES[entity], config.time_zone, condition)
    settle_gone(connection, "expired")
    return int(connection.execute("select coalesce(sum(row_count), 0) from gone").fetchall()[0][0])


def _scrub_refused(connection: duckdb.DuckDBPyConnection, config: Config, dues: Sequence[Due]) -> None:
    """Rows of refused batches that are over go whole, for the sake of a value too."""
    for item in dues:
        source = config.sources.get(item.source)
        for name in (item.entity,) if item.column else together(item.entity):
            entity = ENTITIES[name]
            day = event_day(entity, "refused_rows").replace("$zone", literal(config.time_zone))
            if entity.event_time is None:
                day = "cast(refused_rows.version_at as date)"
            for feed in source.feeds_of(name) if source else {}:
                for path in sorted((config.data / "quarantine").glob(f"*-{item.source}-{feed}.parquet")):
                    connection.execute(
                        "create or replace temp table refused_rows as select * from read_parquet(?)", [str(path)]
                    )
                    drop_refused(connection, path, f"{day} < date {literal(item.before.isoformat())}")


def _begin_proof(config: Config, dues: Sequence[Due], run_id: str, now: datetime, rows: int, values: int) -> None:
    folder = config.data / PROOFS
    folder.mkdir(mode=0o700, exist_ok=True)
    proof = {
        "run_id": run_id, "forgotten_at": now.isoformat(), "rows": rows, "values": values,
        "expired": [
            {"source": item.source, "entity": item.entity, "column": item.column or None, "before": item.before.isoformat()}
            for item in dues
        ],
        "not_looked_at": ["the company's own inbox, where its exports lie", "backups, exports and disclosures made before"],
    }  # fmt: skip
    pending = folder / f"{run_id}-retention.pending.json"
    durable.write(pending, (json.dumps(proof, indent=2, ensure_ascii=False) + "\n").encode())
