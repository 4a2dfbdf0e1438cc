"""What each customer is expected to bring from a day on: the whole library behind one call over polars frames.

What belongs here: putting candidates, spend, discounting and intervals together into frames. What does not: any
formula, any choice (backtest.py, horizons.py), reading or writing.

    past = backtest(orders, as_of)
    made = forecast(orders, as_of, ForecastSettings(horizon_months=24, annual_discount_rate=0.10), past=past)
    made.customers, made.groups, made.parameters, past.scores
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, cast

import numpy as np
import polars as pl

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.backtest import (
    DEFAULT_ORDERS,
    DEFAULT_SPEND,
    Backtest,
    seasoned,
)
from clientela.lifetime.candidates import (
    ORDER_CANDIDATES,
    Fitted,
    Learning,
    OrderForecast,
    forecast_orders,
    parameter_rows,
)
from clientela.lifetime.contract_forecast import ContractForecast, forecast_contracts
from clientela.lifetime.contribution import ContributionFit, Kind
from clientela.lifetime.cost_to_serve import UsualCost, cost_per_day
from clientela.lifetime.day_fits import spend_on
from clientela.lifetime.discounting import force_of_interest
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.horizons import Horizon, expected_orders
from clientela.lifetime.model_of_p_alive import fit_alive
from clientela.lifetime.origins import LEFT_TRUNCATED_DAYS, Orders, Snapshot
from clientela.lifetime.prediction_intervals import (
    LEVELS,
    Spread,
    group_money_quantiles,
    group_money_variance,
    group_order_quantiles,
    money_quantiles,
)
from clientela.lifetime.renewal_choice import RenewalPast
from clientela.lifetime.renewal_models import PeriodFit, Regression
from clientela.lifetime.season import NOT_LEARNT

DAYS_PER_YEAR = 365.25
_FAR_DAYS = 36_525.0  # a next order more than a century away is not dated

CUSTOMER_SCHEMA = pl.Schema(
    {
        "p_alive": pl.Float64,
        "p_alive_model": pl.String,
        "expected_orders": pl.Float64,
        "expected_orders_p10": pl.Float64,
        "expected_orders_p50": pl.Float64,
        "expected_orders_p90": pl.Float64,
        "expected_discounted_orders": pl.Float64,
        "expected_value_per_order": pl.Float64,
        "expected_value": pl.Float64,
        "expected_value_p10": pl.Float64,
        "expected_value_p50": pl.Float64,
        "expected_value_p90": pl.Float64,
        "expected_contract_value": pl.Float64,
        "median_days_to_next_order": pl.Float64,
        "p_order_within_30_days": pl.Float64,
        "p_order_within_90_days": pl.Float64,
        "horizon_days": pl.Int64,
        "order_model": pl.String,
        "spend_model": pl.String,
        "contract_model": pl.String,
        "fallback_reason": pl.String,
        "season": pl.String,
        "first_ordered_on": pl.Date,
        "is_left_truncated": pl.Boolean,
    }
)
GROUP_SCHEMA = pl.Schema(
    {
        "segmentation": pl.String,
        "group": pl.String,
        "customers": pl.Int64,
        "expected_orders": pl.Float64,
        "expected_orders_p10": pl.Float64,
        "expected_orders_p50": pl.Float64,
        "expected_orders_p90": pl.Float64,
        "expected_value": pl.Float64,
        "expected_value_p10": pl.Float64,
        "expected_value_p50": pl.Float64,
        "expected_value_p90": pl.Float64,
    }
)
PARAMETER_SCHEMA = pl.Schema(
    {
        "component": pl.String,
        "segment": pl.Int64,
        "model": pl.String,
        "parameter": pl.String,
        "value": pl.Float64,
        "standard_error": pl.Float64,
        "log_likelihood": pl.Float64,
        "customers": pl.Int64,
        "reason": pl.String,
    }
)


@dataclass(frozen=True)
class Forecast:
    """customers: one row per customer who ordered or had a contract by as_of, `customer_id` first, then CUSTOMER_SCHEMA;
    groups: GROUP_SCHEMA, first the company as a whole; parameters: PARAMETER_SCHEMA. Money is discounted to as_of;
    contributions are null where the orders carry no money. Who has contracts only is alive while one runs."""

    customers: pl.DataFrame
    groups: pl.DataFrame
    parameters: pl.DataFrame


@dataclass
class Fits:
    """What was fitted to one snapshot, and is expected by months."""

    snapshot: Snapshot | None = None
    orders: dict[tuple[date, str], OrderForecast] = field(default_factory=dict)
    alive: Fitted | None = None
    spend: ContributionFit | None = None
    expected: dict[int, "_Expected"] = field(default_factory=dict)

    def orders_within(self, months: int) -> Floats:
        """Expected orders of the customers of the snapshot, of months that were forecast."""
        return self.expected[months].orders.mean


@dataclass(frozen=True)
class ForecastSettings:
    """What is forecast and how. `order_model`, `spend_model`: a candidate instead of what backtest() chose; draws: of contracts,
    0 leaves all intervals out; at_most: learn parameters from a sample of so many customers (Orders.at)."""

    horizon_months: int = 24
    annual_discount_rate: float = 0.10
    order_model: str | None = None
    spend_model: Kind | None = None
    by_segment: bool = False
    draws: int = 400
    seed: int = 0
    at_most: int | None = None


@dataclass(frozen=True)
class _Expected:
    """What is expected of the customers of a snapshot, before contracts. discount: the mean factor on the worth of a customer's
    orders; near: the same of the next shorter horizon."""

    snapshot: Snapshot
    orders: OrderForecast
    alive: Fitted
    spend: ContributionFit | None
    discount: Floats
    months: int
    horizon: int
    season: float
    spread: Spread
    money: Spread
    near: "_Expected | None" = None


@dataclass(frozen=True)
class _Quantiles:
    """P10, P50 and P90 of customers (3, n) and, by segmentation, of groups (3, groups); of money where there is any."""

    orders: Floats
    money: Floats | None
    group_orders: dict[str, Floats]
    group_money: dict[str, Floats]


@dataclass(frozen=True)
class _Group:
    """One label of one segmentation. `number`: of its code; `members`: the rows of its customers."""

    segmentation: str
    label: str
    number: int
    members: Integers


def forecast(
    orders: pl.DataFrame | Orders,
    as_of: date,
    settings: ForecastSettings | None = None,
    *,
    past: Backtest | None = None,
    groups: pl.DataFrame | None = None,
    contracts: pl.DataFrame | None = None,
    renewals: RenewalPast | None = None,
    served: pl.DataFrame | None = None,
    fits: Fits | None = None,
    no_order: Mapping[int, Floats] | None = None,
) -> Forecast:
    """Forecast every customer known at as_of over the months after it.

    orders: see origins.py; those after as_of are not looked at. past: what backtest() chose and learnt. groups: customer_id
    and any columns of labels: each label of each column becomes a row of `groups`, with an interval from sums of draws.
    contracts: see contract_forecast.py; what they bring is added. renewals: what renewal_choice.py chose for them.
    served: see cost_to_serve.py; what serving customers costs, for as long as they are expected to be some, is taken off. fits:
    kept between calls that differ in horizon, groups or draws alone, so that nothing is fitted twice. no_order: by months, the
    published P(no order) of the customers of Fits.snapshot, which P10, P50 and P90 state too. Raises LifetimeError with one
    sentence where nothing can be forecast.
    """
    settings = settings or ForecastSettings()
    if settings.horizon_months < 1:
        raise LifetimeError(f"The horizon must be at least one month, it is {settings.horizon_months}.")
    ready = orders if isinstance(orders, Orders) else Orders.of(orders, most_fitted=settings.at_most)
    horizon = (add_months(as_of, settings.horizon_months) - as_of).days
    delta = force_of_interest(settings.annual_discount_rate, DAYS_PER_YEAR)
    name = settings.order_model or (past.order_model if past else DEFAULT_ORDERS)
    if name not in ORDER_CANDIDATES:
        raise LifetimeError(f"There is no candidate {name!r}; there are {', '.join(ORDER_CANDIDATES)}.")
    fits = Fits() if fits is None else fits
    expected = _expect(ready, as_of, settings, past, fits)
    spend = expected.spend
    serving = _serving(ready, expected, served, delta) if spend and served is not None else None
    running = forecast_contracts(contracts, as_of, horizon, delta, renewals) if contracts is not None else None
    ids = expected.snapshot.customers.to_numpy()
    only = np.setdiff1d(running.customers, ids) if running is not None else ids[:0]
    everybody = np.concatenate([ids, only])
    labels, codes = _label_groups(pl.Series("customer_id", everybody), groups)
    quantiles = None
    if settings.draws:
        own_codes = {name: of[: len(ids)] for name, of in codes.items()}
        quantiles = _quantiles_of(expected, own_codes, labels, no_order or {})
        if serving is not None:
            quantiles = _less_serving(quantiles, serving, codes, labels)
        if running is not None and quantiles.money is not None:
            drawn = running.quantiles(
                settings.draws, settings.seed, _codes_of_contracts(running, everybody, codes), labels
            )
            quantiles = _with_contract_quantiles(quantiles, drawn, _places(running.customers, everybody))
    customers = _customers(expected, quantiles, ready.first_day)
    if serving is not None:
        customers = customers.with_columns(pl.col("expected_value") - pl.Series(serving))
    if running is not None:
        customers = _with_contracts(customers, running, everybody, horizon, quantiles)
    rows = [
        _group_row(
            _Group(segmentation, label, number, np.flatnonzero(codes[segmentation] == number)), customers, quantiles
        )
        for segmentation, names in labels.items()
        for number, label in names.items()
        if quantiles is not None
    ]
    fitted = [of.fitted for of in fits.orders.values() if of.fitted is not None]
    parameters = [row for one in fitted for row in parameter_rows("orders", one)]
    if not any(expected.alive is one for one in fitted):
        parameters += parameter_rows("alive", expected.alive)
    parameters += _spend_rows(spend)
    if running is not None:
        parameters += _contract_rows(running)
    return Forecast(
        customers.sort("customer_id"),
        pl.DataFrame(rows, schema=GROUP_SCHEMA),
        pl.DataFrame(parameters, schema=PARAMETER_SCHEMA),
    )


def _expect(ready: Orders, as_of: date, settings: ForecastSettings, past: Backtest | None, fits: Fits) -> _Expected:
    """The means: orders in the horizon, who is alive, what an order brings. Fits what `fits` does not hold yet."""
    holdout = past.holdout_days if past else 91
    if fits.snapshot is None:
        fits.snapshot = ready.at(as_of, recent_days=holdout)
    s = fits.snapshot
    delta = force_of_interest(settings.annual_discount_rate, DAYS_PER_YEAR)
    learning = Learning(holdout, settings.by_segment, settings.at_most)
    learnt = {m: h for m, h in past.horizons.items() if m < settings.horizon_months} if past else {}
    near: _Expected | None = None
    for months in (*learnt, settings.horizon_months):
        if months not in fits.expected:
            fits.expected[months] = _ahead(_Ahead(ready, s, months, learning, delta), settings, past, fits, near)
        near = fits.expected[months]
    assert near is not None
    return near


@dataclass(frozen=True)
class _Ahead:
    """A snapshot, and so many months after it."""

    ready: Orders
    snapshot: Snapshot
    months: int
    learning: Learning
    delta: float


def _ahead(
    at: _Ahead, settings: ForecastSettings, past: Backtest | None, fits: Fits, near: _Expected | None
) -> _Expected:
    """What is expected within so many months, no less than within fewer (`near`)."""
    ready, s, delta = at.ready, at.snapshot, at.delta
    days = (add_months(s.as_of, at.months) - s.as_of).days
    learnt = _nearest(past.horizons, at.months) if past and past.horizons else None
    if learnt and settings.order_model and set(learnt.combination.weights) != {settings.order_model}:
        learnt = None
    if learnt is None:
        name = settings.order_model or (past.order_model if past else DEFAULT_ORDERS)
        made = _single(name, at, days, fits)
    else:
        made = _combined(learnt, at, days, fits)
    if fits.alive is None:
        models = [of.fitted for of in fits.orders.values() if of.fitted is not None]
        sees_death = [f for f in models if _sees_death(f)]
        fits.alive = sees_death[0] if sees_death else fit_alive(ready, s.as_of, len(s))
    shape = made.fitted if made.fitted is not None and _sees_death(made.fitted) else fits.alive
    discounted = shape.each(s.histories, lambda f, h: f.expected_discounted_orders(h, days, delta))
    plain = shape.each(s.histories, lambda f, h: f.expected_orders(h, days))
    discount = np.where(plain > 0, discounted / np.where(plain > 0, plain, 1.0), 1.0)
    if near is not None:
        made = replace(made, mean=np.maximum(made.mean, near.orders.mean))
        worth = np.maximum(made.mean * discount, near.orders.mean * near.discount)
        discount = np.where(made.mean > 0, worth / np.where(made.mean > 0, made.mean, 1.0), discount)
    season = ready.season(s.as_of, days)
    if fits.spend is None:
        fits.spend = _spend(ready, s, settings.spend_model or (past.spend_model if past else DEFAULT_SPEND))
    spread, money = (learnt.spread, learnt.money) if learnt else (Spread(), Spread())
    return _Expected(s, made, fits.alive, fits.spend, discount, at.months, days, season, spread, money, near)


def _sees_death(fitted: Fitted) -> bool:
    return all(part.fit.model.knows_death_of_one_time_buyers for part in fitted.parts.values())


def _nearest(horizons: Mapping[int, Horizon], months: int) -> Horizon:
    """What was learnt for so many months, or for the number nearest to it."""
    return horizons[min(horizons, key=lambda m: (abs(np.log(m / months)), m))]


def _single(name: str, at: _Ahead, days: int, fits: Fits) -> OrderForecast:
    key = at.snapshot.as_of, name
    if key not in fits.orders:
        fits.orders[key] = forecast_orders(name, at.ready, at.snapshot, at.learning.inner_days, at.learning)
    made = fits.orders[key]
    if made.fitted is not None:
        made = replace(made, mean=made.fitted.each(at.snapshot.histories, lambda f, h: f.expected_orders(h, days)))
    else:
        # A baseline knows one period; how orders thin out beyond it is taken from the model that sees customers leave.
        if fits.alive is None:
            fits.alive = fit_alive(at.ready, at.snapshot.as_of, len(at.snapshot))
        near, far = (
            fits.alive.each(at.snapshot.histories, lambda f, h, n=n: f.expected_orders(h, n))  # type: ignore[misc]
            for n in (at.learning.inner_days, days)
        )
        made = replace(made, mean=made.mean * np.where(near > 0, far / np.where(near > 0, near, 1.0), 0.0))
    return seasoned(made, at.ready, at.snapshot, days)


def _combined(horizon: Horizon, at: _Ahead, days: int, fits: Fits) -> OrderForecast:
    """The candidates that the past gave weight to, each asked for these days."""
    s, weights = at.snapshot, horizon.combination.weights
    expected = {name: expected_orders(name, at.ready, s, days, at.learning, fits.orders) for name in weights}
    made = [fits.orders[s.as_of, name] for name in weights if (s.as_of, name) in fits.orders]
    reasons = "; ".join(dict.fromkeys(of.fallback_reason for of in made if of.fallback_reason))
    alone = made[0].fitted if len(weights) == 1 and made else None
    used = made[0].model_used if alone is not None else horizon.name
    return OrderForecast(horizon.name, horizon.combination.mean(expected), used, reasons, alone)


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last day of that month where it has no such day."""
    month = day.month - 1 + months
    first = date(day.year + month // 12, month % 12 + 1, 1)
    after = (first + timedelta(days=32)).replace(day=1)
    return min(first + timedelta(days=day.day - 1), after - timedelta(days=1))


def _spend(ready: Orders, s: Snapshot, kind: Kind) -> ContributionFit | None:
    if s.spend is None or not s.spend.known.sum():
        return None
    return spend_on(ready, s, kind)


def _serving(ready: Orders, expected: _Expected, served: pl.DataFrame, delta: float) -> Floats:
    """What serving each customer will cost within the horizon, discounted; shape (n,): the cost of a day, times the days for
    which somebody is expected to be a customer: orders expected over orders expected of a day while they are one. A season
    moves orders, not days."""
    s, horizon = expected.snapshot, expected.horizon
    shape = expected.alive

    def learn(anew: Callable[[], UsualCost]) -> UsualCost:
        return UsualCost(**ready.kept.take(s.as_of, "cost to serve", lambda: vars(anew())))

    customers = pl.DataFrame({"customer_id": s.customers, "first_ordered_on": s.first_on})
    rate = cost_per_day(served, customers, s.as_of, learn)
    most = -np.expm1(-delta * horizon) / delta if delta else float(horizon)
    p_alive = shape.each(s.histories, lambda f, h: f.p_alive(h))
    a_day = shape.each(s.histories, lambda f, h: f.expected_orders(h, 1.0))
    discounted = shape.each(s.histories, lambda f, h: f.expected_discounted_orders(h, horizon, delta))
    while_alive = np.where(a_day > 0, p_alive / np.where(a_day > 0, a_day, 1.0), 0.0)
    days = np.where(a_day > 0, np.minimum(discounted * while_alive, most), p_alive * most)
    return np.asarray(rate * days)


def _label_groups(
    customers: pl.Series, groups: pl.DataFrame | None
) -> tuple[dict[str, dict[int, str]], dict[str, Integers]]:
    labels: dict[str, dict[int, str]] = {"company": {0: "all"}}
    codes: dict[str, Integers] = {"company": np.zeros(len(customers), dtype=np.int64)}
    if groups is None:
        return labels, codes
    if "customer_id" not in groups.columns or groups.get_column("customer_id").is_duplicated().any():
        raise LifetimeError("groups must have one row per customer_id.")
    joined = customers.to_frame().join(groups, on="customer_id", how="left", maintain_order="left")
    for name in groups.columns:
        if name != "customer_id":
            text = joined.get_column(name).cast(pl.String).fill_null("(none)")
            values = text.unique().sort()
            labels[name] = dict(enumerate(values.to_list()))
            codes[name] = (text.rank("dense").to_numpy() - 1).astype(np.int64)
    return labels, codes


def _customers(expected: _Expected, quantiles: _Quantiles | None, first_day: date) -> pl.DataFrame:
    s, made, alive, spend = expected.snapshot, expected.orders, expected.alive, expected.spend
    discount, season = expected.discount, expected.season
    n = len(s)
    median = alive.each(s.histories, lambda f, h: f.median_next_order(h))
    nothing = [None] * n
    worth = made.mean * discount * spend.per_order if spend else None
    reasons = [made.fallback_reason]
    if alive is not made.fitted:
        reasons += [f"{f.model}: {f.reason}" for f in alive.fallbacks]
    if spend and spend.reason:
        reasons.append(spend.reason)
    learnt = (s.as_of - first_day).days + 1 >= 730
    columns: dict[str, object] = {
        "p_alive": alive.each(s.histories, lambda f, h: f.p_alive(h)),
        "p_alive_model": [alive.name] * n,
        "expected_orders": made.mean,
        **_columns("expected_orders", quantiles.orders if quantiles else None, n),
        "expected_discounted_orders": made.mean * discount,
        "expected_value_per_order": spend.per_order if spend else nothing,
        "expected_value": worth if worth is not None else nothing,
        **_columns("expected_value", quantiles.money if quantiles else None, n),
        "expected_contract_value": [0.0] * n,
        "median_days_to_next_order": median,
        "p_order_within_30_days": alive.each(s.histories, lambda f, h: f.p_order_within(h, 30.0)),
        "p_order_within_90_days": alive.each(s.histories, lambda f, h: f.p_order_within(h, 90.0)),
        "horizon_days": [expected.horizon] * n,
        "order_model": [made.model_used] * n,
        "spend_model": [spend.kind if spend else None] * n,
        "contract_model": nothing,
        "fallback_reason": ["; ".join(r for r in reasons if r)] * n,
        "season": [f"season x {season:.3f}" if learnt else NOT_LEARNT] * n,
        "first_ordered_on": s.first_on,
        "is_left_truncated": (s.first_on - first_day).dt.total_days() < LEFT_TRUNCATED_DAYS,
    }
    frame = pl.DataFrame({"customer_id": s.customers, **columns}, schema_overrides=CUSTOMER_SCHEMA)
    far = pl.col("median_days_to_next_order") > _FAR_DAYS
    return frame.with_columns(median_days_to_next_order=pl.when(~far).then(pl.col("median_days_to_next_order")))


def _columns(name: str, read: Floats | None, n: int) -> dict[str, Any]:
    """P10, P50 and P90 of the first n customers, or nulls."""
    levels = ("p10", "p50", "p90")
    if read is None:
        return {f"{name}_{level}": [None] * n for level in levels}
    return {f"{name}_{level}": row[:n] for level, row in zip(levels, read, strict=True)}


def _quantiles_of(
    expected: _Expected,
    codes: dict[str, Integers],
    labels: dict[str, dict[int, str]],
    no_order: Mapping[int, Floats],
) -> _Quantiles:
    """Quantiles of the stated distributions; those of a longer horizon lie no lower, as its mean does. P(no order) falls with the
    horizon, so that a P50 of 0 stays where no order is the likelier."""
    near = _quantiles_of(expected.near, codes, labels, no_order) if expected.near is not None else None
    mean, spend = expected.orders.mean, expected.spend
    counts = expected.spread.counts(mean, no_order.get(expected.months))
    orders = counts.quantiles(LEVELS)
    sizes = {name: len(names) for name, names in labels.items()}
    # a cohort has its age in common, a tenth its rank: their share in the total may be wrong too
    shaped = {name: name != "company" for name in labels}
    group_orders = {
        name: group_order_quantiles(mean, of, sizes[name], expected.spread, has_shape=shaped[name])
        for name, of in codes.items()
    }
    money, group_money = None, {}
    if spend is not None:
        worth = spend.worth()
        money = money_quantiles(counts, worth, expected.discount)
        total = mean * worth.mean * expected.discount
        variance = group_money_variance(mean, worth, expected.discount, expected.money)
        for name, of in codes.items():
            group_money[name] = group_money_quantiles(
                total, variance, of, sizes[name], expected.money, has_shape=shaped[name], is_bounded=worth.is_bounded
            )
    if near is not None:
        orders = np.maximum(orders, near.orders)
        group_orders = {name: np.maximum(of, near.group_orders[name]) for name, of in group_orders.items()}
        if money is not None and near.money is not None and spend is not None and spend.worth().is_bounded:
            money = np.maximum(money, near.money)
            group_money = {name: np.maximum(of, near.group_money[name]) for name, of in group_money.items()}
    return _Quantiles(orders, money, group_orders, group_money)


def _less_serving(
    read: _Quantiles, serving: Floats, codes: dict[str, Integers], labels: dict[str, dict[int, str]]
) -> _Quantiles:
    """Serving customers costs the same whatever they order, so that it moves all quantiles alike."""
    n = len(serving)
    by_group = {
        name: np.bincount(codes[name][:n], weights=serving, minlength=len(names)) for name, names in labels.items()
    }
    return replace(
        read,
        money=None if read.money is None else read.money - serving,
        group_money={name: of - by_group[name] for name, of in read.group_money.items()},
    )


def _codes_of_contracts(
    running: ContractForecast, everybody: Integers, codes: dict[str, Integers]
) -> dict[str, Integers]:
    place = _places(everybody, running.customers, np.argsort(everybody, kind="stable"))
    return {name: of[place] for name, of in codes.items()}


def _with_contract_quantiles(
    read: _Quantiles, contracts: tuple[Floats, dict[str, Floats]], place: Integers
) -> _Quantiles:
    """What contracts bring comes beside: medians add, and distances from them as independent errors do."""
    own, groups = contracts
    held = np.where(place >= 0, own[:, np.maximum(place, 0)], 0.0) if own.shape[1] else np.zeros((3, len(place)))
    assert read.money is not None
    more = len(place) - read.money.shape[1]
    money = np.concatenate([read.money, np.zeros((3, more))], axis=1)
    return replace(
        read,
        orders=np.concatenate([read.orders, np.zeros((3, more))], axis=1),
        money=_beside(money, held),
        group_money={name: _beside(of, groups[name]) for name, of in read.group_money.items()},
    )


def _beside(one: Floats, other: Floats) -> Floats:
    middle = one[1] + other[1]
    down, up = (np.hypot(one[1] - one[at], other[1] - other[at]) for at in (0, 2))
    return np.stack([middle - down, middle, middle + up])


def _with_contracts(
    customers: pl.DataFrame,
    running: ContractForecast,
    everybody: Integers,
    horizon: int,
    quantiles: _Quantiles | None,
) -> pl.DataFrame:
    """The customers with what their contracts bring, and below them, in the order of `everybody`, who has nothing else."""
    contracts = pl.DataFrame(
        {
            "customer_id": running.customers,
            "added": running.expected,
            "in_force": running.is_active > 0,
            "note": running.notes,
        }
    )
    name = running.model
    both = pl.DataFrame({"customer_id": everybody}).join(customers, on="customer_id", how="left", maintain_order="left")
    both = both.join(contracts, on="customer_id", how="left", maintain_order="left")
    only = pl.col("order_model").is_null()
    held = pl.col("added").is_not_null()
    zero = pl.when(only).then(0.0)
    both = both.with_columns(
        pl.when(pl.col("in_force").fill_null(False))
        .then(1.0)
        .when(only)
        .then(0.0)
        .otherwise("p_alive")
        .alias("p_alive"),
        pl.when(pl.col("in_force").fill_null(False) | only)
        .then(pl.lit("contract"))
        .otherwise("p_alive_model")
        .alias("p_alive_model"),
        *[
            zero.otherwise(column).alias(column)
            for column in (
                "expected_orders",
                "expected_discounted_orders",
                "p_order_within_30_days",
                "p_order_within_90_days",
            )
        ],
        (zero.otherwise("expected_value") + pl.col("added").fill_null(0.0)).alias("expected_value"),
        pl.col("added").fill_null(0.0).alias("expected_contract_value"),
        pl.when(held).then(pl.lit(name)).alias("contract_model"),
        pl.when(held)
        .then(
            pl.concat_str(
                pl.col("fallback_reason").replace("", None),
                pl.lit(running.reason),
                "note",
                separator="; ",
                ignore_nulls=True,
            )
        )
        .otherwise("fallback_reason")
        .alias("fallback_reason"),
        pl.col("horizon_days").fill_null(horizon),
        pl.col("season").fill_null(NOT_LEARNT),
        pl.col("is_left_truncated").fill_null(False),
    ).drop("added", "in_force", "note")
    if quantiles is not None and quantiles.money is not None:
        read = _columns("expected_value", quantiles.money, len(everybody))
        both = both.with_columns(
            **{column: pl.Series(np.asarray(values)) for column, values in read.items()},
            **{
                f"expected_orders_{level}": zero.otherwise(f"expected_orders_{level}")
                for level in ("p10", "p50", "p90")
            },
        )
    return both.select(customers.columns)


def _places(ids: Integers, wanted: Integers, order: Integers | None = None) -> Integers:
    """Where each wanted id stands among the ids, which are sorted or whose order is given; -1 if it does not."""
    if not len(ids):
        return np.full(len(wanted), -1)
    by_size = ids if order is None else ids[order]
    place = np.minimum(np.searchsorted(by_size, wanted), len(ids) - 1)
    found = place if order is None else order[place]
    return np.where(by_size[place] == wanted, found, -1)


def _group_row(group: _Group, customers: pl.DataFrame, quantiles: _Quantiles | None) -> dict[str, object]:
    assert quantiles is not None
    row: dict[str, object] = {"segmentation": group.segmentation, "group": group.label, "customers": len(group.members)}
    for name, read in (
        ("expected_orders", quantiles.group_orders),
        ("expected_value", quantiles.group_money),
    ):
        if read:
            row[name] = float(customers.get_column(name).to_numpy()[group.members].sum())
            p10, p50, p90 = read[group.segmentation][:, group.number]
            row |= {f"{name}_p10": float(p10), f"{name}_p50": float(p50), f"{name}_p90": float(p90)}
    return row


def _contract_rows(running: ContractForecast) -> list[dict[str, object]]:
    found: list[tuple[str, PeriodFit]] = [
        (f"contracts of {months} months", fit) for months, fit in running.fits.items()
    ]
    if isinstance(running.fitted, Regression):
        found = [("renewals of contracts", cast("PeriodFit", running.fitted))]
    return [
        {
            "component": component,
            "segment": -1,
            "model": fit.name,
            "parameter": name,
            "value": value,
            "standard_error": fit.standard_errors[name],
            "log_likelihood": fit.log_likelihood,
            "customers": int(fit.customers),
            "reason": fit.reason,
        }
        for component, fit in found
        for name, value in fit.parameters.items()
    ]


def _spend_rows(spend: ContributionFit | None) -> list[dict[str, object]]:
    if spend is None:
        return []
    seen = int((spend.spend.known > 0).sum())
    return [
        {
            "component": "spend",
            "segment": -1,
            "model": spend.kind,
            "parameter": name,
            "value": value,
            "standard_error": None,
            "log_likelihood": None,
            "customers": seen,
            "reason": spend.reason,
        }
        for name, value in spend.parameters.items()
    ]
