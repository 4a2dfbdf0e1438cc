"""Which value speaks for the customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from clientela.identity.golden import Golden, golden
from clientela.identity.settings import IdentitySettings

People = Callable[..., pl.DataFrame]


def at(day: int) -> dt.datetime:
    return dt.datetime(2024, 1, day, tzinfo=dt.UTC)


@pytest.fixture
def records(people: People) -> pl.DataFrame:
    return people(
        {"source": "till", "given_name": "Ana", "email": "old@gil.es", "street": "Mayor 5", "city": "Madrid",
         "updated_at": at(1)},
        {"source": "web", "given_name": "Anita", "email": "new@gil.es", "street": "Sol 8", "updated_at": at(3)},
        {"source": "till", "given_name": "Ana", "email": "N/A", "phone": "612345678", "updated_at": at(5)},
    )  # fmt: skip


def one(records: pl.DataFrame, **chosen: Any) -> Golden:
    crosswalk = records.select("record_id", pl.lit(7).alias("customer_id"))
    return golden(records, crosswalk, IdentitySettings(**chosen))


@pytest.mark.parametrize(
    ("rule", "given", "email"),
    [
        ("most_recent", "Ana", "new@gil.es"),
        ("most_frequent", "Ana", "new@gil.es"),
        ("longest", "Anita", "new@gil.es"),
        ("most_trusted", "Anita", "new@gil.es"),
        ("any", "Anita", "new@gil.es"),
    ],
)
def test_each_rule_chooses_as_it_says(records: pl.DataFrame, rule: str, given: str, email: str) -> None:
    chosen = one(records, default_survivorship=rule, trusted_sources=("web", "till")).customers
    assert chosen.select("customer_id", "given_name", "email").rows() == [(7, given, email)]


def test_an_address_is_taken_from_one_record_and_never_mixed(records: pl.DataFrame) -> None:
    assert one(records).customers.select("street", "city").rows() == [("Sol 8", None)]
    by_trust = one(records, survivorship={"address": "most_trusted"}, trusted_sources=("till",)).customers
    assert by_trust.select("street", "city").rows() == [("Mayor 5", "Madrid")]


def test_every_candidate_is_listed_with_its_rule_and_one_winner_each(records: pl.DataFrame) -> None:
    listed = one(records, survivorship={"email": "longest"}).field_values.filter(pl.col("field") == "email")
    assert listed.select("value", "is_winner", "rule").rows() == [
        ("new@gil.es", True, "longest"),
        ("old@gil.es", False, "longest"),
    ]


def test_a_golden_record_does_not_depend_on_the_order_of_rows(records: pl.DataFrame) -> None:
    assert one(records).customers.equals(one(records.reverse()).customers)
    assert one(records).field_values.equals(one(records.reverse()).field_values)


def test_a_customer_of_whom_nothing_is_known_still_has_a_row(people: People) -> None:
    assert one(people({"country": None})).customers.height == 1
