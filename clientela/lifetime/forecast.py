"""What each customer is expected to bring from a day on: the whole library behind one call over polars frames.

What belongs here: putting candidates, spend, discounting, draws and widening together into frames. What does not: any
formula, any choice (backtest.py), reading or writing.

    past = backtest(orders, as_of)
    made = forecast(orders, as_of, ForecastSettings(horizon_months=24, annual_discount_rate=0.10), past=past)
    made.customers, made.groups, made.parameters, past.scores
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast

import numpy as np
import polars as pl

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.backtest import (
    DEFAULT_ORDERS,
    DEFAULT_SPEND,
    Backtest,
    Drawing,
    season_factor,
    seasoned,
    source_of,
)
from clientela.lifetime.candidates import (
    BASELINES,
    ORDER_CANDIDATES,
    Fitted,
    Learning,
    OrderForecast,
    forecast_orders,
    parameter_rows,
)
from clientela.lifetime.contract_forecast import ContractDraws, ContractForecast, forecast_contracts
from clientela.lifetime.contribution import ContributionFit, Kind, fit_contribution
from clientela.lifetime.cost_to_serve import cost_per_day
from clientela.lifetime.discounting import force_of_interest
from clientela.lifetime.draws import (
    NOT_WIDENED,
    BesideSource,
    Futures,
    Intervals,
    MoneySource,
    OrderSource,
    Widening,
    group_intervals,
    read_futures,
)
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.origins import LEFT_TRUNCATED_DAYS, Orders, Snapshot
from clientela.lifetime.p_alive import fit_alive
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
        "expected_contribution_per_order": pl.Float64,
        "expected_contribution": pl.Float64,
        "expected_contribution_p10": pl.Float64,
        "expected_contribution_p50": pl.Float64,
        "expected_contribution_p90": pl.Float64,
        "expected_contract_contribution": pl.Float64,
        "expected_contribution_given_alive": pl.Float64,
        "median_days_to_next_order": pl.Float64,
        "p_order_within_30_days": pl.Float64,
        "p_order_within_90_days": pl.Float64,
        "horizon_days": pl.Int64,
        "order_model": pl.String,
        "spend_model": pl.String,
        "contract_model": pl.String,
        "fallback_reason": pl.String,
        "widening_orders": pl.Float64,
        "widening_contribution": pl.Float64,
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
        "expected_contribution": pl.Float64,
        "expected_contribution_p10": pl.Float64,
        "expected_contribution_p50": pl.Float64,
        "expected_contribution_p90": pl.Float64,
        "widening_orders": pl.Float64,
        "widening_contribution": pl.Float64,
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
    """What was fitted to one snapshot."""

    orders: OrderForecast | None = None
    alive: Fitted | None = None
    spend: ContributionFit | None = None


@dataclass(frozen=True)
class ForecastSettings:
    """What is forecast and how. `order_model`, `spend_model`: a candidate instead of the one that backtest() chose; draws: 0
    leaves the intervals out; at_most: learn parameters from a sample of so many customers (Orders.at)."""

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
    """What is expected of the customers of a snapshot, before draws and contracts. discount: the mean factor on the worth of
    a customer's orders; given_alive: the discounted orders of who is known to be alive."""

    snapshot: Snapshot
    orders: OrderForecast
    alive: Fitted
    spend: ContributionFit | None
    discount: Floats
    given_alive: Floats
    horizon: int
    season: float


@dataclass(frozen=True)
class _Drawn:
    """What was drawn, if anything; `scale` is what draws are to be multiplied by."""

    futures: Futures | None
    scale: float
    widening: Widening


@dataclass(frozen=True)
class _Group:
    """One label of one segmentation. `number`: of its sums in the draws; `members`: the rows of its customers."""

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
) -> Forecast:
    """Forecast every customer known at as_of over the months after it.

    orders: see origins.py; those after as_of are not looked at. past: what backtest() chose and learnt. groups: customer_id
    and any columns of labels: each label of each column becomes a row of `groups`, with an interval from sums of draws.
    contracts: see contract_forecast.py; what they bring is added. renewals: what renewal_choice.py chose for them.
    served: see cost_to_serve.py; what serving customers costs, for as long as they are expected to be some, is taken off. fits:
    kept between calls that differ in horizon, groups or draws alone, so that nothing is fitted twice. Raises LifetimeError
    with one sentence where nothing can be said.
    """
    settings = settings or ForecastSettings()
    if settings.horizon_months < 1:
        raise LifetimeError(f"The horizon must be at least one month, it is {settings.horizon_months}.")
    ready = orders if isinstance(orders, Orders) else Orders.of(orders)
    horizon = (add_months(as_of, settings.horizon_months) - as_of).days
    delta = force_of_interest(settings.annual_discount_rate, DAYS_PER_YEAR)
    name = settings.order_model or (past.order_model if past else DEFAULT_ORDERS)
    if name not in ORDER_CANDIDATES:
        raise LifetimeError(f"There is no candidate {name!r}; there are {', '.join(ORDER_CANDIDATES)}.")
    expected = _expect(ready, as_of, settings, past, Fits() if fits is None else fits)
    made, spend = expected.orders, expected.spend
    serving = _serving(expected, served, delta) if spend and served is not None else None
    running = forecast_contracts(contracts, as_of, horizon, delta, renewals) if contracts is not None else None
    ids = expected.snapshot.customers.to_numpy()
    only = np.setdiff1d(running.customers, ids) if running is not None else ids[:0]
    everybody = np.concatenate([ids, only])
    labels, codes = _label_groups(pl.Series("customer_id", everybody), groups)
    scale = expected.season if made.fitted is not None else 1.0
    widening = past.widening if past and name == past.order_model else NOT_WIDENED
    futures = None
    if settings.draws:
        draws, seed = settings.draws, settings.seed
        drawing = Drawing(draws, seed, delta, past.dispersion if past else 0.0, past.level_error if past else 0.0)
        source: OrderSource = source_of(made, expected.snapshot, horizon, expected.discount, drawing)
        money: MoneySource | None = spend.draws(draws, seed) if spend else None
        beside: list[BesideSource] = []
        if running is not None and money is not None:
            source, money = _More(source, len(only)), _MoreMoney(money, len(ids))
            beside.append(_Contracts(running.draws(draws, seed), _places(running.customers, everybody), scale))
        if serving is not None:
            beside.append(_ServingCost(np.concatenate([serving.cost, np.zeros(len(only))]), scale))
        futures = read_futures(
            source,
            money=money,
            beside=_Together(beside) if beside else None,
            groups=codes if running is None or money is not None else {k: v[: len(ids)] for k, v in codes.items()},
            seed=seed,
            widening=widening,
        )
    drawn = _Drawn(futures, scale, widening)
    customers = _customers(expected, drawn, ready.first_day)
    if serving is not None:
        customers = customers.with_columns(
            pl.col("expected_contribution") - pl.Series(serving.cost),
            pl.col("expected_contribution_given_alive") - pl.Series(serving.cost_given_alive),
        )
    if running is not None:
        customers = _with_contracts(customers, running, everybody, horizon, drawn)
    rows = [
        _group_row(_Group(segmentation, label, number, np.flatnonzero(codes[segmentation] == number)), customers, drawn)
        for segmentation, names in labels.items()
        for number, label in names.items()
        if futures is not None
    ]
    parameters = parameter_rows("orders", made.fitted) if made.fitted else []
    if expected.alive is not made.fitted:
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
    s = ready.at(as_of, recent_days=holdout)
    horizon = (add_months(as_of, settings.horizon_months) - as_of).days
    delta = force_of_interest(settings.annual_discount_rate, DAYS_PER_YEAR)
    sample = None
    if fits.orders is None and settings.at_most is not None and len(s) > settings.at_most:
        sample = ready.at(as_of, recent_days=holdout, at_most=settings.at_most)
    if fits.orders is None:
        name = settings.order_model or (past.order_model if past else DEFAULT_ORDERS)
        learning = Learning(holdout, settings.by_segment, settings.at_most, sample)
        fits.orders = forecast_orders(name, ready, s, holdout, learning)
    made = fits.orders
    if made.fitted is not None:
        mean = made.fitted.each(s.histories, lambda f, h: f.expected_orders(h, horizon))
        made = replace(made, mean=mean)
    if fits.alive is None:
        fits.alive = fit_alive(s, made.fitted, sample)
    shape = made.fitted or fits.alive
    discounted = shape.each(s.histories, lambda f, h: f.expected_discounted_orders(h, horizon, delta))
    plain = shape.each(s.histories, lambda f, h: f.expected_orders(h, horizon))
    discount = np.where(plain > 0, discounted / np.where(plain > 0, plain, 1.0), 1.0)
    if made.fitted is None:
        # A baseline knows one period; how orders thin out beyond it is taken from the model that sees customers leave.
        near = shape.each(s.histories, lambda f, h: f.expected_orders(h, holdout))
        made = replace(made, mean=made.mean * np.where(near > 0, plain / np.where(near > 0, near, 1.0), 0.0))
    made = seasoned(made, ready, s, horizon)
    season = season_factor(ready, as_of, horizon) if made.candidate not in BASELINES[1:] else 1.0
    if fits.spend is None:
        fits.spend = _spend(s, settings.spend_model or (past.spend_model if past else DEFAULT_SPEND), sample)
    given = shape.each(s.histories, lambda f, h: f.discounted_orders_if_alive(h, horizon, delta))
    # a baseline's level is not its model's; and who is known to be alive is worth no less than who may not be
    level = float((made.mean * discount).sum()) / max(float(discounted.sum()), 1e-12)
    given = np.maximum(given * level, made.mean * discount)
    return _Expected(s, made, fits.alive, fits.spend, discount, given, horizon, season)


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last day of that month where it has no such day."""
    month = day.month - 1 + months
    first = date(day.year + month // 12, month % 12 + 1, 1)
    after = (first + timedelta(days=32)).replace(day=1)
    return min(first + timedelta(days=day.day - 1), after - timedelta(days=1))


def _spend(s: Snapshot, kind: Kind, sample: Snapshot | None) -> ContributionFit | None:
    if s.spend is None or not s.spend.known.sum():
        return None
    return fit_contribution(kind, s.spend, sample.spend if sample else None)


@dataclass(frozen=True)
class _Serving:
    """What serving each customer will cost within the horizon, discounted; shape (n,)."""

    cost: Floats
    cost_given_alive: Floats


def _serving(expected: _Expected, served: pl.DataFrame, delta: float) -> _Serving:
    """The cost of a day, times the discounted days for which somebody is expected to be a customer: orders expected over
    orders expected of a day while they are one. A season moves orders, not days."""
    s, horizon = expected.snapshot, expected.horizon
    shape = expected.orders.fitted or expected.alive
    rate = cost_per_day(served, pl.DataFrame({"customer_id": s.customers, "first_ordered_on": s.first_on}), s.as_of)
    most = -np.expm1(-delta * horizon) / delta if delta else float(horizon)
    p_alive = shape.each(s.histories, lambda f, h: f.p_alive(h))
    a_day = shape.each(s.histories, lambda f, h: f.expected_orders(h, 1.0))
    discounted = shape.each(s.histories, lambda f, h: f.expected_discounted_orders(h, horizon, delta))
    given = shape.each(s.histories, lambda f, h: f.discounted_orders_if_alive(h, horizon, delta))
    while_alive = np.where(a_day > 0, p_alive / np.where(a_day > 0, a_day, 1.0), 0.0)
    days = np.where(a_day > 0, np.minimum(discounted * while_alive, most), p_alive * most)
    days_given = np.where(a_day > 0, np.clip(given * while_alive, days, most), most)
    return _Serving(rate * days, rate * days_given)


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


def _customers(expected: _Expected, drawn: _Drawn, first_day: date) -> pl.DataFrame:
    s, made, alive, spend = expected.snapshot, expected.orders, expected.alive, expected.spend
    discount, season, futures, widening = expected.discount, expected.season, drawn.futures, drawn.widening
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
        **_quantiles("expected_orders", futures.orders if futures else None, n, drawn.scale),
        "expected_discounted_orders": made.mean * discount,
        "expected_contribution_per_order": spend.per_order if spend else nothing,
        "expected_contribution": worth if worth is not None else nothing,
        **_quantiles("expected_contribution", futures.money if futures else None, n, drawn.scale),
        "expected_contract_contribution": [0.0] * n,
        "expected_contribution_given_alive": expected.given_alive * spend.per_order if spend else nothing,
        "median_days_to_next_order": median,
        "p_order_within_30_days": alive.each(s.histories, lambda f, h: f.p_order_within(h, 30.0)),
        "p_order_within_90_days": alive.each(s.histories, lambda f, h: f.p_order_within(h, 90.0)),
        "horizon_days": [expected.horizon] * n,
        "order_model": [made.model_used] * n,
        "spend_model": [spend.kind if spend else None] * n,
        "contract_model": nothing,
        "fallback_reason": ["; ".join(r for r in reasons if r)] * n,
        "widening_orders": [widening.orders_customers] * n,
        "widening_contribution": [widening.money_customers] * n,
        "season": [f"season x {season:.3f}" if learnt else NOT_LEARNT] * n,
        "first_ordered_on": s.first_on,
        "is_left_truncated": (s.first_on - first_day).dt.total_days() < LEFT_TRUNCATED_DAYS,
    }
    frame = pl.DataFrame({"customer_id": s.customers, **columns}, schema_overrides=CUSTOMER_SCHEMA)
    far = pl.col("median_days_to_next_order") > _FAR_DAYS
    return frame.with_columns(median_days_to_next_order=pl.when(~far).then(pl.col("median_days_to_next_order")))


def _quantiles(name: str, read: Intervals | None, n: int, scale: float) -> dict[str, Any]:
    """P10, P50 and P90 of the first n customers read, or nulls."""
    if read is None:
        return {f"{name}_{level}": [None] * n for level in ("p10", "p50", "p90")}
    return {f"{name}_{level}": getattr(read, level)[:n] * scale for level in ("p10", "p50", "p90")}


def _with_contracts(
    customers: pl.DataFrame,
    running: ContractForecast,
    everybody: Integers,
    horizon: int,
    drawn: _Drawn,
) -> pl.DataFrame:
    """The customers with what their contracts bring, and below them, in the order of `everybody`, who has nothing else."""
    futures, widening = drawn.futures, drawn.widening
    has_interval = futures is not None and futures.money is not None
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
        *[
            (zero.otherwise(column) + pl.col("added").fill_null(0.0)).alias(column)
            for column in ("expected_contribution", "expected_contribution_given_alive")
        ],
        pl.col("added").fill_null(0.0).alias("expected_contract_contribution"),
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
        pl.col("widening_orders").fill_null(widening.orders_customers),
        pl.col("widening_contribution").fill_null(widening.money_customers),
        pl.col("season").fill_null(NOT_LEARNT),
        pl.col("is_left_truncated").fill_null(False),
    ).drop("added", "in_force", "note")
    if has_interval:
        assert futures is not None and futures.money is not None
        read = {**_quantiles("expected_contribution", futures.money, len(everybody), drawn.scale)}
        both = both.with_columns(
            **{column: pl.Series(np.asarray(values)) for column, values in read.items()},
            **{
                f"expected_orders_{level}": zero.otherwise(f"expected_orders_{level}")
                for level in ("p10", "p50", "p90")
            },
        )
    return both.select(customers.columns)


class _More:
    """An order source, and below its customers some who never order."""

    def __init__(self, source: OrderSource, more: int) -> None:
        self._source, self._own = source, source.customers
        self.customers, self.draws = source.customers + more, source.draws

    def draw(self, rows: slice, rng: np.random.Generator) -> tuple[Floats, Floats]:
        orders = np.zeros((rows.stop - rows.start, self.draws))
        factor = np.ones_like(orders)
        own = max(min(rows.stop, self._own) - rows.start, 0)
        if own:
            orders[:own], factor[:own] = self._source.draw(slice(rows.start, rows.start + own), rng)
        return orders, factor


class _MoreMoney:
    """What the orders of the customers of `_More` bring."""

    def __init__(self, money: MoneySource, own: int) -> None:
        self._money, self._own = money, own

    def draw(self, rows: slice, orders: Floats, rng: np.random.Generator) -> Floats:
        worth = np.zeros_like(orders)
        own = max(min(rows.stop, self._own) - rows.start, 0)
        if own:
            worth[:own] = self._money.draw(slice(rows.start, rows.start + own), orders[:own], rng)
        return worth


def _places(ids: Integers, wanted: Integers) -> Integers:
    """Where each wanted id stands among the sorted ids; -1 if it does not."""
    if not len(ids):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[place] == wanted, place, -1)


class _Contracts:
    """The contracts of customers in another order; `scale` is what all draws are multiplied by later."""

    def __init__(self, drawn: ContractDraws, place: Integers, scale: float) -> None:
        self._drawn, self._place, self._scale = drawn, place, scale

    def draw(self, rows: slice, rng: np.random.Generator) -> Floats:
        return self._drawn.draw(self._place[rows], rng) / (self._scale or 1.0)


class _ServingCost:
    """What serving customers costs, the same in every draw; `scale` is what all draws are multiplied by later."""

    def __init__(self, cost: Floats, scale: float) -> None:
        self._cost = cost / (scale or 1.0)

    def draw(self, rows: slice, rng: np.random.Generator) -> Floats:
        return np.asarray(-self._cost[rows][:, None])


class _Together:
    """Sources of money beside orders, added up."""

    def __init__(self, sources: list[BesideSource]) -> None:
        self._sources = sources

    def draw(self, rows: slice, rng: np.random.Generator) -> Floats:
        return np.asarray(sum(source.draw(rows, rng) for source in self._sources))


def _group_row(group: _Group, customers: pl.DataFrame, drawn: _Drawn) -> dict[str, object]:
    futures, widening, members = drawn.futures, drawn.widening, group.members
    assert futures is not None
    sums = slice(group.number, group.number + 1)
    counts = group_intervals(
        futures.group_orders[group.segmentation][sums] * drawn.scale, widening=widening.orders_groups
    )
    row: dict[str, object] = {
        "segmentation": group.segmentation,
        "group": group.label,
        "customers": len(members),
        "expected_orders": float(customers.get_column("expected_orders").to_numpy()[members].sum()),
        "expected_orders_p10": max(0.0, float(counts.p10[0])),
        "expected_orders_p50": float(counts.p50[0]),
        "expected_orders_p90": float(counts.p90[0]),
        "widening_orders": widening.orders_groups,
        "widening_contribution": widening.money_groups,
    }
    if futures.group_money:
        money = group_intervals(
            futures.group_money[group.segmentation][sums] * drawn.scale, widening=widening.money_groups
        )
        row |= {
            "expected_contribution": float(customers.get_column("expected_contribution").to_numpy()[members].sum()),
            "expected_contribution_p10": float(money.p10[0]),
            "expected_contribution_p50": float(money.p50[0]),
            "expected_contribution_p90": float(money.p90[0]),
        }
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
