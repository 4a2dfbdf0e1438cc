"""Customers of whom nothing can be compared but a full name: rare names link, with a probability that can be checked."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from clientela.identity import IdentitySettings, Resolution, namesakes, resolve
from clientela.identity.explain import sentences
from clientela.identity.model import Model
from clientela.identity.store import Store
from clientela.identity.tables import WEIGHT_PARTS
from tests.unit.identity.test_resolve import decision, grouping

GIVEN = "Zoila Alba Bruna Clara Delia Edna Flora Gala Hilda Iria Juna Kora Lidia Mara Nadia Olga Perla Quima Rita Saya".split()
HALVES = "Alb Bor Cas Dor Est Fal Gor Hur Izt Jad Lam Mor Nav Ort Pal Ros Sal Tor Urb Vil".split()
SYSTEMS = ("till", "web", "call centre")


def many(count: int = 1300, seed: int = 3) -> list[dict[str, Any]]:
    """People of whom the till knows phone and birth date and the web shop an e-mail. One in six is in both and shares
    nothing but the name; four in six are in both and share their e-mail.

    One in three hundred bears the name of another, so that chance can be learnt.
    """
    chance = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        name = {
            "given_name": chance.choice(GIVEN),
            "family_name": f"{chance.choice(HALVES)}{chance.choice(HALVES).lower()}{chance.choice(HALVES).lower()}",
        }
        if rows and chance.random() < 1 / 300:
            name = {field: rows[-1][field] for field in name}
        born = dt.date(1950, 1, 1) + dt.timedelta(days=chance.randrange(18_000))
        till = {**name, "source": "till", "phone": f"+346{number:08d}", "birth_date": born}
        web = {**name, "source": "web", "email": f"box{number}@mail.es"}
        known = web | {"source": "till"}
        rows += [till, web] if number % 6 == 0 else [known, web] if number % 6 < 5 else [till if number % 4 else web]
    return rows


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return many()


@pytest.fixture
def model() -> Model:
    """The default model: nothing here is weighed, and training would cost its seconds."""
    from clientela.identity.evidence import nodes_of
    from clientela.identity.model import default_model
    from clientela.identity.normalise import normalise

    frame = pl.DataFrame(
        {"record_id": [1, 2], "source": ["till", "web"], "given_name": ["A", "B"], "email": ["a@b.es", "c@d.es"]}
    )
    return default_model(nodes_of(normalise(frame).records)[0])


ANA = {"given_name": "Ana", "family_name": "Oteiza Zubizarreta"}


def linked(done: Resolution) -> pl.DataFrame:
    return done.links.filter((pl.col("rule") == namesakes.RARE_NAME) & (pl.col("status") == "linked"))


def test_a_rare_name_links_and_its_probability_is_the_sum_of_named_parts(
    people: Callable[..., pl.DataFrame], rows: list[dict[str, Any]], model: Model
) -> None:
    frame = people(*rows)
    done = resolve(frame, model=model)
    found = linked(done)
    numbers = (
        frame["email"].str.extract(r"(\d+)").fill_null(frame["phone"].str.slice(4).str.to_integer().cast(pl.String))
    )
    person = dict(zip(frame["record_id"], numbers, strict=True))
    right = [person[left] == person[right] for left, right in found.select("record_id_l", "record_id_r").iter_rows()]
    assert len(right) > 150 and sum(right) >= 0.985 * len(right)
    parts = pl.sum_horizontal(*(f"{part}_weight" for part in WEIGHT_PARTS))
    assert found.select((parts - pl.col("match_weight")).abs().max()).item() < 1e-6
    assert found["match_weight"].min() >= np.log2(0.95 / 0.05) - 1e-9  # type: ignore[operator]
    [line] = [
        line
        for line in sentences(dict(done.crosswalk.iter_rows())[found["record_id_l"][0]], done.crosswalk, done.links)
        if "so rare a name" in line
    ]
    assert "% likely (" in line and "names that go together, and relatives of one name -" in line
    assert resolve(frame, model=model, settings=IdentitySettings(rare_name_probability=1)).links.filter(
        pl.col("rule") == namesakes.RARE_NAME
    ).is_empty()  # fmt: skip


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        ({"source": "till"}, {"source": "till"}, "one source knows them as two"),
        ({"city": "Madrid"}, {"city": "Lugo"}, "their places can be compared"),
        ({"given_name": "A."}, {"given_name": "A."}, "an initial"),
        ({"family_name": "Ote?za Zubizarreta"}, {"family_name": "Ote?za Zubizarreta"}, "a lost letter"),
        ({"family_name": "Oteiza Jr."}, {"family_name": "Oteiza Sr."}, "father and son by name"),
        ({"given_name": "María", "family_name": "García"}, {"given_name": "María", "family_name": "García"}, "a common name"),
    ],
)  # fmt: skip
def test_what_keeps_two_of_one_name_apart(
    people: Callable[..., pl.DataFrame],
    rows: list[dict[str, Any]],
    model: Model,
    left: dict[str, Any],
    right: dict[str, Any],
    why: str,
) -> None:
    pair = [{**ANA, "source": "till", **left}, {**ANA, "source": "web", **right}]
    ids = resolve(people(*pair, *rows), model=model).crosswalk
    assert ids["customer_id"][0] != ids["customer_id"][1], why
    plain = [{**ANA, "source": "till"}, {**ANA, "source": "web"}]
    ids = resolve(people(*plain, *rows), model=model).crosswalk
    assert ids["customer_id"][0] == ids["customer_id"][1], "without it they are one"


def test_among_2500_maria_garcia_is_never_linked_however_many_bear_the_name(
    people: Callable[..., pl.DataFrame], model: Model
) -> None:
    for bearers in (2, 3, 40):
        rest = many(2500 - bearers, seed=5)
        marias = [
            {"given_name": "María", "family_name": "García", "source": SYSTEMS[number % 2]} for number in range(bearers)
        ]
        done = resolve(people(*marias, *rest), model=model)
        assert done.crosswalk.head(bearers)["customer_id"].n_unique() == bearers


def test_few_customers_do_not_tell_which_names_are_rare(people: Callable[..., pl.DataFrame], model: Model) -> None:
    assert linked(resolve(people(*many(700)), model=model)).is_empty()


def test_a_decision_to_keep_them_apart_is_obeyed(
    people: Callable[..., pl.DataFrame], rows: list[dict[str, Any]], model: Model
) -> None:
    frame = people({**ANA, "source": "till"}, {**ANA, "source": "web"}, *rows)
    ids = resolve(frame, model=model, pairs=decision(1, 2, "never")).crosswalk["customer_id"]
    assert ids[0] != ids[1]


def test_a_third_bearer_unlinks_the_pair_gives_the_ids_back_and_says_so(
    people: Callable[..., pl.DataFrame], rows: list[dict[str, Any]], model: Model
) -> None:
    """Nights: the till's Ana, the web shop's, a third; then the third is gone again."""
    frame = people(*rows, {**ANA, "source": "till"}, {**ANA, "source": "web"}, {**ANA, "source": "call centre"})
    one, two, three = frame["record_id"].to_list()[-3:]
    nights = [frame.head(frame.height - 2), frame.head(frame.height - 1), frame, frame.head(frame.height - 1)]
    with duckdb.connect() as connection:
        store, log, done = Store(connection), None, []
        for night in nights:
            done.append(resolve(night, log, model=model, store=store))
            log = done[-1].registry_rows if log is None else pl.concat([log, done[-1].registry_rows])
    ids = [dict(night.crosswalk.iter_rows()) for night in done]
    assert ids[1][one] == ids[1][two] == ids[0][one], "the web shop's Ana is the till's"
    assert len({ids[2][one], ids[2][two], ids[2][three]}) == 3 and ids[2][one] == ids[0][one], (
        "nobody can tell any more"
    )
    assert done[2].events.filter(pl.col("event") == "split")["cause"].to_list() == ["what linked them is gone"]
    near = done[2].links.filter(
        pl.col("rule") == namesakes.RARE_NAME, pl.col("status") == "near", pl.col("record_id_l") == one
    )
    assert near["reason"].unique().to_list() == ["a third customer bears the name"]
    changed = done[2].measures.filter(pl.col("measure") == "records_changed_customer")["value"].item()
    assert changed == 1, "one record has another customer: that is what the gate counts"
    assert ids[3][one] == ids[3][two] == ids[0][one], "and when the third goes they are one again, under the older id"
    untouched = [number for number in ids[0] if number not in (one, two, three)]
    assert all(ids[0][number] == ids[2][number] for number in untouched)


def test_nights_end_as_one_go_does_with_rare_names_too(
    people: Callable[..., pl.DataFrame], rows: list[dict[str, Any]], model: Model
) -> None:
    frame = people(*rows)
    ids = frame["record_id"].to_list()
    random.Random(1).shuffle(ids)
    with duckdb.connect() as connection:
        store, arrived = Store(connection), frame.clear()
        for start in range(3):
            arrived = pl.concat([arrived, frame.filter(pl.col("record_id").is_in(ids[start::3]))])
            done = resolve(arrived, model=model, store=store)
    at_once = resolve(frame, model=model)
    assert grouping(done.crosswalk) == grouping(at_once.crosswalk) and linked(done).equals(linked(at_once))


def test_what_is_learnt_of_namesakes_comes_back_from_companies_made_by_it() -> None:
    """1,000 customers with a birth date, of 4,000; 30 of them have a relative of their name, the rest meet by chance."""
    chance = np.random.default_rng(1)
    given, family = chance.integers(0, 40, 4000), chance.integers(0, 200, 4000)
    given[:60:2], family[:60:2] = given[1:60:2], family[1:60:2]
    frame = pl.DataFrame({"given": given.astype(str), "family": family.astype(str), "dated": np.arange(4000) < 1000})
    names = namesakes.Names(
        customers=4000,
        open_pairs=1,
        given=frame.group_by("given").agg(pl.len().alias("bearers")),
        family=frame.group_by(pl.col("family").alias("word")).agg(
            pl.lit(1, pl.Int64).alias("position").first(), pl.len().alias("bearers")
        ),
        full=frame.group_by("given", "family").agg(pl.col("dated").sum().cast(pl.Int64)),
        pairs=pl.DataFrame(),
    )
    theta, kappa = namesakes.learnt(names)
    assert 0.7 < theta < 1.4 and kappa < 0.6


def test_the_probabilities_add_up_to_the_matches_and_no_match_is_no_match() -> None:
    chance = np.array([0.01, 0.1, 1.0, 50.0, 900.0])
    found = namesakes.matching_pairs(chance)
    assert found == pytest.approx((found / (found + chance)).sum(), abs=1e-6) and 2 < found < 4
    assert namesakes.matching_pairs(np.array([900.0, 4000.0])) == 0


def doubts(done: Resolution) -> dict[tuple[int, int], tuple[bool, bool]]:
    """(is_doubtful, is_by_home_alone) of each link between records."""
    links = done.links.filter(pl.col("status") == "linked")
    return {(a, b): (c, d) for a, b, c, d in links.select(*links.columns[:2], "is_doubtful", "is_by_home_alone").rows()}


def test_two_of_one_name_in_one_home_of_whom_nothing_else_is_known_are_doubtful_where_others_live_there(
    people: Callable[..., pl.DataFrame],
) -> None:
    home = {**ANA, "phone": "612345678", "street": "Calle Mayor 5", "postal_code": "28001", "city": "Madrid"}
    other = {"given_name": "Luis", "family_name": "Paz", "phone": "699111222", "email": "luis@paz.es"}
    born = {"birth_date": dt.date(1980, 5, 17)}
    records = (
        home,
        {**home, "city": None},
        home,
        other,
        {**other, "city": "Lugo"},
        {**other, **born},
        {**other, **born},
    )
    done = resolve(people(*records))
    shown = doubts(done)
    assert {pair: said for pair, said in shown.items() if pair[1] <= 3} == {
        (1, 2): (False, True),
        (1, 3): (False, True),
    }
    measured = dict(done.measures.select("measure", "value").iter_rows())
    assert (measured["doubtful_links"], measured["links_by_home_alone"]) == (0, 2)

    mother = {**home, "given_name": "Marta", "phone": None, "email": "marta@mail.es"}
    done = resolve(people(*records, mother))
    shown = doubts(done)
    assert {pair: said for pair, said in shown.items() if pair[1] <= 3} == {(1, 2): (True, True), (1, 3): (True, True)}
    assert len(shown) > 3 and not any(said[0] for pair, said in shown.items() if pair[1] > 3)
    measured = dict(done.measures.select("measure", "value").iter_rows())
    assert (measured["doubtful_links"], measured["links_by_home_alone"]) == (2, 2)


def test_two_of_one_name_who_share_a_home_and_no_phone_are_doubtful(people: Callable[..., pl.DataFrame]) -> None:
    home = {**ANA, "street": "Calle Mayor 5", "postal_code": "28001", "city": "Madrid"}
    done = resolve(people(home, {**home, "phone": "612345678"}, home))
    assert set(doubts(done).values()) == {(True, True)}


def test_a_link_becomes_doubtful_on_the_night_on_which_a_relative_is_first_heard_of(
    people: Callable[..., pl.DataFrame],
) -> None:
    home = {**ANA, "phone": "612345678", "street": "Calle Mayor 5", "postal_code": "28001", "city": "Madrid"}
    mother = {**home, "given_name": "Marta", "email": "marta@mail.es"}
    with duckdb.connect(":memory:") as connection:
        store, said = Store(connection, "identity"), []
        first = resolve(people(home, {**home, "city": None}), store=store)
        for night in (people(home, {**home, "city": None}, mother), people(home, {**home, "city": None})):
            done = resolve(night, store=store, model=first.model)
            said.append(doubts(done)[1, 2])
    assert (doubts(first)[1, 2], *said) == ((False, True), (True, True), (False, True))
