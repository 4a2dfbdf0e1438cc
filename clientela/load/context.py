"""What loading works with: one value in place of the connection, the feed, the run and its instant, each carried alone.

Also the two names that more than one module of this room reads from the connection: the batches that count, and how a feed
finds its own among them. The tables of the batch under way stand in `staging`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from clientela.config.company import Config
from clientela.extract.mapping import Feed
from clientela.warehouse.keys import identity_key

if TYPE_CHECKING:
    from clientela.load.gate.validate import Check
    from clientela.load.staging import StagedBatch

    Onlooker = Callable[[StagedBatch, Sequence[Check]], None]

#: the batches that a new one is compared with, as a temporary view: those loaded, unless a reload says otherwise
ACTIVE_BATCHES = "active_batches"


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
    def scratch_folder(self) -> Path:
        return self.scratch or self.feed.config.data / "scratch"

    def with_warehouse_key(self) -> "LoadContext":
        """The same, with the key that this warehouse hashes personal keys by."""
        return replace(self, feed=replace(self.feed, identity_key=identity_key(self.connection, self.feed.secret)))
