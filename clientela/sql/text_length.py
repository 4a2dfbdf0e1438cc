"""How long a text an expression may make of a delivered one: known from the expression alone, before a row is read.

Every part of the expression has a bound, `times` the longest delivered cell and `more` characters beside. DuckDB makes a
text in memory that no limit counts, so `lpad(name, 2000000000)` would take the machine with it, and twenty `replace`
within each other as well. Does not belong here: which functions there may be (`clientela.sql.expressions`).
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: a text may be this many times as long as the longest cell that it is made of
MAX_TIMES = 256
#: and this many characters longer
MAX_MORE = 100_000
#: what lpad and rpad may fill up to
MAX_PADDED = 10_000

#: what has a few characters whatever it is given: numbers, times, truth, digests
_SHORT = frozenset(
    """
    + - * / // % ^ ** ~~ !~~ ~~* !~~* abs ceil ceiling floor round round_even trunc sign mod power sqrt ln log10 exp length
    len contains starts_with ends_with prefix suffix strpos instr position regexp_matches regexp_full_match md5 sha256 chr
    ascii unicode strptime try_strptime date_part date_trunc date_diff datediff date_add date_sub datepart datetrunc to_days
    to_hours to_minutes to_seconds to_months to_years to_weeks make_date make_timestamp make_timestamptz epoch_ms epoch
    to_timestamp timezone year month day hour minute second last_day dayofweek isodow json_array_length number
    delivered_on
    """.split()
)
_LONGEST_NUMBER = 64
#: what gives one of its arguments
_CHOICES = frozenset({"if", "ifnull", "nullif", "coalesce", "greatest", "least"})
#: how many characters one may become: digits of a byte, marks around each member of a list, the name of a month
_TIMES = {"hex": 2, "string_split": 4, "strftime": 16}
_CLASSES_OF_TRUTH = frozenset({"COMPARISON", "CONJUNCTION", "BETWEEN"})


class TooLongError(ValueError):
    """An expression that may make a text without a sensible bound; the message continues a sentence about it."""


@dataclass(frozen=True)
class Bound:
    """No longer than `times` the longest cell and `more` characters."""

    times: int
    more: int

    def scaled(self, factor: int) -> "Bound":
        return Bound(self.times * factor, self.more * factor)


def bound(node: dict[str, Any]) -> Bound:
    """The bound of a node of DuckDB's syntax tree. Raises TooLongError where a part has none, or too high a one."""
    found = _bound(node)
    if found.times > MAX_TIMES or found.more > MAX_MORE:
        raise TooLongError(
            f"may make texts {found.times:,} times as long as what was delivered and {found.more:,} characters more; "
            f"allowed are {MAX_TIMES} times and {MAX_MORE:,} characters"
        )
    return found


def _bound(node: dict[str, Any]) -> Bound:
    kind = node["class"]
    if kind == "COLUMN_REF":
        return Bound(1, _LONGEST_NUMBER)
    if kind == "CONSTANT":
        return Bound(0, len(_text(node) or ""))
    if kind == "CASE":
        for check in node["case_checks"]:
            bound(check["when_expr"])
        return _longest([bound(check["then_expr"]) for check in node["case_checks"]] + [bound(node["else_expr"])])
    inner = [bound(part) for part in _parts(node)]
    if kind in _CLASSES_OF_TRUTH:
        return Bound(0, _LONGEST_NUMBER)
    if kind == "FUNCTION":
        return _of_function(node["function_name"].lower(), _parts(node), inner)
    if kind == "OPERATOR" and node["type"] == "OPERATOR_COALESCE":
        return _longest(inner)
    if kind == "CAST" and "BLOB" in str(node.get("type_expr") or node.get("cast_type")).upper():
        # as text each of its bytes has four characters
        return _sum(inner).scaled(4)
    return _sum([*inner, Bound(0, _LONGEST_NUMBER)])


def _of_function(name: str, parts: list[dict[str, Any]], inner: list[Bound]) -> Bound:
    if name in _SHORT:
        return Bound(0, _LONGEST_NUMBER)
    if name in _CHOICES:
        return _longest(inner)
    if name in ("lpad", "rpad"):
        length = _text(parts[1]) if len(parts) > 1 else None
        if length is None or not re.fullmatch(r"\d{1,9}", length) or int(length) > MAX_PADDED:
            raise TooLongError(f"calls {name}(), whose length must be a plain number up to {MAX_PADDED:,}")
        return Bound(0, int(length))
    if name in ("replace", "regexp_replace") and len(parts) > 2:
        return inner[0].scaled(_replaced(name, _text(parts[1]), _text(parts[2])))
    if name == "concat_ws" and inner:
        return _sum([*inner[1:], inner[0].scaled(len(inner))])
    return _sum(inner).scaled(_TIMES.get(name, 1))


def _replaced(name: str, sought: str | None, put: str | None) -> int:
    """How many characters `replace` or `regexp_replace` makes of one."""
    if put is None:
        raise TooLongError(f"calls {name}(), which must put in a plain text, not a column or an expression")
    if name == "replace":
        return max(1, math.ceil(len(put) / max(len(sought or ""), 1)))
    # a pattern may find nothing between any two characters, and put what it found in several times
    return 1 + len(put) + len(re.findall(r"\\\d", put))


def _parts(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The expressions right below a node; DuckDB 1.5 and 2.0 write arguments differently."""
    if "arguments" in node:
        return [argument["expression"] for argument in node["arguments"]]
    named = [
        node[name] for name in ("child", "left", "right", "input", "lower", "upper") if isinstance(node.get(name), dict)
    ]
    return [part for part in [*named, *(node.get("children") or [])] if "class" in part]


def _text(node: dict[str, Any]) -> str | None:
    """A constant as text; None for null, and for whatever is no constant."""
    if node["class"] != "CONSTANT":
        return None
    if "literal" in node:
        text = node["literal"].get("text")
        return None if text is None else str(text)
    value = node["value"]
    return None if value.get("is_null") else str(value.get("value"))


def _sum(bounds: Iterable[Bound]) -> Bound:
    listed = list(bounds)
    return Bound(sum(b.times for b in listed), sum(b.more for b in listed))


def _longest(bounds: Iterable[Bound]) -> Bound:
    listed = list(bounds)
    return Bound(max((b.times for b in listed), default=0), max((b.more for b in listed), default=0))
