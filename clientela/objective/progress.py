"""Objectives against plan: baseline, target and the straight way to it, what came, where it is heading, and what moved it.

Belongs here: one objective at a time over the values of its KPI. Does not belong here: the values themselves (`kpis`), the
method of the forecast (`forecast`).

A value is taken over the objective's `months`: of a sum the mean of its months, of everything else numerators over
denominators. Complete months alone count.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from clientela.errors import ConfigError
from clientela.objective.columns import COMPANY
from clientela.objective.definitions import Kpi, Objective, months_between, objective_of, readable_kpis
from clientela.objective.forecast import Forecast, forecast

PROGRESS_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "objective": pl.String,
    "month": pl.Date,
    "started_month": pl.Date,
    "due_month": pl.Date,
    "baseline": pl.Float64,
    "target": pl.Float64,
    "path": pl.Float64,
    "actual": pl.Float64,
    "change": pl.Float64,
    "forecast_at_due": pl.Float64,
    "forecast_at_due_p10": pl.Float64,
    "forecast_at_due_p90": pl.Float64,
    "status": pl.String,
    "is_on_track": pl.Boolean,
    "no_value_reason": pl.String,
}
CONTRIBUTIONS_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "objective": pl.String,
    "month": pl.Date,
    "scope": pl.String,
    "segment": pl.String,
    "contribution": pl.Float64,
}
#: the line that takes what lies between the baseline that was stated and the one that was measured
STATED_BASELINE = "stated baseline"

#: numerator and denominator by month; of a sum the denominator is one per month
Parts = dict[date, tuple[float, float]]


@dataclass(frozen=True)
class _Series:
    """An objective's KPI: its parts for the whole, and for each segment of each scope that it is cut by."""

    whole: Parts
    segments: dict[tuple[str, str], Parts]
    until: date
    is_sum: bool


def progress(
    objectives: Sequence[Mapping[str, Any]], kpis: Sequence[Mapping[str, Any]], values: pl.DataFrame, until: date | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(one row per objective and month from the one before it begins to the one in which it is due; what each segment
    contributed to the change since the baseline, per objective, month and scope).

    objectives, kpis: rows of their tables. values: `kpis.kpi_values`. until: the last complete month; None where there is none.
    """
    known = readable_kpis(kpis)
    rows: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for row in objectives:
        try:
            objective = objective_of(row, known)
        except ConfigError as error:
            rows.append(_unknown(row, error.sentence))
            continue
        kpi = known[objective.kpi]
        series = _series(objective, kpi, values, until or date.min)
        reached = list(_months(objective, kpi, series))
        rows += reached
        moved += [line for month in reached for line in _contributions(objective, series, month)]
    return (
        pl.DataFrame(rows, schema=PROGRESS_SCHEMA, orient="row").sort("objective", "month"),
        pl.DataFrame(moved, schema=CONTRIBUTIONS_SCHEMA, orient="row").sort("objective", "month", "scope", "segment"),
    )


def _series(objective: Objective, kpi: Kpi, values: pl.DataFrame, until: date) -> _Series:
    whole: Parts = {}
    segments: dict[tuple[str, str], Parts] = {}
    mine = values.filter(
        (pl.col("kpi") == kpi.name) & (pl.col("month") <= until) & pl.col("numerator").is_not_null()
    ).sort("month")
    for row in mine.iter_rows(named=True):
        parts = row["numerator"], 1.0 if row["denominator"] is None else row["denominator"]
        if (row["scope"], row["segment"]) == (objective.scope, objective.segment):
            whole[row["month"]] = parts
        elif objective.scope == COMPANY:
            segments.setdefault((row["scope"], row["segment"]), {})[row["month"]] = parts
    return _Series(whole, segments, until, kpi.aggregation == "sum")


def _months(objective: Objective, kpi: Kpi, series: _Series) -> Iterator[dict[str, Any]]:
    before = _after(objective.started_on, -1)
    span = months_between(before, objective.due_on)
    measured = _value(series, before, objective.months)
    baseline = measured if objective.baseline is None else objective.baseline
    target = _target(objective, baseline)
    for number in range(span + 1):
        month = _after(before, number)
        is_reached = month <= series.until
        actual = _value(series, month, objective.months) if is_reached else None
        path = None if baseline is None or target is None else baseline + (target - baseline) * number / span
        ahead = None
        if actual is not None and 0 < number < span:
            ahead = _forecast(objective, kpi, series, month, span - number)
        seeks_less = _seeks_less(objective, kpi, baseline, target)
        status = _status(number, span, path, target, actual, ahead, is_reached=is_reached, seeks_less=seeks_less)
        yield {
            "objective": objective.name,
            "month": month,
            "started_month": _after(objective.started_on, 0),
            "due_month": _after(objective.due_on, 0),
            "baseline": baseline,
            "target": target,
            "path": path,
            "actual": actual,
            "change": None if actual is None or baseline is None else actual - baseline,
            "forecast_at_due": ahead.value if ahead else None,
            "forecast_at_due_p10": ahead.p10 if ahead else None,
            "forecast_at_due_p90": ahead.p90 if ahead else None,
            "status": status,
            "is_on_track": status in ("on track", "met"),
            "no_value_reason": _reason(objective, baseline, actual, is_reached, before),
        }


def _target(objective: Objective, baseline: float | None) -> float | None:
    if not objective.is_change:
        return objective.target
    return None if baseline is None else baseline * (1 + objective.target)


def _seeks_less(objective: Objective, kpi: Kpi, baseline: float | None, target: float | None) -> bool:
    """Whether a lower value is the better one: a change says so itself; a value to be reached leaves it to the KPI, if that
    has a better side, since the baseline may have passed the target already."""
    if objective.is_change or kpi.is_higher_better is None:
        return baseline is not None and target is not None and target < baseline
    return not kpi.is_higher_better


def _status(
    number: int, span: int, path: float | None, target: float | None, actual: float | None, ahead: Forecast | None,
    *, is_reached: bool, seeks_less: bool,
) -> str:  # fmt: skip
    """Where the objective stood at the end of that month; by its forecast, or by its path where there is none."""
    if not is_reached:
        return "to come"
    if target is None or path is None or actual is None:
        return "no value"
    if number == 0:
        return "baseline"
    if number == span:
        return "met" if _is_beyond(actual, target, seeks_less) else "missed"
    is_well = _is_beyond(ahead.value, target, seeks_less) if ahead else _is_beyond(actual, path, seeks_less)
    return "on track" if is_well else "off track"


def _is_beyond(value: float, target: float, seeks_less: bool) -> bool:
    """The value is at the target, or better than it."""
    return value <= target if seeks_less else value >= target


def _forecast(objective: Objective, kpi: Kpi, series: _Series, month: date, ahead: int) -> Forecast | None:
    """The value when the objective is due, as it was to be forecast at the end of that month."""
    history: list[float] = []
    for earlier in sorted(series.whole):
        if earlier <= month:
            value = _value(series, earlier, objective.months)
            # a gap ends what can be followed
            history = [] if value is None else [*history, value]
    found = forecast(history, ahead)
    if found is None or kpi.aggregation != "share":
        return found
    return Forecast(*(min(max(bound, 0.0), 1.0) for bound in found))


def _reason(
    objective: Objective, baseline: float | None, actual: float | None, is_reached: bool, before: date
) -> str | None:
    if baseline is None:
        span = "the month" if objective.months == 1 else f"the {objective.months} months"
        return f"there is no value of {objective.kpi} in {span} until {before:%Y-%m}; state a baseline, or begin later"
    if is_reached and actual is None:
        return f"there is no value of {objective.kpi} in this month"
    return None


def _contributions(objective: Objective, series: _Series, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """How much each segment moved the value since the baseline; the parts of a scope sum to the change.

    A segment's part is its distance from the baseline, weighed by its share of the denominator, now less then: it grows
    where the segment changes, and where it weighs more than it did. Of a sum it is the change of the segment's own sum.
    """
    before = _after(objective.started_on, -1)
    then = _whole(series, before, objective.months)
    now = _whole(series, row["month"], objective.months)
    if row["change"] is None or row["month"] <= before or then is None or now is None:
        return
    measured = then[0] / then[1]
    line = {"objective": objective.name, "month": row["month"]}
    for (scope, segment), parts in series.segments.items():
        parts_then = _summed(parts, before, objective.months)
        parts_now = _summed(parts, row["month"], objective.months)
        yield line | {
            "scope": scope,
            "segment": segment,
            "contribution": _distance(parts_now, now, measured, series.is_sum)
            - _distance(parts_then, then, measured, series.is_sum),
        }
    if measured != row["baseline"]:
        for scope in dict.fromkeys(scope for scope, _ in series.segments):
            stated = {"scope": scope, "segment": STATED_BASELINE, "contribution": measured - row["baseline"]}
            yield line | stated


def _distance(parts: tuple[float, float], whole: tuple[float, float], measured: float, is_sum: bool) -> float:
    return (parts[0] if is_sum else parts[0] - measured * parts[1]) / whole[1]


def _value(series: _Series, month: date, months: int) -> float | None:
    summed = _whole(series, month, months)
    return None if summed is None else summed[0] / summed[1]


def _whole(series: _Series, month: date, months: int) -> tuple[float, float] | None:
    """Numerators and denominators of the months that end with this one; None where they are not known.

    A sum needs all of its months. In a month of which there is nothing to measure a ratio has no parts, and those of the
    others stand for all; but not before its first.
    """
    first = _after(month, 1 - months)
    there = sum(1 for number in range(months) if _after(first, number) in series.whole)
    summed = _summed(series.whole, month, months)
    is_known = there == months if series.is_sum else there > 0 and min(series.whole) <= first
    return summed if is_known and summed[1] != 0 else None


def _summed(parts: Parts, month: date, months: int) -> tuple[float, float]:
    there = [parts[at] for number in range(months) if (at := _after(month, -number)) in parts]
    return sum(part[0] for part in there), sum(part[1] for part in there)


def _after(day: date, months: int) -> date:
    """The first day of the month so many months after the day's."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _unknown(row: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """The one row of an objective that cannot be computed."""
    due_on = row["due_on"]
    empty: dict[str, Any] = dict.fromkeys(PROGRESS_SCHEMA)
    return empty | {
        "objective": str(row["objective"]), "month": _after(due_on, 0), "due_month": _after(due_on, 0),
        "started_month": _after(row.get("started_on") or due_on, 0), "status": "no value", "is_on_track": False,
        "no_value_reason": reason,
    }  # fmt: skip
