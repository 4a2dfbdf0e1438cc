"""How a delivered value becomes a typed one: SQL expressions that give null where the value does not fit.

Nothing here raises on data: a null where something was delivered is what quarantines the row. Numbers in text are read in
`decimal_style`, local times in `time_zones`. A value without a time of
day is a day of the company's calendar: a DATE, text in a format without a time, midnight where midnight means no time.
"""

import re
from dataclasses import dataclass

from clientela.contracts import SQL_TYPES, Column
from clientela.extract.decimal_style import number
from clientela.extract.parameters import Parameters
from clientela.extract.time_zones import in_zone

TEXT = "VARCHAR"
_TRUE = ("true", "t", "yes", "y", "1", "si", "sí", "s", "x")
_FALSE = ("false", "f", "no", "n", "0")
_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
)
_FLOATS = ("FLOAT", "DOUBLE")
#: what in a format of strptime states a time of day, and what a zone
_TIME_OF_DAY, _ZONE = re.compile(r"%-?[HIpMSfgncX]"), re.compile(r"%[zZ]")
#: what a value is called in the sentence that refuses it
_CALLED = {
    "text": "a text",
    "integer": "a whole number",
    "decimal": "a number, or one of a billion and more",
    "money": "an amount, or one of 100 billion and more",
    "rate": "a number",
    "boolean": "true or false",
    "date": "a date",
    "timestamp": "a time, or not one that exists in the source's zone",
    "json": "a JSON object",
}


@dataclass(frozen=True)
class Style:
    """How one source writes numbers and times."""

    time_zone: str
    company_zone: str
    decimal_style: str = "point"
    date_format: str | None = None
    datetime_format: str | None = None


def states_time(strptime_format: str) -> bool:
    """Whether the format has a time of day; `%%H` is text."""
    return _TIME_OF_DAY.search(strptime_format.replace("%%", "")) is not None


def states_zone(strptime_format: str) -> bool:
    """Whether the format has the zone or its distance from UTC, so that what it reads is an instant."""
    return _ZONE.search(strptime_format.replace("%%", "")) is not None


def is_clock_time(delivered_type: str) -> bool:
    """Whether DuckDB's type is a time of some clock, without a zone."""
    return delivered_type.startswith("TIMESTAMP") and not delivered_type.endswith("ZONE")


def fault_of(column: Column) -> str:
    """What is said of a value that does not fit the column."""
    return f"not {_CALLED[column.type]}"


def blank_to_null(expression: str, delivered_type: str) -> str:
    """Text that is empty or only spaces is no value; other types stay as they are."""
    return f"nullif(trim({expression}), '')" if delivered_type == TEXT else expression


def as_text(expression: str, delivered_type: str) -> str:
    """The value as a key or a label: a whole float loses its `.0`; NaN, pandas' word for missing, and infinity are none."""
    if delivered_type in _FLOATS:
        return (
            f"case when not isfinite({expression}) then null "
            f"when {expression} = trunc({expression}) and abs({expression}) < 1e18 "
            f"then cast(try_cast({expression} as bigint) as varchar) else cast({expression} as varchar) end"
        )
    return expression if delivered_type == TEXT else f"cast({expression} as varchar)"


def typed(
    column: Column,
    expression: str,
    delivered_type: str,
    style: Style,
    parameters: Parameters,
    local: str | None = None,
    *,
    is_midnight_a_day: bool = False,
    moves_skipped: bool = False,
) -> str:
    """SQL that gives the value in the contract's type, null where it does not fit.

    `expression` is a plain column of type `delivered_type` (DuckDB's name), text already blank-to-null.
    `is_midnight_a_day`: a time at midnight has no time of day. `moves_skipped`: a time that the clock skipped is moved on.
    """
    target = SQL_TYPES[column.type]
    family = delivered_type.split("(")[0]
    if column.type in ("text", "json"):
        return as_text(expression, family)
    if column.type in ("integer", "decimal", "money", "rate"):
        if family == TEXT:
            return number(expression, style.decimal_style, target)
        if family in _NUMBERS:
            number_cast = f"try_cast({expression} as {target})"
            return (
                f"case when {expression} = trunc({expression}) then {number_cast} end"
                if column.type == "integer"
                else number_cast
            )
        return f"cast(null as {target})"
    if column.type == "boolean":
        if family == "BOOLEAN":
            return expression
        lowered = f"lower({as_text(expression, family)})"
        yes, no = (", ".join(f"'{word}'" for word in words) for words in (_TRUE, _FALSE))
        return f"case when {lowered} in ({yes}) then true when {lowered} in ({no}) then false end"
    if column.type == "date":
        return _date(expression, family, style, parameters)
    return _Times(style, parameters, is_midnight_a_day, moves_skipped).of(expression, family, local)


def local_time(
    column: Column, expression: str, delivered_type: str, style: Style, parameters: Parameters
) -> str | None:
    """A time in text as the source's clock showed it, null where it states a zone or none can be read.

    `typed` needs it more than once, so the caller computes it once, in a layer of its own. None for other values.
    """
    if column.type != "timestamp" or delivered_type != TEXT:
        return None
    if style.datetime_format:
        return f"try_strptime({expression}, {parameters.bind(style.datetime_format)})"
    is_local = f"contains({expression}, ':') and not {_states_zone(expression)}"
    return f"case when {is_local} then try_cast({expression} as timestamp) end"


def _states_zone(expression: str) -> str:
    """The text ends in Z, an offset or the name of a zone. The cheap looks come first: most times state none."""
    tail = f"right({expression}, 6)"
    may = f"(right({expression}, 1) >= 'A' or contains({tail}, '+') or contains({tail}, '-'))"
    zone = "([+-][0-9][0-9]:?([0-9][0-9])?|[A-Za-z]+(/[A-Za-z_-]+)*)"
    return f"({may} and regexp_matches({expression}, ':[0-9.]+ ?{zone}$'))"


def sensible(column: Column) -> str:
    """Years that no business lived in and amounts that no line has are typing errors, often a bar code in the wrong column.

    For a layer above the typed one, where the value has its name. Sums of a thousand such amounts still fit the marts.
    """
    name, sql_type = f'"{column.name}"', SQL_TYPES[column.type]
    if column.type in ("decimal", "money"):
        return f"case when abs({name}) < {10**9 if column.type == 'decimal' else 10**11} then {name} end as {name}"
    return f"case when {name} between {sql_type} '1850-01-01' and {sql_type} '2200-01-01' then {name} end as {name}"


def _date(expression: str, family: str, style: Style, parameters: Parameters) -> str:
    if family == "DATE":
        return expression
    if family == "TIMESTAMP WITH TIME ZONE":
        # midnight is a day in the zone that wrote it; any other time is on the company's day
        local, written = (
            f"timezone({parameters.bind(zone)}, {expression})" for zone in (style.company_zone, style.time_zone)
        )
        utc = f"timezone('UTC', {expression})"
        return (
            f"case when {is_midnight(utc)} then cast({utc} as date) when {is_midnight(written)} then cast({written} as date) "
            f"else cast({local} as date) end"
        )
    if family.startswith("TIMESTAMP"):
        return f"cast({expression} as date)"
    if family != TEXT:
        return "cast(null as date)"
    if style.date_format:
        return f"cast(try_strptime({expression}, {parameters.bind(style.date_format)}) as date)"
    return f"coalesce(try_cast({expression} as date), cast(try_cast({expression} as timestamp) as date))"


def is_midnight(local: str) -> str:
    """Whether a time of a clock, not null, has no time of day."""
    return f"{local} = date_trunc('day', {local})"


@dataclass(frozen=True)
class _Times:
    """How the times of one column become instants."""

    style: Style
    parameters: Parameters
    is_midnight_a_day: bool
    moves_skipped: bool

    def of(self, expression: str, family: str, local: str | None) -> str:
        if family == "TIMESTAMP WITH TIME ZONE":
            return expression
        if family.startswith("TIMESTAMP"):
            return self._instant(f"cast({expression} as timestamp)")
        if family == "DATE":
            return self._day(expression)
        if family != TEXT:
            return "cast(null as timestamptz)"
        if local is None:
            local = local_time(Column("time", "timestamp", ""), expression, TEXT, self.style, self.parameters) or "null"
        if self.style.datetime_format:
            return self._formatted(expression, local, self.style.datetime_format)
        day = _date(expression, TEXT, self.style, self.parameters)
        # DuckDB reads an offset only where no space stands before it
        stated = f"regexp_replace({expression}, ' ([Zz+-][0-9:]*)$', '\\1')"
        return (
            f"case when not contains({expression}, ':') then {self._day(day)} "
            f"when {local} is not null then {self._instant(local)} "
            f"when {_states_zone(expression)} then try_cast({stated} as timestamptz) end"
        )

    def _formatted(self, expression: str, local: str, datetime_format: str) -> str:
        if not states_time(datetime_format):
            return self._day(local)
        instant = local if states_zone(datetime_format) else self._instant(local)
        if not self.style.date_format:
            return instant
        day = self._day(_date(expression, TEXT, self.style, self.parameters))
        return f"case when {local} is not null then {instant} else {day} end"

    def _day(self, day: str) -> str:
        return f"timezone({self.parameters.bind(self.style.company_zone)}, cast({day} as timestamp))"

    def _instant(self, local: str) -> str:
        instant = in_zone(local, self.style.time_zone, self.parameters, moves_skipped=self.moves_skipped)
        if not self.is_midnight_a_day or self.style.time_zone == self.style.company_zone:
            return instant
        return f"case when {is_midnight(local)} then {self._day(local)} else {instant} end"
