"""RFM scores and groups, engagement, tiers, stays and flows, recounted by what docs/segments.md says."""

from collections import defaultdict
from math import ceil

import duckdb
import polars as pl

SEGMENTATIONS = ("life_cycle_stage", "value_tier", "engagement_tier", "rfm_group", "rule_segment", "micro_segment")
MARGIN, HELD_MONTHS, ENGAGEMENT_TIERS = 0.1, 2, (40.0, 60.0)
TIERS = ("low", "medium", "high")

#: 1 + the whole fifths of buyers who do strictly worse
SCORES = """
    with buyers as (
        select customer_id, month, days_since_last_order, cumulative_orders, cumulative_net_revenue, life_cycle_stage,
            count(*) over (partition by month) as buyers
        from value.customer_months where customer_id > 0 and is_buyer
    )
    select customer_id, month, life_cycle_stage,
        1 + (5 * (rank() over (partition by month order by days_since_last_order desc) - 1)) // buyers as recency_score,
        1 + (5 * (rank() over (partition by month order by cumulative_orders) - 1)) // buyers as frequency_score,
        1 + (5 * (rank() over (partition by month order by cumulative_net_revenue) - 1)) // buyers as monetary_score
    from buyers
"""
PARTS = {
    "categories": "categories_12m", "products": "products_12m", "channels": "channels_12m", "orders": "orders_12m",
    "active_months": "active_months_12m / least(12, 1 + tenure_days / 30.4375)", "contracts": "active_contracts",
    "tenure": "tenure_days", "answers": "campaign_answers_12m / nullif(campaign_contacts_12m, 0)",
    "satisfaction": "satisfaction_12m",
}  # fmt: skip
WEIGHT = "(select weight from engagement_weights where part = '{part}')"
SHARE = f"coalesce({{part}}_points * {WEIGHT}, 0) / nullif(weight, 0)"
#: all points at the full mark, or half for the average of the current customers; none for what says nothing
EARNED = """
    select 100 * case
        when {part} is null then null
        when full_at is not null then least(1, {part} / full_at)
        else {part} / ({part} + nullif({part}_average, 0))
    end
    from engagement_weights where part = '{part}'
"""
POINTS = f"""
    with measured as (
        select customer_id, month, is_customer, is_current_customer, is_as_of,
            {", ".join(f"({measure})::double as {part}" for part, measure in PARTS.items())}
        from value.customer_months where customer_id > 0
    ),
    averages as (
        select month, {", ".join(f"avg({part}) as {part}_average" for part in PARTS)}
        from measured where is_current_customer group by month
    ),
    points as (
        select measured.*, {", ".join(f"({EARNED.format(part=part)}) as {part}_points" for part in PARTS)}
        from measured left join averages using (month)
    ),
    weighed as (
        select *, {" + ".join(f"case when {part}_points is null then 0 else {WEIGHT.format(part=part)} end" for part in PARTS)}
            as weight
        from points
    ),
    shared as (
        select *, {", ".join(f"{SHARE.format(part=part)} as {part}_share_of_score" for part in PARTS)} from weighed
    )
    select *, round({" + ".join(f"{part}_share_of_score" for part in PARTS)}, 1)::double as engagement_score from shared
"""


def named(number: int | None) -> str | None:
    return None if number is None else TIERS[number]


def group_of(rules: list[tuple[object, ...]], scores: tuple[int, int, int], stage: str | None) -> str:
    """The name that the first rule gives which fits; without a stage the rules that name one are passed over."""
    for _, name, wanted, *bounds in rules:
        pairs = zip(scores, bounds[::2], bounds[1::2], strict=True)
        if (not wanted or wanted == stage) and all(low <= score <= high for score, low, high in pairs):  # type: ignore[operator]
            return str(name)
    return "No group"


def leave_held(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the table `held`: customer x month with scores, group, engagement and both tiers, each held as documented."""
    rules = connection.execute("from rfm_groups order by rank").fetchall()
    connection.execute(f"create or replace temp table scores as {SCORES}")
    connection.execute(f"create or replace temp table points as {POINTS}")
    rows = connection.execute(
        """
        select customer_id, month, is_customer, is_current_customer, month.life_cycle_stage, scores.recency_score,
            scores.frequency_score,
            scores.monetary_score, points.engagement_score,
            case when is_customer and max(expected_value) over (partition by month) is not null
                then coalesce(expected_value, 0) end
        from value.customer_months as month left join scores using (customer_id, month)
            left join points using (customer_id, month, is_customer, is_current_customer)
        where customer_id > 0 order by all
        """
    ).fetchall()
    values = defaultdict(list)
    for row in rows:
        if row[3] and row[9] is not None:
            values[row[1]].append(row[9])
    bounds = {
        month: tuple(sorted(known)[ceil(tenths * len(known) / 10) - 1] for tenths in (5, 8))
        for month, known in values.items()
    }
    told, customer = [], None
    for who, month, is_customer, is_current, stage, recency, frequency, monetary, engagement, value in rows:
        if who != customer:
            customer, value_tier, engagement_tier, held, held_group, before, stood = (
                who,
                None,
                None,
                None,
                None,
                None,
                0,
            )
            had_value = False
        # RFM: a group by the scores alone is taken at once if there was none, else once it has stood long enough
        if recency is not None:
            scores = (recency, frequency, monetary)
            by_scores = group_of(rules, scores, None)
            stood = stood + 1 if by_scores == before else 1
            before = by_scores
            if held_group is None or stood >= HELD_MONTHS:
                held_group = by_scores
            if by_scores == held_group:
                held = scores
        # tiers: a value counts while they are a customer, and the first one even if they are gone by then
        if value is not None and month in bounds and (is_current or not had_value):
            value_tier, had_value = tier(value, bounds[month], value_tier), True
        elif value is not None and month in bounds:
            had_value = True
        if engagement is not None:
            engagement_tier = tier(engagement, ENGAGEMENT_TIERS, engagement_tier)
        told.append(
            (
                who, month, recency, frequency, monetary, engagement,
                held and held[0] * 100 + held[1] * 10 + held[2], held and group_of(rules, held, stage),
                named(value_tier),
                "gone" if is_customer and not is_current else named(engagement_tier) if is_current else None,
                before if recency is not None else None, group_of(rules, scores, stage) if recency is not None else None,
            )
        )  # fmt: skip
    names = (
        "customer_id", "month", "recency_score", "frequency_score", "monetary_score", "engagement_score", "held_rfm_score",
        "rfm_group", "value_tier", "engagement_tier", "rfm_group_by_scores", "rfm_group_today",
    )  # fmt: skip
    frame = pl.DataFrame(told, schema=list(names), orient="row", infer_schema_length=None)
    connection.register("held_told", frame.to_arrow())
    connection.execute("create or replace temp table held as from held_told")
    connection.unregister("held_told")


def tier(value: float, bounds: tuple[float, ...], before: int | None) -> int:
    """Above a boundary from boundary + a tenth of it on, below it under boundary - a tenth, between them as before."""
    number = 0
    for place, bound in enumerate(bounds):
        band = MARGIN * abs(bound)
        if before is None:
            number += value >= bound
        elif value >= bound + band:
            number += 1
        elif value >= bound - band:
            number += before > place
    return number


ENGAGEMENT = f"""
    select customer.customer_id, engagement_score, {", ".join(f"{part}_points, {part}_share_of_score" for part in PARTS)}
    from (select customer_id from customer.customers) as customer left join (from points where is_as_of) using (customer_id)
"""
#: what a customer is in today; without an order, or a name, the group says so
TODAY = """
    select customer.customer_id, value_tier, engagement_tier, recency_score, frequency_score, monetary_score, held_rfm_score,
        case when customer.customer_id = 0 then 'Not identified' else coalesce(rfm_group, 'No orders') end as rfm_group
    from (select customer_id from customer.customers) as customer cross join operations.publication
    left join held on held.customer_id = customer.customer_id and month = date_trunc('month', as_of_on)
"""
READINGS = """
    select customer_id, 100 * recency_score + 10 * frequency_score + monetary_score as rfm_score,
        rfm_group_today, rfm_group_by_scores
    from held cross join operations.publication where month = date_trunc('month', as_of_on) and recency_score is not null
"""
STAYS = "\nunion all\n".join(
    f"""
    select customer_id, '{name}' as segmentation, segment, min(month_end) as valid_from_on,
        case when not bool_or(next_month_end is null) then max(next_month_end) end as valid_until_on,
        bool_or(next_month_end is null) as is_current
    from (
        select *, sum(begins::integer) over (partition by customer_id order by month) as stay
        from (
            select customer_id, month, month_end, {name} as segment,
                lag({name}) over past is distinct from {name} as begins, lead(month_end) over past as next_month_end
            from value.customer_months where customer_id > 0 window past as (partition by customer_id order by month)
        )
    )
    where segment is not null group by customer_id, segment, stay
    """
    for name in SEGMENTATIONS
)
FLOWS = (
    """
    with month_ends as (
        select distinct month, month_end from value.customer_months cross join operations.publication
        where month >= date_trunc('month', as_of_on) - interval 12 month
    ),
"""
    + "\nunion all by name\n".join(
        f"""
    {"labelled as (" if name == SEGMENTATIONS[0] else ""}
    select customer_id, month, '{name}' as segmentation, {name} as segment from value.customer_months
    where customer_id > 0 and {name} is not null
    {")" if name == SEGMENTATIONS[-1] else ""}"""
        for name in SEGMENTATIONS
    )
    + """,
    pairs as (
        select earlier.month as from_month, earlier.month_end as from_month_end, later.month as to_month,
            later.month_end as to_month_end
        from month_ends as earlier join month_ends as later on earlier.month < later.month
    ),
    moved as (
        select from_month_end, to_month_end, from_month, to_month, segmentation, customer_id,
            max(case when month = from_month then segment end) as from_segment,
                max(case when month = to_month then segment end) as to_segment
        from pairs join labelled on month in (from_month, to_month) group by all
    )
    select segmentation, from_month_end, to_month_end, from_segment, to_segment,
        datediff('month', any_value(from_month), any_value(to_month)) as months_between, count(*) as customers
    from moved group by all
"""
)
