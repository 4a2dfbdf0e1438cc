"""The kinds of source: each reader turns one delivered file into a relation that DuckDB can select from.

A reader accounts for every delivered row: those it gives, and those it could not parse, with their place and reason.
It types nothing and maps nothing; that is `clientela.extract.mapping`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clientela.extract.mapping import Delivery


@dataclass(frozen=True)
class Unreadable:
    """A delivered row that could not be parsed: its place in the file, itself, and why."""

    row: int
    text: str
    reason: str


@dataclass(frozen=True)
class Opened:
    """One delivered file, ready to be selected from.

    `expected_rows` is how many rows the relation and `unreadable` must give together, None where the format itself
    counts. `lines` maps the position of a row to its line: from position `first` on, line = position + `shift`.
    """

    delivery: Delivery
    expected_rows: int | None = None
    unreadable: Sequence[Unreadable] = field(default_factory=tuple)
    lines: Sequence[tuple[int, int]] = field(default_factory=tuple)
    #: DuckDB keeps lines it rejects in reject_errors of this scan
    has_rejects: bool = False
