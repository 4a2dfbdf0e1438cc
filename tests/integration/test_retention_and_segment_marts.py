"""States, movements, cohorts, scores and segments of an invented shop: against queries written apart.

The shop's sales are drawn here; nothing of clientela makes them. It is built as of March 2026; that what comes later moves no
past is proved in tests/prove/nights/test_history_as_it_stood.py.
"""

import csv
import json
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from clientela import build_models, transform
from clientela.objective.columns import FACTS
from clientela.pipeline.build_cache import MONTHS_SEEN
from clientela.segment.columns import RULE_COLUMNS
from clientela.segment.settings import RuleSegment, SegmentSettings
from tests.integration.contradictions import assert_no_row_contradicts_itself
from tests.integration.kpi_queries import assert_kpis_are_as_written_apart
from tests.integration.marts_fixture import Company, build_marts, failed, key
from tests.integration.test_marts import ROOT, read

FIRST, EARLY, LATE = date(2024, 10, 1), date(2025, 12, 31), date(2026, 3, 31)
CUSTOMERS = 260
RULES = (RuleSegment(name="whale's", predicate="net_revenue_12m > 200 and state <> 'lapsed' -- not gone"),)
Ask = Callable[[str], list[tuple[Any, ...]]]


def sales() -> list[tuple[str, date, float]]:
    """(customer, day, amount): each buys at a rate of his own until he leaves, some of them soon."""
    rng = np.random.default_rng(7)
    days = (LATE - FIRST).days + 1
    rows = []
    for number in range(CUSTOMERS):
        birth = int(rng.integers(0, 60) if number % 3 else rng.integers(0, days - 60))
        death = birth + rng.exponential(260)
        gap = rng.gamma(3, 7)
        day = float(birth)
        while day < min(days, max(death, birth + 1)):
            amount = round(float(rng.gamma(2, 6)) + 1, 2)
            rows.append((f"c{number}", FIRST + timedelta(days=int(day)), amount))
            day += max(1.0, rng.exponential(gap))
    return sorted(rows, key=lambda row: (row[1], row[0]))


def load(company: Company, rows: list[tuple[str, date, float]], loaded_at: str = "2026-04-01 02:00:00+00") -> None:
    """One batch of order lines, each an order of its own."""
    company.batch += 1
    frame = [
        {
            "record_id": key("till", f"{customer}-{day}-{n}"), "source": "till", "record_key": f"{customer}-{day}-{n}",
            "batch_id": company.batch, "source_file": "sales.csv", "source_row": n, "loaded_at": loaded_at,
            "version": company.batch, "content_hash": n, "is_revision": False, "is_deleted": False,
            "order_key": f"{customer}-{day}-{n}", "order_id": key("till", f"{customer}-{day}-{n}"), "line_key": "1",
            "customer_key": customer, "customer_record_id": key("till", customer),
            "product_key": f"p{n % 12}", "product_record_id": key("till", f"p{n % 12}"), "channel": "web" if n % 5 else "shop",
            "quantity": 1, "gross_amount": amount, "discount_amount": 0, "net_amount": amount, "currency": "EUR",
            "is_return": False, "ordered_at": f"{day} 12:00:00+00",
        }
        for n, (customer, day, amount) in enumerate(rows, start=1)
    ]  # fmt: skip
    company.connection.register("incoming", pl.DataFrame(frame).to_arrow())
    company.connection.execute("insert into raw.transactions by name select * from incoming")
    company._ledger("transactions", "till", len(rows), loaded_at)


def shop(folder: Path, rows: list[tuple[str, date, float]], as_of: date) -> Company:
    company = Company(folder / "warehouse.duckdb", as_of=as_of, sections=[SegmentSettings(rules=RULES)])
    products = [{"key": f"p{n}", "category": f"category {n % 4}", "margin_rate": 0.4} for n in range(12)]
    company.deliver("products", "till", *products)
    people = [
        {"key": f"c{n}", "acquisition_channel": ("web", "shop")[n % 2], "updated_at": "2024-10-01"}
        for n in range(CUSTOMERS)
    ]
    company.deliver("customers", "till", *people)
    load(company, rows)
    complaint = {"key": "i1", "customer_key": "c1", "kind": "complaint", "opened_at": "2025-12-05 12:00:00+00"}
    company.deliver("interactions", "till", complaint)
    company.deliver(
        "contracts", "till",
        {"key": "k1", "customer_key": "c2", "started_on": date(2025, 1, 1), "recurring_amount": 10, "period_months": 1},
        {
            "key": "k2", "customer_key": "signed only", "started_on": date(2025, 2, 1), "cancelled_on": date(2025, 8, 15),
            "cancelled_by": "company", "recurring_amount": 10, "period_months": 1,
        },
        {
            "key": "k3", "customer_key": "member", "started_on": date(2025, 2, 1), "recurring_amount": 10, "period_months": 1,
            "product_key": "p1",
        },
    )  # fmt: skip
    steer(company)
    return company


def steer(company: Company) -> None:
    """What a company steers by beside its sales: contacts, cases, campaigns, consents, costs and goals."""
    rng = np.random.default_rng(11)

    firsts: dict[str, date] = {}
    for customer, day, _ in sales():
        firsts.setdefault(customer, day)

    def buyers_by(day: date) -> list[str]:
        return sorted(customer for customer, first in firsts.items() if first < day)

    def somebody() -> dict[str, str]:
        """A day, and one of those who had bought by then."""
        day = FIRST + timedelta(days=int(rng.integers(30, (LATE - FIRST).days)))
        buyers = buyers_by(day)
        return {"customer_key": buyers[int(rng.integers(0, len(buyers)))], "day": day.isoformat()}

    company.deliver(
        "cost_rates", "reference", {"key": "any", "valid_from": FIRST, "cost_per_contact": 2, "is_assumed": False}
    )
    company.deliver(
        "service_targets", "reference", {"key": "complaint", "kind": "complaint", "resolution_hours": 48}
    )  # fmt: skip
    company.deliver(
        "acquisition_costs", "reference",
        *(
            {"key": f"{channel}|{month}", "acquisition_channel": channel, "month": date(2025, month, 1), "cost_amount": month}
            for channel in ("web", "shop") for month in range(1, 13)
        ),
    )  # fmt: skip
    contacts = []
    for number in range(160):
        who = somebody()
        opened = f"{who.pop('day')} 10:00:00+00"
        contacts.append(
            who | {
                "key": f"s{number}", "kind": ("request", "complaint", "repair")[number % 3],
                "direction": "inbound", "opened_at": opened,
                "resolved_at": None if number % 11 == 0 and number % 3 != 1 else f"{opened[:10]} {10 + number % 13}:00:00+00",
                "satisfaction": float(rng.integers(3, 11)),
            }
        )  # fmt: skip
        if number % 4 == 0 and contacts[-1]["resolved_at"]:
            day = date.fromisoformat(opened[:10]) + timedelta(days=4)
            contacts[-1]["resolved_at"] = f"{day} 10:00:00+00"
    members = {}
    for campaign, begun in (
        ("k-spring", date(2025, 3, 3)),
        ("k-autumn", date(2025, 9, 1)),
        ("k-dear", date(2025, 11, 3)),
    ):
        cost = {} if campaign == "k-dear" else {"fixed_cost": 20, "unit_cost": 0.5}
        company.deliver("campaigns", "till", {"key": campaign, "campaign_name": campaign, "started_on": begun} | cost)
        for customer_key in rng.choice(buyers_by(begun), 90, replace=False):
            customer = int(customer_key[1:])
            role = "held_out" if customer % 3 == 0 else "contacted"
            at = f"{begun + timedelta(days=int(customer % 2))} 09:00:00+00"
            members[campaign, customer] = {
                "key": f"{campaign}|{customer}", "campaign_key": campaign, "customer_key": f"c{customer}", "role": role,
                "channel": "email", "contacted_at": at,
            }  # fmt: skip
            if role == "contacted" and customer % 5 == 0:
                contacts.append(
                    {
                        "key": f"answer {campaign} {customer}", "customer_key": f"c{customer}",
                        "kind": "response", "campaign_key": campaign, "opened_at": f"{begun + timedelta(days=6)} 10:00:00+00",
                    }
                )  # fmt: skip
    company.deliver("campaign_contacts", "till", *members.values())
    company.deliver("interactions", "till", *contacts)
    statuses = ("granted", "granted", "refused", "withdrawn")
    consents = []
    for number in range(200):
        who = somebody()
        decided = f"{who.pop('day')} 10:00:00+00"
        consents.append(
            who | {
                "key": f"w{number}", "purpose": ("news", "relationship")[number % 2],
                "channel": (None, "email")[number % 3 == 0], "status": statuses[number % 4], "decided_at": decided,
            }
        )  # fmt: skip
    company.deliver("consents", "till", *consents)
    goals = (
        ("customer", "active customers", None, 0.05), ("value", "VIN", None, 0.1), ("retention", "churn rate", None, -0.1),
        ("segment", "cross-sell ratio", "high", 0.1), ("relationship", "contactable share", None, 0.2),
    )  # fmt: skip
    company.deliver(
        "objectives", "reference",
        *(
            {
                "key": area, "objective": area, "area": area, "kpi": kpi, "scope": segment and "value_tier", "segment": segment,
                "target": target, "target_kind": "change", "months": 2 if kpi == "churn rate" else None,
                "started_on": date(2025, 8, 1), "due_on": date(2026, 7, 31),
            }
            for area, kpi, segment, target in goals
        ),
    )  # fmt: skip


def build(folder: Path, company: Company) -> None:
    company.close()
    statuses = build_marts(folder)
    assert failed(statuses) == {}


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("late")
    build(folder, shop(folder, sales(), LATE))
    return folder


@pytest.fixture(scope="module")
def ask(late: Path) -> Ask:
    return lambda query: read(late / "warehouse.duckdb", query)


def test_the_company_has_something_of_everything(ask: Ask) -> None:
    states = dict(ask("select state, count(*) from retention.customer_retention where customer_id > 0 group by 1"))
    assert {"new", "active", "slowing", "at_risk", "lapsed", "returned", "cancelled"} <= set(states), states
    assert ask("select count(*) > 0 from quality.retention_model_scores where kind = 'decile'") == [(True,)]
    bases = {row[0] for row in ask("select distinct basis from retention.survival_curves")}
    assert bases == {"first lapse", "since landmark", "contract"}
    assert ask("select count(distinct micro_segment) > 1 from segment.customer_segments") == [(True,)]
    assert ask("select distinct rule_segment from segment.customer_segments order by 1") == [
        ("other",), ("whale's",), (None,),
    ]  # fmt: skip
    member = """
        select churn_model, churn_probability between 0.001 and 0.999, expected_value_at_risk > 0,
            expected_value_at_risk = expected_value * churn_probability
        from retention.customer_retention join value.customer_value using (customer_id)
        where state not in ('prospect', 'cancelled') and purchase_days is null
        and customer_id <> 0
    """
    assert ask(member) == [("contract", True, True, True)]
    named = ask("select cancelled_by from retention.customer_retention where state = 'cancelled'")
    assert named == [("company",)]


def test_cohorts_equal_a_query_over_raw(ask: Ask) -> None:
    expected = ask(
        """
        with sale as (
            select customer_key, cast(ordered_at as date) as day, net_amount from raw.transactions
        ), born as (select customer_key, min(day) as first, max(day) as last from sale group by 1),
        spans as (
            select customer_key, last, date_trunc('month', first) as cohort, unnest(range(0, 18)) as period,
                first < (select min(first) from born) + 30 as is_old
            from born
        )
        select strftime(cohort, '%Y-%m'), is_old, period, count(distinct spans.customer_key),
            count(distinct sale.customer_key),
            count(distinct spans.customer_key) filter (last >= cohort + to_months(period::int)),
            coalesce(sum(net_amount), 0)
        from spans left join sale on sale.customer_key = spans.customer_key
            and date_trunc('month', day) = cohort + to_months(period::int)
        where cohort + to_months(period::int) <= date '2026-03-01'
        group by all order by all
        """
    )
    rows = ask(
        """
        select cohort, is_left_censored, period, customers, active_customers, repeat_customers, net_revenue
        from retention.cohort_retention where segmentation = 'month' order by all
        """
    )
    assert rows == expected
    of_channels = ask(
        "select sum(customers), sum(net_revenue) from retention.cohort_retention "
        "where segmentation = 'acquisition_channel' and period = 0"
    )
    assert of_channels == ask(
        "select sum(customers), sum(net_revenue) from retention.cohort_retention where segmentation = 'month' and period = 0"
    )


def test_rfm_scores_count_the_buyers_who_do_worse_at_every_month_end(ask: Ask) -> None:
    expected = ask(
        """
        with bought as (
            select customer_id, month, days_since_last_order as days, cumulative_orders as orders,
                cumulative_net_revenue as revenue
            from value.customer_months where customer_id > 0 and cumulative_orders > 0
        )
        select a.customer_id, a.month,
            (1 + (5 * count(*) filter (b.days > a.days)) // count(*))::int,
            (1 + (5 * count(*) filter (b.orders < a.orders)) // count(*))::int,
            (1 + (5 * count(*) filter (b.revenue < a.revenue)) // count(*))::int
        from bought as a join bought as b on a.month = b.month
        group by a.customer_id, a.month order by 1, 2
        """
    )
    rows = ask(
        "select customer_id, month, recency_score, frequency_score, monetary_score from value.customer_months "
        "where recency_score is not null order by 1, 2"
    )
    assert rows == expected and len(rows) > 2000


def test_breadth_of_twelve_months_equals_a_query_over_raw(ask: Ask) -> None:
    expected = ask(
        """
        select r.customer_id, m.month, count(distinct product_key), count(distinct t.channel)
        from value.customer_months as m
        join customer.customer_records as r on r.customer_id = m.customer_id
        join raw.transactions as t on t.customer_key = r.customer_key and t.ordered_at::date < m.month + to_months(1)
            and t.ordered_at::date >= m.month - to_months(11)
        group by 1, 2 order by 1, 2
        """
    )
    rows = ask(
        "select customer_id, month, products_12m, channels_12m from value.customer_months "
        "where customer_id > 0 and orders_12m > 0 order by 1, 2"
    )
    assert rows == expected


def test_movements_are_those_of_the_states(ask: Ask) -> None:
    rows = ask(
        "select month, closing_customers from retention.customer_movements where segmentation = 'all' order by 1"
    )
    assert rows == ask(
        "select month, count(*) from value.customer_months where is_current_customer group by 1 order by 1"
    )
    moved = ask("select sum(moved_in_customers), sum(expected_moved_in_value) from retention.customer_movements")
    assert moved[0][0] > 0 and moved[0][1] > 0
    assert ask("select count(*) > 0 from retention.customer_movements where returned_customers > 0") == [(True,)]


def test_value_in_doubt_follows_from_the_forecast_alone(ask: Ask) -> None:
    wrong = ask(
        """
        select customer_id from retention.customer_retention join value.customer_value using (customer_id)
        where abs(value_already_discounted + expected_value - expected_value_given_order) > 1e-6
            or churn_model = 'no_order' and churn_probability <> p_no_order_3m
            or p_no_order_3m < p_no_order_6m or p_no_order_6m < p_no_order_12m or p_alive < 1 - p_no_order_12m - 1e-9
            or purchase_days > 0 and (p_no_order_12m is null or p_alive is null and p_alive_reason is null)
            or state in ('lapsed', 'cancelled') and expected_value_at_risk <> 0
            or state not in ('lapsed', 'cancelled')
                and abs(expected_value_at_risk - expected_value * churn_probability) > 1e-6
        """
    )
    assert wrong == []
    assert ask("select count(*) > 50 from retention.customer_retention where expected_value_at_risk > 0") == [(True,)]
    with_complaint = ask("select reasons from retention.customer_retention where is_complaint_open")
    assert len(with_complaint) == 1


def test_how_many_orders_and_whether_one_comes_are_one_statement(ask: Ask) -> None:
    assert_no_row_contradicts_itself(ask)


def test_parts_of_engagement_add_up_to_the_score(ask: Ask) -> None:
    parts = [name for (name, *_) in ask("describe segment.customer_engagement") if name.endswith("_share_of_score")]
    assert len(parts) == 9
    wrong = ask(
        f"select customer_id from segment.customer_engagement where abs({' + '.join(parts)} - engagement_score) > 0.051"
    )
    assert wrong == []


def test_history_and_flows_tell_the_months_again(ask: Ask) -> None:
    for segmentation in (
        "value_tier",
        "engagement_tier",
        "rfm_group",
        "micro_segment",
        "life_cycle_stage",
        "rule_segment",
    ):
        lost = ask(
            f"""
            select count(*) from value.customer_months as m left join segment.segment_history as h
                on h.customer_id = m.customer_id and h.segmentation = '{segmentation}'
                and h.valid_from_on <= m.month_end and (h.valid_until_on is null or h.valid_until_on > m.month_end)
            where m.customer_id > 0 and m.{segmentation} is distinct from h.segment
            """
        )
        assert lost == [(0,)], segmentation
        flows = ask(
            f"""
            select b.{segmentation}, a.{segmentation}, count(*) from
                (select * from value.customer_months where month = '2026-01-01' and customer_id > 0) as a
                full join (select * from value.customer_months where month = '2025-06-01' and customer_id > 0) as b
                using (customer_id)
            where a.{segmentation} is not null or b.{segmentation} is not null group by all order by all
            """
        )
        rows = ask(
            f"""
            select from_segment, to_segment, customers from segment.segment_flows
            where segmentation = '{segmentation}' and from_month_end = '2025-06-30' and to_month_end = '2026-01-31'
            order by all
            """
        )
        assert rows == flows, segmentation


def test_portraits_compare_like_with_like_in_words(ask: Ask) -> None:
    """No column's name; the mean beside a segment's is that of the current customers, counted apart."""
    rows = ask(
        "select segmentation, compared_with, proposed_name, distinguishing_features from segment.segment_profiles"
    )
    assert {row[1] for row in rows} >= {"current customers", "customers who are gone"}
    assert not [row for row in rows if "_" in (row[3] or "") + (row[2] or "")]
    names = [row[2] for row in rows if row[0] == "micro_segment"]
    assert len(names) > 1 and all(names) and len(set(names)) == len(names)
    assert not [row for row in rows if row[0] != "micro_segment" and row[2]]
    ((mean,),) = ask(
        "select round(avg(days_since_last_order))::int from value.customer_months where is_as_of and is_current_customer"
    )
    beside = {
        found[1]
        for row in rows
        if row[1] == "current customers"
        and (found := re.search(r"days since the last order: \d+ \((\d+) on", row[3] or ""))
    }
    assert beside == {str(mean)}


def test_the_strategy_is_that_of_the_two_tiers(ask: Ask) -> None:
    rows = ask(
        "select value_tier, engagement_tier, min(strategy), max(strategy) from segment.customer_segments "
        "where value_tier is not null group by all"
    )
    assert len(rows) > 6 and all(low == high is not None for *_, low, high in rows)
    assert json.dumps(sorted({row[1] for row in rows})) == '["gone", "high", "low", "medium"]'


@pytest.mark.parametrize("page", ["retention.md", "segments.md", "objectives.md"])
def test_the_queries_of_the_documentation_run(ask: Ask, page: str) -> None:
    queries = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(queries) >= 6
    for query in queries:
        ask(query)


def test_rules_are_checked_against_the_columns_as_the_models_know_them(ask: Ask) -> None:
    known = {
        name: kind
        for mart in ("retention.customer_retention", "value.customer_months")
        for name, kind, *_ in ask(f"describe {mart}")
    }
    assert {name: known.get(name) for name in RULE_COLUMNS} == RULE_COLUMNS


def test_kpis_are_checked_against_the_columns_as_the_models_know_them(ask: Ask) -> None:
    for name, facts in FACTS.items():
        known = {column: kind for column, kind, *_ in ask(f"describe intermediate.int_kpi_{name}")}
        assert {column: known.get(column) for column in facts.columns} == facts.columns, name
        assert set(facts.scopes) <= set(facts.columns)


def test_every_shipped_kpi_is_what_a_query_written_apart_makes_of_it(late: Path) -> None:
    with duckdb.connect(str(late / "warehouse.duckdb"), read_only=True) as connection:
        values = assert_kpis_are_as_written_apart(connection)
    assert {kpi for kpi, found in values.items() if len(set(found.values())) < 2} == set(), "each has something to say"


def test_an_objective_of_each_area_is_followed_and_its_segments_explain_it(ask: Ask) -> None:
    followed = ask(
        """
        select area, count(*), count(actual), count(path), count(forecast_at_due) > 0,
            bool_and(forecast_at_due between forecast_at_due_p10 and forecast_at_due_p90),
            bool_and((actual is not null) = (month <= date '2026-03-01')), count(no_value_reason)
        from objective.objective_progress group by 1
        """
    )
    assert sorted(followed) == [
        (area, 13, 9, 13, True, True, True, 0) for area in ("customer", "relationship", "retention", "segment", "value")
    ]
    # of a sum what a segment moved is the change of its own; the shares of the others are computed apart
    assert ask(
        """
        with changes as (
            select now.segment, now.value - coalesce(then_.value, 0) as change
            from objective.kpi_monthly as now left join objective.kpi_monthly as then_
                on then_.kpi = now.kpi and then_.scope = now.scope and then_.segment = now.segment
                and then_.month = date '2025-07-01'
            where now.kpi = 'active customers' and now.scope = 'rfm_group' and now.month = date '2026-03-01'
        )
        select count(*) > 2, max(abs(contributions.change - changes.change)) < 1e-9
        from objective.objective_contributions as contributions join changes using (segment)
        where objective = 'customer' and scope = 'rfm_group' and month = date '2026-03-01'
        """
    ) == [(True, True)]
    moved = dict(
        ask("select objective, count(distinct scope) from objective.objective_contributions group by 1 order by 1")
    )
    assert moved == {"customer": 4, "relationship": 4, "retention": 4, "value": 4}, (
        "one of a segment alone is not cut again"
    )


def test_tenths_are_equally_large_and_the_frozen_ones_are_those_of_customer_value(ask: Ask) -> None:
    for decile in ("net_revenue_decile", "contribution_decile", "vin_decile", "expected_decile"):
        sizes = [
            size
            for (size,) in ask(
                f"select count(*) from value.customer_value where {decile} is not null group by {decile}"
            )
        ]
        assert len(sizes) == 10 and max(sizes) - min(sizes) <= 1, (decile, sizes)
    compared = ask(
        "select count(*) > 200, count(*) filter (p.decile is distinct from v.expected_decile) "
        "from quality.value_predictions as p join value.customer_value as v using (customer_id) "
        "where p.segmentation = 'customer' and p.horizon_months = 12"
    )
    assert compared == [(True, 0)]


def test_the_state_overrules_the_name_of_an_rfm_group(ask: Ask) -> None:
    """Nobody who is gone bears the name of one who stays, nobody who keeps their rhythm that of one who leaves."""
    named = ask(
        "select life_cycle_stage, rfm_group from segment.customer_segments join customer.customers using (customer_id) "
        "where held_rfm_score is not null group by all"
    )
    assert {stage for stage, _ in named} == {"new", "active", "declining", "lapsed"}
    gone = {"Lapsed champions", "Lapsed regulars", "Lost"}
    leaving = {"Cannot lose them", "At risk", "About to sleep"}
    for stage, group in named:
        assert (group in gone) == (stage == "lapsed"), (stage, group)
        assert (group in leaving) == (stage == "declining"), (stage, group)


def test_a_group_and_the_scores_it_rests_on_agree_at_every_month_end(ask: Ask) -> None:
    """By the rules as the seed has them, tried one by one."""
    with (ROOT / "seeds" / "default_rfm_groups.csv").open(encoding="utf-8") as file:
        rules = sorted(csv.DictReader(file), key=lambda rule: int(rule["rank"]))

    def name(score: int, stage: str) -> str:
        held = dict(zip(("recency", "frequency", "monetary"), map(int, str(score)), strict=True))
        for rule in rules:
            if rule["life_cycle_stage"] in ("", stage) and all(
                int(rule[f"{part}_from"]) <= held[part] <= int(rule[f"{part}_to"]) for part in held
            ):
                return rule["group_name"]
        return "No group"

    rows = ask(
        "select held_rfm_score, life_cycle_stage, rfm_group, 100 * recency_score + 10 * frequency_score + monetary_score "
        "from value.customer_months where recency_score is not null"
    )
    assert [group for _, _, group, _ in rows] == [name(score, stage) for score, stage, _, _ in rows]
    differing = [row for row in rows if row[0] != row[3]]
    assert differing, "some are held"
    assert all(name(held, "") != name(today, "") for held, _, _, today in differing), "only while another group is held"


#: what is made anew from the first touched month on, and what decides which that is
OF_MONTHS = (
    "int_touched_customers", "int_touched_months", "int_customer_months", "int_rfm_scored", "int_customer_segments",
    "int_customer_months_labelled", "int_kpi_values",
)  # fmt: skip
MONTH = 2025 * 12 + 7
#: what may differ from the last build in one month, each in a table that months are made from
TOUCHES = {
    "orders": "update intermediate.int_customer_order_months set net_revenue = net_revenue + 7 where month = '2025-07-01'",
    "gone": """
        create or replace temp table gone as
        select customer_id from intermediate.int_customers where first_seen_on between '2025-07-01' and '2025-07-31';
        delete from intermediate.int_customers where customer_id in (select customer_id from gone);
        delete from intermediate.int_customer_order_months where customer_id in (select customer_id from gone);
        delete from intermediate.int_customer_changes where customer_id in (select customer_id from gone);
        delete from intermediate.int_customer_states where customer_id in (select customer_id from gone)
    """,
    "forecasts": "update forecast.customers set expected_value = 1 + expected_value where measured_on >= '2025-07-01'",
    "ledger": """
        insert into value.value_ledger by name select * replace (amount - 1 as amount) from value.value_ledger
        where component = 'cost to serve' and month = '2025-07-01' limit 1
    """,
}


def _months(folder: Path, *, is_full_refresh: bool) -> dict[str, list[tuple[Any, ...]]]:
    project = transform.compiled()
    chosen = {step.unique_id for step in project.steps if step.name in OF_MONTHS}
    database = transform.database("night", {"CLIENTELA_WAREHOUSE": str(folder / "warehouse.duckdb")})
    if is_full_refresh:
        with database.connect() as connection:
            for table in MONTHS_SEEN:
                connection.execute(f"delete from run.{table}")
    results = build_models.build(project, database, is_full_refresh=is_full_refresh, only=chosen)
    assert [result for result in results if result.has_failed] == []
    names = [name for name in OF_MONTHS if "touched" not in name]
    return {name: read(folder / "warehouse.duckdb", f"from intermediate.{name} order by all") for name in names}


@pytest.mark.parametrize("touched", TOUCHES)
def test_months_from_the_first_that_is_touched_on_are_those_of_a_build_from_nothing(
    late: Path, tmp_path: Path, touched: str
) -> None:
    """All figures by customer and month, and the KPIs; whatever differs, and wherever it came from."""
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copyfile(late / "warehouse.duckdb", warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        for table, query in MONTHS_SEEN.items():
            connection.execute(f"insert into run.{table} {query}")
        connection.execute(TOUCHES[touched])
    upon = _months(tmp_path, is_full_refresh=False)
    reasons = dict(
        read(warehouse, "select reason, min(month_number) from intermediate.int_touched_months group by reason")
    )
    assert reasons.keys() & {touched, "customer"} and min(reasons.values()) == MONTH
    assert upon == _months(tmp_path, is_full_refresh=True)


def test_months_before_the_first_that_is_touched_stand(late: Path, tmp_path: Path) -> None:
    """Nothing differs but the run: the month under way is made anew, and no closed one is written again."""
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copyfile(late / "warehouse.duckdb", warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        for table, query in MONTHS_SEEN.items():
            connection.execute(f"insert into run.{table} {query}")
        connection.execute("update run.context set run_id = 'the next'")
        for table in ("int_customer_months", "int_rfm_scored", "int_customer_months_labelled"):
            connection.execute(f"update intermediate.{table} set tenure_days = -1")
    upon = _months(tmp_path, is_full_refresh=False)
    assert read(warehouse, "from intermediate.int_touched_months") == [(LATE.year * 12 + LATE.month, "the day", None)]
    written = "select distinct month, tenure_days = -1 from intermediate.int_customer_months_labelled order by month"
    months = read(warehouse, written)
    assert [month for month, is_left in months if not is_left] == [LATE.replace(day=1)] and len(months) > 12
    assert len(upon["int_kpi_values"]) == len(read(late / "warehouse.duckdb", "from intermediate.int_kpi_values"))
