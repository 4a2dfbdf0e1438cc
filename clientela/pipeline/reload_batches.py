"""Reading the kept files of a source's batches again, under the present mapping."""

from datetime import date, datetime

import duckdb

from clientela.config.company import Config
from clientela.errors import ConfigError
from clientela.extract.feeds import feeds_of
from clientela.pipeline.changed_batches import Batch, Change, change_batches, loaded_batches
from clientela.pipeline.open_run import open_run
from clientela.pipeline.progress import Watcher, silent


def reload(
    config: Config,
    source: str,
    entity: str | None = None,
    since: date | None = None,
    watch: Watcher = silent,
    now: datetime | None = None,
) -> Change:
    """Read the kept files of a source's loaded batches again, and let the new batches take the place of the old.

    `since`: only batches loaded on that day or later (for one that was reloaded before: first loaded). Raises
    ConfigError for a source or entity that is not configured, ClientelaError if a batch is refused or a file is no
    longer kept; nothing is changed then.
    """
    feeds = [feed for feed in feeds_of(config) if feed.source_name == source and entity in (None, feed.name)]
    if not feeds:
        known = sorted({f"{feed.source_name}.{feed.name}" for feed in feeds_of(config)})
        raise ConfigError(f"There is no {source}{f'.{entity}' if entity else ''}; there are: {', '.join(known)}.")
    with open_run(config, "reload", watch, now) as run:
        loaded = loaded_batches(run.connection)
        wanted = [
            batch
            for feed in feeds
            for batch in loaded
            if batch.feed == (feed.source_name, feed.name)
            and (since is None or _first_day(run.connection, config, batch) >= since)
        ]
        return change_batches(run, wanted, wanted)


def _first_day(connection: duckdb.DuckDBPyConnection, config: Config, batch: Batch) -> date:
    """The day on which what the batch holds was first loaded, in the company's calendar."""
    first = connection.execute(
        """
        select min(loaded_at) from ledger.loads join ledger.load_files using (batch_id)
        where loads.source = ? and loads.feed = ? and status in ('loaded', 'unloaded') and sequence = ?
        """,
        [*batch.feed, batch.sequence],
    ).fetchall()[0][0]
    day: date = first.astimezone(config.zone).date()
    return day
