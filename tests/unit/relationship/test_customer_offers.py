"""Nobody is offered anything who may not be contacted so: the mart on companies that Hypothesis makes up, beside the rule."""

from collections.abc import Iterator
from datetime import timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientela.relationship.offers import PROPOSED_SCHEMA
from clientela.warehouse.run_settings import write_settings
from tests.unit.relationship.test_permissions import (
    AS_OF,
    PURPOSES,
    Company,
    answer,
    companies,
    fill,
    quick,
    warehouse,  # noqa: F401 - the fixture
)
from tests.unit.rendering import ROOT, rendered

CHANNELS = ("email", "phone", "sms", "post")


def proposal(customer: int, offer: str, channel: str | None = None, **values: object) -> dict[str, object]:
    given_row = dict.fromkeys(PROPOSED_SCHEMA) | {
        "row_type": "offer", "kind": "repeat", "customer_id": customer, "offer": offer, "item": offer, "item_level": "category",
        "offered_channel": channel, "probability": 0.5, "contribution_if_taken": 10.0, "reason_kind": "repeat",
        "purchase_days": 3, "gap_days": 30, "horizon_days": 60, "last_bought_on": AS_OF,
    }  # fmt: skip
    return given_row | values


@pytest.fixture(scope="module")
def mart(warehouse: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: F811
    """The mart over tables that each test fills."""
    warehouse.register("proposed", pl.DataFrame(schema=PROPOSED_SCHEMA).to_arrow())
    warehouse.execute(
        f"""
        create table int_offers_proposed as from proposed;
        create table stg_cost_rates (
            channel varchar, kind varchar, cost_per_contact decimal(18, 4), valid_from date, valid_before date,
            cost_per_minute decimal(18, 4)
        );
        create table int_texts as
            select split_part(key, '.', 1) as area, substr(key, 8) as text_key, en as text
            from read_csv('{ROOT / "seeds" / "texts.csv"}', header = true) where key like 'offers.%';
        create view contact_permissions as from relationship.contact_permissions;
        """
    )
    warehouse.execute(f"create view customer_offers as {rendered('customer_offers')}")
    yield warehouse


def propose(mart: duckdb.DuckDBPyConnection, rows: list[dict[str, object]]) -> None:
    mart.execute("delete from int_offers_proposed")
    mart.register("proposed", pl.DataFrame(rows, schema=PROPOSED_SCHEMA).to_arrow())
    mart.execute("insert into int_offers_proposed from proposed")


def offered(mart: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[object, ...]]:
    return mart.execute(f"select {columns} from customer_offers order by customer_id, offer_rank").fetchall()


@quick
@given(company=companies(), purpose=st.sampled_from(PURPOSES[:-1]), complainer=st.integers(1, 3))
def test_no_offer_stands_for_a_customer_and_channel_without_permission(
    mart: duckdb.DuckDBPyConnection, company: Company, purpose: str, complainer: int
) -> None:
    """Withdrawals, erasures and merges among them; who may be contacted and has no open complaint is offered something."""
    fill(mart, company)
    mart.execute("update run.offer_settings set purpose = ?", [purpose])
    mart.execute("delete from int_interactions_identified")
    mart.execute("insert into int_interactions_identified values (?, 'complaint', ?, null)", [complainer, AS_OF])
    customers = sorted(set(company.customer_of))
    propose(mart, [proposal(c, str(channel), channel) for c in customers for channel in (None, "email", "phone")])
    # what the model knows of consents are those of purposes and channels that anybody spoke of
    asked = {channel for (channel,) in mart.execute("select distinct channel from int_permission_terms").fetchall()}
    purposes = {name for (name,) in mart.execute("select distinct purpose from int_permission_terms").fetchall()}
    allowed = {
        (customer, channel)
        for customer in customers
        for channel in asked
        if customer != complainer and purpose in purposes and answer(company, customer, (purpose, channel), AS_OF)[0]
    }
    found = set(offered(mart, "customer_id, channel"))
    assert found <= allowed
    assert {customer for customer, _ in found} == {customer for customer, _ in allowed}


@pytest.fixture
def contactable(mart: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """One customer, who may be contacted by any channel."""
    fill(mart, Company([], [1], [], {("relationship", None): "granted"}))
    mart.execute("delete from int_interactions_identified; delete from stg_cost_rates")
    return mart


def test_the_cheapest_channel_is_taken_and_what_does_not_cover_the_contact_is_left_out(
    contactable: duckdb.DuckDBPyConnection,
) -> None:
    until = AS_OF + timedelta(1)
    contactable.executemany(
        "insert into stg_cost_rates values (?, ?, ?, ?, ?, null)",
        [
            ("phone", "", 0.5, AS_OF, until), ("phone", "proposal", 4.0, AS_OF, until), ("", "proposal", 2.0, AS_OF, until),
            ("email", "proposal", 1.0, AS_OF, until), ("sms", "proposal", 0.1, until, until),
        ],
    )  # fmt: skip
    propose(
        contactable,
        [
            proposal(1, "any"), proposal(1, "by phone", "phone"), proposal(1, "too little", "phone", probability=0.4),
            proposal(1, "dear", contribution_if_taken=1.9), proposal(1, "nobody's", "fax"),
        ],
    )  # fmt: skip
    # half of ten less what the contact costs; four tenths of ten do not cover the call, nor half of 1.9 the e-mail
    assert offered(contactable, "offer, channel, contact_cost, expected_contribution, offer_rank") == [
        ("any", "email", 1.0, 4.0, 1), ("by phone", "phone", 4.0, 1.0, 2),
    ]  # fmt: skip


def test_an_item_is_offered_once_and_no_more_than_the_settings_allow(contactable: duckdb.DuckDBPyConnection) -> None:
    same = [proposal(1, f"offer {n}", item="wine", contribution_if_taken=float(n)) for n in (5, 7, 6)]
    propose(contactable, [*same, *(proposal(1, f"item {n}", contribution_if_taken=float(n)) for n in range(1, 7))])
    contactable.execute("update run.offer_settings set max_per_customer = 3")
    try:
        assert [offer for (offer,) in offered(contactable, "offer")] == ["offer 7", "item 6", "item 5"]
    finally:
        write_settings(contactable)


def test_the_reason_is_a_sentence(contactable: duckdb.DuckDBPyConnection) -> None:
    new = {"kind": "new", "purchase_days": None, "gap_days": None, "followers_share": 0.314}
    propose(
        contactable,
        [
            proposal(1, "wine", contribution_if_taken=9.0),
            proposal(1, "tea", reason_kind="repeat_once", contribution_if_taken=8.0),
            proposal(1, "tripod", reason_kind="new", item_before="camera {item}", contribution_if_taken=7.0, **new),
            proposal(1, "lamp", reason_kind="popular", last_bought_on=None, contribution_if_taken=6.0, **new),
        ],
    )  # fmt: skip
    assert [reason for (reason,) in offered(contactable, "reason")] == [
        "Bought wine on 3 days, last in March; usually again every 30 days.",
        "Bought tea in March; who buys it again does so every 30 days or so.",
        "Bought camera tripod in March; 31 % of those who did went on to tripod within 60 days.",
        "31 % of those who had never bought lamp did so within 60 days.",
    ]
