"""Every customer forecast at the as-of day and at the month-ends before it, each from what was known by then.

What belongs here: which days, what is reused, what a company too small for a model is told. What does not: any model, any
reading or writing.

`days` has one row per customer and day: `customer_id`, `ordered_on`, `is_order` (false: money that follows an order, such as
a return), `net_revenue`, `contribution` (null where no cost is known) and `cost_to_serve`.
`contracts`: see clientela.lifetime.contract_forecast.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from clientela.value.settings import ValueSettings

if TYPE_CHECKING:
    from clientela.lifetime.backtest import Backtest, Memo
    from clientela.lifetime.contract_forecast import ContractForecast
    from clientela.lifetime.origins import Orders
    from clientela.lifetime.renewal_choice import Memo as RenewalMemo
    from clientela.lifetime.renewal_choice import RenewalPast

#: below so many customers, or days on which somebody ordered again, nothing is fitted
LEAST_CUSTOMERS = 30
LEAST_REPEATS = 30
LEFT_TRUNCATED_DAYS = 56
DAYS_PER_YEAR = 365.25
NO_SEASON = "no season learnt"
NO_COST = "no cost is known, so net revenue stands for contribution"

#: one table holds all answers of the one call, told apart by `row_type`
FORECAST_SCHEMA = pl.Schema(
    {
        "row_type": pl.String,
        "made_from": pl.String,
        "measured_on": pl.Date,
        "is_as_of": pl.Boolean,
        "customer_id": pl.Int64,
        "segmentation": pl.String,
        "segment": pl.String,
        "customers": pl.Int64,
        "cohort": pl.String,
        "decile": pl.Int64,
        "p_alive": pl.Float64,
        "p_alive_model": pl.String,
        "expected_orders": pl.Float64,
        "expected_orders_p10": pl.Float64,
        "expected_orders_p50": pl.Float64,
        "expected_orders_p90": pl.Float64,
        "expected_contribution": pl.Float64,
        "expected_contribution_p10": pl.Float64,
        "expected_contribution_p50": pl.Float64,
        "expected_contribution_p90": pl.Float64,
        "expected_contract_contribution": pl.Float64,
        "expected_contribution_per_order": pl.Float64,
        "expected_contribution_given_alive": pl.Float64,
        "median_days_to_next_order": pl.Float64,
        "p_order_within_30_days": pl.Float64,
        "p_order_within_90_days": pl.Float64,
        "horizon_months": pl.Int64,
        "order_model": pl.String,
        "spend_model": pl.String,
        "contract_model": pl.String,
        "fallback_reason": pl.String,
        "widening_orders": pl.Float64,
        "widening_contribution": pl.Float64,
        "season": pl.String,
        "first_ordered_on": pl.Date,
        "is_left_truncated": pl.Boolean,
        # of scores of candidates and of fitted parameters
        "origin_on": pl.Date,
        "holdout_days": pl.Int64,
        "target": pl.String,
        "candidate": pl.String,
        "model_used": pl.String,
        "actual_total": pl.Float64,
        "expected_total": pl.Float64,
        "error_in_total": pl.Float64,
        "rmse": pl.Float64,
        "mae": pl.Float64,
        "spearman": pl.Float64,
        "top_decile_share": pl.Float64,
        "calibration_error": pl.Float64,
        "mean_poisson_deviance": pl.Float64,
        "mean_squared_error": pl.Float64,
        "calibrated_coverage": pl.Float64,
        "raw_coverage": pl.Float64,
        "inflated_coverage": pl.Float64,
        "is_chosen": pl.Boolean,
        "reason": pl.String,
        "value": pl.Float64,
        "standard_error": pl.Float64,
    }
)


def month_ends_before(day: date, count: int, first_day: date) -> list[date]:
    """The last `count` month-ends before `day`, none before `first_day`; oldest first."""
    found: list[date] = []
    end = day.replace(day=1) - timedelta(days=1)
    while len(found) < count and end >= first_day:
        found.append(end)
        end = end.replace(day=1) - timedelta(days=1)
    return found[::-1]


def _month_end_until(day: date) -> date:
    """The last month-end on or before the day."""
    return day if (day + timedelta(days=1)).day == 1 else day.replace(day=1) - timedelta(days=1)


#: fingerprints wanted → those that an earlier answer bears, and its rows of them that are of no customer
Earlier = Callable[[list[str]], tuple[set[str], pl.DataFrame]]
#: how intervals did, and what was chosen, is told of the newest comparison alone; only there they were drawn
_OF_NEWEST = pl.col("row_type").is_in(["interval", "choice"])
_ORDER = ("row_type", "horizon_months", "customer_id", "segmentation", "segment", "target", "candidate", "origin_on")


class Before(NamedTuple):
    """What runs before this one leave. `earlier`: an answer is used again where its fingerprint, which names everything it
    was made from, `code_version` too, is wanted; `frozen_until`: the last as-of day whose predictions are frozen."""

    code_version: str = ""
    earlier: Earlier | None = None
    frozen_until: date | None = None


class Measured(NamedTuple):
    """What is told of one measured day. `made`: a frame of FORECAST_SCHEMA. `taken_over`: the fingerprint under which rows of
    customers were made before and stand; they are not in `made`."""

    made: pl.DataFrame
    taken_over: str | None = None


def forecast_customers(
    days: pl.DataFrame,
    contracts: pl.DataFrame,
    as_of: date,
    settings: ValueSettings,
    before: Before | None = None,
    keys: pl.DataFrame | None = None,
) -> Iterator[Measured]:
    """All forecasts and scores, a measured day at a time, oldest first: of a large company one day fills memory enough.

    `row_type` is `customer` (one row per customer known at `measured_on`), `group` (a sum with its interval), `prediction` (what
    is frozen, per customer and per group, for each scored horizon), `score` (one per rolling origin, candidate and what it
    forecasts), `interval` (how intervals did) or `parameter`. No figure of a day rests on data after it. What `before` holds
    is not computed again. keys: customer_id and a unique `key` that does not depend on the order in which customers were
    numbered; all is computed in the order of keys, so that sums and draws do not depend on it either.
    """
    code_version, earlier, frozen_until = before or Before()
    if keys is not None:
        days, contracts = (frame.join(keys, on="customer_id", how="inner") for frame in (days, contracts))
    days = days.filter(pl.col("ordered_on") <= as_of)
    contracts = contracts.filter(pl.col("started_on") <= as_of)
    first_days = [
        d for d in (days.get_column("ordered_on").min(), contracts.get_column("started_on").min()) if d is not None
    ]
    if not first_days:
        return
    first_day = min(first_days)
    assert isinstance(first_day, date)
    measured = [*month_ends_before(as_of, settings.month_ends, first_day), as_of]
    prints = _fingerprints(days, contracts, measured, settings, code_version)
    held, kept = set[str](), pl.DataFrame(schema=FORECAST_SCHEMA)
    if earlier and len(measured) > 1:
        held, kept = earlier([prints[day] for day in measured[:-1]])
    freezes = frozen_until is None or settings.freeze == "run" or frozen_until < as_of.replace(day=1)
    if keys is not None:
        days, contracts = (f.drop("customer_id").rename({"key": "customer_id"}) for f in (days, contracts))
    company = _Company(days, contracts, settings, freezes)
    newest = _month_end_until(as_of)
    comparisons: pl.DataFrame | None = None
    for day in measured:
        stands = prints[day] in held and day != as_of
        if stands:
            rows = _shaped(kept.filter(pl.col("made_from") == prints[day]))
        else:
            rows = company.at(day, as_of, comparisons if day == as_of else None)
            if keys is not None:
                numbered = keys.select(customer_id="key", number="customer_id")
                rows = rows.join(numbered, on="customer_id", how="left").drop("customer_id")
                rows = rows.rename({"number": "customer_id"})
            rows = _shaped(rows.with_columns(made_from=pl.lit(prints[day])))
        if day == newest:
            comparisons = rows.filter(pl.col("row_type") != "customer")
        elif day < newest:
            rows = rows.filter(~_OF_NEWEST)
        yield Measured(rows.sort(_ORDER, nulls_last=True), prints[day] if stands else None)


def _fingerprints(
    days: pl.DataFrame, contracts: pl.DataFrame, measured: list[date], settings: ValueSettings, code_version: str
) -> dict[date, str]:
    """What each measured day's figures are made from, in short: settings, code, and the data up to the day."""
    hashes = days.select("ordered_on", day_hash=days.select(sorted(days.columns)).hash_rows(seed=0)).group_by(
        "ordered_on"
    )
    daily = hashes.agg(pl.col("day_hash").sum(), pl.len()).sort("ordered_on")
    agreed = contracts.select(sorted(contracts.columns)).sort(pl.all())
    later_columns = [name for name in ("renewed_on", "paused_on") if name in agreed.columns]
    fingerprints: dict[date, str] = {}
    for day in measured:
        until = daily.filter(pl.col("ordered_on") <= day).select(pl.col("day_hash").sum(), pl.col("len").sum()).row(0)
        known = agreed.filter(pl.col("started_on") <= day).with_columns(
            pl.when(pl.col("cancelled_on") <= day).then("cancelled_on").alias("cancelled_on"),
            pl.when((pl.col("cancelled_on") <= day).fill_null(pl.col("cancelled_on").is_null()))
            .then("ends_on")
            .alias("ends_on"),
            *[pl.when(pl.col(name) <= day).then(name).alias(name) for name in later_columns],
        )
        facts = (
            code_version,
            settings.model_dump_json(),
            day == measured[-1],
            day,
            until,
            known.hash_rows(seed=0).sum(),
        )
        fingerprints[day] = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    return fingerprints


def _shaped(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with all columns of FORECAST_SCHEMA; every figure finite, or null."""
    missing = [pl.lit(None, kind).alias(name) for name, kind in FORECAST_SCHEMA.items() if name not in frame.columns]
    shaped = frame.with_columns(missing).select(FORECAST_SCHEMA.names()).cast(FORECAST_SCHEMA)
    numbers = pl.selectors.float()
    return shaped.with_columns(pl.when(numbers.is_finite()).then(numbers))


class _Day(NamedTuple):
    """A measured day. newest: what was said at the month-end before the as-of day; renewals: what is chosen for contracts."""

    day: date
    as_of: date
    newest: pl.DataFrame | None
    renewals: "RenewalPast | None"


class _Company:
    """The company's days, made ready for the models once, when first needed."""

    def __init__(self, days: pl.DataFrame, contracts: pl.DataFrame, settings: ValueSettings, freezes: bool) -> None:
        self._settings, self._contracts, self._freezes = settings, contracts, freezes
        bought = days.filter("is_order").get_column("contribution")
        self._knows_cost = bool(len(bought)) and not bought.is_null().all()
        goods = pl.col("contribution") if self._knows_cost else pl.col("net_revenue")
        brought = pl.col("is_order") | (pl.col("net_revenue") != 0) | (pl.col("contribution") != 0).fill_null(True)
        self._days = days.with_columns(contribution=goods).filter(brought).drop("cost_to_serve")
        served = days.filter(pl.col("cost_to_serve") != 0)
        self._served = served.select("customer_id", "ordered_on", "cost_to_serve")
        self._ready: Orders | None = None
        self._memo: Memo | None = None
        self._renewal_memo: RenewalMemo = {}

    def at(self, day: date, as_of: date, newest: pl.DataFrame | None) -> pl.DataFrame:
        """Everything that is said of one measured day. newest: what was said at the month-end before the as-of day."""
        is_as_of = day == as_of
        known = self._days.filter((pl.col("ordered_on") <= day) & pl.col("is_order"))
        customers = known.get_column("customer_id").n_unique()
        renewals = self._renewals(day)
        if customers < LEAST_CUSTOMERS or known.height - customers < LEAST_REPEATS:
            parts = self._without_models(known, day, is_as_of, renewals)
        else:
            parts = self._with_models(known, _Day(day, as_of, newest, renewals))
        if renewals is not None:
            parts.append(renewals.scores)
        frame = pl.concat([_shaped(part) for part in parts])
        reason = pl.lit(None, pl.String) if self._knows_cost or not known.height else pl.lit(NO_COST)
        of_customers = pl.col("row_type") == "customer"
        return frame.with_columns(
            measured_on=pl.lit(day),
            is_as_of=pl.lit(is_as_of),
            horizon_months=pl.col("horizon_months").fill_null(self._settings.horizon_months),
            fallback_reason=pl.when(of_customers)
            .then(pl.concat_str(pl.col("fallback_reason").replace("", None), reason, separator="; ", ignore_nulls=True))
            .otherwise("fallback_reason")
            .replace("", None),
        )

    def _renewals(self, day: date) -> "RenewalPast | None":
        """Which model of renewals did best up to the last month-end; None where no contract had started."""
        if not self._contracts.filter(pl.col("started_on") <= day).height:
            return None
        from clientela.lifetime.renewal_choice import compare_renewals

        settings = self._settings
        return compare_renewals(
            self._contracts, _month_end_until(day), settings.holdout_days, settings.origins, self._renewal_memo
        )

    def _with_models(self, known: pl.DataFrame, at: "_Day") -> list[pl.DataFrame]:
        from clientela.lifetime.backtest import BacktestSettings, Memo, backtest
        from clientela.lifetime.forecast import Fits, Forecast, ForecastSettings, forecast
        from clientela.lifetime.origins import Orders

        settings, (day, as_of, newest, renewals) = self._settings, at
        if self._ready is None or self._memo is None:
            self._ready, self._memo = Orders.of(self._days), Memo()
        is_as_of = day == as_of
        # candidates are compared at month-ends: what is chosen stands until the next
        last = _month_end_until(day)
        past, scores = _remembered(newest) if newest is not None and day != last else (None, [])
        if past is None and last >= self._ready.first_day:
            past = backtest(
                self._ready,
                last,
                BacktestSettings(
                    holdout_days=settings.holdout_days,
                    max_origins=settings.origins,
                    draws=settings.draws if last == _month_end_until(as_of) else 0,
                    seed=settings.seed,
                    at_most=settings.most_customers_fitted,
                ),
                memo=self._memo,
            )
            scores = _scores(past, settings)
        fits = Fits()

        def ahead(months: int, groups: pl.DataFrame | None = None, draws: int = 0) -> Forecast:
            assert self._ready is not None
            return forecast(
                self._ready,
                day,
                ForecastSettings(
                    horizon_months=months,
                    annual_discount_rate=settings.annual_discount_rate,
                    order_model=settings.order_model,
                    spend_model=settings.spend_model,
                    draws=draws,
                    seed=settings.seed,
                    at_most=settings.most_customers_fitted,
                ),
                past=past,
                groups=groups,
                contracts=self._contracts if self._contracts.height else None,
                renewals=renewals,
                served=self._served if self._served.height else None,
                fits=fits,
            )

        made = ahead(settings.horizon_months)
        if is_as_of:
            # the groups that intervals are kept of are known once everybody's mean is
            labels = _labelled(made.customers, known)
            groups = labels.select("customer_id", "cohort", pl.col("decile").cast(pl.String))
            made = ahead(settings.horizon_months, groups, settings.draws)
        parts = [made.customers.with_columns(row_type=pl.lit("customer"))]
        if is_as_of:
            parts = [parts[0].join(labels.select("customer_id", "decile"), on="customer_id", how="left")]
            parts.append(made.groups.rename({"group": "segment"}).with_columns(row_type=pl.lit("group")))
            if self._freezes:
                for months in settings.scored_horizons_months:
                    near = made if months == settings.horizon_months else ahead(months, groups, settings.draws)
                    parts += [
                        near.customers.join(labels, on="customer_id").with_columns(
                            row_type=pl.lit("prediction"),
                            horizon_months=pl.lit(months),
                            segmentation=pl.lit("customer"),
                        ),
                        near.groups.rename({"group": "segment"}).with_columns(
                            row_type=pl.lit("prediction"),
                            horizon_months=pl.lit(months),
                            order_model=pl.lit(near.customers["order_model"].drop_nulls()[0]),
                        ),
                    ]
            parts += [
                made.parameters.select(
                    pl.lit("parameter").alias("row_type"), pl.col("component").alias("target"),
                    pl.col("model").alias("model_used"), pl.col("parameter").alias("candidate"),
                    "value", "standard_error", "customers", "reason",
                ),
            ]  # fmt: skip
        else:
            # nothing was drawn, so nothing was widened
            parts[0] = parts[0].with_columns(widening_orders=pl.lit(None), widening_contribution=pl.lit(None))
        return parts + scores

    def _without_models(
        self, known: pl.DataFrame, day: date, is_as_of: bool, renewals: "RenewalPast | None"
    ) -> list[pl.DataFrame]:
        """So few customers, or orders after the first, that a model would only seem to know: one rate for all, each
        customer's own orders weighing as much as one order's worth of it, and no P(alive)."""
        settings = self._settings
        customers, running = self._forecast_without_models(known, day, settings.horizon_months, renewals)
        if customers is None or not is_as_of:
            return [] if customers is None else [customers]
        labels = _labelled(customers, known)
        customers, groups = self._with_intervals(customers, running, known, labels)
        own = customers.drop("decile").join(labels.select("customer_id", "decile"), on="customer_id")
        parts = [own, groups.with_columns(row_type=pl.lit("group"))]
        for months in settings.scored_horizons_months if self._freezes else ():
            near, near_running = self._forecast_without_models(known, day, months, renewals)
            assert near is not None
            near, groups = self._with_intervals(near, near_running, known, labels)
            frozen = {"row_type": pl.lit("prediction"), "horizon_months": pl.lit(months)}
            parts += [
                near.drop("decile", "cohort")
                .join(labels, on="customer_id")
                .with_columns(segmentation=pl.lit("customer"), **frozen),
                groups.with_columns(**frozen),
            ]
        return parts

    def _with_intervals(
        self,
        customers: pl.DataFrame,
        running: "ContractForecast | None",
        known: pl.DataFrame,
        labels: pl.DataFrame,
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Customers who have nothing but contracts with their intervals, and groups, where all customers are such."""
        none, customers = _shaped(pl.DataFrame(schema={"customer_id": pl.Int64})), _shaped(customers)
        if running is None:
            return customers, none
        kinds = pl.DataFrame({"customer_id": running.customers}).join(
            labels, on="customer_id", how="left", maintain_order="left"
        )
        by = {name: kinds.get_column(name).cast(pl.String) for name in ("cohort", "decile")}
        own, groups = running.intervals(self._settings.draws, self._settings.seed, by)
        levels = [name for name in own.columns if name != "customer_id"]
        drawn = customers.join(own, on="customer_id", how="left", suffix="_drawn", maintain_order="left")
        customers = drawn.with_columns(
            *[pl.when(pl.col("order_model").is_null()).then(f"{n}_drawn").otherwise(n).alias(n) for n in levels],
            *[
                pl.when(pl.col("order_model").is_null()).then(0.0).otherwise(name).alias(name)
                for name in ("expected_orders_p10", "expected_orders_p50", "expected_orders_p90")
            ],
        ).select(FORECAST_SCHEMA.names())
        if known.height:
            return customers, none
        return customers, _shaped(groups.with_columns(expected_orders=pl.lit(0.0)))

    def _forecast_without_models(
        self, known: pl.DataFrame, day: date, months: int, renewals: "RenewalPast | None"
    ) -> tuple[pl.DataFrame | None, "ContractForecast | None"]:
        settings = self._settings
        horizon = _days_ahead(day, months)
        own = self._one_rate(known, day, horizon) if known.height else None
        running = None
        if self._contracts.filter(pl.col("started_on") <= day).height:
            from math import log1p

            from clientela.lifetime.contract_forecast import forecast_contracts

            running = forecast_contracts(
                self._contracts, day, horizon, log1p(settings.annual_discount_rate) / DAYS_PER_YEAR, renewals
            )
            contracts = pl.DataFrame(
                {
                    "customer_id": running.customers,
                    "added": running.expected,
                    "in_force": running.is_active > 0,
                    "note": running.notes,
                }
            ).with_columns(contract_reason=pl.lit(running.reason), contract_model=pl.lit(running.model))
            before = _shaped(pl.DataFrame(schema={"customer_id": pl.Int64}) if own is None else own)
            both = before.drop("contract_model").join(contracts, on="customer_id", how="full", coalesce=True)
            added = pl.col("added").fill_null(0.0)
            own = both.with_columns(
                row_type=pl.lit("customer"),
                p_alive=pl.when("in_force").then(1.0).when(pl.col("order_model").is_null()).then(0.0),
                p_alive_model=pl.when(pl.col("in_force") | pl.col("order_model").is_null()).then(pl.lit("contract")),
                expected_orders=pl.col("expected_orders").fill_null(0.0),
                expected_contribution=pl.col("expected_contribution").fill_null(0.0) + added,
                expected_contribution_given_alive=pl.col("expected_contribution_given_alive").fill_null(0.0) + added,
                expected_contract_contribution=added,
                season=pl.lit(NO_SEASON),
                is_left_truncated=pl.col("is_left_truncated").fill_null(False),
                fallback_reason=pl.concat_str(
                    "fallback_reason", "contract_reason", "note", separator="; ", ignore_nulls=True
                ),
            )
        return own, running

    def _one_rate(self, known: pl.DataFrame, day: date, horizon: int) -> pl.DataFrame:
        from math import expm1, log, log1p

        from clientela.lifetime.cost_to_serve import cost_per_day

        delta = log1p(self._settings.annual_discount_rate) / DAYS_PER_YEAR
        discount = -expm1(-delta * horizon) / (delta * horizon) if delta else 1.0
        begun = self._days.filter("is_order").get_column("ordered_on").min()
        money = (
            self._days.filter(pl.col("ordered_on") <= day)
            .sort("customer_id", "ordered_on")
            .group_by("customer_id", maintain_order=True)
            .agg(
                pl.col("contribution").sum(),
                (pl.col("is_order") & pl.col("contribution").is_not_null()).sum().alias("n"),
            )
        )
        customers = (
            known.group_by("customer_id")
            .agg(
                (pl.col("ordered_on").n_unique() - 1).alias("repeats"),
                pl.col("ordered_on").min().alias("first_ordered_on"),
                (pl.col("ordered_on").max() - pl.col("ordered_on").min()).dt.total_days().alias("closed"),
            )
            .join(money, on="customer_id", how="left")
            .with_columns(observed=(pl.lit(day) - pl.col("first_ordered_on")).dt.total_days().cast(pl.Float64))
            .sort("customer_id")
        )
        observed, repeats = float(customers["observed"].sum()), float(customers["repeats"].sum()) + 0.5
        number = float(customers["n"].sum())
        mean = float(customers["contribution"].sum()) / number if number else None
        count = customers.height
        who = "1 customer" if count == 1 else f"{count} customers"
        why = f"no model is fitted to {who} with {int(repeats)} orders after their first"
        if observed <= 0:
            rate: pl.Expr = pl.lit(None, pl.Float64)
            why += "; all came on the day itself, so no rate can be told"
        else:
            # whoever is known for less than a usual gap counts as known for one: two orders in two days are no habit
            usual_gap = float(customers["closed"].sum()) / repeats
            known_for = pl.max_horizontal("observed", pl.lit(usual_gap))
            rate = (pl.col("repeats") + 1.0) / (known_for + observed / repeats)
        per_order = pl.lit(None, pl.Float64) if mean is None else (pl.col("contribution") + mean) / (pl.col("n") + 1.0)
        serving = pl.Series(cost_per_day(self._served, customers, day) * horizon * discount)
        worth = pl.col("rate") * horizon * discount * pl.col("expected_contribution_per_order") - serving
        return customers.with_columns(rate=rate, expected_contribution_per_order=per_order).select(
            pl.lit("customer").alias("row_type"),
            "customer_id",
            expected_orders=pl.col("rate") * horizon,
            expected_contribution_per_order="expected_contribution_per_order",
            expected_contribution=worth,
            expected_contribution_given_alive=worth,
            expected_contract_contribution=pl.lit(0.0),
            median_days_to_next_order=log(2) / pl.col("rate"),
            p_order_within_30_days=1 - (-30 * pl.col("rate")).exp(),
            p_order_within_90_days=1 - (-90 * pl.col("rate")).exp(),
            order_model=pl.lit("one_rate"),
            spend_model=pl.lit("mean"),
            fallback_reason=pl.lit(why),
            widening_orders=pl.lit(1.0),
            widening_contribution=pl.lit(1.0),
            season=pl.lit(NO_SEASON),
            first_ordered_on="first_ordered_on",
            is_left_truncated=(pl.col("first_ordered_on") - pl.lit(begun)).dt.total_days() < LEFT_TRUNCATED_DAYS,
        )


def _days_ahead(day: date, months: int) -> int:
    number = day.month - 1 + months
    first = date(day.year + number // 12, number % 12 + 1, 1)
    after = (first + timedelta(days=32)).replace(day=1)
    return (min(first + timedelta(days=day.day - 1), after - timedelta(days=1)) - day).days


def _labelled(customers: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Of each customer the month of the first order (`cohort`) and the tenth of expected contribution (`decile`, 1 the best).

    Tenths are equally large. Of equal figures, who ordered last stands first, then whose key is the smaller.
    """
    bought = known.group_by("customer_id").agg(
        pl.col("ordered_on").min().dt.strftime("%Y-%m").alias("cohort"), pl.col("ordered_on").max().alias("last_on")
    )
    return (
        customers.select("customer_id", pl.col("expected_contribution").fill_null(0.0))
        .join(bought, on="customer_id", how="left")
        .sort("expected_contribution", "last_on", "customer_id", descending=[True, True, False], nulls_last=True)
        .select(
            "customer_id",
            pl.col("cohort").fill_null("contract only"),
            decile=pl.int_range(pl.len(), dtype=pl.Int64) * 10 // pl.len() + 1,
        )
        .sort("customer_id")
    )


def _scores(past: "Backtest", settings: ValueSettings) -> list[pl.DataFrame]:
    """Scores of the candidates and of intervals, and of the choice where nothing could be compared."""
    fixed = {"orders": settings.order_model, "contribution": settings.spend_model}
    scores = past.scores.rename({"as_of": "origin_on"})
    chosen = pl.DataFrame(
        {
            "target": ["orders", "contribution"],
            "candidate": [past.order_model, past.spend_model],
            "is_chosen": [True, True],
            "reason": [past.order_reason, past.spend_reason],
        }
    ).join(scores.select("target").unique(), on="target", how="anti")
    parts = [scores.with_columns(row_type=pl.lit("score")), chosen.with_columns(row_type=pl.lit("score"))]
    for what, name in fixed.items():
        if name is not None:
            of = pl.col("target") == what
            parts = [
                p.with_columns(
                    is_chosen=pl.when(of).then(pl.col("candidate") == name).otherwise("is_chosen"),
                    reason=pl.when(of & (pl.col("candidate") == name))
                    .then(pl.lit("fixed by the configuration"))
                    .otherwise("reason"),
                )
                for p in parts
            ]
    parts.append(
        past.intervals.select(
            pl.lit("interval").alias("row_type"), pl.col("as_of").alias("origin_on"), "target",
            pl.col("level").alias("segmentation"), pl.col("scored").alias("customers"), "calibrated_coverage", "raw_coverage",
            pl.col("interval_inflation").alias("value"), "inflated_coverage",
        )
    )  # fmt: skip
    learnt = past.widening
    parts.append(
        pl.DataFrame(
            {
                "row_type": ["choice", "choice"], "target": ["orders", "contribution"],
                "candidate": [past.order_model, past.spend_model], "reason": [past.order_reason, past.spend_reason],
                "widening_orders": [learnt.orders_customers, learnt.orders_groups],
                "widening_contribution": [learnt.money_customers, learnt.money_groups],
                "value": [past.dispersion, past.level_error], "holdout_days": [past.holdout_days] * 2,
            }
        )
    )  # fmt: skip
    return parts


def _remembered(rows: pl.DataFrame) -> tuple["Backtest | None", list[pl.DataFrame]]:
    """The comparison that a month-end's rows tell of, and the rows that tell it."""
    from clientela.lifetime.backtest import Backtest
    from clientela.lifetime.draws import Widening

    chosen = rows.filter(pl.col("row_type") == "choice").sort("target", descending=True)
    if chosen.height != 2:
        return None, []
    orders, money = chosen.rows(named=True)
    empty = pl.DataFrame()
    past = Backtest(
        empty,
        empty,
        empty,
        orders["candidate"],
        orders["reason"],
        money["candidate"],
        money["reason"],
        orders["holdout_days"],
        Widening(
            orders["widening_orders"],
            money["widening_orders"],
            orders["widening_contribution"],
            money["widening_contribution"],
        ),
        orders["value"],
        money["value"],
    )
    of_orders = pl.col("target") != "renewals"
    return past, [rows.filter(pl.col("row_type").is_in(["score", "interval", "choice"]) & of_orders)]
