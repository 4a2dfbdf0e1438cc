"""Every kind of cost in one small company: each line of the ledger stands where its rule puts it, and nothing is lost."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.integration.marts_fixture import Company, build_marts, failed, line


def fill_with_costs(company: Company) -> None:
    """January to March 2026; one shop, reference tables for all costs."""
    company.deliver(
        "customers", "shop",
        {"key": "ana", "acquisition_channel": "search", "acquired_on": "2026-01-10"},
        {"key": "ben", "acquisition_channel": "search", "acquired_on": "2026-01-20"},
        {"key": "cleo", "acquisition_channel": "search", "acquired_on": "2026-01-25", "acquisition_cost": 7.5},
    )  # fmt: skip
    company.deliver(
        "products", "shop",
        {"key": "soap", "margin_rate": 0.5},
        {"key": "club", "margin_rate": 0.4},
        {"key": "gift"},
    )  # fmt: skip
    company.deliver(
        "transactions", "shop",
        line("1/1", "ana", "soap", "2026-01-12 11:00:00+00", 8.00, gross=10.00, coupon="SPRING"),
        line("1/2", "ana", "soap", "2026-01-12 11:00:00+00", 2.00, coupon="SPRING"),
        line("2/1", "ana", "soap", "2026-02-12 11:00:00+00", -4.00, quantity=-1),
        line("3/1", "ben", "gift", "2026-02-01 11:00:00+00", 5.00),
        line("4/1", "cleo", "club", "2026-02-01 11:00:00+00", 9.00),
        line("5/1", "cleo", "club", "2026-03-01 11:00:00+00", 9.00),
        line("6/1", "cleo", "soap", "2026-03-02 11:00:00+00", 3.00),
        line("7/1", None, "soap", "2026-03-02 11:00:00+00", 6.00, coupon="UNKNOWN"),
    )  # fmt: skip
    company.deliver(
        "contracts", "shop",
        {"key": "c1", "customer_key": "cleo", "product_key": "club", "started_on": "2026-02-01", "recurring_amount": 9},
    )  # fmt: skip
    company.deliver(
        "cost_rates", "reference",
        {"key": "phone||1", "channel": "phone", "valid_from": "2026-01-01", "cost_per_contact": 1},
        {"key": "phone||2", "channel": "phone", "valid_from": "2026-02-15", "cost_per_contact": 2, "cost_per_minute": 0.25},
        {"key": "phone|c", "channel": "phone", "kind": "complaint", "valid_from": "2026-01-01", "cost_per_contact": 5,
         "is_assumed": True},
        {"key": "|visit", "kind": "installation", "valid_from": "2026-01-01", "cost_per_contact": 40},
    )  # fmt: skip
    calls = [
        ("i1", "ana", "phone", "request", "2026-01-31 22:59:00+00", 3),
        ("i2", "ana", "phone", "request", "2026-02-20 10:00:00+00", 3),
        ("i3", "ana", "phone", "complaint", "2026-02-20 10:00:00+00", 9),
        ("i4", "ben", None, "installation", "2026-03-01 10:00:00+00", 1),
        ("i5", None, "phone", "request", "2026-03-01 10:00:00+00", None),
        ("i6", "ben", "chat", "request", "2026-03-01 10:00:00+00", 4),
    ]
    company.deliver(
        "interactions", "shop",
        *(
            {"key": key, "customer_key": customer, "channel": channel, "kind": kind, "opened_at": at, "minutes": minutes}
            for key, customer, channel, kind, at, minutes in calls
        ),
    )  # fmt: skip
    company.deliver(
        "acquisition_costs", "reference",
        {"key": "search|1", "acquisition_channel": "search", "month": "2026-01-01", "cost_amount": 10.01},
        {"key": "fair|2", "acquisition_channel": "fair", "month": "2026-02-01", "cost_amount": 3.33, "is_assumed": True},
        {"key": "fair|9", "acquisition_channel": "fair", "month": "2026-09-01", "cost_amount": 99},
    )  # fmt: skip
    company.deliver(
        "campaigns", "shop",
        {"key": "spring", "campaign_name": "Spring", "started_on": "2026-02-01", "fixed_cost": 10, "unit_cost": 0.5},
        {"key": "empty", "campaign_name": "Empty", "started_on": "2026-03-01", "fixed_cost": 4},
        {"key": "free", "campaign_name": "Free", "started_on": "2026-03-01"},
    )  # fmt: skip
    contacts = [
        {"key": f"{campaign}|{who}", "campaign_key": campaign, "customer_key": who, "role": role,
         "contacted_at": "2026-02-03 08:00:00+00"}
        for campaign, who, role in (
            ("spring", "ana", "contacted"), ("spring", "ben", "contacted"), ("spring", "cleo", "contacted"),
            ("free", "ana", "contacted"), ("spring", "dan", "held_out"),
        )
    ]  # fmt: skip
    company.deliver("campaign_contacts", "shop", *contacts)
    company.deliver(
        "rewards", "shop",
        {"key": "r1", "customer_key": "ana", "kind": "earned", "value_amount": 50, "rewarded_at": "2026-01-12 11:00:00+00"},
        {"key": "r2", "customer_key": "ana", "kind": "redeemed", "value_amount": 2, "rewarded_at": "2026-02-12 11:00:00+00"},
        {"key": "r3", "customer_key": "ben", "kind": "gift", "rewarded_at": "2026-02-12 11:00:00+00"},
    )  # fmt: skip
    company.deliver("offers", "reference", {"key": "SPRING", "offer": "SPRING", "unit_cost": 0.3})
    fill_with_contracts(company)


def fill_with_contracts(company: Company) -> None:
    """Whatever can become of a contract, one of each; customers whom nothing else tells of, but for ana and ben."""

    def plan(key: str, started_on: str, amount: float, **more: Any) -> dict[str, Any]:
        common = {"customer_key": key.split("-")[0], "product_key": "plan", "period_months": 1}
        return {"key": key, "started_on": started_on, "recurring_amount": amount} | common | more

    fay = plan("fay-1", "2025-12-15", 20, version_at="2025-12-15 10:00:00+00")
    gus = plan("gus-1", "2025-11-01", 30)
    company.deliver(
        "contracts", "crm",
        fay,
        gus,
        plan("hal-1", "2025-03-01", 40, term_months=12, ends_on="2026-02-28"),
        plan("hal-2", "2026-03-01", 45, term_months=12),
        plan("ida-1", "2025-01-01", 10, term_months=12, ends_on="2026-02-20", cancelled_on="2026-02-15", cancelled_by="company"),
        plan("jon-1", "2025-02-01", 15, term_months=12, ends_on="2026-01-31", cancelled_on="2026-01-20", cancelled_by="customer"),
        plan("jon-2", "2025-06-01", 15, term_months=12, cancelled_on="2026-03-10", cancelled_by="customer"),
        plan("kim-1", "2025-06-01", 120, period_months=12, ends_on="2026-05-31", cancelled_on="2026-03-01"),
    )  # fmt: skip
    company.deliver(
        "contracts", "crm",
        fay | {"recurring_amount": 25, "version_at": "2026-02-10 10:00:00+00"},
        gus | {"paused_on": "2026-01-10", "resumed_on": "2026-03-05"},
    )  # fmt: skip
    soap = {
        "key": "c2",
        "customer_key": "ana",
        "product_key": "soap",
        "started_on": "2025-01-01",
        "ends_on": "2025-11-30",
    }
    # nothing says which product it is that ben pays by an order line
    ben = {"key": "ben-1", "customer_key": "ben", "started_on": "2026-01-15", "recurring_amount": 5}
    company.deliver("contracts", "shop", soap | {"recurring_amount": 8}, ben)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("costs")
    company = Company(folder / "warehouse.duckdb")
    fill_with_costs(company)
    company.close()
    assert failed(build_marts(folder)) == {}
    return folder


@pytest.fixture
def ask(folder: Path) -> Iterator[Any]:
    connection = duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True)
    connection.execute("set timezone = 'UTC'")
    yield lambda query: connection.execute(query).fetchall()
    connection.close()


LINES = "select extract(month from month), component, activity, rule, is_assumed, amount from value.value_ledger"


def lines_of(ask: Any, customer: str | None) -> list[tuple[Any, ...]]:
    who = (
        f"(select customer_id from customer.customer_records where customer_key = '{customer}' limit 1)"
        if customer
        else "0"
    )
    found = ask(f"{LINES} where customer_id = {who} order by all")
    return [(*row[:-1], float(row[-1])) for row in found]


def test_every_line_of_a_customer_stands_with_its_rule(ask: Any) -> None:
    shares = {row[5] for who in ("ana", "ben", "cleo") for row in lines_of(ask, who) if row[3].startswith("fixed cost")}
    assert shares == {-3.34, -3.33}
    ana = [row for row in lines_of(ask, "ana") if not row[3].startswith(("fixed", "spread"))]
    assert ana == [
        (1, "cost of goods", "", "product margin", False, -5.0),
        (1, "cost to serve", "request", "rate of channel", False, -1.0),
        (1, "discounts", "", "discounts on sales", False, -2.0),
        (1, "offers", "SPRING", "unit cost of the offer used", False, -0.3),
        (1, "revenue", "", "sales before discounts", False, 12.0),
        (2, "campaigns", "Spring", "unit cost", False, -0.5),
        (2, "cost of goods", "", "product margin", False, 2.0),
        (2, "cost to serve", "complaint", "rate of channel and kind", True, -5.0),
        (2, "cost to serve", "request", "rate of channel", False, -2.75),
        (2, "returns", "", "goods returned", False, -4.0),
        (2, "rewards", "redeemed", "stated value", False, -2.0),
    ]
    ben = lines_of(ask, "ben")
    assert (3, "cost to serve", "installation", "rate of kind", False, -40.0) in ben
    assert (2, "cost of goods", "", "missing", False, 0.0) in ben


def test_a_channels_spending_is_spread_to_the_cent_over_those_it_won_and_nobody_pays_twice(ask: Any) -> None:
    won = {who: [r for r in lines_of(ask, who) if r[1] == "acquisition"] for who in ("ana", "ben", "cleo")}
    assert sorted(won["ana"][0][5:] + won["ben"][0][5:]) == [-5.01, -5.0]
    assert won["cleo"] == [(1, "acquisition", "search", "stated cost", False, -7.5)]


def test_what_nobody_can_be_named_for_stands_on_a_line_of_its_own(ask: Any) -> None:
    assert lines_of(ask, None) == [
        (2, "acquisition", "fair", "nobody won to spread it over", True, -3.33),
        (2, "campaigns", "Free", "missing", False, 0.0),
        (2, "rewards", "gift", "missing", False, 0.0),
        (3, "campaigns", "Empty", "nobody contacted to spread it over", False, -4.0),
        (3, "cost of goods", "", "product margin", False, -3.0),
        (3, "cost to serve", "request", "missing", False, 0.0),
        (3, "cost to serve", "request", "rate of channel", False, -2.0),
        (3, "revenue", "", "sales before discounts", False, 6.0),
    ]


def test_the_ledger_is_the_sum_of_everything_delivered(ask: Any) -> None:
    totals = {row[0]: row[1] for row in ask("select component, sum(amount) from value.value_ledger group by 1")}
    assert totals == {
        name: Decimal(amount)
        for name, amount in {
            "revenue": "44.00", "discounts": "-2.00", "returns": "-4.00", "cost of goods": "-18.30", "cost to serve": "-50.75",
            "rewards": "-2.00", "acquisition": "-20.84", "campaigns": "-15.50", "offers": "-0.30",
        }.items()
    }  # fmt: skip
    assert ask("select count(*) > 20, bool_and(is_within_tolerance) from quality.value_reconciliation") == [
        (True, True)
    ]
    (sums,) = ask(
        """
        select
            (select sum(realised_value) from value.customer_value) = (select sum(amount) from value.value_ledger),
            (select sum(contribution) from value.customer_value) = (select sum(contribution) from value.customer_months),
            (select sum(net_revenue - coalesce(cost_of_goods, 0) - cost_to_serve - reward_cost - acquisition_cost
                - campaign_cost - offer_cost - realised_value) from value.customer_value) = 0
        """
    )
    assert sums == (True, True, True)


def test_charges_of_a_contract_are_no_purchases_and_are_expected_apart(ask: Any) -> None:
    cleo = "(select customer_id from customer.customer_records where customer_key = 'cleo')"
    bought = ask(
        f"select ordered_on, net_revenue from intermediate.int_purchase_days where is_order and customer_id = {cleo}"
    )
    assert bought == [(date(2026, 3, 2), 3.0)]
    ((contract, total, horizon, vin, realised),) = ask(
        "select expected_contract_value, expected_value, horizon_months, vin, realised_value "
        f"from value.customer_value where customer_id = {cleo}"
    )
    assert contract > 10 and contract != total and horizon == 24
    assert vin == pytest.approx(float(realised) + total)


def test_a_charge_counts_once_whatever_source_bills_it_and_a_purchase_after_the_contract_is_one(ask: Any) -> None:
    bought = ask(
        """
        select customer_key, ordered_on from intermediate.int_purchase_days
        inner join customer.customer_records using (customer_id) where is_order and customer_key in ('ana', 'ben') order by all
        """
    )
    assert bought == [("ana", date(2026, 1, 12))], "ben's only order is the charge for his contract"


CONTRACT = "select {} from customer.contracts where source = 'crm' order by contract_key"


def test_each_contract_tells_its_price_its_end_and_what_it_renews(ask: Any) -> None:
    assert ask(
        CONTRACT.format("contract_key, end_kind, is_active, is_paused, is_leaving, monthly_recurring_amount")
    ) == [
        ("fay-1", None, True, False, False, 25),
        ("gus-1", None, True, False, False, 30),
        ("hal-1", "renewed", False, False, False, 0),
        ("hal-2", None, True, False, False, 45),
        ("ida-1", "involuntary", False, False, False, 0),
        ("jon-1", "at renewal", False, False, False, 0),
        ("jon-2", "early", False, False, False, 0),
        ("kim-1", None, True, False, True, 10),
    ]
    linked = """
        select a.contract_key, b.contract_key, c.contract_key, a.first_started_on from customer.contracts as a
        left join customer.contracts as b on a.renews_contract_id = b.contract_id
        left join customer.contracts as c on a.overlaps_contract_id = c.contract_id
        where a.renews_contract_id is not null or a.overlaps_contract_id is not null order by 1
    """
    assert ask(linked) == [
        ("hal-2", "hal-1", None, date(2025, 3, 1)),
        ("jon-2", None, "jon-1", date(2025, 6, 1)),
    ]
    changed = "contract_key, price_changes, first_recurring_amount, recurring_amount, price_changed_on"
    assert ask(f"select {changed} from customer.contracts where price_changes > 0") == [
        ("fay-1", 1, 20, 25, date(2026, 2, 10))
    ]
    due = "select contract_key, renews_on from customer.contracts where source = 'crm' and renews_on is not null order by 1"
    assert ask(due) == [
        ("fay-1", date(2026, 4, 15)),
        ("gus-1", date(2026, 4, 1)),
        ("hal-2", date(2027, 3, 1)),
    ]


def test_the_recurring_amount_of_each_customer_moves_month_by_month(ask: Any) -> None:
    amounts = ask(
        """
        select min(customer_key), list(monthly_recurring_amount order by month)
        from value.customer_months inner join customer.customer_records using (customer_id)
        where month >= date '2025-12-01' and customer_key in ('fay', 'gus', 'hal', 'ida', 'jon', 'kim')
        group by customer_id order by 1
        """
    )
    assert amounts == [
        ("fay", [20, 20, 25, 25]),
        ("gus", [30, 0, 0, 30]),
        ("hal", [40, 40, 40, 45]),
        ("ida", [10, 10, 0, 0]),
        ("jon", [30, 30, 15, 0]),
        ("kim", [10, 10, 10, 10]),
    ]
    moved = ask(
        """
        select opening_amount, new_amount, reactivated_amount, expanded_amount, contracted_amount, churned_amount, closing_amount
        from retention.contract_movements where month >= date '2026-01-01' order by month
        """
    )
    assert moved == [
        (140, 5, 0, 0, 0, 30, 115),  # ben new, gus paused
        (115, 9, 0, 5, 15, 10, 104),  # cleo new, fay's price, jon has one less, ida gone
        (104, 0, 30, 5, 0, 15, 124),  # gus back, hal renewed at more, jon gone
    ]
    assert ask("select sum(monthly_recurring_amount) from customer.contracts") == [(124,)]


def test_what_fell_due_counts_for_contracts_that_no_order_line_bills(ask: Any) -> None:
    due = """
        select contract_key, list(dues.contribution order by due_on), max(due_on) from intermediate.int_contract_dues as dues
        inner join customer.contracts using (contract_id) where due_on >= date '2026-01-01' group by 1 order by 1
    """
    assert ask(due) == [
        ("fay-1", [20, 25, 25], date(2026, 3, 15)),
        ("gus-1", [30], date(2026, 1, 1)),  # paused until the 5th of March
        ("hal-1", [40, 40], date(2026, 2, 1)),
        ("hal-2", [45], date(2026, 3, 1)),
        ("ida-1", [10, 10], date(2026, 2, 1)),
        ("jon-1", [15], date(2026, 1, 1)),
        ("jon-2", [15, 15, 15], date(2026, 3, 1)),
    ], "ben and cleo are billed by order lines, kim's year was paid in June, ana's contract is over"


def test_a_contract_without_a_known_margin_is_expected_at_its_net_amount_and_the_row_says_so(ask: Any) -> None:
    rows = ask(
        """
        select contract_key, cost_rule, contract.contribution,
            contract.expected_value / coalesce(contract.contribution, recurring_amount),
            contract.expected_value = value.expected_contract_value,
            contains(fallback_reason, 'its net amount stands for contribution')
        from customer.contracts as contract inner join value.customer_value as value using (customer_id)
        where contract_key in ('fay-1', 'c1') order by 1
        """
    )
    ((_, _, _, payments, *_), (_, _, _, same_payments, *_)) = rows
    assert payments > 3 and payments == pytest.approx(same_payments, rel=0.05), "as many payments, fourteen days apart"
    assert [row[:3] + row[4:] for row in rows] == [
        ("c1", "product margin", Decimal("3.6"), True, False),
        ("fay-1", "missing", None, True, True),
    ]


def test_what_serving_costs_is_taken_off_what_orders_bring(ask: Any) -> None:
    served = ask("select sum(cost_to_serve) from intermediate.int_purchase_days")
    assert served == [(1 + 2.75 + 5 + 40 + 2,)], "contacts of customers and their rewards, not those of nobody"


def test_a_ledger_that_differs_from_raw_or_from_control_totals_stops_the_night(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "warehouse.duckdb"
    broken.write_bytes((folder / "warehouse.duckdb").read_bytes())
    connection = duckdb.connect(str(broken))
    # a table behind the ledger says something else than raw
    connection.execute(
        "update intermediate.int_service_costs set cost_amount = cost_amount + 0.01 where kind = 'complaint'"
    )
    connection.execute(
        """
        insert into ledger.load_files by name
        select batch_id, source, entity, 'sales.csv' as file_name, '' as content_sha256, 1 as bytes, 8 as delivered_rows,
            9 as control_rows
        from ledger.loads where entity = 'transactions'
        """
    )
    connection.close()
    nodes = ("value_ledger", "value_reconciliation", "the_ledger_agrees_with_raw")
    assert set(failed(build_marts(tmp_path, *nodes))) == {"the_ledger_agrees_with_raw"}
    connection = duckdb.connect(str(broken), read_only=True)
    found = connection.execute(
        "select component, compared_with, difference from quality.value_reconciliation where not is_within_tolerance order by 1"
    ).fetchall()
    connection.close()
    assert found == [
        ("cost to serve", "raw", Decimal("-0.01")),
        ("transactions", "rows the source states", Decimal("-1")),
    ]
