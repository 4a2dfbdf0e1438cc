"""Offers on invented histories whose truth is known: what is proposed, what is not, and how that is scored."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from clientela.relationship import offer_model
from clientela.relationship.offer_scores import MIN_CUSTOMERS, best, ranking
from clientela.relationship.offers import OfferInputs, propose_offers
from clientela.relationship.settings import OfferSettings
from clientela.segment.columns import RULE_COLUMNS

AS_OF = date(2026, 6, 30)
DAYS = 420
CUSTOMERS = 700
SETTINGS = OfferSettings(horizon_days=30, max_per_customer=3)
HABITS = ("bread", "coffee", "soap", "paper", "seeds")
FANCIES = ("camera", "tent", "kettle", "lamp", "gum", "cola")
#: what follows what, for most of those who took the first
NEXT = {"camera": "tripod", "tent": "stove", "kettle": "teapot", "lamp": "shade"}
OFFERS = {
    "offer": pl.String, "channel": pl.String, "unit_cost": pl.Float64, "margin_rate": pl.Float64, "rule": pl.String,
    "product_key": pl.String, "category": pl.String, "valid_from": pl.Date, "valid_until": pl.Date,
}  # fmt: skip
CONTRACTS = {
    "customer_id": pl.Int64, "category": pl.String, "product_id": pl.Int64, "started_on": pl.Date, "over_on": pl.Date,
}  # fmt: skip


def purchases_of(customer: int, rng: np.random.Generator, until: int) -> Iterator[tuple[str, int]]:
    """Habits that last a while, each in a rhythm of its own, and fancies, some of which lead to another."""
    for item in HABITS:
        gap, begins = rng.choice([7, 14, 28, 56]), int(rng.integers(0, 40))
        ends = begins + int(rng.integers(60, 2 * until))
        day = float(begins)
        while day < min(ends, until):
            yield item, int(day)
            day += max(gap * rng.normal(1, 0.1), 1)
    for item in FANCIES:
        if rng.random() < 0.8:
            day = int(rng.integers(0, until))
            yield item, day
            if item in NEXT and rng.random() < 0.9:
                yield NEXT[item], day + int(rng.integers(5, 40))


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    """Of all customers, a horizon beyond the as-of day included."""
    rng = np.random.default_rng(8)
    rows = [
        (customer, item, AS_OF - timedelta(days=DAYS - 1 - day))
        for customer in range(1, CUSTOMERS + 1)
        for item, day in purchases_of(customer, rng, DAYS + SETTINGS.horizon_days)
    ]
    return pl.DataFrame(rows, schema=["customer_id", "category", "ordered_on"], orient="row")


def purchases(rows: pl.DataFrame, **columns: Any) -> pl.DataFrame:
    given = {
        "product_id": pl.lit(None, pl.Int64), "product_key": pl.lit(None, pl.String), "product_name": pl.lit(None, pl.String),
        "is_return": pl.lit(False), "net_amount": pl.lit(10.0), "contribution": pl.lit(4.0),
    }  # fmt: skip
    return rows.with_columns(**(given | columns))


def ruled(orders: dict[int, int]) -> pa.Table:
    rows = pl.DataFrame(
        {"customer_id": list(orders), "orders_12m": list(orders.values())}, schema_overrides={"customer_id": pl.Int64}
    )
    absent = {name: pa.nulls(len(orders)) for name in RULE_COLUMNS if name != "orders_12m"}
    return pa.table(
        {"measured_on": pa.array([AS_OF] * len(orders), pa.date32()), **rows.to_arrow().to_pydict(), **absent}
    )


def inputs(
    bought: pl.DataFrame,
    offers: list[dict[str, Any]] | None = None,
    contracts: list[dict[str, Any]] | None = None,
    orders: dict[int, int] | None = None,
) -> OfferInputs:
    return OfferInputs(
        bought,
        pl.DataFrame(offers or [], schema=OFFERS),
        pl.DataFrame(contracts or [], schema=CONTRACTS),
        ruled(orders or {}),
    )


def proposed(given: OfferInputs, settings: OfferSettings = SETTINGS, day: date = AS_OF) -> pl.DataFrame:
    return propose_offers(day, given, settings)


def offers_of(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col("row_type") == "offer")


def limitations(found: pl.DataFrame) -> list[str]:
    return found["limitation"].drop_nulls().to_list()


@pytest.fixture(scope="module")
def known(history: pl.DataFrame) -> pl.DataFrame:
    return purchases(history.filter(pl.col("ordered_on") <= AS_OF))


@pytest.fixture(scope="module")
def answer(known: pl.DataFrame) -> pl.DataFrame:
    return proposed(inputs(known))


def test_rhythms_beat_favourites_and_what_follows_beats_what_is_popular(answer: pl.DataFrame) -> None:
    scores = answer.filter(pl.col("candidate") == "offers", pl.col("row_type") == "candidate")
    assert scores["kind"].to_list() == ["repeat", "new"]
    assert scores["is_published"].all() and (scores["ndcg_difference_low"] > 0.05).all()
    assert set(offers_of(answer)["kind"]) == {"repeat", "new"}


def test_the_variant_is_chosen_on_days_that_no_offer_is_judged_on(answer: pl.DataFrame, known: pl.DataFrame) -> None:
    """Whatever happened in the last horizon: the scores of the variants are of the one before, and the choice stays."""
    variants = answer.filter(pl.col("row_type") == "variant")
    assert variants.group_by("kind").len().sort("kind").rows() == [("new", 4), ("repeat", 3)]
    assert set(variants["origin_on"]) == {AS_OF - timedelta(days=2 * SETTINGS.horizon_days)}
    used = variants.filter("is_in_use")
    assert sorted(used["kind"]) == ["new", "repeat"]
    for kind, ndcg in used.select("kind", "ndcg").iter_rows():
        assert ndcg == variants.filter(pl.col("kind") == kind)["ndcg"].max()
    assert used.filter(pl.col("kind") == "new")["candidate"].item() != "popularity", "things lead to others here"
    since = AS_OF - timedelta(days=SETTINGS.horizon_days)
    is_last = pl.col("ordered_on") > since
    shuffled = pl.concat(
        [known.filter(~is_last), known.filter(is_last).with_columns(pl.col("category").shuffle(seed=1))]
    )
    other = proposed(inputs(shuffled))
    assert_frame_equal(other.filter(pl.col("row_type") == "variant"), variants)
    scores = [
        found.filter(pl.col("row_type") == "candidate", pl.col("candidate") == "offers")["ndcg"].to_list()
        for found in (answer, other)
    ]
    assert scores[0] != scores[1]


def test_probabilities_are_what_then_happens(answer: pl.DataFrame, history: pl.DataFrame) -> None:
    """The days after the as-of day, which nothing was told of."""
    later = history.filter(pl.col("ordered_on") > AS_OF).select("customer_id", item="category").unique()
    offers = offers_of(answer)
    came = offers.join(later.with_columns(came=1), on=["customer_id", "item"], how="left")["came"].fill_null(0)
    for kind in ("repeat", "new"):
        of_kind = (offers["kind"] == kind).to_numpy()
        chance, happened = offers["probability"].to_numpy()[of_kind], came.to_numpy()[of_kind]
        deviation = np.sqrt((chance * (1 - chance)).sum())
        assert abs(happened.sum() - chance.sum()) < 4 * deviation, kind
        high = chance > np.quantile(chance, 0.8)
        assert happened[high].mean() > 1.3 * happened[~high].mean()


def test_a_reason_names_what_led_to_it(answer: pl.DataFrame) -> None:
    new = offers_of(answer).filter(pl.col("item").is_in(list(NEXT.values())), pl.col("probability") > 0.3)
    new = new.filter(pl.col("kind") == "new")
    assert new.height > 10
    assert set(zip(new["item_before"], new["item"], strict=True)) == set(NEXT.items())
    assert (new["followers_share"] > 0.25).all()
    repeat = offers_of(answer).filter(pl.col("reason_kind") == "repeat")
    assert (repeat["purchase_days"] > 1).all()
    assert (repeat["due_on"] - repeat["last_bought_on"]).dt.total_days().to_list() == repeat["gap_days"].to_list()


def test_what_comes_after_the_day_moves_nothing(answer: pl.DataFrame, history: pl.DataFrame) -> None:
    future = purchases(
        history.with_columns(
            pl.when(pl.col("ordered_on") > AS_OF).then(pl.lit("planted")).otherwise("category").alias("category")
        )
    )
    assert future.filter(pl.col("category") == "planted").height > 100
    later = {
        "customer_id": 1,
        "category": "bread",
        "product_id": None,
        "started_on": AS_OF + timedelta(1),
        "over_on": None,
    }
    assert proposed(inputs(future, contracts=[later])).equals(answer)


def test_the_order_of_rows_moves_nothing(answer: pl.DataFrame, known: pl.DataFrame) -> None:
    assert proposed(inputs(known.sample(fraction=1.0, shuffle=True, seed=1))).equals(answer)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_offers_are_the_same_whether_few_or_many_cells_are_filled(
    answer: pl.DataFrame, known: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(offer_model, "_DENSE_SHARE", share)
    assert_frame_equal(proposed(inputs(known)), answer, abs_tol=1e-5)


def test_nobody_is_offered_what_they_hold_or_sent_back(answer: pl.DataFrame, known: pl.DataFrame) -> None:
    first, second = (
        offers_of(answer).filter(pl.col("kind") == "repeat").unique("item", maintain_order=True)[:2].to_dicts()
    )
    sent_back = purchases(
        pl.DataFrame({"customer_id": [second["customer_id"]], "category": [second["item"]], "ordered_on": [AS_OF]}),
        is_return=pl.lit(True),
    )
    held = {
        "customer_id": first["customer_id"],
        "category": first["item"],
        "product_id": None,
        "started_on": AS_OF,
        "over_on": None,
    }
    found = offers_of(proposed(inputs(pl.concat([known, sent_back]), contracts=[held])))
    pairs = set(zip(found["customer_id"], found["item"], strict=True))
    for gone in (first, second):
        assert (gone["customer_id"], gone["item"]) not in pairs
    over = held | {"over_on": AS_OF}
    found = offers_of(proposed(inputs(known, contracts=[over])))
    assert (first["customer_id"], first["item"]) in set(zip(found["customer_id"], found["item"], strict=True))


def test_offers_of_the_table_are_made_to_whom_their_rule_lets_while_they_are_open(known: pl.DataFrame) -> None:
    table = [
        {
            "offer": "Bread week",
            "category": "bread",
            "unit_cost": 1.0,
            "margin_rate": 0.5,
            "rule": "orders_12m > 5",
            "channel": "email",
            "valid_until": AS_OF,
        },
        {"offer": "Coffee", "category": "coffee"},
        {"offer": "Over", "category": "soap", "valid_until": AS_OF - timedelta(1)},
        {"offer": "Early", "category": "soap", "valid_from": AS_OF + timedelta(1)},
        {"offer": "Wrong", "category": "paper", "rule": "no_such_column > 1"},
        {"offer": "Unknown", "category": "caviar"},
        {"offer": "Typo", "product_key": "P-1"},
        {"offer": "Turned", "category": "soap", "valid_from": AS_OF, "valid_until": AS_OF - timedelta(9)},
        {"offer": "A coupon", "rule": None},
    ]
    found = proposed(
        inputs(known, table, orders={customer: 6 if customer % 2 else 5 for customer in range(1, CUSTOMERS + 1)})
    )
    offers = offers_of(found)
    assert set(offers["offer"]) == {"Bread week", "Coffee"}
    bread = offers.filter(pl.col("offer") == "Bread week")
    assert (bread["customer_id"] % 2 == 1).all() and bread.height > 20
    assert set(bread["offered_channel"]) == {"email"} and set(bread["valid_until"]) == {AS_OF}
    # half of ten, less what the offer costs
    assert bread["contribution_if_taken"].to_list() == [4.0] * bread.height
    assert any(said.startswith("Wrong: the source has no column") for said in limitations(found))
    said = limitations(found)
    assert any("what Unknown is for, the category caviar; see that" in sentence for sentence in said)
    assert any("what Typo is for, the product P-1; see that" in sentence for sentence in said)
    turned = "Turned ends on 2026-06-21, before it begins on 2026-06-30; exchange or correct its dates"
    assert f"offers.csv: {turned}" in said and not any("Over" in sentence for sentence in said)


def test_a_single_offer_is_judged_by_what_is_known_of_all_items(answer: pl.DataFrame, known: pl.DataFrame) -> None:
    """Among one there is nothing to choose: it would never beat anything."""
    found = proposed(inputs(known, [{"offer": "Bread", "category": "bread"}]))
    judged = pl.col("row_type") == "candidate"
    assert found.filter(judged).equals(answer.filter(judged))
    assert set(offers_of(found)["offer"]) == {"Bread"} and offers_of(found).height > 100


def test_without_categories_products_are_offered_and_without_products_nothing_is(known: pl.DataFrame) -> None:
    by_product = known.with_columns(
        product_id=pl.col("category").rank("dense").cast(pl.Int64), product_key=pl.col("category"),
        product_name=pl.lit("thing"), category=pl.lit(None, pl.String),
    )  # fmt: skip
    found = offers_of(proposed(inputs(by_product)))
    assert set(found["item_level"]) == {"product"}
    assert "thing (bread)" in set(found["item"]), "two products of one name are told apart"
    assert limitations(proposed(inputs(known.clear()))) == ["no order line names a product"]


def test_a_product_that_an_offer_names_stands_beside_the_categories(known: pl.DataFrame) -> None:
    coffee = known.with_columns(
        product_id=pl.when(pl.col("category") == "coffee").then(77),
        product_key=pl.when(pl.col("category") == "coffee").then(pl.lit("C7")),
    )  # fmt: skip
    found = offers_of(
        proposed(inputs(coffee, [{"offer": "Beans", "product_key": "C7"}, {"offer": "Tea", "category": "bread"}]))
    )
    assert set(found.filter(pl.col("offer") == "Beans")["item_level"]) == {"product"}
    assert set(found["offer"]) == {"Beans", "Tea"}


def test_too_little_history_is_said(known: pl.DataFrame) -> None:
    short = known.filter(pl.col("ordered_on") > AS_OF - timedelta(days=4 * SETTINGS.horizon_days))
    assert limitations(proposed(inputs(short))) == ["too little history: four horizons are needed"]


def test_what_beats_nothing_is_not_published_and_says_so() -> None:
    """Everyone buys anything on any day: there is neither a rhythm nor an order."""
    rng = np.random.default_rng(3)
    days = rng.integers(0, DAYS, (CUSTOMERS, 12))
    items = rng.choice(["a", "b", "c", "d", "e", "f", "g", "h"], (CUSTOMERS, 12))
    rows = [(c + 1, items[c, k], AS_OF - timedelta(days=int(days[c, k]))) for c in range(CUSTOMERS) for k in range(12)]
    found = proposed(
        inputs(purchases(pl.DataFrame(rows, schema=["customer_id", "category", "ordered_on"], orient="row")))
    )
    assert not offers_of(found).height
    assert set(limitations(found)) == {"does not beat own favourites", "does not beat most popular"}
    few = proposed(
        inputs(purchases(pl.DataFrame(rows[:60], schema=["customer_id", "category", "ordered_on"], orient="row")))
    )
    assert set(limitations(few)) == {"too few customers bought anything of the kind"} and MIN_CUSTOMERS == 30


def test_hit_rate_and_ndcg_are_those_of_the_textbook() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.1], [0.2, 0.9, 0.3, -np.inf], [0.5, 0.4, 0.3, 0.2]])
    answers = np.array([[False, True, False, True], [True, False, False, True], [False, False, False, False]])
    found = ranking(scores, answers, 2)
    # the first took the second of two offers, of two that it could take; the second one none; the third bought nothing
    assert found.hits.tolist() == [1.0, 0.0]
    assert found.ndcg == pytest.approx([(1 / np.log2(3)) / (1 + 1 / np.log2(3)), 0.0])
    assert best(np.array([[1.0, 2.0, 2.0, 0.0]]), 3).tolist() == [[1, 2, 0]]
