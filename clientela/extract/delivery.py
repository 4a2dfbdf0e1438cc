"""What a reader hands on: a delivered relation, and the sentence about a column that it lacks."""

from collections.abc import Mapping as Dict
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Delivery:
    """A delivered relation: SQL to read it, its columns and their DuckDB types, and how a row's number is found."""

    relation: str
    columns: Dict[str, str]
    row_number: str | None
    #: it has no row numbers of its own: it is put aside as it is read, in its order, and `row_number` is a row's number there
    is_put_aside: bool = False
    #: the columns that the configuration names, for the sentence about one that is missing
    expected: frozenset[str] = frozenset()
    #: what is said of a name, in lower case, that several columns bear: it is refused only where it is mapped
    repeated: Dict[str, str] = field(default_factory=dict)
    #: a time at midnight has no time of day in any row, as in a workbook, where a day is written in no other way
    is_midnight_a_day: bool = False
