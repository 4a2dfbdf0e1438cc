"""How one feed's load went: the counts and checks of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from clientela.extract.feed import Feed
from clientela.load.gate.validate import Check

Status = Literal["loaded", "refused", "nothing new", "never delivered"]


@dataclass(frozen=True)
class Outcome:
    """How one feed's load went, in rows: delivered = loaded + unchanged + quarantined + left out + forgotten + expired."""

    source: str
    entity: str
    status: Status
    reason: str = ""
    batch_id: int | None = None
    files: tuple[str, ...] = ()
    delivered: int = 0
    loaded: int = 0
    unchanged: int = 0
    quarantined: int = 0
    #: what the feed's `where` did not take, and lines that are declared to be no rows
    left_out: int = 0
    deleted: int = 0
    #: rows of persons who were forgotten, delivered again
    forgotten: int = 0
    #: rows whose time was over by `privacy.retention_days`, delivered again
    expired: int = 0
    checks: Sequence[Check] = field(default_factory=tuple)
    validation_report: Path | None = None
    #: what the newest file delivered, and which of it the feed's previous batch did not
    columns: tuple[str, ...] = ()
    new_columns: tuple[str, ...] = ()
    #: the feed's name, where it is not its entity's
    feed_name: str = ""
    #: what lay in the inbox and was left alone, in sentences
    ignored: tuple[str, ...] = ()

    @property
    def feed(self) -> str:
        """The feed's name within its source."""
        return self.feed_name or self.entity

    @property
    def warnings(self) -> list[Check]:
        """The expectations not met that did not refuse the batch."""
        return [c for c in self.checks if not c.is_met and c.expect.severity == "warning"]


def outcome_of(feed: Feed, status: Status, reason: str = "") -> Outcome:
    """How a feed's load went, before anything is counted."""
    name = feed.name if feed.name != feed.entity.name else ""
    return Outcome(feed.source_name, feed.entity.name, status, reason, feed_name=name)
