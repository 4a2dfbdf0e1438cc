"""Names that are nearly equal: lost letters, slips in short names, initials, both names swapped, beside a shared phone."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from clientela.identity import Model, resolve
from clientela.identity.comparisons import with_levels_of_today
from clientela.identity.evidence import nodes_of
from clientela.identity.model import default_model
from clientela.identity.names import family_key, given_key, initials
from clientela.identity.normalise import normalise
from tests.unit.identity.test_resolve import are_one

People = Callable[..., pl.DataFrame]
PHONE = {"phone": "+48 600 123 456"}
HOME = {"street": "ul. Polna 5", "postal_code": "28001", "city": "Madrid"}
BORN = {"birth_date": dt.date(1980, 5, 17)}


def named(given: str, family: str, **more: Any) -> dict[str, Any]:
    return {"given_name": given, "family_name": family, **more}


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Pawe?", "pawe?"),
        ("Pawe\ufffd", "pawe?"),
        ("Gro?mann", "gro?mann"),
        ("????", None),
        ("Ana ?", "ana"),
        ("?u?", None),
    ],
)
def test_a_lost_letter_stays_a_letter_of_its_word_and_a_lost_word_says_nothing(written: str, key: str | None) -> None:
    assert family_key(written) == key


@pytest.mark.parametrize(("written", "key"), [("E.", "e"), ("Y.", "y"), ("Juan de la", "juan")])
def test_an_initial_that_is_a_particle_elsewhere_is_an_initial(written: str, key: str) -> None:
    assert given_key(written) == key


def test_an_initial_is_of_the_name_as_it_was_written() -> None:
    assert initials("catherine") == "ck" and "s" in initials("alejandra") and initials("zenon") == "z"


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        (named("Ángel", "Núñez"), named("?ngel", "N??ez"), "the first letter, and two that are no letters of ASCII"),
        (named("Jörg", "Köhn"), named("J\ufffdrg", "K\ufffdhn"), "letters lost in both names"),
        (named("Jörg", "Weiß"), named("J??rg", "Wei??"), "two bytes of one letter, and a letter that a key writes as two"),
        (named("Łucja", "Żak"), named("?uc?a", "?ak"), "more than one letter of a word"),
        (named("Manu", "Oteiza"), named("Munu", "Oteiza"), "a slip in a short name"),
        (named("Eiic", "Oteiza"), named("Eric", "Oteiza"), "a slip in a short name"),
        (named("Katherine", "Oteiza"), named("K.", "Oteiza"), "an initial, written as the name is"),
        (named("Emil", "Oteiza"), named("E.", "Oteiza"), "an initial that is a particle elsewhere"),
        (named("Leocadia", "Oteiza"), named("Otteiza", "Leocadia"), "swapped, with a slip"),
        (named("Leocadia", "Oteiza", **HOME), named("Ot?iza", "Leocadia", **HOME), "swapped, a letter lost"),
    ],
)  # fmt: skip
def test_names_that_nearly_agree_beside_a_shared_phone_are_one_person(
    people: People, left: dict[str, Any], right: dict[str, Any], why: str
) -> None:
    assert are_one(resolve(people({**left, **PHONE}, {**right, **PHONE}))), why


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        (named("Paweł", "Kaczmarzyk"), named("Pi?tr", "Kaczmarzyk"), "lost letters, others that differ"),
        (named("Ana", "Oteiza"), named("Eva", "Oteiza"), "two slips in a short name"),
        (named("Ana", "Oteiza"), named("K.", "Oteiza"), "an initial of nobody's"),
        (named("M?nu", "Oteiza"), named("M?nu", "Oteiza"), "nothing but a name with a lost letter"),
    ],
)
def test_names_that_differ_beside_a_shared_phone_stay_two(
    people: People, left: dict[str, Any], right: dict[str, Any], why: str
) -> None:
    beside = {} if left == right else PHONE | HOME
    assert not are_one(resolve(people({**left, **beside}, {**right, **beside}))), why


def test_lost_letters_do_not_keep_apart_what_a_birth_date_links(people: People) -> None:
    born = {**BORN, "email": "l@mail.pl"}
    done = resolve(people(named("Łucja", "Żak", **born, **HOME), named("?uc?a", "?ak", **born, **HOME)))
    assert are_one(done)


def test_a_model_of_an_earlier_release_keeps_what_it_learnt_and_compares_as_today(people: People) -> None:
    model = default_model(
        nodes_of(normalise(people(named("Ana", "Gil", **PHONE), named("Eva", "Gil", **PHONE))).records)[0]
    )
    old = json.loads(model.to_json())
    for comparison in old["parameters"]["comparisons"]:
        comparison["comparison_levels"] = [
            {**level, "sql_condition": level["sql_condition"].replace("jaro_winkler", "another")}
            for level in comparison["comparison_levels"]
            if level["label_for_charts"] not in ("lost letters", "names swapped", "names swapped and misspelt")
        ]
        for level in comparison["comparison_levels"]:
            if level["label_for_charts"] == "same":
                level["m_probability"] = 0.77
    read = Model.from_json(json.dumps(old))
    levels = {
        (one["output_column_name"], level["label_for_charts"]): level
        for one in read.parameters["comparisons"]
        for level in one["comparison_levels"]
    }
    assert levels["given", "same"]["m_probability"] == 0.77
    assert levels["given", "lost letters"]["u_probability"] == 0.00025
    assert "another" not in read.to_json()
    assert with_levels_of_today(model.parameters, model.node_count) == model.parameters


def test_a_small_file_does_not_make_the_days_few_on_which_people_are_born(people: People) -> None:
    born = [dt.date(1950, 1, 1) + dt.timedelta(days=day * 7919 % 18_000) for day in range(600)]
    nodes = nodes_of(normalise(people(*({**named("Ana", "Gil", **PHONE), "birth_date": day} for day in born))).records)[
        0
    ]
    [birth] = [
        one for one in default_model(nodes).parameters["comparisons"] if one["output_column_name"] == "birth_date"
    ]
    [same] = [level for level in birth["comparison_levels"] if level["label_for_charts"] == "same"]
    assert 1.2 / 20_000 <= same["u_probability"] <= 1.2 / 15_000
