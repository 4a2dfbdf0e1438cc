"""One feed's load: find what is new, extract it, let the gate validate it, and write rows and ledger in one transaction.

What a source did wrong ends here as an outcome, not as an exception: a refused batch holds back its own feed and nothing
else. Only a wrong configuration and faults of the machine go further up.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import duckdb

from clientela.contracts.raw_table import raw_columns
from clientela.errors import DeliveryError, is_resource_error, unreadable
from clientela.extract.inbox import Found, look, need_folders
from clientela.extract.mapped_columns import named_columns
from clientela.load import staging
from clientela.load.context import LOADABLE, VERSION, LoadContext
from clientela.load.database_landing import fetch_new
from clientela.load.definitions import refuse_wrong_definitions
from clientela.load.deliveries import batches, landing_folder, new_files
from clientela.load.forgotten import without_gone
from clientela.load.gate.metrics import take_batch_metrics
from clientela.load.gate.suite import suite_of
from clientela.load.gate.validate import validate
from clientela.load.landing import DeliveredFile
from clientela.load.ledger import close_refusals, record_refusal, write_ledger
from clientela.load.left_out import withdraw_left_out
from clientela.load.outcome import Outcome, outcome_of
from clientela.load.snapshots import FILES_PER_BATCH, insert_tombstones
from clientela.load.staging import StagedBatch
from clientela.sql.quoting import quoted
from clientela.warehouse.transactions import transaction
from clientela.wording import counted


def load_feed(context: LoadContext) -> list[Outcome]:
    """Load whatever is new; one outcome per batch. Snapshots dated by their file are batches of their own, oldest first."""
    feed = context.feed
    found = Found()
    try:
        found = look(context.inbox or feed.config, feed.settings.files)
        if feed.settings.database is not None:
            files = fetch_new(context, landing_folder(feed))
        else:
            files = new_files(context, found.trusted())
        groups = batches(feed, files)
        if not found.files and not files:
            need_folders(feed.config, feed.settings.files)
    except DeliveryError as error:
        return [replace(outcome_of(feed, "refused", error.sentence), ignored=found.ignored)]
    except OSError as error:
        # a file that went between finding and reading, one that may not be read, a share that is not there
        if is_resource_error(error, feed.config.data):
            raise
        sentence = unreadable(error, ", ".join(feed.settings.files) or "the database")
        return [replace(outcome_of(feed, "refused", sentence), ignored=found.ignored)]
    if not groups:
        close_refusals(context)
        return [replace(_nothing_new(context, found), ignored=found.ignored)]
    outcomes: list[Outcome] = []
    for group in groups:
        outcomes.append(load_batch(context, group))
        if outcomes[-1].status == "refused":
            break
    return [replace(outcomes[0], ignored=found.ignored), *outcomes[1:]]


def _nothing_new(context: LoadContext, found: Found) -> Outcome:
    feed = context.feed
    loaded = context.connection.execute(
        "select count(*) from ledger.loads where source = ? and feed = ? and status in ('loaded', 'unloaded')",
        context.feed_key,
    ).fetchall()[0][0]
    if loaded or found.files:
        return outcome_of(feed, "nothing new")
    patterns = ", ".join(feed.settings.files)
    if (database := feed.settings.database) is not None:
        reason = f"{database.table or 'the query'} gave no rows through {database.connection_env}"
        return outcome_of(feed, "never delivered", reason)
    reason = f"no file matches {patterns} (seen from {feed.config.path.parent})"
    return outcome_of(feed, "never delivered", reason)


def load_batch(context: LoadContext, files: Sequence[DeliveredFile], *, is_staged: bool = False) -> Outcome:
    """Extract, validate and load the files as one batch. A staged one is written, but counts for nothing yet; refused, it
    leaves no trace."""
    context = context.with_warehouse_key()
    context.scratch_folder.mkdir(parents=True, exist_ok=True)
    try:
        return _load_batch(context, without_gone(context, files), is_staged)
    finally:
        with suppress(duckdb.Error):
            staging.drop(context)


def replay_batch(context: LoadContext, batch_id: int, files: Sequence[DeliveredFile]) -> Outcome:
    """Load the files as the batch that they were: the gate's verdict stands in the ledger's copy, and nothing is judged anew.

    Only the lines of the ledger that follow from the rows are written. Raises DeliveryError for a file that cannot be read.
    """
    # what a source stated of its files was compared when they came, and may have gone with the inbox
    settings = context.feed.settings.model_copy(update={"control_totals": None})
    context = replace(context, feed=replace(context.feed, settings=settings)).with_warehouse_key()
    context.scratch_folder.mkdir(parents=True, exist_ok=True)
    begun = replace(outcome_of(context.feed, "loaded"), batch_id=batch_id, files=tuple(file.name for file in files))
    try:
        batch = staging.build(context, files)
        with transaction(context.connection):
            return _write(context, batch, begun, is_staged=False, is_replayed=True)
    finally:
        with suppress(duckdb.Error):
            staging.drop(context)


def _load_batch(context: LoadContext, files: Sequence[DeliveredFile], is_staged: bool) -> Outcome:
    connection, feed = context.connection, context.feed
    batch_id = connection.execute("select coalesce(max(batch_id), 0) + 1 from ledger.loads").fetchall()[0][0]
    begun = replace(outcome_of(feed, "loaded"), batch_id=batch_id, files=tuple(file.name for file in files))
    suite = suite_of(feed.entity, feed.settings, feed.where, is_named_by_head=feed.is_named_by_head)
    try:
        batch = staging.build(context, files)
        refuse_wrong_definitions(context)
    except DeliveryError as error:
        outcome = replace(begun, status="refused", reason=error.sentence)
        if is_staged:
            return outcome
        return record_refusal(context, outcome, files)
    connection.execute(
        "update batch_files set sequence = ? + file_index where sequence is null", [batch_id * FILES_PER_BATCH]
    )
    take_batch_metrics(context, batch)
    checks = validate(connection, suite)
    if context.onlooker is not None:
        context.onlooker(batch, checks)
    refusals = [c for c in checks if c.refuses]
    if refusals:
        reason = "; ".join(f"{c.expect.name}: {c.expect.description} Found: {c.observed}" for c in refusals)
        if any(c.expect.name == "quarantined_share" for c in refusals):
            reason += _commonest_fault(connection)
        outcome = replace(
            begun,
            status="refused",
            reason=reason,
            delivered=batch.delivered,
            quarantined=batch.quarantined,
            left_out=batch.left_out,
            forgotten=batch.forgotten,
            expired=batch.expired,
            checks=checks,
        )
        if is_staged:
            return outcome
        return record_refusal(context, outcome, files)
    with transaction(connection):
        return _write(context, batch, replace(begun, checks=checks), is_staged)


def _write(
    context: LoadContext, batch: StagedBatch, outcome: Outcome, is_staged: bool, *, is_replayed: bool = False
) -> Outcome:
    """Rows and ledger, inside the caller's transaction; `outcome` names the batch and its checks, and is given back counted."""
    assert outcome.batch_id is not None
    batch_id = outcome.batch_id
    loaded = _insert_rows(context, batch_id)
    is_snapshot = context.feed.settings.delivery == "snapshot"
    deleted = insert_tombstones(context, batch, batch_id) if is_snapshot else withdraw_left_out(context, batch_id)
    outcome = replace(
        outcome,
        delivered=batch.delivered,
        loaded=loaded,
        unchanged=batch.unchanged,
        quarantined=batch.quarantined,
        left_out=batch.left_out,
        forgotten=batch.forgotten,
        expired=batch.expired,
        deleted=deleted,
        columns=batch.columns,
        new_columns=_new_columns(context, batch.columns),
    )
    known = (
        outcome.loaded
        + outcome.unchanged
        + outcome.quarantined
        + outcome.left_out
        + outcome.forgotten
        + outcome.expired
    )
    if outcome.delivered != known:
        raise AssertionError(f"batch {batch_id} does not close: {outcome}")
    report = write_ledger(context, outcome, is_reported=not is_replayed)
    if is_staged:
        context.connection.execute("update ledger.loads set status = 'staged' where batch_id = ?", [batch_id])
    return replace(outcome, validation_report=report)


def _commonest_fault(connection: duckdb.DuckDBPyConnection) -> str:
    """What most rows of the batch are quarantined for, by field; values stay out, they may be personal."""
    faults = connection.execute(
        """
        select cause, count(*)
        from (
            select fault.field || ': ' || fault.reason as cause
            from (select unnest(faults) as fault from staged_rows where faults is not null)
            union all
            select reason from excluded_rows where disposition = 'quarantined'
            union all
            select reason from unreadable
        )
        group by cause order by count(*) desc, cause limit 3
        """
    ).fetchall()
    causes = [f"{cause} ({counted(rows, 'row')})" for cause, rows in faults]
    return f". Most often: {'; '.join(causes)}" if causes else ""


def _new_columns(context: LoadContext, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The delivered columns that the feed's last loaded batch did not have and nothing reads; none before the first."""
    before = context.connection.execute(
        """
        select columns from ledger.loads
        where source = ? and feed = ? and status = 'loaded' and columns is not null
        order by batch_id desc limit 1
        """,
        context.feed_key,
    ).fetchall()
    if not before:
        return ()
    known = set(before[0][0].split(", "))
    new = [name for name in columns if name not in known]
    read = {name.lower() for name in named_columns(context.connection, context.feed.settings)} if new else set()
    return tuple(name for name in new if name.lower() not in read)


def _insert_rows(context: LoadContext, batch_id: int) -> int:
    connection, feed = context.connection, context.feed
    table = f"raw.{quoted(feed.entity.name)}"
    values = {
        "source": "$source",
        "batch_id": "$batch_id",
        "loaded_at": "$now",
        "version": VERSION,
        "version_at": "coalesce(staged_rows.version_at, files.version_at)",
        "is_revision": "record_id in (select record_id from known_before) or record_id in (select record_id from repeated)",
        "is_deleted": "false",
    }
    connection.execute(
        f"""
        create or replace temp table known_before as
        select distinct record_id from {table} where record_id in (select record_id from staged_rows)
        """
    )
    excluded = connection.execute("select count(*) from excluded_rows").fetchall()[0][0]
    wanted = LOADABLE + (" and staged_rows.rowid not in (select row_id from excluded_rows)" if excluded else "")
    columns = list(raw_columns(feed.entity))
    selected = ", ".join(f"{values.get(name, 'staged_rows.' + quoted(name))} as {quoted(name)}" for name in columns)
    return int(
        connection.execute(
            f"""
            insert into {table} ({", ".join(quoted(name) for name in columns)})
            select {selected} from staged_rows join batch_files as files using (file_index) where {wanted}
            """,
            {"source": feed.source_name, "batch_id": batch_id, "now": context.now},
        ).fetchall()[0][0]
    )
