"""The kinds of source: each reader turns one delivered file into a relation that DuckDB can select from.

A reader accounts for every delivered row: those it gives, and those it could not parse, with their place and reason.
Places are those of the delivered file: a line of a text file, a row of a sheet, an element of a list. It types nothing
and maps nothing; that is `clientela.extract.mapping`. What it must write to read at all (a decompressed copy, the lines
that were told apart) goes into a scratch folder that the caller empties.
"""

from collections.abc import Callable
from dataclasses import dataclass

from clientela.extract.delivery import Delivery
from clientela.extract.parameters import Parameters


@dataclass(frozen=True)
class Opened:
    """One delivered file, ready to be selected from."""

    delivery: Delivery
    #: rows that the relation must give; None where the format itself counts
    expected_rows: int | None = None
    #: relation (source_row, text, reason) of the rows that could not be parsed, bound into the same parameters
    unreadable: str | None = None
    #: lines or rows above and below the records that the configuration, or the file itself, says to be none: they are counted
    #: and not among those that the relation gives
    title_lines: int = 0
    footer_lines: int = 0
    #: rows that went from the file when somebody was forgotten: they were delivered, and are counted
    forgotten_rows: int = 0
    #: and those whose time was over by `privacy.retention_days`
    expired_rows: int = 0
    #: the slower way to read the file, to be taken where the rows do not add up or the fast way stumbles
    fallback_reader: Callable[[Parameters], "Opened"] | None = None

    @property
    def left_out_lines(self) -> int:
        """Lines that are declared to be no rows: the batch counts them as left out."""
        return self.title_lines + self.footer_lines
