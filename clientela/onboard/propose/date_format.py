"""Which format dates in text have: day or month first, with or without a time."""

import re

#: a day or an instant as ISO 8601 writes it
ISO = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?\s?(Z|[+-]\d\d:?(\d\d)?)?")
_DAY = re.compile(r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{4}|\d{2})([ T]+\d{1,2}:\d\d(:\d\d)?)?")


def guessed_date_format(values: list[str]) -> tuple[str | None, bool]:
    """The strptime format of dates in text such as 31/12/2026 10:00, and whether day and month could be exchanged."""
    found = [match for value in values if (match := _DAY.fullmatch(value)) and not ISO.fullmatch(value)]
    if not values or len(found) < 0.7 * len(values):
        return None, False
    firsts, seconds = [int(m[1]) for m in found], [int(m[3]) for m in found]
    mark = found[0][2]
    if max(firsts) > 1000:
        day, is_ambiguous = f"%Y{mark}%m{mark}%d", False
    else:
        year = "%Y" if len(found[0][4]) == 4 else "%y"
        is_american = max(seconds) > 12 >= max(firsts)
        is_ambiguous = max(firsts) <= 12 and max(seconds) <= 12
        day = f"%m{mark}%d{mark}{year}" if is_american else f"%d{mark}%m{mark}{year}"
    with_time = [m for m in found if m[5]]
    if len(with_time) < len(found) / 2:
        return day, is_ambiguous
    between = "T" if "T" in with_time[0][5] else " "
    seconds_too = ":%S" if with_time[0][6] else ""
    return f"{day}{between}%H:%M{seconds_too}", is_ambiguous
