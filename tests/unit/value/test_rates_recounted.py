"""The recount from raw takes the rate that the marts take, whatever a product, a contact or a rate leaves empty."""

from itertools import combinations, product
from typing import Any

import duckdb
import pytest

from tests.unit.rendering import rendered

Rows = list[tuple[Any, ...]]
DAY = "2026-05-05"
VERSIONED = """
    version bigint default 1, content_hash bigint default 1, is_deleted boolean default false, batch_id bigint default 1,
    version_at timestamptz default '2026-01-01 00:00:00+00'
"""


CAMPAIGNS = "record_key varchar, source varchar, started_on date, fixed_cost double, unit_cost double"
NO_COSTS: dict[str, tuple[str, Rows]] = {
    "raw.customers": ("source varchar, acquisition_cost double", []),
    "raw.acquisition_costs": ("month date, cost_amount double", []),
    "raw.rewards": ("source varchar, rewarded_at timestamptz, kind varchar, value_amount double", []),
    "raw.campaign_contacts": ("campaign_record_id bigint, role varchar, contacted_at timestamptz", []),
}


def company(tables: dict[str, tuple[str, Rows]], *models: str) -> duckdb.DuckDBPyConnection:
    """Tables by name: columns, and rows of the first of these; raw ones come in one batch. The models are views."""
    connection = duckdb.connect()
    connection.execute(
        """
        create schema raw; create schema run; create table run.context (as_of_on date, time_zone varchar);
        insert into run.context values ('2026-06-30', 'UTC');
        create table int_raw_batches_known (entity varchar, batch_id bigint);
        create table audience_writes (
            run_id varchar, campaign_key varchar, event varchar, occurred_at timestamptz, fixed_cost decimal(18, 4),
            unit_cost decimal(18, 4)
        );
        create table audience_members (run_id varchar, record_id bigint, arm varchar);
        create schema ledger;
        create table ledger.expired_amounts (
            source varchar, month date, component varchar, amount decimal(18, 4), campaign_id bigint, campaign_key varchar)
        """
    )
    for name, (columns, rows) in tables.items():
        connection.execute(f"create table {name} (record_id bigint, {columns}, {VERSIONED})")
        connection.execute("insert into int_raw_batches_known values (?, 1)", [name.removeprefix("raw.")])
        fill(connection, name, columns, rows)
    for model in models:
        # a database in memory is itself called memory, as a schema of ours is
        connection.execute(f"create view {model} as {rendered(model).replace('memory.', '')}")
    return connection


def fill(connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Rows) -> None:
    connection.execute(f"delete from {name}")
    if rows:
        named = ["record_id", *(column.split()[0] for column in columns.split(", "))][: len(rows[0]) + 1]
        numbered = [[number, *row] for number, row in enumerate(rows, start=1)]
        marks = ", ".join("?" for _ in named)
        connection.executemany(f"insert into {name} ({', '.join(named)}) values ({marks})", numbered)


def subsets(rates: Rows) -> list[Rows]:
    return [list(chosen) for count in range(len(rates) + 1) for chosen in combinations(rates, count)]


@pytest.mark.parametrize("empty", ["", None])
def test_a_product_has_the_margin_that_the_marts_give_it(empty: str | None) -> None:
    products = list(product(("food", "home", None), ("bakery", "tools", None)))
    columns = "department varchar, category varchar, margin_rate decimal(18, 6)"
    connection = company(
        {
            "raw.products": (f"{columns}, unit_cost decimal(18, 4)", products),
            "raw.margin_rates": (columns, []),
            "raw.offers": ("offer varchar, unit_cost decimal(18, 4)", []),
            "int_raw_order_lines": (
                "source varchar, product_record_id bigint, happened_on date, net_amount double, is_return boolean, "
                "is_waiting_for_header boolean, order_id bigint, quantity double, gross_amount double, cost_amount double, "
                "shipping_amount double, fee_amount double, coupon_used varchar",
                [(str(n), n, DAY, 100, False, False) for n in range(1, len(products) + 1)],
            ),
        },
        "int_raw_sales_totalled",
    )
    connection.execute(
        f"""
        create view stg_products as select record_id as product_id, null as source, null as product_key,
            null as product_name, null as brand, department, category, unit_cost, margin_rate from raw.products;
        create view stg_margin_rates as select coalesce(department, '') as department, coalesce(category, '') as category,
            margin_rate, false as is_assumed from raw.margin_rates;
        create view int_product_costs as {rendered("int_product_costs")}
        """
    )
    for rates in subsets([("food", "bakery", 0.1), (empty, "bakery", 0.2), ("food", empty, 0.3), (empty, empty, 0.4)]):
        fill(connection, "raw.margin_rates", columns, rates)
        recounted = connection.execute(
            """
            select cast(source as bigint), cast(-amount as double) from int_raw_sales_totalled
            where component = 'cost of goods' order by 1
            """
        ).fetchall()
        of_the_company = next((margin for *named, margin in rates if named == [empty, empty]), 1)
        in_marts = connection.execute(
            "select product_id, 100 * (1 - cast(coalesce(margin_rate, ?) as double)) from int_product_costs order by 1",
            [of_the_company],
        ).fetchall()
        assert recounted == in_marts, rates


@pytest.mark.parametrize("empty", ["", None])
def test_a_contact_costs_what_the_marts_say(empty: str | None) -> None:
    contacts = list(product(("phone", "visit", None), ("request", "complaint")))
    columns = "channel varchar, kind varchar, valid_from date, cost_per_contact decimal(18, 4), cost_per_minute decimal(18, 4)"
    connection = company(
        {
            "raw.cost_rates": (columns, []),
            "raw.interactions": (
                "source varchar, channel varchar, kind varchar, opened_at timestamptz, resolved_at timestamptz, minutes double",
                [(str(n), *named, f"{DAY} 12:00:00+00") for n, named in enumerate(contacts, start=1)],
            ),
            **NO_COSTS,
            "raw.campaigns": (CAMPAIGNS, []),
        },
        "int_raw_costs_totalled",
    )
    connection.execute(
        f"""
        create view int_interactions_identified as select record_id as interaction_id, 1 as customer_id,
            cast(opened_at at time zone 'UTC' as date) as opened_on, * from raw.interactions;
        create view stg_cost_rates as select coalesce(channel, '') as channel, coalesce(kind, '') as kind, valid_from,
            date '9999-12-31' as valid_before, cost_per_contact, 0 as cost_per_minute, false as is_assumed from raw.cost_rates;
        create view int_contact_costs as {rendered("int_contact_costs")}
        """
    )
    for rates in subsets(
        [("phone", "request", DAY, 1), (empty, "request", DAY, 2), ("phone", empty, DAY, 4), (empty, empty, DAY, 8)]
    ):
        fill(connection, "raw.cost_rates", columns, rates)
        recounted = connection.execute(
            "select cast(source as bigint), -amount from int_raw_costs_totalled order by 1"
        ).fetchall()
        in_marts = connection.execute(
            "select interaction_id, cost_amount from int_contact_costs where is_priced order by 1"
        ).fetchall()
        assert recounted == in_marts, rates


def test_an_audience_that_was_handed_out_has_its_cost_recounted_once() -> None:
    """Its own campaign's; where a source delivers the campaign, that one's cost, for whom the source contacted if it says so."""
    rates = "channel varchar, kind varchar, valid_from date, cost_per_contact double, cost_per_minute double, is_assumed boolean"
    interactions = (
        "source varchar, channel varchar, kind varchar, opened_at timestamptz, resolved_at timestamptz, minutes double"
    )
    connection = company(
        {
            **NO_COSTS,
            "raw.cost_rates": (rates, []),
            "raw.interactions": (interactions, []),
            "raw.campaigns": (CAMPAIGNS, [("spring", "mailer", DAY, 100, 2), ("spring", "other", DAY, 7, 1)]),
        },
        "int_raw_campaigns_totalled",
    )
    connection.execute(
        """
        insert into audience_writes
        select run_id, campaign_key, event, timestamptz '2026-05-05 08:00:00+00', 10, 0.5
        from (
            values ('r1', 'spring', 'prepared'), ('r1', 'spring', 'written'), ('r2', 'own', 'prepared'), ('r2', 'own', 'written'),
                ('r3', 'broken', 'prepared'), ('r3', 'broken', 'abandoned')
        ) as t(run_id, campaign_key, event);
        insert into audience_members
        select run_id, n, case when n > 4 then 'held_out' else 'chosen' end
        from range(1, 7) as t(n) cross join (values ('r1'), ('r2'), ('r3')) as runs(run_id)
        """
    )
    amounts = "select source, -sum(amount) from int_raw_campaigns_totalled where component = 'campaigns' group by 1 order by 1"
    assert connection.execute(amounts).fetchall() == [("clientela", 12), ("mailer", 108), ("other", 7)]
    fill(connection, "raw.campaign_contacts", "campaign_record_id bigint, role varchar, contacted_at timestamptz",
         [(1, "contacted", f"{DAY} 12:00:00+00")])  # fmt: skip
    connection.execute("insert into int_raw_batches_known values ('campaign_contacts', 1)")
    assert connection.execute(amounts).fetchall() == [("clientela", 12), ("mailer", 102), ("other", 7)]
    # once its contacts are over, what it cost stands among the totals of what expired; who came late costs each
    connection.execute(
        """
        insert into ledger.expired_amounts by name
        select source, date '2026-05-01' as month, 'campaigns' as component, -100.0 as amount, key as campaign_key,
            id as campaign_id
        from (values ('mailer', 'spring', 1), ('clientela', 'own', 9)) as t(source, key, id);
        delete from audience_members where run_id = 'r2'
        """
    )
    assert connection.execute(amounts).fetchall() == [("clientela", 0), ("mailer", 2), ("other", 7)]
