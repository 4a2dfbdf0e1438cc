"""How one feed's load went: the counts and checks of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from clientela.load.gate.validate import Check


@dataclass(frozen=True)
class Outcome:
    """How one feed's load went. `counts` are rows: delivered = loaded + unchanged + quarantined."""

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
    validation_report: Path | None = None
    #: what the newest file delivered, and which of it the feed's previous batch did not
    columns: tuple[str, ...] = ()
    new_columns: tuple[str, ...] = ()
    #: what lay in the inbox and was left alone, in sentences
    ignored: tuple[str, ...] = ()

    @property
    def warnings(self) -> list[Check]:
        """The expectations not met that did not refuse the batch."""
        return [c for c in self.checks if not c.is_met and c.expect.severity == "warning"]
