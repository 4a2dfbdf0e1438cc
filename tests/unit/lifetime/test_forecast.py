"""From a frame of orders to scores and forecasts: nothing later than the as-of day, nothing lost, everything reproducible."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from clientela.lifetime import (
    BacktestSettings,
    ForecastSettings,
    LifetimeError,
    Orders,
    backtest,
    forecast,
    rolling_origins,
    summarise_purchase_days,
)
from clientela.lifetime.forecast import Fits, add_months
from clientela.lifetime.season import season_index, season_over

FIRST = date(2023, 1, 1)
AS_OF = date(2023, 12, 31)


def invented_orders(customers: int = 500, days: int = 455, seed: int = 0) -> pl.DataFrame:
    """Customers who join over a year, buy at their own rate and leave by a coin after each order."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(1, customers + 1):
        at, rate, leave, nu = rng.uniform(0, 300), rng.gamma(1.0, 0.03) + 1e-4, rng.beta(0.5, 6), rng.gamma(4, 0.05)
        while at < days:
            net = rng.gamma(4) / nu if rng.random() > 0.05 else -10.0
            rows.append((customer, FIRST + timedelta(days=int(at)), net, 0.3 * net, customer % 3))
            if rng.random() < leave:
                break
            at += rng.exponential(1 / rate) + 1
    names = ["customer_id", "ordered_on", "net_revenue", "contribution", "category"]
    return pl.DataFrame(rows, schema=names, orient="row")


ORDERS = invented_orders()


def no_holes(frame: pl.DataFrame) -> None:
    for name, kind in frame.schema.items():
        if kind.is_float():
            assert frame.get_column(name).drop_nulls().is_finite().all(), name


def test_a_snapshot_equals_hand_counted_rows() -> None:
    day = [date(2024, 1, d) for d in (1, 11, 11, 31, 5, 20)]
    orders = pl.DataFrame(
        {
            "customer_id": [7, 7, 7, 7, 3, 9],
            "ordered_on": day,
            "net_revenue": [10.0, 20.0, 5.0, 99.0, -4.0, 8.0],
            "contribution": [1.0, 4.0, 1.0, 50.0, -3.0, None],
        }
    )
    s = Orders.of(orders).at(date(2024, 1, 21), holdout_days=10, recent_days=12)
    assert s.customers.to_list() == [3, 7, 9]
    assert s.histories.x.tolist() == [0, 1, 0]
    assert s.histories.t_x.tolist() == [0, 10, 0]
    assert s.histories.T.tolist() == [16, 20, 1]
    assert s.histories.log_gaps is not None and s.histories.log_gaps[1] == pytest.approx(np.log(10))
    assert s.recent_orders.tolist() == [0, 1, 1]
    assert s.actual_orders is not None and s.actual_orders.tolist() == [0, 1, 0]
    assert s.actual_value is not None and s.actual_value.tolist() == [0, 50, 0]
    assert s.spend is not None
    assert s.spend.paid.tolist() == [0, 2, 1] and s.spend.paid_revenue.tolist() == [0, 35, 8]
    assert s.spend.unpaid.tolist() == [1, 0, 0] and s.spend.unpaid_contribution.tolist() == [-3, 0, 0]
    assert s.spend.known.tolist() == [1, 2, 0] and s.spend.margin_revenue.tolist() == [0, 35, 0]


def test_event_arrays_give_the_same_histories_as_the_frame() -> None:
    days = (ORDERS.get_column("ordered_on") - FIRST).dt.total_days().to_numpy()
    ids, found = summarise_purchase_days(ORDERS.get_column("customer_id").to_numpy(), days, (AS_OF - FIRST).days)
    s = Orders.of(ORDERS).at(AS_OF)
    assert ids.tolist() == s.customers.to_list()
    for name in ("x", "t_x", "T"):
        assert np.array_equal(getattr(found, name), getattr(s.histories, name))


def test_origins_are_month_ends_whose_holdout_has_passed() -> None:
    found = rolling_origins(date(2017, 1, 1), date(2017, 9, 30), holdout_days=91)
    assert found == [date(2017, 4, 30), date(2017, 5, 31), date(2017, 6, 30)]
    assert rolling_origins(date(2017, 1, 1), date(2017, 3, 1), holdout_days=91) == []
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29) and add_months(date(2024, 12, 31), 24) == date(
        2026, 12, 31
    )


def test_orders_after_the_as_of_day_move_nothing() -> None:
    cut = ORDERS.filter(pl.col("ordered_on") <= AS_OF)
    planted = pl.concat([cut, cut.with_columns(ordered_on=pl.lit(AS_OF + timedelta(days=1)), net_revenue=pl.lit(1e6))])
    planted = planted.unique(["customer_id", "ordered_on"])
    past, past_planted = (backtest(o, AS_OF, BacktestSettings(max_origins=2)) for o in (cut, planted))
    assert past.scores.equals(past_planted.scores) and past.horizons == past_planted.horizons
    one, two = (
        forecast(o, AS_OF, ForecastSettings(draws=50), past=p) for o, p in ((cut, past), (planted, past_planted))
    )
    assert one.customers.equals(two.customers) and one.parameters.equals(two.parameters)


def test_backtest_scores_every_candidate_at_every_origin_and_chooses_one() -> None:
    past = backtest(ORDERS, AS_OF, BacktestSettings(max_origins=3))
    orders = past.scores.filter(pl.col("target") == "orders")
    assert orders.group_by("as_of").len().get_column("len").unique().to_list() == [9]
    assert orders.get_column("as_of").n_unique() == 4  # three origins, and all together
    assert orders.filter("is_chosen").get_column("candidate").unique().to_list() == [past.order_model]
    assert past.spend_model in ("normal", "gamma_gamma") and past.order_reason and past.spend_reason
    pooled = orders.filter(pl.col("as_of").is_null()).select("candidate", "mean_poisson_deviance").rows()
    best = min(value for _, value in pooled)
    assert dict(pooled)[past.order_model] < 1.1 * best
    assert set(past.intervals.get_column("horizon_months")) == set(past.horizons) == {3, 12, 24}
    assert [past.horizons[months].is_shorter for months in (3, 12, 24)] == [False, True, True]
    no_holes(past.scores)


def test_forecast_has_one_row_per_customer_and_groups_that_add_up() -> None:
    groups = ORDERS.select("customer_id", parity=pl.col("customer_id") % 2).unique()
    made = forecast(ORDERS, AS_OF, ForecastSettings(order_model="mbg_nbd", draws=200), groups=groups)
    known = ORDERS.filter(pl.col("ordered_on") <= AS_OF).get_column("customer_id").unique().sort()
    assert made.customers.get_column("customer_id").to_list() == known.to_list()
    company = made.groups.row(0, named=True)
    parts = made.groups.filter(pl.col("segmentation") == "parity")
    for name in ("expected_orders", "expected_value", "customers"):
        assert parts.get_column(name).sum() == pytest.approx(company[name])
        if name != "customers":
            assert made.customers.get_column(name).sum() == pytest.approx(company[name])
    assert company["expected_value_p10"] < company["expected_value"] < company["expected_value_p90"]
    # quantiles of customers do not add up to the quantile of the company
    assert made.customers.get_column("expected_value_p90").sum() > 1.1 * company["expected_value_p90"]
    assert made.customers.filter(pl.col("p_alive") < 1).height > 0
    truncated = made.customers.filter("is_left_truncated").get_column("first_ordered_on")
    assert truncated.max() < FIRST + timedelta(days=56 + 7) and truncated.len() > 0
    assert set(made.customers.get_column("season")) == {"no season learnt"}
    no_holes(made.customers)
    no_holes(made.groups)


def test_a_horizon_of_three_months_forecasts_what_then_came() -> None:
    made = forecast(ORDERS, AS_OF, ForecastSettings(horizon_months=3, order_model="mbg_nbd", draws=200))
    known = made.customers.select("customer_id")
    came = ORDERS.filter(pl.col("ordered_on") > AS_OF, pl.col("ordered_on") <= date(2024, 3, 31)).join(
        known, on="customer_id"
    )
    company = made.groups.row(0, named=True)
    assert company["expected_orders"] == pytest.approx(came.height, rel=0.15)
    assert company["expected_value"] == pytest.approx(came.get_column("contribution").sum(), rel=0.25)


def test_a_longer_horizon_brings_no_less_and_its_quantiles_lie_no_lower() -> None:
    """Each horizon has weights of its own, so that nothing but the rule keeps the longer above the shorter."""
    past = backtest(ORDERS, AS_OF, BacktestSettings(max_origins=2))
    weights = {"mbg_nbd": 1.0}
    far = replace(past.horizons[12], combination=replace(past.horizons[12].combination, weights=weights, level=0.9))
    past = replace(past, horizons={**past.horizons, 12: far})
    fits = Fits()
    near, later, latest = (
        forecast(ORDERS, AS_OF, ForecastSettings(horizon_months=months), past=past, fits=fits) for months in (3, 12, 24)
    )
    assert near.customers["expected_orders"].sum() > 0
    for shorter, longer in ((near, later), (later, latest)):
        for name in ("expected_orders", "expected_orders_p10", "expected_orders_p50", "expected_orders_p90"):
            assert (longer.customers[name] >= shorter.customers[name] - 1e-9).all(), name
            assert (longer.groups[name] >= shorter.groups[name] - 1e-9).all(), name
        assert (longer.customers["expected_value"] >= shorter.customers["expected_value"] - 1e-9).all()


def test_a_model_of_a_longer_horizon_is_learnt_from_the_sample_too() -> None:
    """What a shorter horizon needed is fitted already; what only the longer one needs is fitted to as many customers."""
    past, fits = backtest(ORDERS, AS_OF, BacktestSettings(candidates=("nbd",))), Fits()
    horizons = {
        months: replace(horizon, combination=replace(horizon.combination, weights={name: 1.0}))
        for (months, horizon), name in zip(past.horizons.items(), ("mbg_nbd", "pareto_nbd", "nbd"), strict=False)
    }
    assert len(horizons) > 1
    for months in horizons:
        settings = ForecastSettings(horizon_months=months, draws=0, at_most=200)
        made = forecast(ORDERS, AS_OF, settings, past=replace(past, horizons=horizons), fits=fits)
    fitted = made.parameters.filter(pl.col("component") == "orders")
    assert fitted["model"].n_unique() == len(horizons)
    assert fitted["customers"].max() <= 200 < made.customers.height


def test_a_fixed_candidate_keeps_its_name_and_the_past_corrects_its_level() -> None:
    past = backtest(ORDERS, AS_OF, BacktestSettings(max_origins=2, order_model="own_rate"))
    assert [learnt.name for learnt in past.horizons.values()] == ["own_rate"] * 3
    made = forecast(ORDERS, AS_OF, ForecastSettings(order_model="own_rate", horizon_months=3), past=past)
    assert set(made.customers["order_model"]) == {"own_rate"}


def test_discounting_and_horizon_work_on_the_mean_as_on_the_draws() -> None:
    settings = (ForecastSettings(annual_discount_rate=r, order_model="mbg_nbd", draws=200) for r in (0.0, 0.5))
    near, far = (forecast(ORDERS, AS_OF, one) for one in settings)
    ratio = far.groups.row(0, named=True)["expected_value"] / near.groups.row(0, named=True)["expected_value"]
    drawn = far.groups.row(0, named=True)["expected_value_p50"] / near.groups.row(0, named=True)["expected_value_p50"]
    assert 0.6 < ratio < 0.8
    assert drawn == pytest.approx(ratio, rel=0.03)


@pytest.mark.parametrize("model", ["own_rate", "poisson_regression", "bg_nbd", "nbd"])
def test_p_alive_never_comes_from_a_model_that_cannot_see_one_time_buyers_leave(model: str) -> None:
    made = forecast(ORDERS, AS_OF, ForecastSettings(order_model=model, draws=50))
    assert set(made.customers.get_column("p_alive_model")) <= {"pareto_nbd", "mbg_nbd"}
    once = ORDERS.filter(pl.col("ordered_on") <= AS_OF).group_by("customer_id").len().filter(pl.col("len") == 1)
    assert made.customers.join(once, on="customer_id").get_column("p_alive").max() < 1
    no_holes(made.customers)


def test_a_season_is_learnt_from_two_full_years_and_from_no_less() -> None:
    rng = np.random.default_rng(0)
    days = np.arange(19_000, 19_000 + 1096)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12
    counts = rng.poisson(np.where(months == 11, 60.0, 30.0))
    at = np.repeat(days, counts).astype(float)
    start = date(1970, 1, 1) + timedelta(days=19_000)
    end = start + timedelta(days=1095)
    index = season_index(at, start, end)
    assert index is not None and index[11] / index[5] == pytest.approx(2.0, rel=0.1)
    assert season_over(index, date(2024, 11, 30), 31) > 1.5 and season_over(
        index, date(2024, 12, 31), 365
    ) == pytest.approx(1, abs=0.02)
    assert season_index(at, end - timedelta(days=700), end) is None and season_over(None, end, 30) == 1.0


def frame(customers: list[int], days: list[int], net: list[float], share: float = 0.3) -> pl.DataFrame:
    dates = [FIRST + timedelta(days=d) for d in days]
    return pl.DataFrame(
        {"customer_id": customers, "ordered_on": dates, "net_revenue": net, "contribution": [share * z for z in net]}
    )


SMALL = {
    "one order each": frame(list(range(50)), list(range(0, 250, 5)), [10.0 + i for i in range(50)]),
    "one customer": frame([1] * 30, list(range(0, 300, 10)), [10.0] * 30),
    "all identical": frame([c for c in range(60) for _ in range(5)], [0, 50, 100, 150, 200] * 60, [10.0] * 300),
    "negative contribution": frame(
        [i % 40 for i in range(600)], [(i * 37) % 300 for i in range(600)], [5.0 + i % 7 for i in range(600)], -0.4
    ),
    "only returns": frame(
        [i % 40 for i in range(600)], [(i * 37) % 300 for i in range(600)], [-5.0 - i % 7 for i in range(600)]
    ),
}


@pytest.mark.parametrize("name", list(SMALL))
def test_odd_companies_end_in_figures_without_holes(name: str) -> None:
    as_of = FIRST + timedelta(days=320)
    past = backtest(SMALL[name], as_of, BacktestSettings(max_origins=2))
    made = forecast(SMALL[name], as_of, ForecastSettings(draws=50), past=past)
    for each in (made.customers, made.groups, made.parameters, past.scores, past.intervals):
        no_holes(each)
    company = made.groups.row(0, named=True)
    assert 0 < company["expected_orders"] < 5 * SMALL[name].height
    sign = -1 if name in ("negative contribution", "only returns") else 1
    assert sign * company["expected_value"] > 0


@pytest.mark.parametrize(
    ("orders", "as_of", "words"),
    [
        (ORDERS, date(2022, 12, 1), "before the first order"),
        (ORDERS.head(0), AS_OF, "no order"),
        (ORDERS.drop("ordered_on"), AS_OF, "no column ordered_on"),
        (ORDERS.with_columns(pl.col("ordered_on").cast(pl.Datetime)), AS_OF, "must be a date"),
        (ORDERS.with_columns(net_revenue=pl.lit(float("nan"))), AS_OF, "finite"),
        (SMALL["one customer"].head(1), FIRST, "no time has passed"),
    ],
)
def test_what_cannot_be_forecast_is_refused_with_one_sentence(orders: pl.DataFrame, as_of: date, words: str) -> None:
    with pytest.raises(LifetimeError, match=words):
        forecast(orders, as_of)


def test_orders_without_money_are_forecast_without_money() -> None:
    made = forecast(
        ORDERS.select("customer_id", "ordered_on"), AS_OF, ForecastSettings(order_model="mbg_nbd", draws=50)
    )
    assert made.customers.get_column("expected_value").null_count() == made.customers.height
    assert made.customers.get_column("expected_orders").sum() > 0


def test_too_short_a_past_chooses_the_default_and_says_why() -> None:
    past = backtest(ORDERS, date(2023, 4, 1))
    assert past.scores.height == 0 and past.order_model == "mbg_nbd" and "no rolling origin" in past.order_reason
