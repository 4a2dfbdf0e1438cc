"""What was learnt at a closed month-end stands until enough of the data up to it has changed, or someone asks; then it says
so."""

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from clientela.lifetime import day_fits
from clientela.value import forecasts
from clientela.value.forecasts import Before, Forecasts, compared_on
from clientela.value.settings import ValueSettings
from clientela.value.settled import ALL, Remembered, changed_share
from tests.unit.value.test_forecasts import AS_OF, NO_CONTRACTS, SETTINGS, invented, together

MONTH_ENDS = [date(2025, 7, 31), date(2025, 8, 31), date(2025, 9, 30)]
FIGURES = ["expected_orders", "expected_value", "p_alive", "order_model", "spend_model"]


class Night:
    """One run's forecasts, and what memory holds after it."""

    def __init__(
        self,
        days: pl.DataFrame,
        before: Remembered | None = None,
        *,
        as_of: date = AS_OF,
        settings: ValueSettings = SETTINGS,
        number: int = 1,
        refit: str | None = None,
    ) -> None:
        before = before or Remembered()
        self.run_id = f"run {number}"
        remembered = Remembered(before.month_ends, before.fits, refit, self.run_id)
        made = Forecasts(days, NO_CONTRACTS, as_of, settings, Before("code", remembered=remembered))
        self.figures = together([day.made for day in made.measured()])
        self.settled, self.fits = made.settling.made()
        self.memory = Remembered(
            pl.concat([before.month_ends.select(self.settled.columns), self.settled]),
            pl.concat([before.fits.select(self.fits.columns), self.fits]),
        )

    def at(self, day: date) -> pl.DataFrame:
        rows = self.figures.customers.filter(pl.col("measured_on") == day).sort("customer_id")
        return rows.select("customer_id", *FIGURES)


@pytest.fixture(scope="module")
def days() -> pl.DataFrame:
    return invented()


@pytest.fixture(scope="module")
def first(days: pl.DataFrame) -> Night:
    return Night(days)


def with_orders(days: pl.DataFrame, count: int, day: date) -> pl.DataFrame:
    """So many orders more, of customers of their own who are like none."""
    one = days.filter("is_order").head(1)
    more = [
        one.with_columns(customer_id=pl.lit(9000 + n, pl.Int64), ordered_on=pl.lit(day - timedelta(days=n % 5)))
        for n in range(count)
    ]
    return pl.concat([days, *more])


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The days at which a model was fitted, or candidates compared."""
    found: list[date] = []
    attempt, compare = day_fits._attempt, forecasts._Company._compare

    def note(orders: Any, day: date, model: str) -> Any:
        found.append(day)
        return attempt(orders, day, model)

    def note_comparison(company: Any, ready: Any, at: date) -> Any:
        found.append(at)
        return compare(company, ready, at)

    monkeypatch.setattr(day_fits, "_attempt", note)
    monkeypatch.setattr(forecasts._Company, "_compare", note_comparison)
    return found


def test_a_first_night_settles_its_month_ends(first: Night) -> None:
    assert set(MONTH_ENDS) <= set(first.settled["month_end"]) and AS_OF not in first.settled["month_end"]
    assert set(first.settled["cause"]) == {"first"} and set(first.settled["run_id"]) == {"run 1"}
    for text in first.fits["fit"]:
        json.loads(text)


def test_a_second_night_with_little_news_fits_nothing_but_today(
    days: pl.DataFrame, first: Night, fitted: list[date]
) -> None:
    again = Night(with_orders(days, 2, AS_OF), first.memory, as_of=AS_OF + timedelta(days=1), number=2)
    assert set(fitted) == {AS_OF + timedelta(days=1)}
    assert again.settled.is_empty() and again.fits.is_empty(), "memory is as it was"
    for day in MONTH_ENDS:
        assert again.at(day).equals(first.at(day))


def test_a_late_order_moves_its_own_customer_and_nobody_else(
    days: pl.DataFrame, first: Night, fitted: list[date]
) -> None:
    customer = days.filter("is_order").sort("ordered_on")["customer_id"][0]
    late = days.filter(pl.col("is_order") & (pl.col("customer_id") == customer)).head(1)
    late = late.with_columns(ordered_on=pl.lit(date(2025, 7, 30)))
    assert not days.filter((pl.col("customer_id") == customer) & (pl.col("ordered_on") == date(2025, 7, 30))).height
    again = Night(pl.concat([days, late]), first.memory, number=2)
    assert set(fitted) == {AS_OF}
    assert again.settled.is_empty()
    for day in MONTH_ENDS:
        was, now = first.at(day), again.at(day)
        others = pl.col("customer_id") != customer
        assert now.filter(others).equals(was.filter(others)), day
        assert not now.filter(~others).equals(was.filter(~others)), day


def test_much_news_makes_exactly_the_month_ends_anew_that_it_reaches_and_says_so(
    days: pl.DataFrame, first: Night, fitted: list[date]
) -> None:
    until = days.filter(pl.col("is_order") & (pl.col("ordered_on") <= MONTH_ENDS[-1])).height
    again = Night(with_orders(days, int(until * 0.03) + 1, MONTH_ENDS[-1]), first.memory, number=2)
    assert set(fitted) == {MONTH_ENDS[-1], AS_OF}
    assert again.settled["month_end"].to_list() == [MONTH_ENDS[-1]]
    row = again.settled.row(0, named=True)
    assert (row["cause"], row["replaced_run_id"], row["run_id"]) == ("data", "run 1", "run 2")
    assert row["changed_share"] > 0.03 and "up to it changed, more than 2.0%" in row["reason"]
    for day in MONTH_ENDS[:-1]:
        assert again.at(day).equals(first.at(day))
    third = Night(with_orders(days, int(until * 0.03) + 1, MONTH_ENDS[-1]), again.memory, number=3)
    assert third.settled.is_empty(), "what was made anew stands in its turn"
    assert third.at(MONTH_ENDS[-1]).equals(again.at(MONTH_ENDS[-1]))


def test_another_share_is_the_companys_to_state(days: pl.DataFrame, first: Night) -> None:
    patient = SETTINGS.model_copy(update={"refit_share": 0.5})
    until = days.filter(pl.col("is_order") & (pl.col("ordered_on") <= MONTH_ENDS[-1])).height
    again = Night(with_orders(days, int(until * 0.03) + 1, MONTH_ENDS[-1]), first.memory, settings=patient, number=2)
    assert again.settled.is_empty()


def test_what_someone_asks_for_is_made_anew(days: pl.DataFrame, first: Night) -> None:
    one = Night(days, first.memory, number=2, refit=MONTH_ENDS[1].isoformat())
    assert one.settled.select("month_end", "cause").rows() == [(MONTH_ENDS[1], "asked")]
    everything = Night(days, first.memory, number=3, refit=ALL)
    assert set(everything.settled["cause"]) == {"asked"}
    assert set(MONTH_ENDS) <= set(everything.settled["month_end"])
    for night in (one, everything):
        for day in (*MONTH_ENDS, AS_OF):
            assert night.at(day).equals(first.at(day)), "the same data say the same"


def test_after_a_refit_of_all_nothing_shows_in_which_order_the_data_came(days: pl.DataFrame) -> None:
    part = days.filter(pl.col("customer_id") % 5 != 0)
    grown = Night(part, as_of=date(2025, 9, 12))
    grown = Night(days, grown.memory, number=2)
    assert not grown.at(MONTH_ENDS[1]).is_empty()
    refitted = Night(days, grown.memory, number=3, refit=ALL)
    at_once = Night(days)
    for day in (*MONTH_ENDS, AS_OF):
        assert refitted.at(day).equals(at_once.at(day)), day


def test_other_settings_make_everything_anew_and_say_so(days: pl.DataFrame, first: Night) -> None:
    again = Night(days, first.memory, settings=SETTINGS.model_copy(update={"spend_model": "normal"}), number=2)
    assert set(again.settled["cause"]) == {"settings"}
    discounted = Night(days, first.memory, settings=SETTINGS.model_copy(update={"annual_discount_rate": 0.2}), number=2)
    assert discounted.settled.is_empty(), "a discount is no matter of fits"


@pytest.mark.parametrize(
    ("now", "share", "word"),
    [
        ({"2025-01": [100, 10, 1000, 300, 0, 0], "2025-02": [100, 0, 1000, 300, 0, 0]}, 0.0, "orders"),
        ({"2025-01": [100, 10, 1000, 300, 0, 0], "2025-02": [104, 0, 1000, 300, 0, 0]}, 0.02, "orders"),
        # what moves from one month to another has changed twice
        ({"2025-01": [98, 10, 1000, 300, 0, 0], "2025-02": [102, 0, 1000, 300, 0, 0]}, 0.02, "orders"),
        ({"2025-01": [100, 10, 1000, 270, 0, 0], "2025-02": [100, 0, 1000, 330, 0, 0]}, 0.1, "contribution"),
        ({"2025-01": [100, 10, 1000, 300, 60, 0], "2025-02": [100, 0, 1000, 300, 0, 0]}, 0.1, "cost to serve"),
        ({"2025-01": [100, 10, 1000, 300, 0, 3], "2025-02": [100, 0, 1000, 300, 0, 0]}, 1.0, "contracts"),
        ({"2025-02": [100, 0, 1000, 300, 0, 0]}, 1.0, "customers"),
    ],
)
def test_the_share_that_changed_is_counted_month_by_month(now: Any, share: float, word: str) -> None:
    then = {"2025-01": [100.0, 10, 1000, 300, 0, 0], "2025-02": [100.0, 0, 1000, 300, 0, 0]}
    assert changed_share(then, now) == (pytest.approx(share), word)


def test_candidates_are_compared_monthly_in_the_first_year_and_then_once_a_quarter() -> None:
    begun = date(2024, 1, 10)
    assert compared_on(begun, date(2024, 11, 20)) == date(2024, 10, 31)
    assert compared_on(begun, date(2025, 1, 31)) == date(2025, 1, 31), "the last quarter ended within the first year"
    assert compared_on(begun, date(2025, 5, 31)) == compared_on(begun, date(2025, 6, 29)) == date(2025, 3, 31)
    assert compared_on(begun, date(2025, 6, 30)) == date(2025, 6, 30)
