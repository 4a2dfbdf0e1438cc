"""How counts and faults are said, so that each message reads as a sentence. Who says what, and when, is not here."""

import difflib
from collections.abc import Iterable


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: list[str], most: int = 8) -> str:
    """`a, b and c`; of many the first, and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def did_you_mean(name: str, names: Iterable[str], cutoff: float = 0.6, *, is_quoted: bool = True) -> str:
    """`; did you mean 'customer'?` for the nearest of the names; empty where none is near."""
    near = difflib.get_close_matches(name, list(names), 1, cutoff)
    return f"; did you mean {repr(near[0]) if is_quoted else near[0]}?" if near else ""


def fault_sentence(field: str, reason: str, value: str = "") -> str:
    """What is wrong with a field of a row, as a clause; `reason` is quarantine's, `value` how the value may be shown."""
    shown = f"{field} {value}".rstrip()
    if reason == "the key is empty":
        return f"{field}, which is part of the key, is empty"
    if reason == "a value is required":
        return f"{field} is empty, and a value is required"
    if reason.startswith("no "):
        return f"{shown} has {reason}"
    if reason.startswith(("not ", "dated ")):
        return f"{shown} is {reason}"
    return f"{shown}: {reason}"
