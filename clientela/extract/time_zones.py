"""Local times as instants: hours that a change of the clock skips or repeats, in a source's time zone.

One that occurs twice takes the first; one that does not exist is null, or moved on where it only orders versions.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from clientela.extract.parameters import Parameters


def in_zone(expression: str, time_zone: str, parameters: Parameters, *, moves_skipped: bool = False) -> str:
    """A local time as an instant: the first where it occurs twice, null where the clock skipped it, or else moved on.

    DuckDB takes the later of two and moves a skipped time; only days on which the zone's clock changes pay for the care.
    """
    zone = parameters.bind(time_zone)
    instant = f"timezone({zone}, {expression})"
    days, steps = changes_of(time_zone)
    if not days:
        return instant
    earlier = [f"{instant} - interval {int(step.total_seconds())} second" for step in steps]
    first = " ".join(f"when timezone({zone}, {moment}) = {expression} then {moment}" for moment in earlier)
    skipped = f"when timezone({zone}, {instant}) <> {expression} then {instant if moves_skipped else 'null'}"
    return f"case when {_is_change_day(expression, days)} then case {skipped} {first} else {instant} end else {instant} end"


def was_skipped(expression: str, time_zone: str, parameters: Parameters) -> str:
    """Whether the zone's clock never showed the local time: it went forward over it."""
    days, _ = changes_of(time_zone)
    if not days:
        return "false"
    zone = parameters.bind(time_zone)
    back = f"timezone({zone}, timezone({zone}, {expression}))"
    return f"coalesce({_is_change_day(expression, days)} and {back} <> {expression}, false)"


def _is_change_day(expression: str, days: tuple[str, ...]) -> str:
    listed = ", ".join(f"date '{day}'" for day in days)
    return f"cast({expression} as date) in ({listed})"


@cache
def changes_of(time_zone: str) -> tuple[tuple[str, ...], tuple[timedelta, ...]]:
    """The local days, 1970 to 2100, on which the zone's distance from UTC changes, and how far its clock goes back."""
    zone = ZoneInfo(time_zone)
    moment = datetime(1970, 1, 1, tzinfo=UTC)
    # each day is looked at once: at tens of thousands a zone it is what costs
    local = moment.astimezone(zone)
    offset = local.utcoffset() or timedelta()
    days: set[str] = set()
    steps: set[timedelta] = set()
    while moment.year < 2100:
        moment += timedelta(days=1)
        local_after = moment.astimezone(zone)
        offset_after = local_after.utcoffset() or timedelta()
        if offset != offset_after:
            day, last = local.date(), local_after.date()
            while day <= last:
                days.add(day.isoformat())
                day += timedelta(days=1)
            if offset > offset_after:
                steps.add(offset - offset_after)
        local, offset = local_after, offset_after
    return tuple(sorted(days)), tuple(sorted(steps, reverse=True))
