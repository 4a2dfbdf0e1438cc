"""What may be said of the columns that a source delivered: a file without a header delivers its first customer as names.

So a sentence counts columns, and names one only where it is like a name and close to one that the configuration has.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from clientela.wording import did_you_mean

#: letters, digits and what stands between words, and no long number
_NAME = re.compile(r"(?!.*\d{5})[^\W\d][\w .\-/%#()€$]{0,62}")
#: how alike two names are (difflib's ratio) where the header is one beyond doubt, and where it may be data
_ALIKE, _ALMOST_EQUAL = 0.6, 0.85


def shown_names(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns as they are told and remembered: one that cannot be a name goes by its place."""
    return tuple(
        name if _NAME.fullmatch(name) and name.isprintable() else f"column {place}"
        for place, name in enumerate(columns, 1)
    )


def missing_column(name: str, delivered: Collection[str], expected: Collection[str] = ()) -> str:
    """The sentence's part for a column that was not delivered. `expected`: all that the configuration names."""
    lowered = {column.lower() for column in delivered}
    others = {column.lower() for column in expected} - {name.lower()}
    found = len(others & lowered)
    is_header = bool(others) and 2 * found >= len(others)
    names = [column for column in delivered if _NAME.fullmatch(column) and column.isprintable()]
    hint = did_you_mean(name, names, _ALIKE if is_header else _ALMOST_EQUAL) or "."
    counted = f"It delivered {len(delivered)} column{'s' * (len(delivered) != 1)}"
    if not others:
        return f"no column {name!r}{hint} {counted}."
    if found:
        return f"no column {name!r}{hint} {counted}, among them {found} of the {len(others)} others that are mapped."
    return f"no column {name!r}{hint} {counted}, and none of those that are mapped: does it begin with a header?"


def named_apart(names: Sequence[str]) -> tuple[list[str], Mapping[str, str]]:
    """Names of which no two are equal, capital letters aside: where several columns bear one, each goes by its place.

    Beside them what is said of such a name, in lower case, where a mapping asks for it.
    """
    lowered = [name.lower() for name in names]
    places: dict[str, list[int]] = {}
    for place, name in enumerate(lowered, 1):
        places.setdefault(name, []).append(place)
    apart: list[str] = []
    for place, name in enumerate(names, 1):
        if len(places[lowered[place - 1]]) > 1:
            name = f"column {place}"
            while name.lower() in lowered:
                name += "_"
        apart.append(name)
    repeated = {}
    for name, several in places.items():
        if len(several) > 1:
            listed = f"{', '.join(map(str, several[:-1]))} and {several[-1]}"
            named = repr(names[several[0] - 1])
            repeated[name] = (
                f"the name {named} over columns {listed}; map one by its place, as {apart[several[0] - 1]!r}."
            )
    return apart, repeated


def repeated_columns(columns: Sequence[str]) -> str:
    """The places of columns that bear the same name, for a sentence; empty where all differ."""
    lowered = [column.lower() for column in columns]
    places = [str(place) for place, name in enumerate(lowered, 1) if lowered.count(name) > 1]
    return f"{', '.join(places[:-1])} and {places[-1]}" if places else ""
