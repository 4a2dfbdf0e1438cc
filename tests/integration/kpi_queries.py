"""Every shipped KPI written a second time, as SQL over the published marts, and the comparison of the two.

Nothing here is taken from the definitions that are shipped. Each query gives month and value; a month without a row, or with a
null, has no value.
"""

from datetime import date
from typing import Any

import duckdb
import pytest

from clientela.publish import MACROS

_NEIGHBOURS = """
    select now.month, {value}
    from value.customer_months as now
    join value.customer_months as before
        on now.customer_id = before.customer_id and now.month = before.month + interval 1 month
    where before.is_current_customer group by 1
"""
QUERIES: dict[str, str] = {
    "churn rate": _NEIGHBOURS.format(value="1 - avg(now.is_current_customer::integer)"),
    "retention rate": _NEIGHBOURS.format(value="count(*) filter (now.is_current_customer) / count(*)"),
    "active customers": """
        select month, count(*) filter (state not in ('lapsed', 'cancelled', 'prospect')) from value.customer_months group by 1
    """,
    "VIN": """
        select months.month, sum(coalesce(expected_value, 0) + coalesce((
            select sum(amount) from value.value_ledger as ledger
            where ledger.customer_id = months.customer_id and ledger.month <= months.month
        ), 0))
        from value.customer_months as months where is_customer
        group by 1 having count(expected_value) > 0
    """,
    "expected value": "select month, sum(expected_value) from value.customer_months group by 1",
    "share of value in the top tenth": """
        with sorted as (
            select month, list_sort(list(expected_value), 'desc') as worth
            from value.customer_months where is_current_customer and expected_value is not null group by 1
        )
        select month,
            list_sum(list_filter(worth, lambda w: w >= worth[ceil(len(worth) / 10)::integer])) / nullif(list_sum(worth), 0)
        from sorted
    """,
    "engagement": "select month, avg(engagement_score) from value.customer_months where is_current_customer group by 1",
    "repeat rate": """
        with ordered as (
            select months.month, orders.customer_id, count(*) as orders
            from (select distinct month from value.customer_months) as months
            join value.orders as orders
                on orders.ordered_on >= months.month - interval 11 month and orders.ordered_on < months.month + interval 1 month
            where not orders.is_return and orders.customer_id > 0 group by all
        )
        select month, count(*) filter (orders >= 2) / count(*) from ordered group by 1
    """,
    "response rate": """
        select date_trunc('month', window_until_on)::date, count(*) filter (has_responded) / count(*)
        from relationship.campaign_contacts
        where role = 'contacted' and is_window_over and customer_id > 0 group by 1
    """,
    "return on campaigns": """
        with arms as (
            select campaign_id,
                count(*) filter (role <> 'held_out') as treated, count(*) filter (role = 'held_out') as held_out,
                sum(contribution) filter (role <> 'held_out') as brought,
                avg(contribution) filter (role = 'held_out') as otherwise
            from relationship.campaign_contacts
            where is_window_over and customer_id > 0 and not is_in_both_arms group by 1
        )
        select date_trunc('month', window_until_on)::date,
            sum(brought - treated * otherwise - cost_amount) / nullif(sum(cost_amount), 0)
        from arms join relationship.campaigns using (campaign_id)
        where arms.held_out > 0 and cost_amount is not null group by 1
    """,
    "cost to serve as share of contribution": """
        with known as (select 1 from value.value_ledger where component = 'cost to serve' and rule <> 'missing'
            and source <> 'none'),
        costs as (
            select customer_id, month, -sum(amount) as cost from value.value_ledger where component = 'cost to serve' group by all
        )
        select month, sum(coalesce(cost, 0)) / nullif(sum(coalesce(contribution, 0)), 0)
        from value.customer_months full join costs using (customer_id, month)
        where exists (from known) and (contribution is not null or order_lines is null) group by 1
    """,
    "satisfaction": "select month, avg(satisfaction_12m) from value.customer_months where is_current_customer group by 1",
    "complaints resolved within target": """
        select date_trunc('month', opened_on)::date, avg(is_within_target::integer)
        from relationship.service_cases where kind = 'complaint' and has_target group by 1
    """,
    "cross-sell ratio": """
        select month, avg(categories_12m) from value.customer_months
        where customer_id > 0 and orders_12m > 0 and categories_12m > 0 group by 1
    """,
    "cost per new customer": """
        with won as (
            select min(month) as month from value.customer_months where is_customer and not is_left_censored
            group by customer_id
        ),
        spent as (
            select month, -sum(amount) as cost from value.value_ledger
            where component = 'acquisition' and source <> 'none' and rule <> 'missing' group by 1
        )
        select month, coalesce(any_value(cost), 0) / count(*) from won left join spent using (month)
        where exists (from spent) group by 1
    """,
}
CONTACTABLE = "contactable share"
_CONTACTABLE = """
    select count(*) filter (is_any) / count(*)
    from (
        select months.customer_id, coalesce(bool_or(asked.is_permitted and asked.purpose <> 'transactional'), false) as is_any
        from value.customer_months as months
        left join permission_as_of(least($day, (select as_of_on from operations.publication))) as asked
            on months.customer_id = asked.customer_id
        where months.month = $month and months.is_current_customer group by 1
    ) having count(*) > 0
"""


def expected(connection: duckdb.DuckDBPyConnection, kpi: str) -> dict[date, float]:
    """Month → value of a shipped KPI, by the query above."""
    if kpi != CONTACTABLE:
        return {
            month: float(value) for month, value in connection.execute(QUERIES[kpi]).fetchall() if value is not None
        }
    ((asked,),) = connection.execute(
        "select count(*) + (select count(*) from relationship.contact_permissions where is_granted_by_default) "
        "from relationship.consents"
    ).fetchall()
    ((query,),) = [(text,) for _, signature, text, _ in MACROS if "permission_as_of" in signature]
    connection.execute(f"create or replace temp macro permission_as_of(day) as table {query}")
    found = {}
    for month, day in connection.execute("select distinct month, month_end from value.customer_months").fetchall():
        for (value,) in connection.execute(_CONTACTABLE, {"month": month, "day": day}).fetchall():
            if asked:
                found[month] = value
    return found


def assert_kpis_are_as_written_apart(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[date, float]]:
    """Every month of every shipped KPI, for the company; gives month → value of each."""
    shipped = [name for (name,) in connection.execute("select kpi from objective.kpis where is_shipped").fetchall()]
    assert set(shipped) == {*QUERIES, CONTACTABLE}
    values: dict[str, dict[date, float]] = {}
    for kpi in shipped:
        rows: list[tuple[Any, ...]] = connection.execute(
            "select month, value, no_value_reason from objective.kpi_monthly where kpi = ? and scope = 'company'", [kpi]
        ).fetchall()
        values[kpi] = {month: value for month, value, _ in rows if value is not None}
        assert values[kpi] == pytest.approx(expected(connection, kpi), rel=1e-9, abs=1e-9), kpi
        assert all((value is None) == (reason is not None) for _, value, reason in rows), kpi
    return values
