"""One feed's night: find what is new, extract it, let the gate judge it, and write rows and ledger in one transaction.

What a source did wrong ends here as an outcome, not as an exception: a refused batch holds back its own feed and nothing
else. Only a wrong configuration and faults of the machine go further up.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from clientela.contracts.raw_table import raw_columns
from clientela.errors import DeliveryError, is_resource_error, unreadable
from clientela.extract.inbox import Found, look, need_folders
from clientela.extract.mapping import Feed
from clientela.load import staging
from clientela.load.database_landing import fetch_new
from clientela.load.deliveries import batches, landing_folder, new_files
from clientela.load.gate.metrics import take_batch_metrics
from clientela.load.gate.suite import suite_of
from clientela.load.gate.validate import Check, validate
from clientela.load.landing import DeliveredFile
from clientela.load.ledger import close_refusals, record_refusal, write_ledger
from clientela.load.outcome import Outcome
from clientela.load.snapshots import FILES_PER_BATCH, insert_tombstones
from clientela.load.staging import Candidate
from clientela.sql.quoting import quoted
from clientela.warehouse.keys import identity_key
from clientela.warehouse.transactions import transaction


def load_feed(connection: duckdb.DuckDBPyConnection, feed: Feed, run_id: str, now: datetime) -> list[Outcome]:
    """Load whatever is new; one outcome per batch. Snapshots dated by their file are batches of their own, oldest first."""
    found = Found()
    try:
        found = look(feed.config, feed.settings.files)
        if feed.settings.database is not None:
            files = fetch_new(connection, feed, landing_folder(feed), now)
        else:
            files = new_files(connection, feed, found.trusted(), now)
        groups = batches(feed, files)
        if not found.files and not files:
            need_folders(feed.config, feed.settings.files)
    except DeliveryError as error:
        return [Outcome(feed.source_name, feed.entity.name, "refused", error.sentence, ignored=found.ignored)]
    except OSError as error:
        # a file that went between finding and reading, one that may not be read, a share that is not there
        if is_resource_error(error, feed.config.data):
            raise
        sentence = unreadable(error, ", ".join(feed.settings.files) or "the database")
        return [Outcome(feed.source_name, feed.entity.name, "refused", sentence, ignored=found.ignored)]
    if not groups:
        close_refusals(connection, feed, now)
        return [replace(_nothing(connection, feed, found), ignored=found.ignored)]
    outcomes: list[Outcome] = []
    for group in groups:
        outcomes.append(load_batch(connection, feed, group, run_id, now))
        if outcomes[-1].status == "refused":
            break
    return [replace(outcomes[0], ignored=found.ignored), *outcomes[1:]]


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
            staging.drop(connection, scratch)


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
        candidate = staging.build(connection, feed, files, scratch)
    except DeliveryError as error:
        outcome = Outcome(feed.source_name, feed.entity.name, "refused", error.sentence, batch_id, names)
        if is_staged:
            return outcome
        return record_refusal(connection, feed, outcome, files, run_id, now)
    connection.execute(
        "update batch_files set place = ? + file_index where place is null", [batch_id * FILES_PER_BATCH]
    )
    take_batch_metrics(connection, feed, candidate, now)
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
        return record_refusal(connection, feed, outcome, files, run_id, now)
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
        insert_tombstones(connection, feed, candidate, batch_id, now) if feed.settings.delivery == "snapshot" else 0
    )
    outcome = Outcome(
        feed.source_name, feed.entity.name, "loaded", "", batch_id, names, candidate.delivered, loaded,
        candidate.unchanged, candidate.quarantined, deleted, checks, columns=candidate.columns,
        new_columns=_new_columns(connection, feed, candidate.columns),
    )  # fmt: skip
    if outcome.delivered != outcome.loaded + outcome.unchanged + outcome.quarantined:
        raise AssertionError(f"batch {batch_id} does not close: {outcome}")
    page = write_ledger(connection, feed, outcome, run_id, now)
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
            select reason from excluded_rows where fate = 'quarantined'
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
    odd = connection.execute("select count(*) from excluded_rows").fetchall()[0][0]
    wanted = "faults is null" + (" and candidate.rowid not in (select row_id from excluded_rows)" if odd else "")
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
