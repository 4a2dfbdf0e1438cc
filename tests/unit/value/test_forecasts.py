"""Forecasts for the marts: what a day says depends on nothing after it, and every company gets a figure or a sentence."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from clientela.value.forecasts import (
    LEAST_CUSTOMERS,
    OF_CUSTOMERS,
    SCHEMAS,
    Before,
    DayTables,
    Forecasts,
    month_ends_before,
)
from clientela.value.settings import ValueSettings

NO_CONTRACTS = pl.DataFrame(
    schema={
        "customer_id": pl.Int64,
        "started_on": pl.Date,
        "ends_on": pl.Date,
        "cancelled_on": pl.Date,
        "period_months": pl.Int64,
        "contribution": pl.Float64,
    }
)
SETTINGS = ValueSettings(month_ends=3, draws=100, origins=2)
AS_OF = date(2025, 10, 20)
FIGURES = [
    "expected_orders",
    "expected_value",
    "order_model",
    "spend_model",
]


def forecasts_of(*args: Any, **more: Any) -> DayTables:
    """All rows of all days, nothing taken over."""
    measured = list(Forecasts(*args, **more).measured())
    assert not any(day.is_taken_over for day in measured)
    return together([day.made for day in measured])


def together(days: list[DayTables]) -> DayTables:
    return DayTables.of(**{name: [getattr(day, name) for day in days] for name in SCHEMAS})


def days_of(*rows: tuple[int, date, float], contribution: float | None = 0.3) -> pl.DataFrame:
    """Purchase days of (customer, day, net revenue), contribution as a share of it."""
    return pl.DataFrame(
        {
            "customer_id": [r[0] for r in rows],
            "ordered_on": [r[1] for r in rows],
            "is_order": [True for _ in rows],
            "net_revenue": [r[2] for r in rows],
            "contribution": [None if contribution is None else r[2] * contribution for r in rows],
            "cost_to_serve": [0.0 for _ in rows],
        },
        schema={
            "customer_id": pl.Int64,
            "ordered_on": pl.Date,
            "is_order": pl.Boolean,
            "net_revenue": pl.Float64,
            "contribution": pl.Float64,
            "cost_to_serve": pl.Float64,
        },
    )


def invented(customers: int = 250, seed: int = 1) -> pl.DataFrame:
    """A year of purchase days, some customers lost on the way, with returns and contacts that cost."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, date, float]] = []
    for customer in range(1, customers + 1):
        day = int(rng.integers(0, 250))
        rate, end = rng.gamma(0.8, 1 / 25), 300 + rng.exponential(200) - 150
        while day <= min(end, 365):
            rows.append((customer, date(2025, 1, 1) + timedelta(days=day), float(rng.gamma(5, 8))))
            day += int(np.ceil(rng.exponential(1 / rate)))
    bought = days_of(*rows).unique(["customer_id", "ordered_on"], keep="first", maintain_order=True)
    some = bought.gather_every(9)
    later = pl.col("ordered_on") + pl.duration(days=12)
    returned = some.with_columns(
        later, is_order=False, net_revenue=-pl.col("net_revenue") / 2, contribution=-pl.col("contribution") / 2
    )
    served = some.with_columns(later, is_order=False, net_revenue=0.0, contribution=0.0, cost_to_serve=3.0)
    return pl.concat([bought, returned.select(bought.columns), served.select(bought.columns)]).filter(
        pl.col("ordered_on") <= AS_OF
    )


def customers_at(made: DayTables, day: date) -> pl.DataFrame:
    return made.customers.filter(pl.col("measured_on") == day).sort("customer_id")


def assert_sensible(made: DayTables) -> None:
    for name, frame in made.frames():
        assert dict(frame.schema) == dict(SCHEMAS[name])
        numbers = frame.select(pl.selectors.float().is_finite().all())
        assert not numbers.width or all(numbers.row(0)), f"{name}: neither inf nor NaN"
    customers = made.customers
    assert not customers.filter(pl.col("expected_orders").is_null() & pl.col("fallback_reason").is_null()).height
    assert customers.filter(pl.col("customer_id") <= 0).height == 0


def test_month_ends_are_those_before_the_day_and_after_the_beginning() -> None:
    assert month_ends_before(date(2025, 3, 31), 12, date(2025, 1, 15)) == [date(2025, 1, 31), date(2025, 2, 28)]
    assert month_ends_before(date(2025, 3, 31), 1, date(2024, 1, 1)) == [date(2025, 2, 28)]
    assert month_ends_before(date(2025, 3, 31), 0, date(2024, 1, 1)) == []


def test_a_month_end_says_what_it_would_have_said_on_its_day() -> None:
    days = invented()
    contracts = pl.DataFrame(
        {
            "customer_id": list(range(1, 61)),
            "started_on": [date(2025, 1, 1) + timedelta(days=3 * k) for k in range(60)],
            "ends_on": [date(2025, 10, 1) if k % 4 == 0 else None for k in range(60)],
            "cancelled_on": [date(2025, 10, 1) if k % 4 == 0 else None for k in range(60)],
            "period_months": [1] * 60,
            "contribution": [9.0] * 60,
        },
        schema_overrides={"ends_on": pl.Date, "cancelled_on": pl.Date},
    )
    later = forecasts_of(days, contracts, AS_OF, SETTINGS)
    assert_sensible(later)
    for day in (date(2025, 8, 31), date(2025, 9, 30)):
        then = forecasts_of(days, contracts, day, SETTINGS)
        was, said = customers_at(then, day), customers_at(later, day)
        assert said.height > 100
        assert said.select("customer_id", *FIGURES).equals(was.select("customer_id", *FIGURES)), day
        # of the as-of day alone it is told whether they come back, to which P(alive) is tied
        assert said["p_no_order_3m"].null_count() == said.height and was["p_no_order_3m"].null_count() < 5
        assert (said["p_alive"] <= was["p_alive"]).all()


def test_what_was_made_from_the_same_is_taken_over_and_nothing_else() -> None:
    days = invented()
    first = forecasts_of(days, NO_CONTRACTS, AS_OF, SETTINGS, Before("code"))
    asked: list[str] = []

    def earlier(fingerprints: list[str]) -> tuple[set[str], DayTables]:
        asked.extend(fingerprints)
        there = first.each(lambda _, frame: frame.filter(pl.col("made_from").is_in(fingerprints)))
        held = {*there.customers["made_from"], *there.past_predictions["made_from"]}
        none = there.each(lambda name, frame: frame.clear() if name in OF_CUSTOMERS else frame)
        return held, none

    measured = list(Forecasts(days, NO_CONTRACTS, AS_OF, SETTINGS, Before("code", earlier)).measured())
    taken_over = [day.made_from for day in measured if day.is_taken_over]
    assert len(asked) == 4 and taken_over == asked
    # the fourth is looked back upon for what it would have said of the quarter that is over
    assert [day.measured_on for day in measured if day.is_taken_over] == month_ends_before(AS_OF, 4, date(2025, 1, 1))
    again = together([day.made for day in measured])
    assert again.customers.equals(customers_at(first, AS_OF))
    assert set(first.past_predictions["measured_on"]) == {date(2025, 6, 30)} and again.past_predictions.is_empty()
    for name, frame in again.frames():
        if name in OF_CUSTOMERS:
            continue
        whole = [rows.sort(pl.all(), nulls_last=True) for rows in (frame, getattr(first, name))]
        assert whole[0].equals(whole[1]), name

    changed = days.with_columns(
        net_revenue=pl.when(pl.col("ordered_on") == date(2025, 9, 15)).then(1.0).otherwise("net_revenue")
    )
    prints = {
        name: dict(
            forecasts_of(frame, NO_CONTRACTS, AS_OF, SETTINGS, Before(code))
            .customers.select("measured_on", "made_from")
            .rows()
        )
        for name, frame, code in (("changed", changed, "code"), ("other code", days, "other"))
    }
    before = dict(first.customers.select("measured_on", "made_from").rows())
    same = {day for day in before if prints["changed"][day] == before[day]}
    assert same == {date(2025, 7, 31), date(2025, 8, 31)}, "only days before the change keep their figures"
    assert not set(prints["other code"].values()) & set(before.values())


@pytest.mark.parametrize("customers", [250, 20], ids=["with models", "too few for one"])
def test_what_would_have_been_predicted_on_a_past_day_is_what_was(customers: int) -> None:
    days = invented(customers)
    contracts = pl.DataFrame(
        {
            "customer_id": [1, 9001],
            "started_on": [date(2025, 1, 1), date(2025, 2, 1)],
            "ends_on": [None, None],
            "cancelled_on": [None, None],
            "period_months": [1, 1],
            "contribution": [10.0, 10.0],
        },
        schema_overrides={"ends_on": pl.Date, "cancelled_on": pl.Date},
    )
    settings = SETTINGS.model_copy(update={"scored_horizons_months": [1, 3, 24]})
    since = forecasts_of(days, contracts, AS_OF, settings).past_predictions
    over = {(row["measured_on"], row["horizon_months"]) for row in since.iter_rows(named=True)}
    assert over == {(date(2025, 6, 30), 1), (date(2025, 6, 30), 3), (date(2025, 7, 31), 1), (date(2025, 8, 31), 1)}
    columns = ["horizon_months", "customer_id", "cohort", "decile", "order_model"]
    for day in (date(2025, 6, 30), date(2025, 8, 31)):
        then = forecasts_of(days, contracts, day, settings).predictions.filter(pl.col("segmentation") == "customer")
        said = since.filter(pl.col("measured_on") == day).sort("horizon_months", "customer_id")
        was = then.filter(pl.col("horizon_months").is_in(said["horizon_months"].unique().implode()))
        was = was.sort("horizon_months", "customer_id")
        assert said.select(columns).equals(was.select(columns))
        for figure in ("expected_orders", "expected_value"):
            np.testing.assert_allclose(said[figure], was[figure], rtol=1e-9)


@pytest.mark.parametrize("customers", [250, 20], ids=["with models", "too few for one"])
def test_whether_they_come_back_contradicts_nothing_beside_it(customers: int) -> None:
    contract = {"customer_id": 9001, "started_on": date(2025, 2, 1), "period_months": 1, "contribution": 10.0}
    contracts = pl.DataFrame([contract], schema=NO_CONTRACTS.schema)
    made = forecasts_of(invented(customers), contracts, AS_OF, SETTINGS)
    frozen = made.predictions.filter(pl.col("segmentation") == "customer")
    of_horizon = {
        months: frozen.filter(pl.col("horizon_months") == months).select("customer_id", orders="expected_orders")
        for months in (3, 12, 24)
    }
    own = made.customers.filter("is_as_of").sort("customer_id")
    only = own.filter(pl.col("customer_id") == 9001).row(0, named=True)
    assert (only["p_no_order_3m"], only["p_alive"]) == (None, 1.0), "nothing but contracts: no order is forecast"
    bought = own.filter(pl.col("customer_id") != 9001)
    three, six, twelve = (bought[f"p_no_order_{months}m"] for months in (3, 6, 12))
    assert bought.select(pl.col("^p_no_order_.*$").is_between(0, 1).all()).row(0) == (True,) * 3
    assert (three >= six).all() and (six >= twelve).all() and (three > twelve).any()
    assert (bought["p_order_within_30_days"] <= bought["p_order_within_90_days"]).all()
    assert (bought["p_order_within_90_days"] <= 1 - six + 1e-12).all()
    for months, p in ((3, three), (12, twelve)):
        orders = bought.join(of_horizon[months], on="customer_id", how="left", maintain_order="left")["orders"]
        assert (orders >= 1 - p - 1e-9).all(), "at least so many orders as it is likely that one comes"
        assert (orders <= (1 - p) * 366 + 1e-9).all(), "and at most one a day"
    levels = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
    for months, p in ((3, three), (12, twelve), (24, bought["p_no_order"]) if customers > 30 else (3, three)):
        of = bought.select("customer_id").join(
            frozen.filter(pl.col("horizon_months") == months), on="customer_id", how="left", maintain_order="left"
        )
        of = of.with_columns(none=p)
        assert (of["expected_orders_p50"].null_count() > 0) is (customers < 30), "too few for a model: no interval"
        for name, level in levels.items():
            orders, money = pl.col(f"expected_orders_{name}"), pl.col(f"expected_value_{name}")
            said = of.filter(orders.is_not_null())
            assert said.filter((orders >= 1) != (pl.col("none") < level)).is_empty(), (months, name)
            assert said.filter((orders < 1) & (money > 0)).is_empty(), "no money where no order comes"
    assert (bought["p_no_order"] <= twelve).all() and (
        bought["expected_orders"] >= 1 - bought["p_no_order"] - 1e-9
    ).all()
    told = bought.filter(pl.col("p_alive").is_not_null())
    assert (told["p_alive"] >= 1 - told["p_no_order_12m"] - 1e-12).all(), "who orders is a customer"
    assert bought.filter(pl.col("p_alive").is_null() == pl.col("p_alive_reason").is_null()).is_empty()
    brings = bought.filter(pl.col("expected_value") > 0)
    assert (brings["expected_value_given_order"] >= brings["expected_value"]).all()


def test_p_alive_is_not_told_where_it_is_not_seen_when_customers_began() -> None:
    begun_before = invented()
    first = begun_before.group_by("customer_id").agg(pl.col("ordered_on").min().alias("first"))
    panel = begun_before.join(first, on="customer_id").with_columns(
        ordered_on=pl.when(pl.col("ordered_on") == pl.col("first")).then(pl.date(2025, 1, 2)).otherwise("ordered_on")
    )
    panel = panel.select(begun_before.columns).unique(["customer_id", "ordered_on", "is_order"], keep="first")
    made = forecasts_of(panel, NO_CONTRACTS, AS_OF, SETTINGS).customers
    assert made["p_alive"].null_count() == made.height
    assert "were there in the first 56 days of the data" in made["p_alive_reason"][0]
    assert made.filter("is_as_of")["p_no_order_3m"].null_count() == 0


def test_no_day_before_a_quarter_of_a_year_of_data_is_looked_back_upon() -> None:
    settings = SETTINGS.model_copy(update={"month_ends": 0})
    assert forecasts_of(invented(), NO_CONTRACTS, date(2025, 6, 30), settings).past_predictions.is_empty()
    since = forecasts_of(invented(), NO_CONTRACTS, date(2025, 7, 31), settings)
    assert set(since.past_predictions["measured_on"]) == {date(2025, 4, 30)}
    assert set(since.customers["measured_on"]) == {date(2025, 7, 31)}


def test_a_customers_contracts_and_purchases_add() -> None:
    days = invented()
    contracts = pl.DataFrame(
        {
            "customer_id": [1, 9001],
            "started_on": [date(2025, 3, 1), date(2025, 4, 1)],
            "ends_on": [None, None],
            "cancelled_on": [None, None],
            "period_months": [1, 1],
            "contribution": [10.0, 10.0],
        },
        schema_overrides={"ends_on": pl.Date, "cancelled_on": pl.Date},
    )
    without = customers_at(forecasts_of(days, NO_CONTRACTS, AS_OF, SETTINGS), AS_OF)
    made = forecasts_of(days, contracts, AS_OF, SETTINGS)
    assert_sensible(made)
    with_them = customers_at(made, AS_OF)

    def of(frame: pl.DataFrame, customer: int) -> dict[str, Any]:
        return frame.filter(pl.col("customer_id") == customer).row(0, named=True)

    both, bought, only = of(with_them, 1), of(without, 1), of(with_them, 9001)
    assert both["expected_contract_value"] > 50
    assert both["expected_value"] == pytest.approx(bought["expected_value"] + both["expected_contract_value"])
    assert both["p_alive"] == only["p_alive"] == 1.0, "a contract runs"
    assert only["expected_orders"] == 0 and only["expected_value"] == only["expected_contract_value"]
    assert only["expected_value_p10"] < only["expected_value_p90"]
    groups = made.groups.filter(pl.col("segmentation") == "company").row(0, named=True)
    assert groups["customers"] == with_them.height
    assert groups["expected_value"] == pytest.approx(with_them["expected_value"].sum())
    assert groups["expected_value_p10"] < groups["expected_value"] < groups["expected_value_p90"]
    frozen = made.predictions
    assert set(frozen["horizon_months"]) == {3, 12, 24}
    near, far = (
        frozen.filter((pl.col("segmentation") == "company") & (pl.col("horizon_months") == h)) for h in (3, 24)
    )
    assert near["expected_orders"][0] < far["expected_orders"][0]


def test_predictions_are_frozen_once_a_month_where_the_company_wants_that() -> None:
    monthly = SETTINGS.model_copy(update={"freeze": "month"})
    days = invented(60)

    def frozen(settings: ValueSettings, until: date | None) -> int:
        made = forecasts_of(days, NO_CONTRACTS, AS_OF, settings, Before(frozen_until=until))
        return made.predictions.height

    assert frozen(monthly, None) and frozen(monthly, date(2025, 9, 30)) and frozen(SETTINGS, AS_OF)
    assert not frozen(monthly, date(2025, 10, 1))


def test_a_fixed_model_is_used_and_said_to_be_fixed() -> None:
    settings = SETTINGS.model_copy(update={"order_model": "nbd", "spend_model": "normal"})
    made = forecasts_of(invented(), NO_CONTRACTS, AS_OF, settings)
    customers = customers_at(made, AS_OF)
    assert set(customers["order_model"]) == {"nbd"} and set(customers["spend_model"]) == {"normal"}
    assert set(customers["p_alive_model"]) <= {"mbg_nbd", "pareto_nbd", "nbd"}
    scores = made.scores.filter(pl.col("is_as_of") & pl.col("is_chosen"))
    assert set(scores["reason"]) == {"fixed by the configuration"}


ONE_DAY = date(2025, 1, 1)
EXTREMES: dict[str, tuple[pl.DataFrame, date]] = {
    "one customer, one order": (days_of((1, ONE_DAY, 10.0)), AS_OF),
    "one order on the day itself": (days_of((1, AS_OF, 10.0)), AS_OF),
    "one customer, many orders": (days_of(*((1, ONE_DAY + timedelta(days=k), 5.0) for k in range(290))), AS_OF),
    "all customers identical": (days_of(*((c, ONE_DAY, 10.0) for c in range(1, 201))), AS_OF),
    "identical with repeats": (
        days_of(*((c, ONE_DAY + timedelta(days=30 * k), 10.0) for c in range(1, 101) for k in range(3))),
        AS_OF,
    ),
    "losing money on everybody": (invented(120).with_columns(contribution=-pl.col("net_revenue")), AS_OF),
    "everything given away": (invented(120).with_columns(net_revenue=0.0, contribution=0.0), AS_OF),
    "no cost known": (invented(120).with_columns(contribution=pl.lit(None, pl.Float64)), AS_OF),
    "enormous amounts": (invented(120).with_columns(pl.col("net_revenue", "contribution") * 1e9), AS_OF),
    "a day old": (days_of(*((c, AS_OF, 10.0) for c in range(1, 101))), AS_OF),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_companies_end_in_a_figure_or_a_sentence(name: str) -> None:
    days, as_of = EXTREMES[name]
    made = forecasts_of(days, NO_CONTRACTS, as_of, SETTINGS)
    assert_sensible(made)
    customers = customers_at(made, as_of)
    assert customers.height == days.filter("is_order")["customer_id"].n_unique()
    if name == "no cost known":
        assert customers["fallback_reason"].str.contains("revenue stands for contribution").all()
    if name == "losing money on everybody":
        assert customers["expected_value"].sum() < 0


def test_no_orders_and_a_day_before_the_first_give_no_rows() -> None:
    assert forecasts_of(days_of(), NO_CONTRACTS, AS_OF, SETTINGS).customers.height == 0
    assert forecasts_of(days_of((1, AS_OF, 10.0)), NO_CONTRACTS, ONE_DAY, SETTINGS).customers.height == 0


def test_a_company_of_contracts_alone_is_forecast_by_them() -> None:
    count = LEAST_CUSTOMERS * 4
    contracts = pl.DataFrame(
        {
            "customer_id": range(1, count + 1),
            "started_on": [ONE_DAY] * count,
            "ends_on": [ONE_DAY + timedelta(days=31 * (1 + k % 6)) if k % 3 else None for k in range(count)],
            "cancelled_on": [ONE_DAY + timedelta(days=31 * (1 + k % 6)) if k % 3 else None for k in range(count)],
            "period_months": [1] * count,
            "contribution": [4.0] * count,
        }
    )
    made = forecasts_of(days_of(), contracts, AS_OF, SETTINGS)
    assert_sensible(made)
    customers = customers_at(made, AS_OF)
    assert customers.filter(pl.col("p_alive") == 1.0).height == count // 3
    assert (customers.filter(pl.col("p_alive") == 0.0)["expected_value"] == 0).all()
    assert (customers.filter(pl.col("p_alive") == 1.0)["expected_value"] > 10).all()


def test_the_order_in_which_customers_were_numbered_changes_nothing() -> None:
    days = invented(120)
    count = days["customer_id"].max()
    assert isinstance(count, int)
    keys = pl.DataFrame(
        {"customer_id": range(1, count + 1), "key": [(7919 * k) % 100_003 for k in range(1, count + 1)]}
    )
    first = forecasts_of(days, NO_CONTRACTS, AS_OF, SETTINGS, keys=keys)

    def renumbered(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(customer_id=count + 1 - pl.col("customer_id"))

    again = forecasts_of(renumbered(days), NO_CONTRACTS, AS_OF, SETTINGS, keys=renumbered(keys))
    same = renumbered(customers_at(again, AS_OF)).sort("customer_id").drop("made_from")
    customers = customers_at(first, AS_OF).drop("made_from")
    assert customers.equals(same)
    assert customers["expected_value_p90"].null_count() == 0


@pytest.mark.parametrize("customers", [7, 250])
def test_tenths_are_equally_large_and_the_frozen_ones_are_the_same(customers: int) -> None:
    """Sixty customers signed and left, of whom nothing is expected: so many equal figures lie in several tenths."""
    days = invented(customers)
    contracts = pl.DataFrame(
        {
            "customer_id": range(9001, 9061),
            "started_on": [ONE_DAY] * 60,
            "ends_on": [date(2025, 3, 1)] * 60,
            "cancelled_on": [date(2025, 2, 1)] * 60,
            "period_months": [1] * 60,
            "contribution": [9.0] * 60,
        }
    )
    made = forecasts_of(days, contracts, AS_OF, SETTINGS)
    forecast = customers_at(made, AS_OF)
    sizes = forecast.group_by("decile").len().sort("decile")
    assert sizes["decile"].to_list() == list(range(1, 11))
    assert sizes["len"].max() - sizes["len"].min() <= 1  # type: ignore[operator]
    best_first = forecast.sort("decile")
    means = best_first.group_by("decile", maintain_order=True).agg(pl.col("expected_value").mean())
    assert means["expected_value"].is_sorted(descending=True)
    frozen = made.predictions.filter(pl.col("segmentation") == "customer")
    for months in (3, 24):
        then = frozen.filter(pl.col("horizon_months") == months).sort("customer_id")
        assert then.select("customer_id", "decile").equals(forecast.select("customer_id", "decile")), months
    assert customers_at(made, date(2025, 9, 30))["decile"].null_count() == customers_at(made, date(2025, 9, 30)).height


def shop(*more: tuple[int, date, float]) -> pl.DataFrame:
    """Six customers who come every 22 days or so, and whoever else is told."""
    return days_of(
        *((c, date(2025, 6, 1) + timedelta(days=c + 22 * k), 20.0) for c in range(1, 7) for k in range(6)), *more
    )


def test_two_orders_in_two_days_are_no_habit() -> None:
    """Of so few customers no model is fitted; one of them came yesterday for the first time, and today again."""
    newcomer = ((7, AS_OF - timedelta(days=2), 20.0), (7, AS_OF - timedelta(days=1), 20.0))
    customers = customers_at(forecasts_of(shop(*newcomer), NO_CONTRACTS, AS_OF, SETTINGS), AS_OF)
    orders = dict(customers.select("customer_id", "expected_orders").rows())
    usual = sum(orders[c] for c in range(1, 7)) / 6
    assert usual / 2 < orders[7] < usual * 1.25


@pytest.mark.parametrize("customers", [6, 250])
def test_a_single_repair_is_not_charged_to_every_order_to_come(customers: int) -> None:
    """Who had a visit of 39 is expected to bring nearly what their likes are; who costs 5 every week, less for good."""
    days = shop() if customers == 6 else invented(customers)
    buyer = days.filter("is_order").group_by("customer_id").agg(pl.len(), pl.col("ordered_on").max().alias("last"))
    few = buyer.sort("len", "last", "customer_id").row(0)
    often = buyer.sort("len", "last", "customer_id", descending=True).row(0)
    plain = days.with_columns(cost_to_serve=0.0)
    costs = [(few[0], few[2], 39.0)] + [(often[0], AS_OF - timedelta(days=7 * week), 5.0) for week in range(1, 15)]

    def with_costs(rows: list[tuple[int, date, float]]) -> pl.DataFrame:
        served = pl.DataFrame(rows, schema=["customer_id", "ordered_on", "cost_to_serve"], orient="row").with_columns(
            is_order=False, net_revenue=0.0, contribution=0.0
        )
        return pl.concat([plain, served.select(plain.columns)])

    expected = {
        name: dict(
            customers_at(forecasts_of(frame, NO_CONTRACTS, AS_OF, SETTINGS), AS_OF)
            .select("customer_id", "expected_value")
            .rows()
        )
        for name, frame in (("plain", plain), ("served", with_costs(costs)))
    }
    lost = {c: expected["plain"][c] - expected["served"][c] for c in expected["plain"]}
    assert 0 < lost[few[0]] < (60 if customers == 6 else 39), "there is no such visit to come with every order"
    assert lost[few[0]] < sum(lost.values()) / len(lost) or customers > 6, "no dearer than customers are on average"
    assert lost[often[0]] > 3 * lost[few[0]], "who costs week by week will go on to"
    assert all(loss >= 0 for loss in lost.values())


def test_intervals_stand_around_what_is_left_after_serving() -> None:
    made = forecasts_of(invented(), NO_CONTRACTS, AS_OF, SETTINGS)
    dear = forecasts_of(
        invented().with_columns(cost_to_serve=pl.col("cost_to_serve") * 5), NO_CONTRACTS, AS_OF, SETTINGS
    )
    one, other = (frame.groups.filter(pl.col("segmentation") == "company").row(0, named=True) for frame in (made, dear))
    moved = one["expected_value"] - other["expected_value"]
    assert moved > 10
    for level in ("p10", "p50", "p90"):
        name = f"expected_value_{level}"
        assert one[name] - other[name] == pytest.approx(moved), level
    customers = customers_at(dear, AS_OF)
    assert (customers["expected_value_p10"] < customers["expected_value_p90"]).any()
    assert customers["expected_value"].sum() == pytest.approx(other["expected_value"])
