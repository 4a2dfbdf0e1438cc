"""Who may be held where, who has to leave and why, what memory keeps: on frames, as the model gives them."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from clientela.relationship import portfolios
from clientela.relationship.portfolio_problem import Portfolios
from clientela.relationship.portfolios import assign_portfolios
from clientela.relationship.settings import PortfolioSettings
from clientela.segment.columns import RULE_COLUMNS

DAY = date(2026, 3, 10)
PEOPLE = {
    "customer_id": pl.Int64, "record_id": pl.Int64, "region": pl.String, "city": pl.String, "country": pl.String,
    "language": pl.String, "value_tier": pl.String, "contact_hours": pl.Float64, "measured_on": pl.Date,
}  # fmt: skip
PLACES = {
    "portfolio": pl.String, "manager": pl.String, "capacity": pl.Int64, "rule": pl.String, "capacity_hours": pl.Float64,
    "territories": pl.String, "languages": pl.String, "tiers": pl.String, "opened_on": pl.Date, "closed_on": pl.Date,
}  # fmt: skip
KEPT = {
    "customer_id": pl.Int64, "as_of_on": pl.Date, "run_sequence": pl.Int64, "portfolio": pl.String, "reason": pl.String,
    "is_voluntary": pl.Boolean,
}  # fmt: skip
NUMBERS = {
    "VARCHAR": pl.String, "DATE": pl.Date, "BOOLEAN": pl.Boolean, "BIGINT": pl.Int64, "INTEGER": pl.Int32,
    "DOUBLE": pl.Float64, "DECIMAL(18,4)": pl.Float64,
}  # fmt: skip


def frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> Any:
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema).to_arrow()


def plan(
    people: list[dict[str, Any]],
    places: list[dict[str, Any]],
    kept: list[dict[str, Any]] | None = None,
    fit: list[dict[str, Any]] | None = None,
    day: date = DAY,
    **settings: Any,
) -> dict[int | None, dict[str, Any]]:
    schema = PEOPLE | {name: NUMBERS[kind] for name, kind in RULE_COLUMNS.items()}
    rows = [{"record_id": 10 * row["customer_id"], "measured_on": day, "value_tier": "high"} | row for row in people]
    found = assign_portfolios(
        frame(rows, schema),
        frame([{"manager": "Eva"} | place for place in places], PLACES),
        frame(fit or [], {"portfolio": pl.String, "value_tier": pl.String, "fit": pl.Float64}),
        frame(kept or [], KEPT),
        PortfolioSettings(**settings),
        day,
    )
    return {row["customer_id"]: row for row in found.to_dicts()}


def remembered(found: dict[int | None, dict[str, Any]], day: date, run: int) -> list[dict[str, Any]]:
    """What memory keeps of it."""
    return [
        {"as_of_on": day, "run_sequence": run} | {name: row[name] for name in KEPT if name in row}
        for row in found.values()
        if row["is_changed"]
    ]


def customer(number: int, value: float, **more: Any) -> dict[str, Any]:
    return {"customer_id": number, "expected_value": value} | more


def test_tier_territory_language_rule_and_fit_say_who_may_be_held_where() -> None:
    people = [
        customer(1, 50, region="Madrid", language="es", orders=3), customer(2, 40, city="Porto", language="pt", orders=3),
        customer(3, 30, country="ES", language="es", orders=0), customer(4, 20, value_tier="low", orders=3),
        customer(5, -5, region="madrid", language="ES", orders=3),
    ]  # fmt: skip
    places = [
        {"portfolio": "centre", "territories": "Madrid, Toledo", "languages": "es"},
        {"portfolio": "west", "territories": "Porto", "tiers": "high, medium"},
        {"portfolio": "buyers", "rule": "orders > 0", "tiers": "high"},
    ]  # fmt: skip
    found = plan(people, places, fit=[{"portfolio": "buyers", "value_tier": "high", "fit": 0.5}])
    assert {number: row["portfolio"] for number, row in found.items()} == {
        1: "centre", 2: "west", 3: None, 4: None, 5: "centre",
    }  # fmt: skip
    assert [found[number]["portfolio_value"] for number in (1, 2, 5)] == [50, 40, 0]
    assert found[4]["reason"] == "no portfolio may hold customers like them"
    assert all(row["assigned_on"] == DAY and row["is_changed"] for number, row in found.items() if number in (1, 2, 5))
    assert not found[3]["is_changed"] and found[3]["assigned_on"] is None, "nobody ever held them"


def test_hours_are_those_of_contact_and_at_least_those_of_the_tier() -> None:
    people = [customer(1, 50, contact_hours=1.0), customer(2, 40, contact_hours=7.0), customer(3, 30)]
    found = plan(people, [{"portfolio": "north", "capacity_hours": 9.0}], service_hours={"high": 2})
    assert [found[number]["service_hours"] for number in (1, 2, 3)] == [2, 7, 2]
    assert {number for number, row in found.items() if row["portfolio"]} == {1, 2}
    assert found[3]["reason"] == "no portfolio has room for them"


def test_a_rule_that_cannot_be_applied_holds_nobody_and_says_why() -> None:
    found = plan([customer(1, 50)], [{"portfolio": "north", "rule": "ordrs > 0"}])
    assert found[None]["portfolio"] == "north" and "ordrs" in found[None]["reason"]
    assert found[1]["portfolio"] is None


def test_a_closed_portfolio_is_emptied_with_reasons_outside_the_cap_and_a_rerun_moves_nobody() -> None:
    people = [customer(number, 10 * number) for number in range(1, 7)]
    places = [{"portfolio": "north", "capacity": 3}, {"portfolio": "south", "capacity": 2}]
    first_day = date(2026, 2, 1)
    first = plan(people, places, day=first_day)
    kept = remembered(first, first_day, 1)
    north = {number for number, row in first.items() if row["portfolio"] == "north"}
    assert len(north) == 3 and len(kept) == 5
    # again on the day, and on a later one: as it was, and nothing new to remember
    for day in (first_day, DAY):
        again = plan(people, places, kept, day=day)
        assert {n: row["portfolio"] for n, row in again.items()} == {n: row["portfolio"] for n, row in first.items()}
        assert not any(row["is_changed"] for row in again.values())
        assert {row["assigned_on"] for row in again.values()} == {first_day, None}
    places[0]["closed_on"] = date(2026, 3, 1)
    places[1]["capacity"] = 4
    emptied = plan(people, places, kept, max_moves_share=0)
    assert {row["portfolio"] for row in emptied.values()} == {"south", None}
    assert sum(row["portfolio"] == "south" for row in emptied.values()) == 4
    for number in north:
        assert emptied[number]["reason"].startswith("north closed on 2026-03-01")
        assert emptied[number]["previous_portfolio"] == "north" and not emptied[number]["is_voluntary"]
        assert emptied[number]["assigned_on"] == DAY and emptied[number]["is_changed"]
    waiting = [row for row in emptied.values() if row["previous_portfolio"] == "north" and row["portfolio"] is None]
    assert waiting and all(row["reason"].endswith("; no portfolio has room for them") for row in waiting)
    # what the second run of that day finds in memory moves nobody either
    twice = plan(people, places, kept + remembered(emptied, DAY, 2), max_moves_share=0)
    assert not any(row["is_changed"] for row in twice.values())
    # no portfolios are left: everybody waits, with the reason
    gone = plan(people, [], kept)
    assert {row["reason"] for row in gone.values() if row["is_changed"]} == {
        "there is no portfolio north any more; no portfolio may hold customers like them",
        "there is no portfolio south any more; no portfolio may hold customers like them",
    }


def test_moves_of_the_month_count_against_its_cap() -> None:
    people = [customer(number, 100.0) for number in range(1, 11)]
    places = [{"portfolio": "near", "capacity": 10}, {"portfolio": "far", "capacity": 10}]
    fit = [{"portfolio": "far", "value_tier": "high", "fit": 0.5}]
    january = {
        "as_of_on": date(2026, 1, 5),
        "run_sequence": 1,
        "portfolio": "far",
        "reason": "x",
        "is_voluntary": False,
    }
    kept = [{"customer_id": number} | january for number in range(1, 11)]
    moved = plan(people, places, kept, fit, max_moves_share=0.2)
    assert sum(row["portfolio"] == "near" for row in moved.values()) == 2
    assert all(row["is_voluntary"] and "far" in row["reason"] for row in moved.values() if row["portfolio"] == "near")
    later = plan(people, places, kept + remembered(moved, DAY, 2), fit, day=date(2026, 3, 20), max_moves_share=0.2)
    assert sum(row["portfolio"] == "near" for row in later.values()) == 2, "two moved in March already"
    april = plan(people, places, kept + remembered(moved, DAY, 2), fit, day=date(2026, 4, 1), max_moves_share=0.25)
    assert sum(row["portfolio"] == "near" for row in april.values()) == 4
    assert plan(people, places, kept, fit, max_moves_share=1, min_gain_share=0.6)[1]["portfolio"] == "far"


def test_only_what_portfolios_name_tells_customers_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A company of many towns and languages has few kinds of customers: they are what the plan weighs."""
    seen: list[Portfolios] = []
    known = portfolios.assign
    monkeypatch.setattr(portfolios, "assign", lambda *given: seen.append(given[1]) or known(*given))
    people = [
        customer(number, 10.0 * number, city=f"town {number % 20}", language=("es", "pt", "fr")[number % 3])
        for number in range(1, 61)
    ]
    places = [{"portfolio": "north", "territories": "Town 1, town 2"}, {"portfolio": "all", "languages": "es, pt"}]
    found = plan(people, places)
    ((kinds, _),) = [portfolio.fit.shape for portfolio in seen]
    assert kinds == 9, "town 1, town 2 or another, by es, pt or another"
    may = {number: (number % 20 in (1, 2), number % 3 != 2) for number in range(1, 61)}
    for number, row in found.items():
        assert number is not None
        assert row["portfolio"] in [name for name, held in zip(("north", "all"), may[number], strict=True) if held] or (
            row["portfolio"] is None and may[number] == (False, False)
        )


def test_rules_read_no_more_of_customers_than_they_name() -> None:
    places = frame(
        [
            {"portfolio": "north", "rule": "orders_12m >= 2 and state <> 'lapsed'"},
            {"portfolio": "south", "rule": "ordrs > 0"},
        ],
        PLACES,
    )
    assert portfolios.columns_of_rules(places) == ["state", "orders_12m"]


def test_the_order_in_which_rows_come_moves_nobody() -> None:
    """Nights in any order: the same customers, portfolios and memory give the same plan."""
    people = [customer(number, 7.0 * (number % 9), region=("a", "b")[number % 2]) for number in range(1, 41)]
    places = [
        {"portfolio": "north", "capacity": 9, "territories": "a"},
        {"portfolio": "south", "capacity": 12, "capacity_hours": 8.0},
        {"portfolio": "east", "capacity": 5, "rule": "orders_12m is null"},
    ]
    kept = remembered(plan(people, places, day=date(2026, 1, 5), service_hours={"high": 1}), date(2026, 1, 5), 1)
    kept += remembered(
        plan(people, places[:2], kept, day=date(2026, 2, 5), service_hours={"high": 1}), date(2026, 2, 5), 2
    )
    there = plan(people, places, kept, service_hours={"high": 1})
    back = plan(people[::-1], places[::-1], kept[::-1], service_hours={"high": 1})
    assert plan(people[::-1], places[::-1]) == plan(people, places)
    assert back == there and {row["portfolio"] for row in there.values()} == {"north", "south", "east", None}
