"""The evidence that is kept from night to night is what a run from nothing would find, whatever happened in between."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clientela.identity import IdentitySettings, Model, Resolution, resolve
from clientela.identity.normalise import RECORD_SCHEMA
from clientela.identity.store import Store

#: companies that are drawn; CLIENTELA_EXAMPLES for more
EXAMPLES = int(os.environ.get("CLIENTELA_EXAMPLES", "4"))
#: small pools, so that records meet, blocks fill up and values are shared by too many
POOLS: dict[str, list[Any]] = {
    "given_name": ["Ana", "Luis", "Eva", "Mario", "Marta", None],
    "family_name": ["Gil", "Gil Romero", "Ruiz", "Paz", None],
    "email": ["ana@gil.es", "ana@gil.com", "luis@paz.es", "familia@gil.es", "info@gil.es", None, None],
    "phone": ["612345678", "+34 612345678", "699111222", None, None],
    "tax_id": ["48712653B", "51234567Q", None, None, None],
    "birth_date": [dt.date(1980, 5, 17), dt.date(1980, 5, 18), dt.date(1900, 1, 1), None],
    "street": ["Calle Mayor 5", "C/ Mayor, 5", None],
    "postal_code": ["28001", None],
}
RECORD = st.fixed_dictionaries({name: st.sampled_from(pool) for name, pool in POOLS.items()})
RULES = IdentitySettings(
    match="always", max_block_size=4, max_cluster_size=5, max_people_per_value={"email": 2, "phone": 2}
)


def frame(rows: dict[int, dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"record_id": number, "source": "till", "country": "ES"} | row for number, row in sorted(rows.items())],
        schema=dict(RECORD_SCHEMA),
    )


def findings_of(done: Resolution) -> tuple[Any, ...]:
    """All that a night found, but for the numbers of customers."""
    by = done.crosswalk.group_by("customer_id").agg(pl.col("record_id").sort())
    links = done.links.sort("record_id_l", "record_id_r", "rule", "status").with_columns(pl.col(pl.Float64).round(3))
    return {tuple(ids) for ids in by["record_id"].to_list()}, links.rows(), done.placeholders.rows()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    nights=st.lists(
        st.tuples(
            st.dictionaries(st.integers(1, 25), RECORD, max_size=8),
            st.sets(st.integers(1, 25), max_size=4),
            st.lists(
                st.tuples(st.integers(1, 25), st.integers(1, 25), st.sampled_from(["always", "never"])), max_size=2
            ),
        ),
        min_size=2,
        max_size=4,
    )
)
def test_nights_of_new_changed_and_vanished_records_end_as_one_go(model: Model, nights: list[Any]) -> None:
    rows: dict[int, dict[str, Any]] = {}
    with duckdb.connect(config={"threads": 1}) as connection:
        store = Store(connection)
        for brought, taken, decided in nights:
            rows = {number: row for number, row in (rows | brought).items() if number not in taken}
            pairs = pl.DataFrame(
                decided, schema=["record_id_l", "record_id_r", "decision"], orient="row"
            ) if decided else None  # fmt: skip
            night = resolve(frame(rows), settings=RULES, model=model, pairs=pairs, store=store)
            assert findings_of(night) == findings_of(resolve(frame(rows), settings=RULES, model=model, pairs=pairs))


def test_another_model_or_other_rules_are_not_answered_with_the_old_evidence(model: Model) -> None:
    person = {"given_name": "Ana", "family_name": "Gil", "phone": "612345678"}
    records = frame({1: person, 2: person | {"email": "ana@gil.es"}})
    with duckdb.connect() as connection:
        store = Store(connection)
        for changed in ({}, {"exact_rules": ()}, {"link_weight": 99.0, "exact_rules": ()}, {"vetoes": ()}):
            chosen = IdentitySettings(match="always", **changed)
            assert findings_of(resolve(records, settings=chosen, model=model, store=store)) == findings_of(
                resolve(records, settings=chosen, model=model)
            )
        with pytest.raises(AssertionError):
            assert findings_of(
                resolve(records, settings=IdentitySettings(match="exact", exact_rules=()), store=store)
            ) == findings_of(resolve(records, settings=IdentitySettings(match="always"), model=model))


def test_a_star_whose_middle_vanishes_holds_together_by_its_rays() -> None:
    """The two that stay changed in nothing, and no weighed pair speaks for them: only the rule's group did change."""
    rules = IdentitySettings(match="exact")
    people = {n: {"given_name": "Ana", "email": "ana@gil.es", "city": city} for n, city in enumerate("abc", start=1)}
    with duckdb.connect() as connection:
        store = Store(connection)
        resolve(frame(people), settings=rules, store=store)
        middle = store.count("select min(record_id) from {members} where node = (select min(node) from {members})")
        del people[middle]
        night = resolve(frame(people), settings=rules, store=store)
    assert night.crosswalk["customer_id"].n_unique() == 1


def test_a_value_that_nobody_bears_any_more_is_forgotten() -> None:
    """What an erased or corrected record said must not live on in the cache of cleaned values."""
    ana = {
        "given_name": "Ana",
        "family_name": "Gil",
        "email": "Ana@Gil.es",
        "phone": "612 345 678",
        "street": "C/ Mayor, 5",
    }
    eva = {
        "given_name": "Eva",
        "family_name": "Gil",
        "email": "info@gil.es",
        "phone": "699 111 222",
        "tax_id": "48712653B",
    }
    with duckdb.connect() as connection:
        store = Store(connection)

        def held() -> set[str]:
            return set(store.frame("select raw from {cleaned_values}")["raw"])

        for people in ({1: ana, 2: eva}, {1: ana | {"phone": "600 000 001"}, 2: eva}, {2: eva}):
            resolve(frame(people), settings=IdentitySettings(match="exact"), store=store)
            assert held() == {str(value) for person in people.values() for value in person.values()}
        resolve(frame({3: ana}), settings=IdentitySettings(match="exact"), store=store)
        assert held() == set(ana.values())
