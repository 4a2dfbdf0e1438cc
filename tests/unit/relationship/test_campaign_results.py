"""What is said of a campaign: by lot, without a lot, with too few buyers, and the loss that the invented company made."""

from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest

from clientela.relationship.uplift import uplift_of_campaigns
from clientela.simulate import SimulateSettings, truth
from clientela.simulate.campaigns import CAMPAIGNS
from clientela.simulate.company import build_company
from tests.unit.relationship.campaign_models import campaign_results

AS_OF = date(2026, 6, 30)
START = date(2026, 3, 1)
COLUMNS = "campaign_id, segmentation, segment"


def campaign(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "campaign_id": number, "source": "crm", "campaign_key": f"C{number}", "approach": "market", "fixed_cost": 50,
        "unit_cost": 1, "started_on": START, **more,
    }  # fmt: skip


def contact(record: int, role: str = "contacted", number: int = 1) -> dict[str, Any]:
    return {
        "campaign_contact_id": record * 10 + number, "customer_record_id": record, "campaign_id": number, "role": role,
        "source": "crm", "campaign_name": f"C{number}", "is_date_assumed": False, "contacted_on": START,
    }  # fmt: skip


def sale(customer: int, day: date, net: float = 10.0, cost: float | None = 6.0) -> dict[str, Any]:
    return {
        "order_id": customer * 1000 + (day - date(2025, 1, 1)).days, "customer_id": customer, "ordered_on": day,
        "is_return": False, "net_amount": net, "cost_amount": cost, "contribution": None if cost is None else net - cost,
    }  # fmt: skip


def label(customer: int, day: date, tier: str) -> dict[str, Any]:
    return {
        "customer_id": customer, "measured_on": day, "is_buyer": True, "value_tier": tier, "engagement_tier": "low",
        "rfm_group": "Champions",
    }  # fmt: skip


def ask(
    connection: duckdb.DuckDBPyConnection, columns: str, where: str = "segmentation = 'all'"
) -> list[tuple[Any, ...]]:
    return connection.execute(f"select {columns} from campaign_results where {where} order by {COLUMNS}").fetchall()


def people(count: int) -> list[dict[str, int]]:
    return [{"record_id": n, "customer_id": n} for n in range(1, count + 1)]


@pytest.fixture(scope="module")
def by_lot() -> duckdb.DuckDBPyConnection:
    """1 to 600 chosen, of whom the last 100 are not told to have been contacted; 601 to 900 held out; 901 merged of both."""
    chosen = [contact(n) for n in range(1, 501)] + [contact(n, "chosen") for n in range(501, 601)]
    held_out = [contact(n, "held_out") for n in range(601, 901)]
    merged = [contact(901), contact(902, "held_out")]
    sales = [sale(n, START + timedelta(days=n % 28), 10 + n % 7) for n in [*range(1, 301), *range(601, 721), 901]]
    # the day before it began, and the day after its window
    sales += [sale(600, START - timedelta(days=1)), sale(600, START + timedelta(days=29))]
    labels = [label(n, date(2026, 2, 28), "high" if n % 2 else "low") for n in range(1, 902)]
    # what they became later is nothing that the campaign began with
    labels += [label(n, date(2026, 3, 31), "medium") for n in range(1, 902)]
    return campaign_results(
        AS_OF,
        {
            "stg_campaigns": [campaign()],
            "int_customer_crosswalk": [*people(901), {"record_id": 902, "customer_id": 901}],
            "int_campaign_contacts_dated": chosen + held_out + merged,
            "int_order_lines_identified": sales,
            "int_customer_months_labelled": labels,
        },
    )


def test_all_who_were_chosen_are_compared_with_all_held_out(by_lot: duckdb.DuckDBPyConnection) -> None:
    counts = ask(
        by_lot, "chosen, assigned, contacted, held_out, in_both_arms, buyers, comparison_buyers, evidence, limitation"
    )
    assert counts == [(901, 600, 501, 300, 1, 300, 120, "effect", None)]
    ((difference, low, high, incremental),) = ask(
        by_lot, "contribution_difference, contribution_low, contribution_high, incremental_contribution"
    )
    direct = by_lot.execute(
        """
        select
            sum(contribution) filter (where customer_id <= 600) / 600
            - sum(contribution) filter (where customer_id > 600) / 300
        from int_order_lines_identified where ordered_on between ? and ? and customer_id <= 900
        """,
        [START, START + timedelta(days=28)],
    ).fetchall()[0][0]
    assert difference == pytest.approx(direct)
    assert low < difference < high
    assert incremental == pytest.approx(600 * direct)


def test_the_return_is_over_all_costs(by_lot: duckdb.DuckDBPyConnection) -> None:
    ((cost, incremental, returned, at_most, contribution),) = ask(
        by_lot, "cost_amount, incremental_contribution, return_on_spend, return_at_most, contribution"
    )
    assert cost == 50 + 501
    assert returned == pytest.approx(incremental / 551 - 1)
    assert at_most == pytest.approx(float(contribution) / 551 - 1)


def test_segments_are_those_of_the_month_end_before_it_began(by_lot: duckdb.DuckDBPyConnection) -> None:
    assert ask(by_lot, "segment, chosen, held_out", "segmentation = 'value_tier'") == [
        ("high", 451, 150),
        ("low", 450, 150),
    ]
    ((whole, parts),) = by_lot.execute(
        """
        select sum(cost_amount) filter (segmentation = 'all'), sum(cost_amount) filter (segmentation = 'value_tier')
        from campaign_results
        """
    ).fetchall()
    assert whole == parts


def test_a_campaign_without_a_lot_is_an_association_and_never_an_effect() -> None:
    """Those chosen bought more before as well: beside others who did, the campaign changed nothing."""
    before = [sale(n, START - timedelta(days=5)) for n in range(1, 401)]
    within = [sale(n, START + timedelta(days=5)) for n in range(1, 401)]
    connection = campaign_results(
        AS_OF,
        {
            "stg_campaigns": [campaign()],
            "int_customer_crosswalk": people(900),
            "int_campaign_contacts_dated": [contact(n) for n in range(1, 201)] + [contact(n) for n in range(401, 411)],
            "int_order_lines_identified": [
                *before, *within, *(sale(n, date(2025, 6, 1)) for n in range(1, 901)),
                *(sale(n, START + timedelta(days=3), 11) for n in range(1, 51)),
            ],
            "int_customer_months_labelled": [label(n, date(2026, 2, 28), "low") for n in range(1, 901)],
        },
    )  # fmt: skip
    ((evidence, comparison, has_effect, incremental, returned, limitation, verdict),) = ask(
        connection,
        "evidence, comparison, has_effect, incremental_contribution, return_on_spend, limitation, verdict",
    )
    assert (evidence, comparison, has_effect, incremental, returned) == (
        "association",
        "matched customers",
        False,
        None,
        None,
    )
    assert limitation == "nobody was held out: who was chosen may differ for other reasons"
    assert verdict == "open"
    ((difference, compared, others),) = ask(connection, "contribution_difference, compared, comparison_customers")
    assert (compared, others) == (210, 690)
    assert difference == pytest.approx(50 * 5 / 210), "fifty of them bought once more than those like them"


def test_fewer_than_a_hundred_buyers_in_an_arm_are_too_few_for_money() -> None:
    connection = campaign_results(
        AS_OF,
        {
            "stg_campaigns": [campaign(), campaign(2, started_on=date(2026, 6, 20))],
            "int_customer_crosswalk": people(500),
            "int_campaign_contacts_dated": [contact(n, "contacted" if n <= 250 else "held_out") for n in range(1, 501)]
            + [contact(1, "contacted", 2) | {"contacted_on": date(2026, 6, 20)}],
            "int_order_lines_identified": [sale(n, START, 1.0, None) for n in [*range(1, 151), *range(251, 350)]],
        },
    )
    first, second = ask(connection, "limitation, net_revenue_difference, contribution, verdict, return_at_most")
    # 150 buyers in one arm and 99 in the other; what all of them paid is less than its cost, whatever the goods cost
    assert first[:4] == ("too few buyers for money", None, None, "loss")
    assert first[4] == pytest.approx(150 / 300 - 1)
    ((share, low, high, has_effect),) = ask(
        connection,
        "buyer_share_difference, buyer_share_low, buyer_share_high, has_effect",
        "campaign_id = 1 and segment = 'all'",
    )
    assert share == pytest.approx((150 - 99) / 250)
    assert 0 < low < share < high and has_effect
    assert (second[0], second[3]) == ("its window is not over", "open")


def test_a_lot_drawn_before_it_began_is_what_is_compared_whoever_was_contacted_in_the_end() -> None:
    """The system that sends contacts two who were held out, leaves two out, and tells nobody of the others."""
    arms = {n: "held_out" if n % 3 == 0 else "chosen" for n in range(1, 31)}
    connection = campaign_results(
        AS_OF,
        {
            "stg_campaigns": [campaign()],
            # records 30 and 29, of both arms, are one customer now
            "int_customer_crosswalk": [*people(29), {"record_id": 30, "customer_id": 29}],
            "campaign_splits": [
                {"campaign_key": "C1", "record_id": n, "arm": arm} for n, arm in arms.items()
            ] + [{"campaign_key": "C9", "record_id": 1, "arm": "held_out"}],
            "int_campaign_contacts_dated": [contact(n) for n in (1, 2, 3, 6, 40)],
        },
    )  # fmt: skip
    assert ask(connection, "chosen, assigned, contacted, held_out, in_both_arms, evidence") == [
        (29, 19, 2, 9, 1, "effect")
    ]


def test_the_win_back_campaign_of_the_demonstration_is_shown_as_the_loss_it_was() -> None:
    """2,984 spent to bring 1,113 of net revenue: so the truth of the invented company says."""
    company = build_company(SimulateSettings())
    effects = truth.campaign_effects(company).filter(pl.col("campaign_key") == "K04")
    assert round(effects.filter("is_contacted")["expected_extra_net"].sum()) == 1_113
    number, k04 = next((n, c) for n, c in enumerate(CAMPAIGNS, 1) if c.key == "K04")
    day = pl.col("contacted_at").dt.date()
    contacts = effects.select(
        campaign_contact_id=pl.int_range(pl.len()), customer_record_id="person_id", campaign_id=pl.lit(number),
        source=pl.lit("crm"), campaign_name=pl.lit("K04"), is_date_assumed=pl.lit(False), contacted_on=day,
        role=pl.when("is_contacted").then(pl.lit("contacted")).otherwise(pl.lit("held_out")),
    )  # fmt: skip
    orders = truth.orders(company).filter(pl.col("person_id") > 0)
    sales = orders.select(
        order_id=pl.int_range(pl.len()), customer_id="person_id", ordered_on="ordered_on", is_return="is_return",
        net_amount=pl.col("net_cents") / 100, cost_amount=pl.col("cost_cents") / 100,
        contribution=(pl.col("net_cents") - pl.col("cost_cents")) / 100,
    )  # fmt: skip
    everybody = effects.select(record_id="person_id", customer_id="person_id").unique()
    first_day = effects.select(day.min()).item()
    connection = campaign_results(
        date(2025, 12, 31),
        {
            "stg_campaigns": [
                campaign(number, fixed_cost=k04.fixed_cost, unit_cost=k04.unit_cost, started_on=first_day)
            ],
            "int_customer_crosswalk": everybody,
            "int_campaign_contacts_dated": contacts,
            "int_order_lines_identified": sales,
        },
    )
    ((cost, verdict, at_most, limitation),) = ask(connection, "cost_amount, verdict, return_at_most, limitation")
    assert (cost, verdict, limitation) == (2_984, "loss", "too few buyers for money")
    assert at_most < 0, "not even all that those chosen bought paid for it"


def test_uplift_is_of_what_the_results_are_of(by_lot: duckdb.DuckDBPyConnection) -> None:
    """The same customers, arms and amounts; of segments with a hundred buyers in each arm, with wider intervals."""
    members: pl.DataFrame = by_lot.sql("from int_uplift_members").pl()
    assert members.group_by("is_chosen").len().sort("is_chosen").rows() == [(False, 300), (True, 600)]
    results = by_lot.execute(
        """
        select contribution_difference, contribution_low, contribution_high from campaign_results
        where segmentation = 'engagement_tier' and segment = 'low'
        """
    ).fetchall()
    found = uplift_of_campaigns(members).filter(pl.col("segmentation") == "engagement_tier", pl.col("segment") == "low")
    [(difference, low, high)] = results
    [(uplift, uplift_low, uplift_high)] = found.select("uplift", "uplift_low", "uplift_high").rows()
    assert uplift == pytest.approx(difference)
    assert uplift_low < low and high < uplift_high
