"""Contracts are forecast from what was known of them, and their draws have the mean that the formula gives."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from clientela.lifetime.contract_forecast import forecast_contracts
from clientela.lifetime.contract_history import MONTH_DAYS
from clientela.lifetime.forecast import add_months

AS_OF = date(2025, 12, 31)
DELTA = float(np.log(1.1)) / 365.25


def contracts(rows: list[tuple[int, date, date | None, date | None, int, float]]) -> pl.DataFrame:
    names = ["customer_id", "started_on", "ends_on", "cancelled_on", "period_months", "contribution"]
    return pl.DataFrame(rows, schema=names, orient="row").cast(
        {"ends_on": pl.Date, "cancelled_on": pl.Date, "contribution": pl.Float64}
    )


def many(customers: int = 3000, seed: int = 1) -> pl.DataFrame:
    """Monthly contracts, each with its own churn ~ Beta(1.2, 8); the first two of three years."""
    rng = np.random.default_rng(seed)
    started = rng.integers(0, 730, customers)
    months = rng.geometric(rng.beta(1.2, 8.0, customers))
    rows = []
    for customer, (day, paid) in enumerate(zip(started, months, strict=True), start=1):
        start = date(2023, 1, 1) + timedelta(days=int(day))
        end = start + timedelta(days=int(paid * MONTH_DAYS))
        gone = end if end <= AS_OF else None
        rows.append((customer, start, gone, gone, 1, 10.0))
    return contracts(rows)


def test_the_expected_payments_are_those_of_the_fitted_curve() -> None:
    frame = many()
    made = forecast_contracts(frame, AS_OF, 365.0, DELTA)
    assert made.model == "sbg"
    fit = made.fits[1]
    assert fit.parameters["beta"] / fit.parameters["alpha"] == pytest.approx(8.0 / 1.2, rel=0.2)
    running = frame.filter(pl.col("ends_on").is_null()).row(0, named=True)
    start = running["started_on"]
    paid = [add_months(start, k) for k in range(60)]
    age = sum(day <= AS_OF for day in paid) - 1
    due = [(day - AS_OF).days for day in paid if AS_OF < day <= AS_OF + timedelta(days=365)]
    assert len(due) == 12, "a monthly contract is paid twelve times a year"
    expected = 10 * sum(float(fit.p_running_after([age], k + 1.0)[0]) * np.exp(-DELTA * at) for k, at in enumerate(due))
    place = int(np.searchsorted(made.customers, running["customer_id"]))
    assert made.expected[place] == pytest.approx(expected)
    assert made.expected[made.is_active == 0].sum() == 0


def test_draws_have_the_expected_mean_and_zeros_where_nothing_runs() -> None:
    made = forecast_contracts(many(600), AS_OF, 365.0, DELTA)
    drawn = made.draws(400, 1).draw(np.arange(-1, len(made.customers)), np.random.default_rng(1))
    assert not drawn[0].any(), "nobody stands at place -1"
    drawn = drawn[1:]
    assert not drawn[made.is_active == 0].any()
    assert drawn.sum(axis=0).mean() == pytest.approx(made.expected.sum(), rel=0.02)
    again = made.draws(400, 1).draw(np.arange(-1, len(made.customers)), np.random.default_rng(1))
    assert np.array_equal(again[1:], drawn)


def test_an_end_is_known_only_once_it_is_announced_and_an_agreed_one_from_the_beginning() -> None:
    start = AS_OF - timedelta(days=200)
    soon = AS_OF + timedelta(days=40)
    frame = contracts(
        [
            (1, start, None, None, 1, 10.0),
            (2, start, soon, None, 1, 10.0),
            (3, start, soon, AS_OF, 1, 10.0),
            (4, start, soon, AS_OF + timedelta(days=1), 1, 10.0),
            (5, AS_OF + timedelta(days=1), None, None, 1, 10.0),
        ]
    )
    made = forecast_contracts(frame, AS_OF, 730.0, DELTA)
    open_ended, agreed, cancelled, to_be_cancelled = made.expected
    assert made.customers.tolist() == [1, 2, 3, 4], "who begins tomorrow is not known today"
    assert open_ended == to_be_cancelled > 50, "a cancellation to come is not known"
    assert 0 < agreed <= 20, "at most until the agreed end"
    assert cancelled == pytest.approx(10 * np.exp(-DELTA * (date(2026, 1, 14) - AS_OF).days)), "paid until its last day"
    assert "too few" in made.reason


def test_contracts_of_several_lengths_have_a_fit_each() -> None:
    frame = pl.concat(
        [many(200), many(200, 2).with_columns(pl.col("customer_id") + 1000, period_months=pl.lit(3, pl.Int64))]
    )
    made = forecast_contracts(frame, AS_OF, 365.0, DELTA)
    assert set(made.fits) == {1, 3}
    assert len(made.customers) == 400


def test_the_chance_of_being_gone_follows_renewals_and_known_ends() -> None:
    start, soon, late = AS_OF - timedelta(days=200), AS_OF + timedelta(days=40), AS_OF + timedelta(days=400)
    frame = contracts(
        [
            (1, start, None, None, 1, 10.0),
            (2, start, soon, None, 1, 10.0),
            (3, start, late, AS_OF, 1, 10.0),
            (4, start, AS_OF, AS_OF, 1, 10.0),
            (5, start, None, None, 12, 10.0),
            (6, start, soon, None, 1, 10.0),
            (6, start, None, None, 1, 10.0),
        ]
    )
    made = forecast_contracts(frame, AS_OF, 91.0, 0.0)
    renewed, agreed, paid_for, gone, not_due, two = made.p_gone
    fit = made.fits[1]
    assert renewed == pytest.approx(1 - float(fit.p_running_after([6.0], 3.0)[0])), "three renewals fall into 91 days"
    assert (agreed, gone) == (1.0, 1.0), "no renewal beyond an agreed end"
    assert (paid_for, not_due) == (0.0, 0.0), "nothing ends before it is paid for, or renewed"
    assert two == pytest.approx(renewed), "gone with the last of them"


def test_the_chance_of_being_gone_is_what_happens() -> None:
    frame, as_of = many(6000), date(2025, 3, 31)
    until = as_of + timedelta(days=184)
    known = frame.with_columns(
        pl.when(pl.col("cancelled_on") <= as_of).then(pl.col(name)).alias(name) for name in ("ends_on", "cancelled_on")
    )
    made = forecast_contracts(known, as_of, 184.0, 0.0)
    running = made.is_active > 0
    truth = frame.sort("customer_id").select((pl.col("ends_on") <= until).fill_null(False)).to_series().to_numpy()
    assert running.sum() > 500
    assert made.p_gone[running].sum() == pytest.approx(truth[running].sum(), abs=3 * np.sqrt(truth[running].sum()))
