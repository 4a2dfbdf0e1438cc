"""One feed's night: find what is new, extract it, let the gate judge it, and write rows and ledger in one transaction.

What a source did wrong ends here as an outcome, not as an exception: a refused batch holds back its own feed and nothing
else. Only a wrong configuration and faults of the machine go further up.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

from clientela.contracts import CONTRACT_VERSION
from clientela.errors import DeliveryError, is_of_the_machine, unreadable
from clientela.extract.mapping import Feed
from clientela.keys import identity_key
from clientela.load import candidate as candidates
from clientela.load import landing
from clientela.load.candidate import Candidate
from clientela.load.facts import take_facts
from clientela.load.fetched import fetch_new
from clientela.load.gate import Check, validate
from clientela.load.inbox import Found, InboxFile, look, need_folders, opened
from clientela.load.landing import DeliveredFile
from clientela.load.page import shown_examples, write_page
from clientela.load.suite import suite_of
from clientela.masking import shape_sql
from clientela.transactions import transaction
from clientela.warehouse import quoted, raw_columns

#: versions of a feed whose batches order them: room for this many files in one batch
FILES_PER_BATCH = 1_000_000


@dataclass(frozen=True)
class Outcome:
    """How one feed's night went. `counts` are rows: delivered = loaded + unchanged + quarantined."""

    source: str
    entity: str
    status: Literal["loaded", "refused", "nothing new", "never delivered"]
    reason: str = ""
    batch_id: int | None = None
    files: tuple[str, ...] = ()
    delivered: int = 0
    loaded: int = 0
    unchanged: int = 0
    quarantined: int = 0
    deleted: int = 0
    checks: Sequence[Check] = field(default_factory=tuple)
    page: Path | None = None
    #: what the newest file delivered, and which of it the feed's previous batch did not
    columns: tuple[str, ...] = ()
    new_columns: tuple[str, ...] = ()
    #: what lay in the inbox and was left alone, in sentences
    ignored: tuple[str, ...] = ()

    @property
    def warnings(self) -> list[Check]:
        """The expectations not met that did not refuse the batch."""
        return [c for c in self.checks if not c.is_met and c.expect.severity == "warning"]


def mapping_hash(feed: Feed) -> str:
    """Hash of what decides how a delivered file becomes rows: the same file under the same hash gives the same batch."""
    told = [
        CONTRACT_VERSION,
        feed.source.model_dump(mode="json", exclude={"entities"}),
        feed.settings.model_dump(mode="json", exclude={"not_personal"}),
        feed.config.currency,
        feed.config.time_zone,
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def load_feed(connection: duckdb.DuckDBPyConnection, feed: Feed, run_id: str, now: datetime) -> list[Outcome]:
    """Load whatever is new; one outcome per batch. Snapshots dated by their file are batches of their own, oldest first."""
    found = Found()
    try:
        found = look(feed.config, feed.settings.files)
        if feed.settings.database is not None:
            files = fetch_new(connection, feed, landing_folder(feed), now)
        else:
            files = _new_files(connection, feed, found.trusted(), now)
        groups = batches(feed, files)
        if not found.files and not files:
            need_folders(feed.config, feed.settings.files)
    except DeliveryError as error:
        return [Outcome(feed.source_name, feed.entity.name, "refused", error.sentence, ignored=found.ignored)]
    except OSError as error:
        # a file that went between finding and reading, one that may not be read, a share that is not there
        if is_of_the_machine(error, feed.config.data):
            raise
        sentence = unreadable(error, ", ".join(feed.settings.files) or "the database")
        return [Outcome(feed.source_name, feed.entity.name, "refused", sentence, ignored=found.ignored)]
    if not groups:
        _close_refusals(connection, feed, now)
        return [replace(_nothing(connection, feed, found), ignored=found.ignored)]
    outcomes: list[Outcome] = []
    for group in groups:
        outcomes.append(load_batch(connection, feed, group, run_id, now))
        if outcomes[-1].status == "refused":
            break
    return [replace(outcomes[0], ignored=found.ignored), *outcomes[1:]]


def _close_refusals(connection: duckdb.DuckDBPyConnection, feed: Feed, now: datetime) -> None:
    """Whatever was refused lies there no more: it was taken away, or what lies in its place is loaded already."""
    connection.execute(
        "update ledger.loads set retired_at = ? where source = ? and entity = ? and status = 'refused' and retired_at is null",
        [now, feed.source_name, feed.entity.name],
    )


def _nothing(connection: duckdb.DuckDBPyConnection, feed: Feed, found: Found) -> Outcome:
    loaded = connection.execute(
        "select count(*) from ledger.loads where source = ? and entity = ? and status in ('loaded', 'unloaded')",
        [feed.source_name, feed.entity.name],
    ).fetchall()[0][0]
    if loaded or found.files:
        return Outcome(feed.source_name, feed.entity.name, "nothing new")
    patterns = ", ".join(feed.settings.files)
    if (database := feed.settings.database) is not None:
        reason = f"{database.table or 'the query'} gave no rows through {database.connection_env}"
        return Outcome(feed.source_name, feed.entity.name, "never delivered", reason)
    reason = f"no file matches {patterns} (seen from {feed.config.path.parent})"
    return Outcome(feed.source_name, feed.entity.name, "never delivered", reason)


def landing_folder(feed: Feed) -> Path:
    """Where the feed's delivered files are kept."""
    return feed.config.data / "landing" / feed.source_name / feed.entity.name


def first_landings(connection: duckdb.DuckDBPyConnection, feed: Feed) -> dict[str, datetime]:
    """Content → when it first came, for all that the feed ever delivered.

    What was loaded before this was kept counts as come when it was loaded.
    """
    rows = connection.execute(
        """
        select content_sha256, min(coalesce(landed_at, loaded_at, started_at))
        from ledger.load_files join ledger.loads using (batch_id)
        where loads.source = ? and loads.entity = ? group by content_sha256
        """,
        [feed.source_name, feed.entity.name],
    ).fetchall()
    return dict(rows)


def _new_files(
    connection: duckdb.DuckDBPyConnection, feed: Feed, found: Sequence[InboxFile], now: datetime
) -> list[DeliveredFile]:
    """Those of the found files whose content no loaded batch of the feed holds, copied into the landing folder.

    A file is what its bytes are, whatever its name. It is new all the same where it says again what was said before
    something else: of another day, or under a name that has held another content since.
    """
    held = connection.execute(
        """
        select file_name, content_sha256, version_at from ledger.load_files join ledger.loads using (batch_id)
        where loads.source = ? and loads.entity = ? and loads.status in ('loaded', 'unloaded')
        order by batch_id, place
        """,
        [feed.source_name, feed.entity.name],
    ).fetchall()
    contents = {content for _, content, _ in held}
    last_of = {name: content for name, content, _ in held}
    dated = {(content, version_at) for _, content, version_at in held if version_at is not None}

    def is_held(path: Path, content: str) -> bool:
        if content not in contents:
            return False
        if dated and (day := candidates.file_date(feed, path.name)) is not None:
            return (content, day) in dated
        return bool(last_of.get(path.name, content) == content)

    folder = landing_folder(feed)
    firsts = first_landings(connection, feed)
    new: dict[tuple[str, datetime | None], DeliveredFile] = {}
    for delivered in found:
        path = delivered.path
        known = landing.known_content(connection, delivered)
        if known is not None and is_held(path, known):
            continue
        with opened(delivered) as source:
            if known is None:
                stat = os.fstat(source.fileno())
                known = hashlib.file_digest(source, "sha256").hexdigest()
                landing.remember_content(connection, path, stat, known)
                if is_held(path, known):
                    continue
            landed = folder / f"{known[:16]}-{path.name}"
            if landed.is_file():
                file = DeliveredFile(path, path.name, known, landed.stat().st_size, landed)
                first = firsts.get(known) or landing.stamped(landed)
            else:
                file = landing.land(source, path, folder)
                first = firsts.get(file.content_sha256, now)
                landing.stamp(file.landed, first)
        file = replace(file, landed_at=first)
        new.setdefault((file.content_sha256, candidates.file_date(feed, file.name)), file)
    return list(new.values())


def batches(feed: Feed, files: list[DeliveredFile]) -> list[list[DeliveredFile]]:
    """What is gated and loaded together: all new files of a feed, or of one day for dated snapshots."""
    if not files:
        return []
    if feed.settings.delivery != "snapshot":
        return [files]
    by_date: dict[datetime | None, list[DeliveredFile]] = {}
    for file in files:
        by_date.setdefault(candidates.file_date(feed, file.name), []).append(file)
    return [by_date[day] for day in sorted(by_date, key=lambda day: (day is not None, day))]


def drop_staged(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove what a killed reload has staged: it never counted for anything."""
    staged = connection.execute("select batch_id, entity from ledger.loads where status = 'staged'").fetchall()
    if not staged:
        return
    with transaction(connection):
        for batch_id, entity in staged:
            connection.execute(f"delete from raw.{quoted(entity)} where batch_id = ?", [batch_id])
            for table in ("load_files", "load_checks", "load_amounts", "quarantined_rows", "loads"):
                connection.execute(f"delete from ledger.{table} where batch_id = ?", [batch_id])


def load_batch(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    files: list[DeliveredFile],
    run_id: str,
    now: datetime,
    *,
    is_staged: bool = False,
) -> Outcome:
    """Extract, judge and load the files as one batch. A staged one is written, but counts for nothing yet; refused, it
    leaves no trace."""
    feed = replace(feed, identity_key=identity_key(connection, feed.secret))
    scratch = feed.config.data / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        return _load_batch(connection, feed, files, run_id, now, scratch, is_staged)
    finally:
        with suppress(duckdb.Error):
            candidates.drop(connection, scratch)


def _load_batch(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    files: list[DeliveredFile],
    run_id: str,
    now: datetime,
    scratch: Path,
    is_staged: bool,
) -> Outcome:
    batch_id = connection.execute("select coalesce(max(batch_id), 0) + 1 from ledger.loads").fetchall()[0][0]
    names = tuple(file.name for file in files)
    suite = suite_of(feed.entity, feed.settings, feed.where)
    try:
        candidate = candidates.build(connection, feed, files, scratch)
    except DeliveryError as error:
        outcome = Outcome(feed.source_name, feed.entity.name, "refused", error.sentence, batch_id, names)
        if is_staged:
            return outcome
        return _record_refusal(connection, feed, outcome, files, run_id, now)
    connection.execute(
        "update batch_files set place = ? + file_index where place is null", [batch_id * FILES_PER_BATCH]
    )
    take_facts(connection, feed, candidate, now)
    checks = validate(connection, suite)
    refusals = [c for c in checks if c.refuses]
    if refusals:
        reason = "; ".join(f"{c.expect.name}: {c.expect.description} Found: {c.observed}" for c in refusals)
        if any(c.expect.name == "quarantined_share" for c in refusals):
            reason += _commonest_fault(connection)
        outcome = Outcome(
            feed.source_name, feed.entity.name, "refused", reason, batch_id, names, delivered=candidate.delivered,
            quarantined=candidate.quarantined, checks=checks,
        )  # fmt: skip
        if is_staged:
            return outcome
        return _record_refusal(connection, feed, outcome, files, run_id, now)
    with transaction(connection):
        return _write(connection, feed, candidate, batch_id, names, checks, run_id, now, is_staged)


def _write(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    candidate: Candidate,
    batch_id: int,
    names: tuple[str, ...],
    checks: Sequence[Check],
    run_id: str,
    now: datetime,
    is_staged: bool,
) -> Outcome:
    """Rows and ledger, inside the caller's transaction."""
    loaded = _insert_rows(connection, feed, batch_id, now)
    deleted = (
        _insert_tombstones(connection, feed, candidate, batch_id, now) if feed.settings.delivery == "snapshot" else 0
    )
    outcome = Outcome(
        feed.source_name, feed.entity.name, "loaded", "", batch_id, names, candidate.delivered, loaded,
        candidate.unchanged, candidate.quarantined, deleted, checks, columns=candidate.columns,
        new_columns=_new_columns(connection, feed, candidate.columns),
    )  # fmt: skip
    if outcome.delivered != outcome.loaded + outcome.unchanged + outcome.quarantined:
        raise AssertionError(f"batch {batch_id} does not close: {outcome}")
    page = _write_ledger(connection, feed, outcome, run_id, now)
    if is_staged:
        connection.execute("update ledger.loads set status = 'staged' where batch_id = ?", [batch_id])
    return Outcome(**{**outcome.__dict__, "page": page})


def _commonest_fault(connection: duckdb.DuckDBPyConnection) -> str:
    """What most rows of the candidate are quarantined for, by field; values stay out, they may be personal."""
    faults = connection.execute(
        """
        select told, count(*)
        from (
            select fault.field || ': ' || fault.reason as told
            from (select unnest(faults) as fault from candidate where faults is not null)
            union all
            select reason from odd_rows where fate = 'quarantined'
            union all
            select reason from unreadable
        )
        group by told order by count(*) desc, told limit 3
        """
    ).fetchall()
    return f". Most often: {'; '.join(f'{what} ({rows:,} rows)' for what, rows in faults)}" if faults else ""


def _new_columns(connection: duckdb.DuckDBPyConnection, feed: Feed, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The delivered columns that the feed's last loaded batch did not have; none before the first."""
    before = connection.execute(
        """
        select columns from ledger.loads
        where source = ? and entity = ? and status = 'loaded' and columns is not null
        order by batch_id desc limit 1
        """,
        [feed.source_name, feed.entity.name],
    ).fetchall()
    known = set(before[0][0].split(", ")) if before else set(columns)
    return tuple(name for name in columns if name not in known)


#: the version of a row: its own, or its file's date, or else the file's place, so that a later delivery wins
_VERSION = "coalesce(candidate.version, files.version, files.place)"


def _insert_rows(connection: duckdb.DuckDBPyConnection, feed: Feed, batch_id: int, now: datetime) -> int:
    table = f"raw.{quoted(feed.entity.name)}"
    places = {
        "source": "$source",
        "batch_id": "$batch_id",
        "loaded_at": "$now",
        "version": _VERSION,
        "version_at": "coalesce(candidate.version_at, files.version_at)",
        "is_revision": "record_id in (select record_id from known_before) or record_id in (select record_id from repeated)",
        "is_deleted": "false",
    }
    connection.execute(
        f"""
        create or replace temp table known_before as
        select distinct record_id from {table} where record_id in (select record_id from candidate)
        """
    )
    odd = connection.execute("select count(*) from odd_rows").fetchall()[0][0]
    wanted = "faults is null" + (" and candidate.rowid not in (select row_id from odd_rows)" if odd else "")
    columns = list(raw_columns(feed.entity))
    selected = ", ".join(f"{places.get(name, 'candidate.' + quoted(name))} as {quoted(name)}" for name in columns)
    return int(
        connection.execute(
            f"""
            insert into {table} ({", ".join(quoted(name) for name in columns)})
            select {selected} from candidate join batch_files as files using (file_index) where {wanted}
            """,
            {"source": feed.source_name, "batch_id": batch_id, "now": now},
        ).fetchall()[0][0]
    )


def _insert_tombstones(
    connection: duckdb.DuckDBPyConnection, feed: Feed, candidate: Candidate, batch_id: int, now: datetime
) -> int:
    """What the snapshot no longer holds gets a tombstone; what a later snapshot says is said again after a late one."""
    table = f"raw.{quoted(feed.entity.name)}"
    columns = [
        name
        for name in raw_columns(feed.entity)
        if name not in ("batch_id", "loaded_at", "version", "version_at", "is_revision", "is_deleted")
    ]
    copied = ", ".join(quoted(name) for name in columns)
    parameters = {"source": feed.source_name, "batch_id": batch_id, "now": now}
    loaded = f"batch_id in (select batch_id from {candidates.IN_FORCE})"

    def state(upto: str, batches: str) -> str:
        return f"""(
            select * from {table} where source = $source and version <= {upto} and ({batches})
            qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
        ) as state"""

    version, version_at, place = connection.execute(
        "select max(version), max(version_at), max(place) from batch_files"
    ).fetchall()[0]
    this = version if version is not None else place // FILES_PER_BATCH * FILES_PER_BATCH + FILES_PER_BATCH - 1
    deleted = 0
    if not candidate.keyless:
        deleted = connection.execute(
            f"""
            insert into {table} ({copied}, batch_id, loaded_at, version, version_at, is_revision, is_deleted)
            select {copied}, $batch_id, $now, $version, $version_at, true, true
            from {state("$version", f"batch_id = $batch_id or {loaded}")}
            where not is_deleted and record_id not in (select record_id from candidate where record_id is not null)
            """,
            {**parameters, "version": this, "version_at": version_at},
        ).fetchall()[0][0]
    later = connection.execute(
        f"""
        select version, version_at from ledger.load_files
        where source = ? and entity = ? and version > ? and {loaded} order by version limit 1
        """,
        [feed.source_name, feed.entity.name, this],
    ).fetchall()
    if later and version is not None:
        touched = (
            f"record_id in (select record_id from {table} where source = $source and batch_id = $batch_id "
            "and version = $version)"
        )
        values = {**parameters, "version": this, "later": later[0][0], "later_at": later[0][1]}
        into = f"insert into {table} ({copied}, batch_id, loaded_at, version, version_at, is_revision, is_deleted)"
        connection.execute(
            f"""
            {into}
            select {copied}, $batch_id, $now, $later, $later_at, true, is_deleted from {state("$later", loaded)}
            where version < $later and {touched}
            """,
            values,
        )
        # what no snapshot up to the later one knows vanished with it, unless it stands there among refused rows
        connection.execute(
            f"""
            {into}
            select {copied}, $batch_id, $now, $later, $later_at, true, true from {table}
            where source = $source and batch_id = $batch_id and version = $version and not is_deleted
                and record_id not in (select record_id from {table} where source = $source and version <= $later and {loaded})
                and not exists (
                    select 1 from ledger.load_files join ledger.loads using (batch_id)
                    where loads.source = $source and loads.entity = $entity and version = $later
                        and quarantined_rows > 0 and {loaded}
                )
            """,
            {**values, "entity": feed.entity.name},
        )
    return int(deleted)


def _write_ledger(
    connection: duckdb.DuckDBPyConnection, feed: Feed, outcome: Outcome, run_id: str, now: datetime
) -> Path:
    """The lines of the ledger for one batch, and its page. Quarantine keeps what a person needs to mend the row."""
    assert outcome.batch_id is not None
    page = feed.config.data / "gate" / f"{outcome.batch_id:06d}-{feed.source_name}-{feed.entity.name}.html"
    key = [outcome.batch_id, feed.source_name, feed.entity.name]
    entity = feed.entity
    first, last = None, None
    if entity.event_time and outcome.status == "loaded":
        event = quoted(entity.event_time)
        day = event if entity[entity.event_time].type == "date" else f"cast(timezone(?, {event}) as date)"
        zone = [feed.config.time_zone] if entity[entity.event_time].type != "date" else []
        first, last = connection.execute(
            f"select min(day), max(day) from (select {day} as day from gated)", zone
        ).fetchall()[0]
    connection.execute(
        "insert into ledger.loads values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            outcome.batch_id, run_id, feed.source_name, entity.name, feed.settings.delivery, outcome.status,
            outcome.reason or None, mapping_hash(feed), now, now if outcome.status == "loaded" else None,
            len(outcome.files), outcome.delivered, outcome.loaded, outcome.unchanged, outcome.quarantined,
            outcome.deleted, first, last, len(outcome.warnings), page.name, ", ".join(outcome.columns) or None,
            ", ".join(outcome.new_columns) or None,
        ],
    )  # fmt: skip
    for check in outcome.checks:
        connection.execute(
            "insert into ledger.load_checks values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *key, check.expect.name, check.expect.severity, check.is_met, check.expect.column,
                check.expect.description, check.observed, check.unexpected_count, check.unexpected_share,
                ", ".join(shown_examples(feed, check)) or None,
            ],
        )  # fmt: skip
    if outcome.status == "loaded":
        connection.execute(
            """
            insert into ledger.load_files
            select ?, ?, ?, file_name, content_sha256, bytes, landed_as, coalesce(version, place), version_at,
                delivered_rows, control_rows, control_sum, delivered_sum, place, landed_at
            from batch_files order by file_index
            """,
            key,
        )
        _write_quarantine(connection, feed, outcome.batch_id, now)
        if entity.name == "transactions":
            _write_amounts(connection, feed, key)
    write_page(page, feed, outcome, connection, now)
    return page


def _write_quarantine(connection: duckdb.DuckDBPyConnection, feed: Feed, batch_id: int, now: datetime) -> None:
    """What did not fit may be anything, whatever column it stands in: it is personal unless the feed declares otherwise."""
    connection.execute(
        f"""
        insert into ledger.quarantined_rows
        with faulty as (
            select source_file, source_row as line, unnest(faults) as fault, delivered_row
            from candidate where faults is not null
        ),
        conflicting as (
            select source_file, source_row as line, record_key, odd_rows.reason, delivered_row
            from candidate join odd_rows on candidate.rowid = odd_rows.row_id and odd_rows.fate = 'quarantined'
        ),
        refused as (
            select source_file, line, fault.field, fault.value, fault.reason,
                fault.field as declared, delivered_row
            from faulty
            union all
            select source_file, line, 'key', record_key, reason, 'key', delivered_row from conflicting
            union all
            select file_name, source_row, null, text, reason, null, null from unreadable join batch_files using (file_index)
        )
        select
            $batch_id, $source, $entity, source_file, line, field,
            case when is_shown then value end, case when not is_shown then value end,
            reason, delivered_row, $now, {shape_sql("value")}
        from (select *, coalesce(list_contains(cast($shown as varchar[]), declared), false) as is_shown from refused)
        """,
        {
            "shown": feed.settings.not_personal, "batch_id": batch_id, "source": feed.source_name, "entity": feed.entity.name,
            "now": now,
        },
    )  # fmt: skip


def _write_amounts(connection: duckdb.DuckDBPyConnection, feed: Feed, key: list[object]) -> None:
    """Net amount delivered by month and fate: what the reconciliation starts from."""
    connection.execute(
        """
        insert into ledger.load_amounts
        select ?, ?, ?, month, fate, count(*), sum(net_amount)
        from (
            select
                cast(date_trunc('month', cast(timezone(?, ordered_at) as date)) as date) as month,
                case when faults is not null then 'quarantined' else coalesce(fate, 'loaded') end as fate,
                net_amount
            from candidate left join odd_rows on candidate.rowid = row_id
            union all
            select null, 'quarantined', null from unreadable
        )
        group by month, fate
        """,
        [*key, feed.config.time_zone],
    )
    # rows that a late snapshot made the loader say again: in raw, and delivered by nobody
    connection.execute(
        """
        insert into ledger.load_amounts
        select
            $batch_id, $source, $entity,
            cast(date_trunc('month', cast(timezone($zone, ordered_at) as date)) as date) as month,
            'restated', count(*), sum(net_amount)
        from raw.transactions
        where batch_id = $batch_id and not is_deleted and version > (select max(version) from batch_files)
        group by month
        """,
        {"batch_id": key[0], "source": key[1], "entity": key[2], "zone": feed.config.time_zone},
    )


def _record_refusal(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    outcome: Outcome,
    files: list[DeliveredFile],
    run_id: str,
    now: datetime,
) -> Outcome:
    """Keep a refused batch, queryable, with its reason; a batch refused again for the same reason is not told twice."""
    contents = sorted(file.content_sha256 for file in files)
    before = connection.execute(
        """
        select loads.batch_id, list(content_sha256 order by content_sha256)
        from ledger.loads join ledger.load_files using (batch_id)
        where loads.source = ? and loads.entity = ? and status = 'refused' and mapping_hash = ? and reason = ?
        group by loads.batch_id order by loads.batch_id desc limit 1
        """,
        [feed.source_name, feed.entity.name, mapping_hash(feed), outcome.reason],
    ).fetchall()
    if before and before[0][1] == contents:
        connection.execute("update ledger.loads set retired_at = null where batch_id = ?", [before[0][0]])
        page = feed.config.data / "gate" / f"{before[0][0]:06d}-{feed.source_name}-{feed.entity.name}.html"
        return Outcome(**{**outcome.__dict__, "batch_id": before[0][0], "page": page})
    with transaction(connection):
        page = _write_ledger(connection, feed, outcome, run_id, now)
        key = outcome.batch_id, feed.source_name, feed.entity.name
        connection.executemany(
            """
            insert into ledger.load_files (
                batch_id, source, entity, file_name, content_sha256, bytes, landed_as, landed_at
            ) values (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [(*key, f.name, f.content_sha256, f.bytes, f.landed.name, f.landed_at) for f in files],
        )
        if outcome.checks:
            kept = feed.config.data / "quarantine" / f"{page.stem}.parquet"
            kept.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(
                """
                copy (
                    select * from candidate
                    union all by name
                    select
                        file_index, file_name as source_file, source_row, text as delivered_row,
                        [{'field': null, 'value': null, 'reason': reason}] as faults
                    from unreadable join batch_files using (file_index)
                ) to ? (format parquet)
                """,
                [str(kept)],
            )
    return Outcome(**{**outcome.__dict__, "page": page})
