"""What the values of one delivered column look like: shapes, counts, numbers, dates."""

import re
from dataclasses import dataclass

import duckdb

from clientela.onboard.propose.date_format import ISO, guessed_date_format
from clientela.onboard.propose.names import has_word
from clientela.onboard.propose.words import CURRENCIES
from clientela.sql.quoting import quoted

#: distinct values of a column whose shapes are tested
VALUES = 2_000
SHAPES: dict[str, re.Pattern[str]] = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}"),
    "phone": re.compile(r"(?=(?:\D*\d){7,15}\D*$)[+(]?\d[\d ().\-/]*"),
    "integer": re.compile(r"[+-]?\d+"),
    "number": re.compile(r"[+-]?(\d+([.,]\d+)?|\d{1,3}([.,]\d{3})+([.,]\d+)?)"),
    "point": re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?\.(\d{1,2}|\d{4,})"),
    "comma": re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?,(\d{1,2}|\d{4,})"),
    "negative": re.compile(r"-\d.*"),
    "iso": ISO,
    "zoned": re.compile(r"\d{4}-\d\d-\d\d[ T][\d:.]+\s?(Z|[+-]\d\d:?(\d\d)?)"),
    "timed": re.compile(r".*\d:\d\d.*"),
    "boolean": re.compile(r"true|false|t|f|yes|no|y|n|s|si|sí|0|1|x", re.IGNORECASE),
    "country": re.compile(r"[A-Z]{2}"),
}
#: parts of the names of columns with days and times
_TIMES = frozenset(
    "date fecha day dia time timestamp created updated changed paid start end at on period due ship".split()
)
#: the name of a column of a file without a header
UNNAMED = re.compile(r"column_\d+")
#: a day without marks, such as 20250131
_COMPACT = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True)
class ColumnProfile:
    """One delivered column. `shapes`: share of its given values of each shape; counts are of the sample."""

    name: str
    sql_type: str
    given: int
    distinct: int
    values: tuple[str, ...]
    shapes: dict[str, float]
    #: strptime format of its dates, where they are text and not ISO; `is_ambiguous`: day and month may be the other way
    format: str | None = None
    is_ambiguous: bool = False
    #: all distinct values, where they are few
    all_values: frozenset[str] | None = None
    #: the least and the greatest of its numbers
    low: float = 0.0
    high: float = 0.0

    def is_mostly(self, shape: str, share: float = 0.8) -> bool:
        return self.shapes.get(shape, 0.0) >= share

    @property
    def is_number(self) -> bool:
        is_typed = self.sql_type.split("(")[0] in ("DOUBLE", "FLOAT", "DECIMAL", "HUGEINT") or "INT" in self.sql_type
        return is_typed or (self.sql_type == "VARCHAR" and self.is_mostly("number", 0.7))

    @property
    def is_date(self) -> bool:
        is_typed = self.sql_type == "DATE" or self.sql_type.startswith("TIMESTAMP")
        return is_typed or self.format is not None or self.is_iso or self.is_epoch

    @property
    def is_epoch(self) -> bool:
        """Seconds since 1970, by its name and its numbers."""
        is_whole = "INT" in self.sql_type or (self.sql_type == "VARCHAR" and self.is_mostly("integer", 1.0))
        return is_whole and 9e8 < self.low <= self.high < 2.2e9 and has_word(self.name, _TIMES)

    @property
    def is_iso(self) -> bool:
        return self.sql_type == "VARCHAR" and self.is_mostly("iso", 0.7)

    @property
    def has_time(self) -> bool:
        return self.is_mostly("timed", 0.5)

    @property
    def is_idlike(self) -> bool:
        """Its values could name something: no amounts with decimals, no dates, no e-mail addresses."""
        is_float = self.sql_type.split("(")[0] in ("DOUBLE", "FLOAT", "DECIMAL", "BOOLEAN")
        return not (is_float or self.is_date or self.is_mostly("point", 0.1) or self.is_mostly("comma", 0.1))


def profile_of_column(connection: duckdb.DuckDBPyConnection, relation: str, name: str, kind: str) -> ColumnProfile:
    """The profile of one column of a sampled table; kind: its type in DuckDB."""
    text = f"nullif(trim(cast({quoted(name)} as varchar)), '')"
    rows: list[tuple[str, int]] = connection.execute(
        f"""
        select value, count(*) from (select {text} as value from {relation}) where value is not null
        group by value order by count(*) desc, value limit {VALUES + 1}
        """
    ).fetchall()
    are_all = len(rows) <= VALUES
    given, distinct = sum(count for _, count in rows), len(rows)
    if not are_all:
        given, distinct = connection.execute(
            f"select count(value), count(distinct value) from (select {text} as value from {relation})"
        ).fetchall()[0]
    seen = sum(count for _, count in rows) or 1
    shapes = {
        shape: sum(count for value, count in rows if pattern.fullmatch(value)) / seen
        for shape, pattern in SHAPES.items()
    }
    shapes["currency"] = sum(count for value, count in rows if value.upper() in CURRENCIES) / seen
    if kind.startswith("TIMESTAMP"):
        at_midnight = sum(count for value, count in rows if re.search(r" 00:00:00([+-]\d\d)?$", value)) / seen
        shapes["timed"] = 1 - at_midnight
    values = [value for value, _ in rows]
    found_format, is_ambiguous = (None, False) if kind != "VARCHAR" else guessed_date_format(values)
    if (
        found_format is None
        and (kind == "VARCHAR" or "INT" in kind)
        and (has_word(name, _TIMES) or UNNAMED.fullmatch(name))
    ):
        found_format = "%Y%m%d" if values and all(_COMPACT.fullmatch(value) for value in values) else None
    numbers = [number for value in values if (number := _number(value, shapes["comma"] > shapes["point"])) is not None]
    return ColumnProfile(
        name,
        kind,
        given,
        distinct,
        tuple(values[:30]),
        shapes,
        found_format,
        is_ambiguous,
        all_values=frozenset(values) if are_all else None,
        low=min(numbers, default=0.0),
        high=max(numbers, default=0.0),
    )


def _number(text: str, is_comma: bool) -> float | None:
    try:
        return float(text.replace(".", "").replace(",", ".") if is_comma else text.replace(",", ""))
    except ValueError:
        return None
