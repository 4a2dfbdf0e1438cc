"""Kaplan-Meier, customer by customer and day by day: who is still watched, who left, what share stays.

Reads the table `states` of own_states; segments of the landmark come from value.customer_months, which another test recounts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, log, sqrt
from typing import Any

import duckdb
import polars as pl

Z = 1.959963984540054  # of 95 %
LEAST_CHANCE, ONE_MONTH = 0.01, 28


@dataclass
class Stay:
    """One duration: of whom, how long, whether it ended, after how many days it came into sight."""

    customer: int
    days: int
    has_ended: bool
    entered: int = 0
    started_on: date | None = None


def curve(stays: list[Stay]) -> list[tuple[Any, ...]]:
    """A row per day on which somebody left or ceased to be watched, and day 0."""
    found, survival, variance = [], 1.0, 0.0
    for day in sorted({0, *(stay.days for stay in stays)}):
        at_risk = sum(stay.days >= day and (stay.entered < day or stay.entered <= 0) for stay in stays)
        lapsed = sum(stay.days == day and stay.has_ended for stay in stays)
        censored = sum(stay.days == day and not stay.has_ended for stay in stays)
        if at_risk:
            survival *= 1 - lapsed / at_risk
        low = high = survival
        if lapsed and at_risk > lapsed:
            variance += lapsed / (at_risk * (at_risk - lapsed))
        if 0 < survival < 1:
            width = Z * sqrt(variance) / abs(log(survival))
            low, high = survival ** exp(width), survival ** exp(-width)
        found.append((day, at_risk, lapsed, censored, survival, low, high))
    return found


def grouped(
    basis: str,
    segmentation: str,
    stays: Iterable[Stay],
    segment: Callable[[Stay], str | None],
    landmark: date | None = None,
) -> list[tuple[Any, ...]]:
    groups: defaultdict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        if (name := segment(stay)) is not None:
            groups[name].append(stay)
    return [(basis, segmentation, name, landmark, *row) for name, of in groups.items() for row in curve(of)]


def leave_curves(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the table `curves`."""
    ((as_of,),) = connection.execute("select as_of_on from operations.publication").fetchall()
    people = {
        row[0]: row[1:]
        for row in connection.execute(
            "select customer_id, acquisition_channel, is_left_censored from customer.customers"
        ).fetchall()
    }
    rows = [
        *first_lapses(connection, as_of, people),
        *contracts(connection, as_of, people),
        *landmarks(connection, as_of),
    ]
    names = [
        "basis", "segmentation", "segment", "landmark_on", "days", "customers_at_risk", "customers_lapsed", "customers_censored",
        "survival", "survival_low", "survival_high",
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    connection.register("curves_told", frame.to_arrow())
    connection.execute("create or replace temp table curves as from curves_told")
    connection.unregister("curves_told")


def by_origin(basis: str, stays: list[Stay], people: dict[int, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [
        *grouped(basis, "all", stays, lambda stay: "all"),
        *grouped(basis, "cohort", stays, lambda stay: f"{stay.started_on:%Y-%m}"),
        *grouped(basis, "acquisition_channel", stays, lambda stay: people[stay.customer][0]),
    ]


def first_lapses(
    connection: duckdb.DuckDBPyConnection, as_of: date, people: dict[int, tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    stays = [
        Stay(customer, ((lapsed or as_of) - first).days, lapsed is not None, started_on=first)
        for customer, first, lapsed in connection.execute(
            "select customer_id, min(first_bought_on), min(lapsed_on) from states where first_bought_on is not null group by 1"
        ).fetchall()
    ]
    new, old = (
        [stay for stay in stays if not people[stay.customer][1]],
        [stay for stay in stays if people[stay.customer][1]],
    )
    return [
        *by_origin("first lapse", new, people),
        *grouped("first lapse", "left-censored", old, lambda stay: "left-censored"),
    ]


def contracts(
    connection: duckdb.DuckDBPyConnection, as_of: date, people: dict[int, tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """From the first day (of the first of a chain) to the last; in sight once the source would have told of an end."""
    known = connection.execute(
        """
        select customer_id, source, started_on, first_started_on, coalesce(ends_on, cancelled_on - 1),
            coalesce(ends_on + 1, cancelled_on),
            renewed_by_contract_id is not null
        from customer.contracts where customer_id > 0
        """
    ).fetchall()
    stays = []
    for source in {row[1] for row in known}:
        of_source = [row for row in known if row[1] == source]
        seen_from = observed_from(of_source, as_of)
        for customer, _, started, first, last, over, is_renewed in of_source:
            is_over = over is not None and over <= as_of
            entered = max(started, seen_from - timedelta(days=1)) if seen_from else started
            days = max(((last if is_over else as_of) - first).days, 0)
            stays.append(Stay(customer, days, is_over and not is_renewed, (entered - first).days, first))
    return by_origin("contract", stays, people) if any(stay.has_ended for stay in stays) else []


def observed_from(known: list[tuple[Any, ...]], as_of: date) -> date | None:
    """Since when a source tells of ends; never if chance explains that none came before the first."""
    ends = sorted(row[5] for row in known if row[5] and row[5] <= as_of)
    if not ends:
        return None
    first = ends[0]
    if (ends[-1] - first).days < ONE_MONTH:
        last = ends[-1]
        month_before = date(last.year - (last.month == 1), (last.month - 2) % 12 + 1, min(last.day, 28))
        first = min(first, month_before + timedelta(days=1))
    all_days = days_after = 0
    for _, _, started, _, _, over, _ in known:
        until = min(over or as_of, as_of)
        all_days += max((until - started).days, 0)
        days_after += max((until - max(first, started)).days, 0)
    chance = (max(days_after, 1) / all_days) ** (len(ends) - 1) if all_days else 1.0
    return first if chance < LEAST_CHANCE else None


def landmarks(connection: duckdb.DuckDBPyConnection, as_of: date) -> list[tuple[Any, ...]]:
    """From the month-end twelve months ago, or the first of the data, by the segment of that day."""
    segmentations = ("value_tier", "engagement_tier", "rfm_group", "rule_segment", "micro_segment")
    ((landmark,),) = connection.execute(
        """
        select min(month_end) from value.customer_months cross join operations.publication
        where month >= date_trunc('month', as_of_on) - interval 12 month
        """
    ).fetchall()
    rows = connection.execute(
        f"""
        with gone as (
            select customer_id, min(measured_on) as gone_on, arg_min(coalesce(lapsed_on, measured_on), measured_on) as ended_on
            from states where measured_on > $landmark and state in ('lapsed', 'cancelled') group by 1
        )
        select customer_id, ended_on, {", ".join(segmentations)}
        from value.customer_months join states using (customer_id) left join gone using (customer_id)
        where month_end = $landmark and measured_on = $landmark and states.state not in ('lapsed', 'cancelled')
        """,
        {"landmark": landmark},
    ).fetchall()
    labels = {row[0]: dict(zip(segmentations, row[2:], strict=True)) for row in rows}
    stays = [Stay(row[0], ((row[1] or as_of) - landmark).days, row[1] is not None) for row in rows]
    if not any(stay.has_ended for stay in stays):
        return []
    found = grouped("since landmark", "all", stays, lambda stay: "all", landmark)
    for name in segmentations:
        found += grouped("since landmark", name, stays, lambda stay, name=name: labels[stay.customer][name], landmark)
    return found
