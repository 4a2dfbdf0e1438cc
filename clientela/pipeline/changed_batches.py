"""Changing which batches count: some are unloaded, others loaded in their place, and those that depend on either read again.

What a person asks for is in `unload_batch`, `reapply_batch` and `reload_batches`. All leave the warehouse as if it had always
been so. New batches are written beside, staged: they count for nothing until one transaction retires the old ones and lets
them in, so a refused batch or a kill changes nothing. Nothing is deleted that was ever loaded: a run with a `known_at` from
before still sees the old rows. How a file becomes a batch is in `clientela.load`; marts are built by the next run, which sees
that they are outdated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from clientela import stopping
from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.extract.feed import Feed
from clientela.extract.feeds import feeds_of
from clientela.load.context import ACTIVE_BATCHES, LoadContext
from clientela.load.deliveries import batches, landing_folder
from clientela.load.landing import DeliveredFile
from clientela.load.ledger import first_landings
from clientela.load.loader import load_batch
from clientela.load.outcome import Outcome
from clientela.load.staging import prepare_rates
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.warehouse.transactions import transaction
from clientela.wording import counted

_EXCHANGE_RATES = "exchange_rates"


@dataclass(frozen=True)
class Change:
    """What was unloaded and what was loaded in its place; both may hold more than was asked for, where batches depend on it."""

    kind: str
    retired: tuple[int, ...]
    loaded: tuple[int, ...]
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        if not self.retired and not self.loaded:
            return "Nothing is loaded there; nothing was changed."
        done = f"{len(self.retired)} batch{'es' * (len(self.retired) != 1)} unloaded"
        done += f" ({_listed(self.retired)})" if self.retired else ""
        if self.loaded:
            done += f", {len(self.loaded)} loaded in their place ({_listed(self.loaded)})"
        return f"{done}. The published marts are as they were: `clientela run` builds and publishes them anew."


@dataclass(frozen=True)
class Batch:
    """A loaded batch, as the ledger knows it. `sequence` orders the batches of a feed as they first came."""

    batch_id: int
    source: str
    entity: str
    feed_name: str
    delivery: str
    unchanged: int
    loaded_at: datetime
    sequence: int

    @property
    def feed(self) -> tuple[str, str]:
        return self.source, self.feed_name


def loaded_batches(connection: duckdb.DuckDBPyConnection, status: str = "loaded") -> list[Batch]:
    """Every loaded batch, or unloaded one, feed by feed in the order in which the feed's deliveries first came."""
    rows = connection.execute(
        """
        select batch_id, loads.source, loads.entity, loads.feed, delivery, coalesce(unchanged_rows, 0),
            loaded_at, min(sequence)
        from ledger.loads join ledger.load_files using (batch_id)
        where status = ? group by all order by loads.source, loads.feed, min(sequence), batch_id
        """,
        [status],
    ).fetchall()
    return [Batch(*row) for row in rows]


def no_batch_sentence(connection: duckdb.DuckDBPyConnection, batch_id: int, status: str = "loaded") -> str:
    """Why there is nothing to do: no such batch, or one of another status."""
    found = connection.execute("select status from ledger.loads where batch_id = ?", [batch_id]).fetchall()
    if found:
        wish = "unload" if status == "loaded" else "reapply"
        return f"Batch {batch_id} is {found[0][0]}, so there is nothing of it to {wish}."
    return f'There is no batch {batch_id}; `clientela sql "from operations.loads"` lists those {status}.'


def change_batches(run: PipelineRun, retiring: Sequence[Batch], replaced: Sequence[Batch]) -> Change:
    """Retire batches; load anew those that are replaced and those that depend on what changes; all of it or nothing."""
    connection, config = run.connection, run.config
    retired = {batch.batch_id: batch for batch in retiring}
    again = {batch.batch_id: batch for batch in replaced}
    for batch in _dependent(connection, config, list({**retired, **again}.values())):
        if batch.batch_id not in retired:
            retired[batch.batch_id] = again[batch.batch_id] = batch
    if not again and not retired:
        return Change(run.kind, (), ())
    connection.execute("create or replace temp table retiring (batch_id bigint)")
    for batch_id in retired:
        connection.execute("insert into retiring values (?)", [batch_id])
    connection.execute(
        f"""
        create or replace temp view {ACTIVE_BATCHES} as
        select batch_id, source, feed from ledger.loads
        where (status = 'loaded' and batch_id not in (select batch_id from retiring)) or status = 'staged'
        """
    )
    outcomes = []
    for feed in _in_order(config, again.values()):
        subject = f"{feed.source_name}.{feed.name}"
        prepare_rates(connection)
        context = LoadContext(connection, feed, run.run_id, run.now)
        for batch in [b for b in again.values() if b.feed == (feed.source_name, feed.name)]:
            for files in batches(feed, _kept_files(context, batch)):
                run.watch("load", subject, "")
                outcome = load_batch(context, files, is_staged=True)
                if outcome.status == "refused":
                    raise ClientelaError(
                        f"{subject}: {', '.join(outcome.files)} of batch {batch.batch_id} would be refused, so nothing was "
                        f"changed: {outcome.reason}"
                    )
                outcomes.append(outcome)
                run.watch("loaded", subject, f"{outcome.loaded:,} of {counted(outcome.delivered, 'row')} loaded again")
    with stopping.deferred():
        _switch(connection, run.now)
        run.is_done = True
    run.outcomes += outcomes
    loaded = tuple(outcome.batch_id for outcome in outcomes if outcome.batch_id is not None)
    return Change(run.kind, tuple(sorted(retired)), loaded, outcomes)


def _dependent(connection: duckdb.DuckDBPyConnection, config: Config, retired: list[Batch]) -> list[Batch]:
    """Later batches whose rows depend on those that go or come, in order.

    Rows that only repeated a retired batch were left out as unchanged, and rows that repeat one that comes back will
    be; a snapshot's tombstones, and the rows it repeated, follow from the snapshots before it. Converted amounts follow
    from exchange rates.
    """
    loaded = loaded_batches(connection)
    active = {batch.batch_id for batch in loaded}
    returning = {batch.feed for batch in retired if batch.batch_id not in active}
    first = {feed: min(b.sequence for b in retired if b.feed == feed) for feed in {batch.feed for batch in retired}}
    found = [
        batch
        for batch in loaded
        if batch.feed in first
        and batch.sequence > first[batch.feed]
        and (batch.unchanged > 0 or batch.delivery == "snapshot" or batch.feed in returning)
    ]
    if any(batch.entity == _EXCHANGE_RATES for batch in retired):
        converted = {
            (feed.source_name, feed.name)
            for feed in feeds_of(config)
            if feed.entity.source_amount and ("currency" in feed.settings.columns or feed.currency != config.currency)
        }
        found += [batch for batch in loaded if batch.feed in converted]
    return found


def _in_order(config: Config, again: Iterable[Batch]) -> list[Feed]:
    """The feeds of the batches that are read again, exchange rates before what they convert."""
    wanted = {batch.feed for batch in again}
    feeds = {(feed.source_name, feed.name): feed for feed in feeds_of(config)}
    if missing := sorted(".".join(name) for name in wanted if name not in feeds):
        raise ClientelaError(
            f"{', '.join(missing)} is not configured any more, and batches of it must be read again; nothing was changed."
        )
    return sorted(
        (feed for name, feed in feeds.items() if name in wanted), key=lambda feed: feed.entity.name != _EXCHANGE_RATES
    )


def _kept_files(context: LoadContext, batch: Batch) -> list[DeliveredFile]:
    """The batch's files as they were delivered, each with its sequence."""
    feed = context.feed
    folder = landing_folder(feed)
    rows = context.connection.execute(
        """
        select file_name, content_sha256, bytes, landed_as, sequence from ledger.load_files
        where batch_id = ? order by sequence
        """,
        [batch.batch_id],
    ).fetchall()
    firsts = first_landings(context)
    files = [
        DeliveredFile(folder / landed, name, content, size, folder / landed, sequence, firsts[content])
        for name, content, size, landed, sequence in rows
    ]
    if gone := [file.name for file in files if not file.landed.is_file()]:
        raise ClientelaError(
            f"{feed.source_name}.{feed.name}: {', '.join(gone)} of batch {batch.batch_id} is no longer kept in "
            f"{folder} (landing.keep_days), and must be read again; nothing was changed."
        )
    return files


def _switch(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """The one transaction: the old batches are retired and the staged ones are active."""
    with transaction(connection):
        connection.execute(
            "update ledger.loads set status = 'unloaded', retired_at = ? where batch_id in (select batch_id from retiring)",
            [now],
        )
        connection.execute("update ledger.loads set status = 'loaded' where status = 'staged'")


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (", …" if len(numbers) > 10 else "")
