"""Who is who: what links people, what never does, and what holds whatever the order of arrival."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clientela.identity import ExactRule, IdentitySettings, Model, Resolution, normalise, pair_weights, resolve
from clientela.identity.measure import against_truth
from clientela.identity.store import Store

People = Callable[..., pl.DataFrame]
Company = tuple[pl.DataFrame, pl.DataFrame]

ANA: dict[str, Any] = {"given_name": "Ana", "family_name": "Gil Romero"}
BORN = dt.date(1980, 5, 17)
HOME = {"street": "Calle Mayor 5", "postal_code": "28001", "city": "Madrid"}
PHONE = {"phone": "612 345 678"}


def groups(done: Resolution) -> set[frozenset[int]]:
    by = done.crosswalk.group_by("customer_id").agg("record_id")
    return {frozenset(ids) for ids in by["record_id"].to_list()}


def are_one(done: Resolution, a: int = 1, b: int = 2) -> bool:
    ids = dict(done.crosswalk.iter_rows())
    return bool(ids[a] == ids[b])


def grouping(crosswalk: pl.DataFrame) -> set[tuple[int, ...]]:
    by = crosswalk.group_by("customer_id").agg(pl.col("record_id").sort())
    return {tuple(ids) for ids in by["record_id"].to_list()}


# ---------- what links


@pytest.mark.parametrize(
    ("left", "right", "rule"),
    [
        ({**ANA, "tax_id": "48712653B"}, {"given_name": "A.", "family_name": "Gil", "tax_id": "48712653-B"}, "tax_id"),
        ({**ANA, "loyalty_id": "l77"}, {"given_name": "ANA", "loyalty_id": "L77"}, "loyalty_id+name"),
        ({**ANA, "email": "ana@gil.es"},
         {"given_name": "ana", "family_name": "Ruiz", "email": "ANA+x@gil.es"},
         "email+name"),
        ({**ANA, **PHONE}, {"full_name": "Gil Romero, Ana", "city": "Madrid", "phone": "0034612345678"}, "phone+name"),
        ({**ANA, "email": "ana@gil.es"}, {"email": "ana@gil.es"}, "email, its only bearer"),
        ({**ANA, **HOME},
         {"given_name": "ANA", "family_name": "gil romero", **HOME, "street": "C/ Mayor, 5"},
         "identical"),
    ],
)  # fmt: skip
def test_strong_keys_link_and_the_link_names_its_rule(
    people: People, left: dict[str, Any], right: dict[str, Any], rule: str
) -> None:
    if rule == "tax_id":
        letter = "TRWAGMYFPDXBNJZSQVHLCKE"[48712653 % 23]
        left, right = left | {"tax_id": f"48712653{letter}"}, right | {"tax_id": f"48712653-{letter}"}
    done = resolve(people(left, right))
    assert are_one(done)
    assert done.links.filter(pl.col("status") == "linked")["rule"].to_list() == [rule]


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        ({"given_name": "Ana", "family_name": "Gil", **PHONE, **HOME},
         {"given_name": "Luis", "family_name": "Gil", **PHONE, **HOME},
         "a shared home and phone"),
        ({"given_name": "Ana", "family_name": "Gil", "birth_date": BORN, **HOME, **PHONE},
         {"given_name": "Eva", "family_name": "Gil", "birth_date": BORN, **HOME, **PHONE},
         "twins"),
        ({**ANA, **PHONE, **HOME, "birth_date": BORN},
         {**ANA, **PHONE, **HOME, "birth_date": dt.date(1951, 11, 2)},
         "mother and daughter of one name"),
        ({**ANA, "email": "info@company.com", **HOME},
         {"given_name": "Luis", "family_name": "Paz", "email": "info@company.com"},
         "info@"),
        ({**ANA, "phone": "999999999"}, {**ANA, "phone": "999999999"}, "a filler phone"),
        ({**ANA, "email": "N/A", "tax_id": "00000000T"},
         {**ANA, "email": "n/a", "tax_id": "00000000T"},
         "words for nothing"),
        (PHONE, PHONE, "nothing but a phone"),
        (ANA, ANA, "nothing but a name"),
        ({}, {}, "nothing at all"),
        ({"full_name": "John Smith Sr.", "email": "smith@mail.gb"},
         {"full_name": "John Smith Jr.", "email": "smith@mail.gb"},
         "senior and junior"),
        ({**ANA, "email": "gil@mail.es"},
         {"given_name": "Luis", "family_name": "Gil", "email": "gil@mail.es"},
         "a family's e-mail"),
    ],
)  # fmt: skip
def test_what_families_and_fillers_share_never_links(
    people: People, left: dict[str, Any], right: dict[str, Any], why: str
) -> None:
    assert not are_one(resolve(people(left, right))), why


def test_different_valid_tax_ids_are_two_people_whatever_else_agrees(people: People) -> None:
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    ids = [f"{number}{letters[number % 23]}" for number in (48712653, 51234567)]
    done = resolve(people(*({**ANA, **PHONE, "email": "ana@gil.es", "tax_id": tax_id} for tax_id in ids)))
    assert not are_one(done)


def test_a_nameless_email_that_a_family_uses_belongs_to_nobody(people: People) -> None:
    mail = {"email": "gil@mail.es"}
    done = resolve(people({"given_name": "Ana", **mail}, {"given_name": "Luis", **mail}, mail))
    assert len(groups(done)) == 3


def test_a_record_that_fits_father_and_son_does_not_make_them_one(people: People) -> None:
    father = {**ANA, **PHONE, "birth_date": dt.date(1951, 11, 2), "email": "a@gil.es"}
    son = {**ANA, **PHONE, "birth_date": BORN, "email": "b@gil.es"}
    either = {**ANA, **PHONE, "email": "b@gil.es"}
    assert groups(resolve(people(father, son, either))) == {frozenset({1}), frozenset({2, 3})}


# ---------- what people decide


def decision(a: int, b: int, what: str) -> pl.DataFrame:
    return pl.DataFrame({"record_id_l": [a], "record_id_r": [b], "decision": [what]})


def test_an_always_pair_links_against_every_veto_and_a_never_pair_parts_the_identical(people: People) -> None:
    twins = people({"given_name": "Ana", "birth_date": BORN}, {"given_name": "Luis", "birth_date": BORN})
    assert are_one(resolve(twins, pairs=decision(2, 1, "always")))
    same = people({**ANA, "email": "ana@gil.es"}, {**ANA, "email": "ana@gil.es"})
    assert are_one(resolve(same)) and not are_one(resolve(same, pairs=decision(1, 2, "never")))


def test_a_never_pair_is_kept_apart_though_a_third_record_links_both(people: People) -> None:
    record = {**ANA, "email": "ana@gil.es"}
    done = resolve(people(record, {**record, **PHONE}, {**record, **HOME}), pairs=decision(1, 2, "never"))
    assert not are_one(done, 1, 2) and len(groups(done)) == 2
    assert "it would join a never-link pair" in done.links["reason"].to_list()


def test_a_company_with_one_source_needs_no_splink_and_still_obeys() -> None:
    code = (
        "import sys, polars as pl; from clientela.identity import resolve;"
        "r = pl.DataFrame({'record_id': [1, 2, 3], 'source': 'till', 'email': 'a@b.es'});"
        "p = pl.DataFrame({'record_id_l': [1], 'record_id_r': [3], 'decision': ['always']});"
        "assert resolve(r, pairs=p).crosswalk.rows() == [(1, 1), (2, 2), (3, 1)];"
        "assert 'splink' not in sys.modules and 'phonenumbers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_rules_are_the_companys_own(people: People) -> None:
    frame = people({**ANA, "birth_date": BORN}, {**ANA, "birth_date": BORN, "city": "Madrid"})
    loose = IdentitySettings(match="exact", exact_rules=(ExactRule(name="birth", fields=("birth_date", "given")),))
    assert not are_one(resolve(frame, settings=IdentitySettings(match="exact")))
    assert are_one(resolve(frame, settings=loose))


# ---------- odd files


def test_nothing_at_all_resolves_to_nothing(people: People) -> None:
    for frame in (people(), people({})):
        done = resolve(frame, settings=IdentitySettings(match="always"))
        assert done.crosswalk.height == frame.height


def test_a_thousand_identical_records_are_one_customer_quickly(people: People) -> None:
    frame = people(*([{**ANA, **PHONE, **HOME, "email": "ana@gil.es"}] * 1000))
    started = time.perf_counter()
    done = resolve(frame)
    assert done.crosswalk["customer_id"].n_unique() == 1
    assert time.perf_counter() - started < 10


def test_many_nameless_or_namesake_records_stay_apart(people: People) -> None:
    done = resolve(people(*([ANA] * 200), *([{}] * 200)))
    assert done.crosswalk["customer_id"].n_unique() == 400


def shared_mail(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "record_id": range(1, count + 1),
            "source": ["till", "web"] * (count // 2),
            "given_name": [f"{chr(97 + i % 26)}na{i}" for i in range(count)],
            "family_name": [f"{chr(97 + i % 23)}il{i}" for i in range(count)],
            "email": "todos@empresa.es",
            "phone": [f"+346{i:08d}" for i in range(count)],
        }
    )


def test_an_email_that_everyone_shares_links_nobody_and_costs_nothing() -> None:
    done = resolve(shared_mail(4000), settings=IdentitySettings(match="exact"))
    assert done.crosswalk["customer_id"].n_unique() == 4000
    assert "todos@empresa.es" in done.placeholders["value"].to_list()


# ---------- a hard company


def test_a_hard_company_is_resolved_precisely_and_far_better_than_by_chance(company: Company, model: Model) -> None:
    records, truth = company
    score = against_truth(resolve(records, model=model).crosswalk, truth)
    assert score["precision"] >= 0.975 and score["recall"] >= 0.85, score


def test_the_same_records_in_another_order_give_the_same_ids_twice(company: Company, model: Model) -> None:
    records, _ = company
    one = resolve(records, model=model)
    other = resolve(records.sample(fraction=1.0, shuffle=True, seed=9), model=model)
    assert one.crosswalk.equals(other.crosswalk) and one.links.equals(other.links)


def nights(records: pl.DataFrame, order: list[list[int]], model: Model) -> Resolution:
    """Load the parts night after night, on the evidence that each night left."""
    done: Resolution | None = None
    registry, arrived = None, records.clear()
    with duckdb.connect() as connection:
        store = Store(connection)
        for part in order:
            arrived = pl.concat([arrived, records.filter(pl.col("record_id").is_in(part))])
            done = resolve(arrived, registry, model=model, store=store)
            registry = done.registry_rows if registry is None else pl.concat([registry, done.registry_rows])
    assert done is not None
    return done


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(2, 4))
def test_one_go_and_some_nights_in_any_order_end_in_the_same_customers(
    company: Company, model: Model, chance, count: int
) -> None:  # type: ignore[no-untyped-def]
    records = company[0].head(500)
    ids = records["record_id"].to_list()
    chance.shuffle(ids)
    order = [ids[start::count] for start in range(count)]
    at_once = resolve(records, model=model)
    assert grouping(nights(records, order, model).crosswalk) == grouping(at_once.crosswalk)


def test_a_rerun_changes_no_id_and_weighs_no_pair_again(
    company: Company, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, _ = company
    with duckdb.connect() as connection:
        store = Store(connection)
        first = resolve(records, model=model, store=store)
        monkeypatch.setattr(pair_weights, "splink_api", None)
        monkeypatch.setattr(normalise, "clean_values", None)
        again = resolve(records, first.registry_rows, model=model, store=store)
    assert again.registry_rows.is_empty() and again.events.is_empty()
    assert again.links.equals(first.links) and again.placeholders.equals(first.placeholders)


def test_evidence_that_goes_splits_what_it_had_joined_and_gives_the_old_ids_back(people: People) -> None:
    apart = people({**ANA, **PHONE}, {"given_name": "Ana", "email": "ana@gil.es"})
    joined = people({**ANA, **PHONE, "email": "ana@gil.es"}, {"given_name": "Ana", "email": "ana@gil.es"})
    first = resolve(apart)
    log = first.registry_rows
    second = resolve(joined, log)
    log = pl.concat([log, second.registry_rows])
    third = resolve(apart, log)
    assert are_one(second) and third.crosswalk.equals(first.crosswalk)
    assert second.events["cause"].to_list() == ["records of both were linked by email+name"]
    assert third.events["event"].to_list() == ["split"]


# ---------- what is kept


def test_no_name_or_address_is_in_what_is_remembered_or_in_the_evidence(company: Company, model: Model) -> None:
    records, _ = company
    done = resolve(records.head(300), model=model, key="secret")
    said = {
        text.lower()
        for column in ("given_name", "family_name", "email", "phone", "street")
        for text in records.head(300)[column].drop_nulls().to_list()
        if len(text) > 4
    }
    kept = [done.registry_rows, done.events, done.retired, done.links, done.crosswalk]
    texts = " ".join(
        str(value).lower() for frame in kept for column in frame.select(pl.col(pl.String)) for value in column.unique()
    )
    assert not any(word in texts for word in said)
    frequencies = str(model.term_frequencies).lower()
    assert not any(f"'{word}'" in frequencies for word in said)


def test_a_model_comes_back_from_its_json_and_an_old_one_is_refused(model: Model) -> None:
    assert Model.from_json(model.to_json()).id == model.id and model.is_trained
    with pytest.raises(ValueError, match="retrain it"):
        Model.from_json(model.to_json().replace('"version": 1', '"version": 0'))


def test_a_wrong_decision_is_refused_in_one_sentence(people: People) -> None:
    with pytest.raises(ValueError, match="`always` or `never`, not 'maybe'"):
        resolve(people({}, {}), pairs=decision(1, 2, "maybe"))
