"""What is to be done with each customer: only what they permit on that day, what leaves most, and no more than the hours hold."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientela.relationship.settings import ActionSettings
from clientela.warehouse.run_settings import write_settings
from tests.unit.relationship.test_permissions import (
    AS_OF,
    Company,
    answer,
    companies,
    fill,
    quick,
    warehouse,
)
from tests.unit.rendering import rendered

__all__ = ["warehouse"]
TABLES = """
    create or replace table int_customer_months_labelled (
        customer_id bigint, state varchar, value_tier varchar, expected_value double, open_complaints bigint, is_as_of boolean,
        is_customer boolean
    );
    create or replace table int_portfolios_assigned (customer_id bigint, portfolio varchar);
    create or replace table customer_retention (customer_id bigint, expected_value_at_risk double, main_reason varchar);
    create or replace table customer_offers (
        customer_id bigint, offer_rank int, probability double, contribution_if_taken double, reason varchar
    );
    create or replace table stg_cost_rates (
        channel varchar, kind varchar, cost_per_contact decimal(18, 4), cost_per_minute decimal(18, 4), valid_from date,
        valid_before date
    );
    create or replace table stg_portfolios (portfolio varchar, capacity_hours decimal(18, 4));
    create or replace table int_texts (area varchar, text_key varchar, text varchar);
    insert into int_texts
    select 'action', unnest(['recover', 'value_at_risk', 'rhythm_broken', 'thank', 'no_permission', 'nothing_pays']), 'why';
"""


def actions(connection: duckdb.DuckDBPyConnection, columns: str) -> list[Any]:
    sql = rendered("customer_actions").replace("from contact_permissions", "from relationship.contact_permissions")
    return connection.execute(f"select {columns} from ({sql}) order by customer_id").fetchall()


@quick
@given(company=companies(), purpose=st.sampled_from(["relationship", "news"]))
def test_no_action_stands_for_a_customer_and_channel_without_permission(
    warehouse: duckdb.DuckDBPyConnection, company: Company, purpose: str
) -> None:
    """Withdrawals, requests to be forgotten and merged records included: the reference asks each word in turn."""
    fill(warehouse, company)
    warehouse.execute(TABLES)
    warehouse.execute("create or replace table run.action_settings as from run.action_settings")
    warehouse.execute("update run.action_settings set purpose = ?", [purpose])
    warehouse.execute(
        """
        insert into int_customer_months_labelled
        select customer_id, 'active', case when customer_id % 3 = 0 then 'high' else 'low' end, 100, customer_id % 5 // 4,
            true, true
        from int_customers;
        insert into customer_retention select customer_id, customer_id % 2 * 50, null from int_customers
        """
    )
    found = actions(warehouse, "customer_id, action, purpose, channel, action_reason")
    assert {customer for customer, *_ in found} == set(company.customer_of)
    for customer, action, asked, channel, why in found:
        assert why == "why"
        if action == "leave alone":
            assert (asked, channel) == (None, None)
            continue
        assert asked == ("transactional" if action == "recover" else purpose)
        basis, reason = answer(company, customer, (asked, channel), AS_OF)
        assert basis is not None and reason is None


@pytest.fixture
def shop(warehouse: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Nine customers who permit everything, by phone and e-mail; each test says what is known of them."""
    everything = Company([], list(range(1, 10)), [], {("relationship", None): "granted"})
    fill(warehouse, everything)
    warehouse.execute(TABLES)
    warehouse.execute(
        """
        insert into stg_cost_rates values
            ('', '', 1, 0.1, '2020-01-01', '2030-01-01'), ('phone', '', 2, 0.2, '2020-01-01', '2026-03-01'),
            ('phone', '', 3, 0.2, '2026-03-01', '2030-01-01'), ('phone', 'contact', 9, 0, '2030-01-01', '2031-01-01')
        """
    )
    yield warehouse
    warehouse.execute("delete from int_outbound_contacts")


def know(connection: duckdb.DuckDBPyConnection, *rows: tuple[int, str, str, float, int, float]) -> None:
    """customer, state, tier, expected value, open complaints, value at risk."""
    connection.executemany(
        "insert into int_customer_months_labelled values (?, ?, ?, ?, ?, true, true)", [row[:5] for row in rows]
    )
    connection.executemany("insert into customer_retention values (?, ?, null)", [(row[0], row[5]) for row in rows])


def test_each_customer_has_the_one_action_that_leaves_most(shop: duckdb.DuckDBPyConnection) -> None:
    write_settings(shop, *_granted(), ActionSettings())
    know(
        shop,
        (1, "active", "high", 1000, 1, 400),
        (2, "at risk", "low", 500, 0, 400),
        (3, "active", "high", 1000, 0, 10),
        (4, "active", "low", 1000, 0, 0),
        (5, "active", "high", 1000, 0, 0),
        (6, "at risk", "low", 10, 0, 5),
    )
    shop.execute("insert into int_outbound_contacts values (5, 'post', date '2026-03-01')")
    found = actions(shop, "customer_id, action, channel, contact_cost_amount, round(expected_gain, 4)")
    # by e-mail a contact costs 1 + 5 x 0.1, by phone 3 + 15 x 0.2: what is at stake is the same
    assert found == [
        (1, "recover", "email", 1.5, 198.5),
        (2, "call", "email", 1.5, 38.5),
        (3, "thank", "email", 1.5, 18.5),
        (4, "leave alone", None, None, None),
        (5, "leave alone", None, None, None),
        (6, "leave alone", None, None, None),
    ]


def test_the_first_offer_is_made_where_it_leaves_most_and_no_complaint_is_open(shop: duckdb.DuckDBPyConnection) -> None:
    write_settings(shop, *_granted(), ActionSettings())
    know(
        shop,
        (1, "active", "low", 1000, 0, 0),
        (2, "at risk", "low", 500, 0, 400),
        (3, "active", "low", 1000, 1, 0),
        (4, "active", "low", 1000, 0, 0),
    )
    shop.execute(
        "insert into customer_offers values (1, 1, 0.5, 200, 'wine'), (1, 2, 0.4, 100, 'cheese'), (2, 1, 0.1, 200, 'wine'), "
        "(3, 1, 0.5, 200, 'wine'), (4, 1, 0.01, 200, 'wine')"
    )
    found = actions(shop, "customer_id, action, action_reason, expected_value_at_stake, round(expected_gain, 4)")
    # a tenth of what is likely is assumed to come because it was offered: 10 - 1.5, against 40 - 1.5 of the call
    assert found == [
        (1, "offer", "wine", 100, 8.5),
        (2, "call", "why", 400, 38.5),
        (3, "recover", "why", 1000, 198.5),
        (4, "leave alone", "why", None, None),
    ]


def test_a_week_holds_no_more_than_a_fifty_second_of_the_hours(shop: duckdb.DuckDBPyConnection) -> None:
    phone = ActionSettings.model_validate({"ways": [{"channel": "phone", "minutes": 15}]})
    write_settings(shop, *_granted(), phone)
    know(shop, *((n, "at risk", "low", 1000, 0, 100.0 * n) for n in range(1, 9)), (9, "active", "low", 0, 0, 0))
    shop.execute(
        "insert into int_portfolios_assigned select n, case when n < 8 then 'north' end from range(1, 10) as t(n)"
    )
    # forty minutes a week: two calls of a quarter of an hour
    shop.execute("insert into stg_portfolios values ('north', 40 * 52 / 60.0)")
    found = actions(shop, "customer_id, rank_in_portfolio, is_this_week")
    assert found == [(n, {8: 1, 9: None}.get(n, 8 - n), n in (6, 7)) for n in range(1, 10)], (
        "8 is held by nobody, and 9 is left alone"
    )


def _granted() -> list[Any]:
    from clientela.relationship.settings import PermissionSettings

    return [PermissionSettings.model_validate({"defaults": [{"purpose": "relationship"}]})]
