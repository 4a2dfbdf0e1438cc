"""Relational activities: who may take part, with whom members are compared, and what the configuration makes of the return."""

from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest

from clientela.relationship.programmes import eligible_customers
from clientela.relationship.settings import ProgrammeSettings
from clientela.segment.columns import RULE_COLUMNS
from clientela.warehouse.run_settings import write_settings
from tests.unit.rendering import rendered

MONTH_END = date(2026, 1, 31)


def customers(orders: list[int]) -> Any:
    with duckdb.connect() as connection:
        columns = ", ".join(
            f"cast({'orders' if name == 'orders_12m' else 'null'} as {kind}) as {name}"
            for name, kind in RULE_COLUMNS.items()
        )
        rows = connection.sql(
            f"""
            select row_number() over () as customer_id, date '{MONTH_END}' as measured_on, {columns}
            from (select unnest($orders) as orders)
            """,
            params={"orders": orders},
        )
        return rows.to_arrow_table()


def test_who_meets_the_conditions_may_take_part_and_a_rule_that_reaches_elsewhere_lets_nobody_in() -> None:
    found = eligible_customers(
        customers([1, 5, 9]),
        {"club": "orders_12m >= 5", "leak": "orders_12m in (select 1)", "typo": "orders_12 > 1"},
    )
    assert found.filter(pl.col("programme") == "club").select("customer_id", "measured_on").rows() == [
        (2, MONTH_END),
        (3, MONTH_END),
    ]
    refused = dict(found.filter(pl.col("refused_because").is_not_null()).select("programme", "refused_because").rows())
    assert set(refused) == {"leak", "typo"}
    assert refused["typo"].startswith("typo: the source has no column 'orders_12'"), refused["typo"]
    assert found.filter(pl.col("programme") != "club", pl.col("customer_id").is_not_null()).is_empty()


def month(programme: str, number: int, brought: float | None, cost: float = 100, **more: Any) -> dict[str, Any]:
    return {
        "programme": programme, "approach": "market", "stage": "open", "month": date(2026, number, 1), "members": 200,
        "buyers": 150, "comparison": "matched customers", "comparison_customers": 300, "cost_amount": cost,
        "is_cost_known": True, "customer_gain_amount": 10.0, "hours_saved": None, "has_enough_buyers": True,
        "total_difference": brought, "total_low": None, "total_high": None, **more,
    }  # fmt: skip


def results(*months: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.execute("create schema run")
        write_settings(connection, ProgrammeSettings(**settings))
        connection.register("incoming", pl.DataFrame(months, infer_schema_length=None).to_arrow())
        connection.execute("create table int_programme_months as from incoming")
        found = connection.sql(
            f"select * from ({rendered('programme_results')}) order by row_type, programme, month"
        ).pl()
    return found.to_dicts()


@pytest.mark.parametrize(
    ("brought", "verdict"),
    [((100, 100), "continue"), ((50, 80), "change"), ((20, 79), "stop"), ((None, 300), "not yet")],
)
def test_the_verdict_follows_from_the_return_on_the_last_months(
    brought: tuple[float | None, float], verdict: str
) -> None:
    rows = results(*(month("club", n, value) for n, value in enumerate(brought, 1)), months=2, stop_below=-0.5)
    club = [row for row in rows if row["row_type"] == "programme"]
    assert [row["verdict"] for row in club] == ["not yet", verdict]
    assert club[1]["associated_contribution"] == brought[1] and club[1]["incremental_contribution"] is None


def test_an_approach_adds_its_activities_up_and_knows_no_more_than_they_do() -> None:
    rows = results(
        month("club", 1, 50), month("magazine", 1, 250, cost=20, comparison="held out"), month("club", 2, 60),
        month("magazine", 2, 70, has_enough_buyers=False), month("talks", 1, 5, approach="process"),
    )  # fmt: skip
    sums = {(row["approach"], row["month"].month): row for row in rows if row["row_type"] == "approach"}
    january = sums["market", 1]
    assert (january["members"], january["cost_amount"], january["customer_gain_amount"]) == (400, 120, 20)
    assert (january["evidence"], january["associated_contribution"]) == ("association", 300)
    assert january["return_on_cost"] == pytest.approx(300 / 120 - 1)
    assert sums["market", 2]["associated_contribution"] is None
    assert sums["market", 2]["limitation"] == "of one of its activities it cannot be said"
    assert sums["process", 1]["members"] == 200
    magazine = next(row for row in rows if row["programme"] == "magazine")
    assert (magazine["evidence"], magazine["incremental_contribution"], magazine["associated_contribution"]) == (
        "effect",
        250,
        None,
    )


def test_members_are_who_met_the_conditions_before_the_month_or_whom_the_campaign_contacted() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema run;
            create table run.context as select date '2026-05-31' as as_of_on;
            create table int_customer_months_labelled as
            select
                customer_id, month, last_day(month) as measured_on, 1 as orders,
                cast(10 * customer_id as decimal(18, 4)) as net_revenue,
                cast(customer_id as decimal(18, 4)) as contribution, cast(-1 as decimal(18, 4)) as discounts,
                'Champions' as rfm_group,
                customer_id <> 3 as is_current_customer
            from range(1, 6) as customers (customer_id)
            cross join (
                select cast(unnest(generate_series(date '2026-01-01', date '2026-05-01', interval 1 month)) as date) as month
            );
            create table stg_programmes as select * from (values
                ('club', date '2026-04-01', cast(null as date), 'x', cast(null as varchar)),
                ('letters', date '2026-05-01', date '2026-05-31', null, 'K1')
            ) as given (programme, started_on, ended_on, rule, campaign_key);
            create table int_programme_eligibility as select * from (values
                ('club', 1, date '2026-03-31'), ('club', 3, date '2026-03-31'), ('club', 2, date '2026-04-30')
            ) as given (programme, customer_id, measured_on);
            create table int_campaigns as select 7 as campaign_id, 'K1' as campaign_key;
            create table int_campaign_customers as select * from (values
                (7, 1, true, false, true), (7, 2, false, false, true), (7, 4, true, true, true), (7, 5, false, false, false)
            ) as given (campaign_id, customer_id, is_chosen, is_in_both_arms, is_member);
            """
        )
        rows = connection.execute(
            f"""
            select programme, month(month), list(customer_id order by customer_id) filter (is_member),
                list(customer_id order by customer_id) filter (not is_member), bool_or(is_randomised), bool_and(has_before),
                sum(contribution_before)
            from ({rendered("int_programme_customers")}) group by all order by all
            """
        ).fetchall()
    assert rows == [
        ("club", 4, [1, 3], [2, 4, 5], False, True, 15),
        ("club", 5, [2], [1, 4, 5], False, True, 12),
        ("letters", 5, [1], [2], True, True, 3),
    ]
