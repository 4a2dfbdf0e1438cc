"""Rhythm, state and lapse of every customer at every month-end, told one by one by the rules of docs/retention.md.

Slow and plain on purpose: a loop over customers and month-ends, beside the frames that the product computes with.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from math import floor, sqrt
from typing import Any

import duckdb
import polars as pl

COHORT_GAPS, COMPANY_GAPS, MATURITY_DAYS, LEAST_MATURE, LEAST_GAPS, LEAST_SPREAD = 2, 30, 180, 30, 10, 0.1
SPREADS, FIXED_DAYS, AT_LEAST, AT_MOST, NEW_DAYS, RETURNED_DAYS = (1, 2, 3), (60.0, 90.0, 180.0), 45, 730, 90, 90

#: days on which a customer bought: sale lines, those left out by which they are charged for a contract of theirs
PURCHASE_DAYS = """
    with charges as (
        select distinct order_line_id from value.order_lines as line join customer.contracts as contract
            on contract.customer_id = line.customer_id and line.customer_id > 0 and line.ordered_on >= contract.started_on
                and line.ordered_on <= coalesce(contract.ends_on, contract.cancelled_on - 1, date '9999-01-01') + 31
                and (
                    contract.product_id = line.product_id
                    or ((contract.product_id is null or contract.source <> line.source)
                        and abs(line.net_amount) = contract.recurring_amount)
                )
    )
    select distinct customer_id, ordered_on from value.order_lines
    where customer_id > 0 and not is_return and order_line_id not in (from charges)
    order by all
"""
#: days on which somebody only brought something back
RETURN_DAYS = """
    select customer_id, ordered_on from value.order_lines where customer_id > 0
    group by all having bool_and(is_return) order by all
"""
CONTRACTS = """
    select customer_id, started_on, coalesce(ends_on, cancelled_on - 1),
        case when cancelled_on is null then 'expiry' else coalesce(cancelled_by, 'other') end
    from customer.contracts where customer_id > 0 order by all
"""


@dataclass
class Known:
    """What is known of one customer."""

    days: list[date] = field(default_factory=list)
    returns: list[date] = field(default_factory=list)
    contracts: list[tuple[date, date | None, str]] = field(default_factory=list)


@dataclass
class Gaps:
    """First gaps of a cohort, or of the company, as they come to be counted."""

    number: int = 0
    total: float = 0.0
    square: float = 0.0

    def add(self, gap: int) -> None:
        self.number, self.total, self.square = self.number + 1, self.total + gap, self.square + gap * gap


def month_ends(first: date, as_of: date) -> list[date]:
    """Every month-end from the month of `first` on, and the as-of day."""
    found, day = [], date(first.year, first.month, 1)
    while day <= as_of:
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        found.append(min(day - timedelta(days=1), as_of))
    return found


def cohort_of(day: date) -> str:
    return f"{day.year}-Q{(day.month + 2) // 3}"


def typical_gaps(known: dict[int, Known], points: list[date]) -> list[dict[str, tuple[float, float]]]:
    """For each point and cohort the mean and the mean square of its typical gap; nothing while too few bought twice."""
    firsts = [(cohort_of(one.days[0]), one.days[0], one.days[1]) for one in known.values() if len(one.days) > 1]
    cohorts = {cohort_of(one.days[0]) for one in known.values() if one.days}
    told: list[dict[str, tuple[float, float]]] = []
    for point in points:
        closed: defaultdict[str, Gaps] = defaultdict(Gaps)
        mature: defaultdict[str, Gaps] = defaultdict(Gaps)
        for cohort, first, second in firsts:
            gap = (second - first).days
            if second <= point:
                closed[cohort].add(gap)
                closed["all"].add(gap)
            if gap <= MATURITY_DAYS and first + timedelta(days=MATURITY_DAYS) <= point:
                mature[cohort].add(gap)
                mature["all"].add(gap)
        if closed["all"].number < LEAST_GAPS:
            told.append({})
            continue
        counted = mature if mature["all"].number >= LEAST_MATURE else closed
        company = counted["all"]
        of_point = {}
        for cohort in cohorts:
            own, weight = counted[cohort], COMPANY_GAPS / company.number
            of_point[cohort] = (
                (own.total + weight * company.total) / (own.number + COMPANY_GAPS),
                (own.square + weight * company.square) / (own.number + COMPANY_GAPS),
            )
        told.append(of_point)
    return told


def rhythm(days: list[date], typical: tuple[float, float] | None) -> tuple[float, float] | None:
    """Mean and spread of a customer's own gaps and two typical ones of their cohort."""
    if typical is None:
        return None
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    n = len(gaps) + COHORT_GAPS
    mean = (sum(gaps) + COHORT_GAPS * typical[0]) / n
    square = (sum(gap * gap for gap in gaps) + COHORT_GAPS * typical[1]) / n
    return mean, max(sqrt(max(square - mean * mean, 0)), LEAST_SPREAD * mean)


def limits_of(known: tuple[float, float] | None) -> tuple[float, float, float]:
    """Silences beyond which one is slowing, at risk, lapsed."""
    if known is None:
        return FIXED_DAYS
    slowing, at_risk, lapsed = (known[0] + spreads * known[1] for spreads in SPREADS)
    return slowing, at_risk, min(max(lapsed, AT_LEAST), AT_MOST)


def stands(
    one: Known, points: list[date], typical: list[dict[str, tuple[float, float]]], new_from: date
) -> Iterator[tuple[Any, ...]]:
    """One customer's rows, in the order of COLUMNS less the customer."""
    before, silent_since, was_gone, returned_on, is_first = None, None, False, None, True
    for number, point in enumerate(points):
        days = one.days[: bisect_right(one.days, point)]
        contracts = [contract for contract in one.contracts if contract[0] <= point]
        returns = [] if one.contracts or days else [day for day in one.returns if day <= point]
        if not days and not contracts and not returns:
            continue
        last = days[-1] if days else max(returns, default=None)
        now = rhythm(days, typical[number].get(cohort_of(days[0]))) if days else None
        if is_first or last != before:
            silent_since, before = limits_of(now), last
        assert silent_since is not None
        slowing, at_risk, lapsed = silent_since
        silent = (point - last).days if last else None
        threshold = floor(lapsed) if last else None
        has_passed = silent is not None and threshold is not None and silent > threshold
        runs = any(end is None or end >= point for _, end, _ in contracts)
        ended = None if runs or not contracts else max(end for _, end, _ in contracts if end)
        by = max((end, will) for _, end, will in contracts if end)[1] if ended else None
        is_cancelled = ended is not None and (last is None or (has_passed and ended >= last))
        is_gone = is_cancelled or (has_passed and not runs)
        if was_gone and not is_gone:
            returned_on = point
        started = min([*days[:1], *(contract[0] for contract in contracts)], default=None)
        if is_cancelled:
            state = "cancelled"
        elif is_gone:
            state = "lapsed"
        elif silent is not None and silent > at_risk and not runs:
            state = "at_risk"
        elif has_passed or (silent is not None and silent > slowing):
            state = "slowing"
        elif started and (point - started).days <= NEW_DAYS and started >= new_from:
            state = "new"
        elif returned_on and (point - returned_on).days <= RETURNED_DAYS:
            state = "returned"
        else:
            state = "active"
        lapsed_on = None
        if last and threshold is not None and has_passed and is_gone:
            passed_on = last + timedelta(days=threshold + 1)
            lapsed_on = max(passed_on, ended + timedelta(days=1)) if ended else passed_on
        mean, spread = now or (None, None)
        yield (
            point, state, by if is_cancelled else None, len(days) or None, silent, mean, spread,
            None if mean is None or silent is None else silent / mean,
            None if mean is None or spread is None or silent is None else (silent - mean) / spread,
            threshold, lapsed_on, returned_on, days[0] if days else None,
        )  # fmt: skip
        was_gone, is_first = is_gone, False


def leave_states(connection: duckdb.DuckDBPyConnection, left_censored_days: int) -> None:
    """Leave the table `states`: a row per customer and point from their first purchase, contract or return on."""
    known: defaultdict[int, Known] = defaultdict(Known)
    for customer, day in connection.execute(PURCHASE_DAYS).fetchall():
        known[customer].days.append(day)
    for customer, day in connection.execute(RETURN_DAYS).fetchall():
        known[customer].returns.append(day)
    for customer, started, ended, will in connection.execute(CONTRACTS).fetchall():
        known[customer].contracts.append((started, ended, will))
    ((as_of, begin),) = connection.execute(
        """
        select as_of_on, (select min(ordered_on) from value.order_lines where not is_return and customer_id > 0)
        from operations.publication
        """
    ).fetchall()
    firsts = [
        day
        for one in known.values()
        for day in (*one.days[:1], *one.returns[:1], *(row[0] for row in one.contracts[:1]))
    ]
    points = month_ends(min(firsts), as_of)
    typical = typical_gaps(known, points)
    connection.execute(
        """
        create or replace temp table states (
            customer_id bigint, measured_on date, state varchar, cancelled_by varchar, purchase_days bigint,
            days_since_last_activity bigint, expected_days_between_orders double, stddev_days_between_orders double,
            recency_ratio double, recency_zscore double, lapses_after_days bigint, lapsed_on date, returned_on date,
                first_bought_on date
        )
        """
    )
    new_from = begin + timedelta(days=left_censored_days)
    rows = [(customer, *row) for customer, one in known.items() for row in stands(one, points, typical, new_from)]
    frame = {name: list(column) for name, column in zip(_COLUMNS, zip(*rows, strict=True), strict=True)}
    states = pl.DataFrame(frame, schema_overrides={"expected_days_between_orders": pl.Float64})
    connection.register("states_told", states.to_arrow())
    connection.execute("insert into states select * from states_told")
    connection.unregister("states_told")


_COLUMNS = (
    "customer_id", "measured_on", "state", "cancelled_by", "purchase_days", "days_since_last_activity",
    "expected_days_between_orders", "stddev_days_between_orders", "recency_ratio", "recency_zscore", "lapses_after_days",
    "lapsed_on", "returned_on", "first_bought_on",
)  # fmt: skip

#: customer x month with their state
MONTHS = """
    with lines as (
        select customer_id, date_trunc('month', min(ordered_on))::date as first_month from value.order_lines group by 1
    ),
    signed as (
        select customer_id, date_trunc('month', min(started_on))::date as first_month from customer.contracts group by 1
    ),
    told as (
        select month.customer_id, month.month,
            month.customer_id > 0 and least(lines.first_month, signed.first_month) <= month.month as is_customer,
            case when month.customer_id > 0 then coalesce(states.state, 'prospect') end as state, states.recency_ratio
        from value.customer_months as month
        left join states on states.customer_id = month.customer_id and states.measured_on = month.month_end
        left join lines on lines.customer_id = month.customer_id left join signed on signed.customer_id = month.customer_id
    )
    select customer_id, month, state, recency_ratio, coalesce(is_customer, false) as is_customer,
        customer_id > 0 and not coalesce(is_customer, false) as is_prospect,
        coalesce(is_customer and state not in ('lapsed', 'cancelled'), false) as is_current_customer,
        case
            when state = 'returned' then 'active' when state in ('slowing', 'at_risk') then 'declining'
            when state = 'cancelled' then 'lapsed' else state
        end as life_cycle_stage
    from told
"""
TODAY = """
    select customer.customer_id, case when customer.customer_id > 0 then coalesce(state, 'prospect') end as state,
        states.cancelled_by,
        purchase_days, days_since_last_activity, expected_days_between_orders, stddev_days_between_orders, recency_ratio,
        recency_zscore, lapses_after_days, lapsed_on, returned_on
    from (select customer_id from customer.customers) as customer cross join operations.publication
    left join states on states.customer_id = customer.customer_id and measured_on = as_of_on
"""
