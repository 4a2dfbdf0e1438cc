"""What a run says about itself: sentences, measures, previews, households."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl
import pytest

from clientela.identity import IdentitySettings, Resolution, resolve
from clientela.identity.explain import sentences
from clientela.identity.measure import against_labels, against_truth
from clientela.identity.preview import diff
from clientela.identity.tables import WEIGHT_PARTS

People = Callable[..., pl.DataFrame]


def walk(*customers: int) -> pl.DataFrame:
    return pl.DataFrame({"record_id": range(1, len(customers) + 1), "customer_id": customers})


@pytest.fixture
def family(people: People) -> pl.DataFrame:
    home = {"phone": "612345678", "street": "Calle Mayor 5", "postal_code": "28001"}
    return people(
        {"given_name": "Ana", "family_name": "Gil", **home, "email": "ana@gil.es", "birth_date": dt.date(1980, 5, 17)},
        {"given_name": "Ana", "family_name": "Ruiz", "email": "ana@gil.es"},
        {"given_name": "Ana", "family_name": "Gil", **home, "birth_date": dt.date(1951, 2, 3)},
        {"given_name": "Luis", "family_name": "Gil", **home},
        {"given_name": "Eva", "family_name": "Paz"},
    )


@pytest.fixture
def done(family: pl.DataFrame) -> Resolution:
    return resolve(family, settings=IdentitySettings(find_households=True))


def test_it_says_in_plain_words_why_records_are_one_and_why_a_near_one_is_not(
    done: Resolution, family: pl.DataFrame
) -> None:
    chosen = pl.DataFrame(
        {
            "customer_id": 1,
            "field": "email",
            "value": "ana@gil.es",
            "is_winner": True,
            "rule": "most_recent",
            "record_id": 1,
        }
    )
    lines = sentences(1, done.crosswalk, done.links, family, chosen)
    assert lines[0] == "Customer 1 has 2 records: web 1, till 2."
    assert "web 1 and till 2 are one by the rule email+name." in lines
    [apart] = [
        line for line in lines if line.startswith("web 3, customer 2, is not the same as web 1: the evidence is not")
    ]
    assert "birth date -" in apart and "any two records -" in apart and "phone +" in apart
    assert "The email comes from web 1: most_recent." in lines
    assert not any("ana@gil.es" in line for line in lines)
    shown = sentences(1, done.crosswalk, done.links, family, chosen, show_values=True)
    assert any("'ana@gil.es'" in line for line in shown)


def test_the_parts_of_a_weight_sum_to_it(done: Resolution) -> None:
    parts = pl.sum_horizontal(*(f"{part}_weight" for part in WEIGHT_PARTS))
    weighed = done.links.filter(pl.col("match_weight").is_not_null()).with_columns(parts=parts)
    assert weighed.height > 1
    assert weighed.select((pl.col("parts") - pl.col("match_weight")).abs().max()).item() < 1e-6
    # a home in common counts for no more than so much, and two records are two people before they are compared
    assert weighed["cap_weight"].min() < -1 and weighed["prior_weight"].max() < 0  # type: ignore[operator]


def test_asking_for_a_customer_that_is_not_there_gets_a_sentence(done: Resolution) -> None:
    assert sentences(99, done.crosswalk, done.links) == ["There is no customer 99 among the records of this run."]


def test_a_household_shares_a_home_and_a_name_and_is_not_one_customer(done: Resolution) -> None:
    assert done.households is not None
    assert done.households.select("household_id", "customers").rows() == [(1, 3), (1, 3), (1, 3), (4, 1)]
    assert done.crosswalk["customer_id"].n_unique() == 4


def test_measures_count_sizes_changes_and_rules(done: Resolution, family: pl.DataFrame) -> None:
    found = {(name, part): value for name, part, value in done.measures.iter_rows()}
    assert found["records", None] == 5 and found["customers", None] == 4
    assert found["customers_by_record_count", "2"] == 1
    assert found["share_links_by_rule", "email+name"] == 1.0
    assert found["share_records_changed_customer", None] == 0.0
    log = pl.DataFrame({"record_id": [1, 2], "customer_id": [1, 2], "sequence": [1, 1]})
    again = resolve(family, log).measures.filter(pl.col("measure") == "share_records_changed_customer")
    assert again["value"].to_list() == [0.5]


def test_precision_and_recall_are_counted_on_labelled_pairs_and_on_a_whole_truth() -> None:
    labels = pl.DataFrame(
        {"record_id_l": [1, 1, 3, 9], "record_id_r": [2, 3, 4, 1], "is_match": [True, True, False, True]}
    )
    assert against_labels(walk(1, 1, 2, 2), labels) == {"labelled_pairs": 3, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    truth = pl.DataFrame({"record_id": [1, 2, 3, 4], "entity": ["a", "a", "a", "b"]})
    assert against_truth(walk(1, 1, 2, 2), truth) == {"precision": 0.5, "recall": 1 / 3, "f1": 0.4}


def test_a_preview_shows_what_merges_and_splits_and_the_value_that_moves() -> None:
    values = pl.DataFrame({"record_id": [1, 2, 3, 4, 5], "value": [10.0, 20.0, 5.0, 7.0, 1.0]})
    shown = diff(walk(1, 2, 3, 3, 3), walk(8, 8, 9, 9, 10), values)
    assert shown.select("change", "customer_id", "part_count", "moved_record_count", "moved_value").rows() == [
        ("merge", 1, 2, 1, 20.0),
        ("split", 3, 2, 1, 1.0),
    ]
    assert diff(walk(1, 1, 2), walk(5, 5, 4)).is_empty()
