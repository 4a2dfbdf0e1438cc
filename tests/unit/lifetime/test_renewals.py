"""Contracts that came into sight late are not taken for better ones, and what the data carry is used where it foresees better."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from clientela.lifetime.contract_forecast import NO_AMOUNT, NO_COST, PAUSED, forecast_contracts
from clientela.lifetime.contract_history import due_days, full_months, known_contracts
from clientela.lifetime.contracts import fit_contracts
from clientela.lifetime.forecast import add_months
from clientela.lifetime.renewal_choice import RenewalPast, compare_renewals
from clientela.lifetime.renewal_models import fit_renewals

AS_OF = date(2025, 12, 31)
SCHEMA = {
    "customer_id": pl.Int64,
    "started_on": pl.Date,
    "ends_on": pl.Date,
    "cancelled_on": pl.Date,
    "period_months": pl.Int64,
    "term_months": pl.Int64,
    "product": pl.String,
    "recurring_amount": pl.Float64,
    "contribution": pl.Float64,
}


def contracts(*rows: dict[str, object]) -> pl.DataFrame:
    start = date(2025, 1, 1)
    usual = {"started_on": start, "period_months": 1, "term_months": None, "product": "a", "contribution": 10.0}
    return pl.DataFrame([{"customer_id": n, **usual, **row} for n, row in enumerate(rows, start=1)], schema=SCHEMA)


def lives(
    churn: dict[str, float], each: int, seed: int = 1, since: date | None = None, term: int | None = None
) -> pl.DataFrame:
    """Monthly contracts of eight years, each product with its own monthly churn; `term`: only at the end of so many months.
    since: what had ended before that day was left behind."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for product, rate in churn.items():
        for started, turns in zip(rng.integers(0, 96, each), rng.geometric(rate, each), strict=True):
            start = add_months(date(2018, 1, 1), int(started))
            over = add_months(start, int(turns) * (term or 1))
            gone = over - timedelta(days=1) if over <= AS_OF else None
            if since is None or gone is None or gone >= since:
                rows.append(
                    {
                        "started_on": start,
                        "ends_on": gone,
                        "cancelled_on": gone,
                        "product": product,
                        "term_months": term,
                    }
                )
    return contracts(*rows)


def test_months_are_counted_as_a_calendar_counts_them() -> None:
    days = pl.DataFrame({"started_on": [date(2025, 1, 31), date(2025, 1, 31), date(2025, 1, 15), date(2024, 2, 29)]})
    until = pl.Series([date(2025, 2, 28), date(2025, 3, 30), date(2025, 3, 14), date(2025, 2, 28)])
    assert days.select(full_months("started_on", pl.lit(until))).to_series().to_list() == [1, 1, 1, 12]
    ahead = due_days(days["started_on"], np.array([1, 2, 12, 24]), date(2025, 1, 31))
    assert ahead.tolist() == [28, 59, 349, 393]


def test_who_was_there_when_the_data_begin_says_nothing_of_the_time_before() -> None:
    complete, late = lives({"a": 0.04}, 4000), lives({"a": 0.04}, 4000, since=date(2025, 1, 1))
    for frame in (complete, late):
        known = known_contracts(frame, AS_OF, 91)
        assert fit_renewals("one_renewal_rate", known).fits[1].parameters["renewal_rate"] == pytest.approx(
            0.96, abs=0.004
        )
        fit = fit_renewals("tenure_curve", known).fits[1]
        survival = fit.p_running_after([0.0, 12.0], 12.0)
        assert survival == pytest.approx([0.96**12] * 2, abs=0.05)
        regression = fit_renewals("renewal_regression", known)
        assert regression.survival((1, 1, "a"), 6, 12)[-1] == pytest.approx(0.96**12, abs=0.05)
    assert known_contracts(complete, AS_OF, 91)["entered"].max() == 0, "a source that tells of all ends is believed"
    assert known_contracts(late, AS_OF, 91)["observed_from"].unique().to_list() == [date(2025, 2, 1)]


def test_given_alive_the_likelihood_is_that_of_what_followed() -> None:
    def p_and_alive(a: float, b: float) -> tuple[list[float], list[float]]:
        p, alive = [a / (a + b)], [b / (a + b)]  # the published form of sBG, by its recursion
        for t in range(2, 9):
            p.append(p[-1] * (b + t - 2) / (a + b + t - 1))
            alive.append(alive[-1] - p[-1])
        return p, alive

    p, alive = p_and_alive(0.8, 3.0)
    seen = np.array([*p[2:], alive[-1]]) / alive[1]
    counts, entered = 10_000 * seen, np.full(7, 2)
    late = fit_contracts([3, 4, 5, 6, 7, 8, 8], [True] * 6 + [False], counts, entered=entered)
    assert late.parameters == {"alpha": pytest.approx(0.8, rel=1e-3), "beta": pytest.approx(3.0, rel=1e-3)}
    assert late.log_likelihood == pytest.approx(float(counts @ np.log(seen)))
    assert late.survival([1]) == pytest.approx(alive[0], rel=1e-3), "as many left early as the selection hides"


def test_a_file_that_says_who_left_in_its_last_month_is_read_as_that() -> None:
    tenure = np.repeat(np.arange(1, 37), 40)
    gone = np.tile(np.arange(40) < 10, 36)
    frame = contracts(
        *(
            {"started_on": add_months(AS_OF, -int(months)), "cancelled_on": AS_OF if left else None}
            for months, left in zip(tenure, gone, strict=True)
        )
    )
    known = known_contracts(frame, AS_OF, 91)
    assert (known["age"] - known["entered"]).unique().to_list() == [1.0], "each was in sight for one renewal"
    fit = fit_renewals("one_renewal_rate", known).fits[1]
    assert fit.parameters["renewal_rate"] == pytest.approx(1080.5 / 1441)
    assert known.filter("is_over").height == known.filter("has_failed").height == 360


@pytest.mark.parametrize(
    ("frame", "chosen"),
    [
        (lives({"a": 0.05}, 2500), "one_renewal_rate"),
        (lives({"a": 0.01, "b": 0.15}, 3000), "renewal_regression"),
        (lives({"a": 0.4}, 3000, term=12), "renewal_regression"),
    ],
    ids=["all alike", "products differ", "only at the end of a term"],
)
def test_the_simplest_that_foresees_as_well_as_any_is_chosen(frame: pl.DataFrame, chosen: str) -> None:
    past = compare_renewals(frame, AS_OF)
    assert past.model == chosen, past.reason
    whole = past.scores.filter(pl.col("origin_on").is_null())
    assert whole.filter("is_chosen")["candidate"].to_list() == [chosen] and whole.height == 3
    by_origin = past.scores.filter(pl.col("origin_on").is_not_null())
    assert by_origin["origin_on"].n_unique() == 6 and by_origin["origin_on"].max() == date(2025, 9, 30)
    tenures = past.calibrations
    assert tenures.height == 4 and tenures["customers"].sum() == by_origin.filter("is_chosen")["customers"].sum()
    # calibrated: what came of each tenure is what was foreseen, to three standard errors of so many contracts
    off = (pl.col("actual_total") - pl.col("expected_total")).abs()
    assert tenures.select((off < 3 * (6 * (pl.col("customers") - pl.col("expected_total"))).sqrt() + 3).all()).item()


def test_who_has_not_given_notice_when_it_is_nearly_due_is_likelier_to_stay() -> None:
    # yearly contracts, each third cancelled two months ahead; one is due in ten days, one in a hundred
    rows: list[dict[str, object]] = [
        {"started_on": date(2024, 6, 1), "period_months": 12}
        | ({"ends_on": date(2025, 5, 31), "cancelled_on": date(2025, 4, 1)} if n % 3 == 0 else {})
        for n in range(60)
    ]
    soon = {"started_on": date(2024, 1, 10), "period_months": 12}
    late = {"started_on": date(2024, 4, 10), "period_months": 12}
    made = forecast_contracts(contracts(*rows, soon, late), AS_OF, 365.0, 0.0)
    rate = 1 - 20.5 / (20.5 + 40.5)
    assert made.fits[12].parameters["renewal_rate"] == pytest.approx(rate)
    assert made.expected[-2:] == pytest.approx([10.0, 10 * rate])
    assert made.p_gone[-2:] == pytest.approx([0.0, 1 - rate])
    drawn = made.draws(400, 1).draw(np.array([60, 61]), np.random.default_rng(1))
    assert drawn.mean(axis=1) == pytest.approx([10.0, 10 * rate], rel=0.1)


def test_what_comes_later_changes_no_choice() -> None:
    frame = lives({"a": 0.01, "b": 0.15}, 800)
    day = date(2025, 6, 30)
    later = compare_renewals(frame, day)
    hidden = frame.filter(pl.col("started_on") <= day).with_columns(
        pl.when(pl.col("cancelled_on") <= day).then(pl.col(name)).alias(name) for name in ("ends_on", "cancelled_on")
    )
    then = compare_renewals(hidden, day)
    assert later.model == then.model and later.scores.equals(then.scores)


def test_that_a_company_has_no_past_is_said() -> None:
    past = compare_renewals(contracts({}, {}), AS_OF)
    assert past.model == "tenure_curve"
    assert "no past month-end with 30 renewals due" in past.scores["reason"].item()


def test_a_regression_is_expected_and_drawn_alike() -> None:
    frame = lives({"a": 0.01, "b": 0.15}, 400)
    made = forecast_contracts(frame, AS_OF, 365.0, 0.0003, RenewalPast("renewal_regression"))
    assert made.model == "renewal_regression" and not made.fits
    drawn = made.draws(400, 1).draw(np.arange(len(made.customers)), np.random.default_rng(1))
    assert drawn.sum(axis=0).mean() == pytest.approx(made.expected.sum(), rel=0.02)
    by_product = frame.join(made.contracts.select("customer_id", "expected"), on="customer_id")
    means = dict(by_product.group_by("product").agg(pl.col("expected").mean()).iter_rows())
    assert means["a"] > 1.5 * means["b"]


def test_without_a_known_margin_the_net_amount_stands_and_the_row_says_so() -> None:
    frame = contracts(
        {"recurring_amount": 30.0, "contribution": 12.0},
        {"recurring_amount": 30.0, "contribution": None},
        {"recurring_amount": None, "contribution": None},
        {"recurring_amount": 30.0, "contribution": None, "cancelled_on": date(2025, 6, 1)},
    )
    made = forecast_contracts(frame, AS_OF, 365.0, 0.0)
    rate = made.fits[1].parameters["renewal_rate"]
    payments = sum(rate**k for k in range(1, 13))
    assert made.expected == pytest.approx([12 * payments, 30 * payments, 0, 0])
    assert made.notes.to_list() == [None, NO_COST, NO_AMOUNT, None]


def test_a_pause_is_not_paid_and_a_renewed_contract_has_not_ended() -> None:
    frame = contracts({}, {}, {"cancelled_on": date(2025, 6, 1)}, {"started_on": date(2025, 6, 1)}).with_columns(
        paused_on=pl.Series([date(2025, 12, 1)] * 2 + [None] * 2),
        resumed_on=pl.Series([None, date(2026, 3, 1), None, None], dtype=pl.Date),
        renewed_on=pl.Series([None, None, date(2025, 6, 1), None], dtype=pl.Date),
        first_started_on=pl.Series([None, None, None, date(2025, 1, 1)], dtype=pl.Date),
    )
    made = forecast_contracts(frame, AS_OF, 181.0, 0.0)
    assert made.notes.to_list() == [PAUSED, None, None, None]
    rate = made.fits[1].parameters["renewal_rate"]
    assert rate == pytest.approx(1 - 0.5 / (11 + 11 + 5 + 6 + 1)), "nobody left"
    paid = [rate**k for k in range(1, 7)]  # on the first of January to June
    assert made.expected == pytest.approx([0, 10 * sum(paid[2:]), 0, 10 * sum(paid)])
    assert known_contracts(frame, AS_OF, 0)["age"].to_list() == [11, 11, 5, 11]
