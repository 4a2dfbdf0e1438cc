"""What loading works with: one value in place of the connection, the feed, the run and its instant, each carried alone.

Also what more than one module of this room says in SQL: which batches count, which staged rows, and what orders them. The
tables of the batch under way are in `staging`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from clientela.config.company import Config
from clientela.extract.feed import Feed
from clientela.warehouse.keys import identity_key

if TYPE_CHECKING:
    from clientela.load.gate.validate import Check
    from clientela.load.staging import StagedBatch

    Onlooker = Callable[[StagedBatch, Sequence[Check]], None]

#: the batches that a new one is compared with, as a temporary view (batch_id, source, feed): those loaded, unless a reload
#: says otherwise
ACTIVE_BATCHES = "active_batches"
#: those of the feed alone; $source and $feed are bound
OF_FEED = f"(select batch_id from {ACTIVE_BATCHES} where source = $source and feed = $feed)"

#: the rows that are loaded unless another row says otherwise: nothing is wrong with them, and their feed takes them
LOADABLE = "faults is null and not is_left_out"
#: the version of a row: its own, or its file's date, or else the file's number, so that a later delivery wins; `staged_rows`
#: beside `batch_files as files`
VERSION = "coalesce(staged_rows.version, files.version, files.sequence)"


@dataclass(frozen=True)
class LoadContext:
    """One feed's load: the warehouse it goes into, the run that loads it, and the instant at which it does.

    `scratch` is where it may write what it needs meanwhile; the data folder's own where none is given. `inbox` is the company
    whose files are taken, where the feed's own configuration is that of a warehouse to be thrown away; `onlooker` sees each
    batch that was validated, before its temporary tables go.
    """

    connection: duckdb.DuckDBPyConnection
    feed: Feed
    run_id: str
    now: datetime
    scratch: Path | None = None
    inbox: Config | None = None
    onlooker: "Onlooker | None" = None

    @property
    def feed_key(self) -> list[str]:
        """(source, feed), as the ledger names the feed."""
        return [self.feed.source_name, self.feed.name]

    @property
    def scratch_folder(self) -> Path:
        return self.scratch or self.feed.config.data / "scratch"

    def with_warehouse_key(self) -> "LoadContext":
        """The same, with the key that this warehouse hashes personal keys by."""
        return replace(self, feed=replace(self.feed, identity_key=identity_key(self.connection, self.feed.secret)))
