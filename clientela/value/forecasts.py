"""Every customer forecast at the as-of day and at the month-ends before it, each from what was known by then.

What belongs here: which days, what is reused, what a company too small for a model gets. What does not: any model, any
reading or writing.

`days` has one row per customer and day: `customer_id`, `ordered_on`, `is_order` (false: money that follows an order, such as
a return), `net_revenue`, `contribution` (null where no cost is known) and `cost_to_serve`.
`contracts`: see clientela.lifetime.contract_forecast.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from clientela.value.settings import ValueSettings
from clientela.value.settled import Remembered, Settling
from clientela.value.tables import FORECAST_TABLES

if TYPE_CHECKING:
    from clientela.lifetime.arrays import Floats
    from clientela.lifetime.backtest import Backtest, Memo
    from clientela.lifetime.churn_probability import Answer
    from clientela.lifetime.churn_probability import Memo as NoOrderMemo
    from clientela.lifetime.contract_forecast import ContractForecast
    from clientela.lifetime.day_fits import Values
    from clientela.lifetime.forecast import Fits, Forecast
    from clientela.lifetime.horizons import Horizon
    from clientela.lifetime.origins import Orders
    from clientela.lifetime.renewal_choice import Memo as RenewalMemo
    from clientela.lifetime.renewal_choice import RenewalPast

#: below so many customers, or days on which somebody ordered again, nothing is fitted
LEAST_CUSTOMERS = 30
LEAST_REPEATS = 30
LEFT_TRUNCATED_DAYS = 56
#: the months for which P(no order) is given
NO_ORDER_MONTHS = (3, 6, 12)
#: a company of fewer days compares its candidates at every month-end, an older one once a quarter
YOUNG_DAYS = 365
#: of data before a day that is looked back upon for nothing but its predictions
LEAST_DAYS_BEFORE = 91
DAYS_PER_YEAR = 365.25
NO_SEASON = "no season learnt"
NO_COST = "no cost is known, so net revenue stands for contribution"

_TYPES: dict[str, type[pl.DataType]] = {
    "bigint": pl.Int64,
    "double": pl.Float64,
    "varchar": pl.String,
    "date": pl.Date,
    "boolean": pl.Boolean,
}


def _schema_of(definition: str) -> pl.Schema:
    return pl.Schema((name, _TYPES[kind]) for name, kind in (column.split() for column in definition.split(", ")))


#: by table, the columns of its frame
SCHEMAS = {name: _schema_of(definition) for name, definition in FORECAST_TABLES.items() if name != "days"}


@dataclass(frozen=True)
class DayTables:
    """The figures of one measured day: a frame per table of clientela.value.tables."""

    customers: pl.DataFrame
    groups: pl.DataFrame
    predictions: pl.DataFrame
    past_predictions: pl.DataFrame
    scores: pl.DataFrame
    calibrations: pl.DataFrame
    intervals: pl.DataFrame
    choices: pl.DataFrame
    no_order_scores: pl.DataFrame
    no_order_deciles: pl.DataFrame
    horizons: pl.DataFrame
    parameters: pl.DataFrame

    @classmethod
    def of(cls, **parts: list[pl.DataFrame]) -> "DayTables":
        """The frames put together, with all columns of their tables; every figure finite, or null."""
        empty = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}
        return cls(**{n: pl.concat([e, *(_shaped(n, f) for f in parts.get(n, ()))]) for n, e in empty.items()})

    def each(self, change: Callable[[str, pl.DataFrame], pl.DataFrame]) -> "DayTables":
        """Every frame changed by its table's name."""
        return DayTables(**{name: change(name, frame) for name, frame in self.frames()})

    def frames(self) -> list[tuple[str, pl.DataFrame]]:
        """The frames with their tables' names."""
        return [(name, getattr(self, name)) for name in SCHEMAS]


def _shaped(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    schema = SCHEMAS[table]
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
    shaped = frame.with_columns(missing).select(schema.names()).cast(schema)
    numbers = pl.selectors.float()
    return shaped.with_columns(pl.when(numbers.is_finite()).then(numbers))


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


def _over(day: date, as_of: date, horizons: list[int]) -> list[int]:
    """The horizons, in months from the day, that are over by the as-of day."""
    return [months for months in horizons if (as_of - day).days >= _days_ahead(day, months)]


def _origins(as_of: date, horizons: list[int], first_day: date) -> list[date]:
    """The last month-end from which each horizon is over by the as-of day, with a quarter of a year of data before it."""
    found = []
    for months in horizons:
        end = _month_end_until(as_of)
        while end >= first_day and not _over(end, as_of, [months]):
            end = end.replace(day=1) - timedelta(days=1)
        if (end - first_day).days >= LEAST_DAYS_BEFORE:
            found.append(end)
    return found


#: fingerprints wanted → those that an earlier answer bears, and its figures of those days beside customers
Earlier = Callable[[list[str]], tuple[set[str], DayTables]]
_OF_DAY = ("made_from", "measured_on", "is_as_of")
#: how intervals did, and what was chosen, is kept of the newest comparison alone
_OF_NEWEST = ("intervals", "choices", "horizons")
#: a row per customer: these stay where they were made before, and are not read again
OF_CUSTOMERS = ("customers", "past_predictions")
_ORDER = (
    "horizon_months",
    "customer_id",
    "segmentation",
    "segment",
    "target",
    "candidate",
    "origin_on",
    "tenure",
    "level",
    "component",
    "parameter",
)


class Before(NamedTuple):
    """What runs before this one leave. `earlier`: an answer is used again where its fingerprint, which names everything it
    was made from, `code_version` too, is wanted; `frozen_until`: the last as-of day whose predictions are frozen; `remembered`:
    what was learnt at closed month-ends."""

    code_version: str = ""
    earlier: Earlier | None = None
    frozen_until: date | None = None
    remembered: Remembered = Remembered()


class Measured(NamedTuple):
    """One measured day. `made_from`: its fingerprint. `is_taken_over`: rows of customers were made before
    under it and are kept; they are not in `made`."""

    measured_on: date
    is_as_of: bool
    made_from: str
    made: DayTables
    is_taken_over: bool


class Forecasts:
    """All forecasts and scores of one run. `settling`: which month-ends stand, and, once all days are measured, what this run
    settles.

    No figure of a day rests on data after it. What `before` holds is not computed again. keys: customer_id and a unique
    `key` that does not depend on the order in which customers were numbered; all is computed in the order of keys, so that
    sums and draws do not depend on it either.
    """

    def __init__(
        self,
        days: pl.DataFrame,
        contracts: pl.DataFrame,
        as_of: date,
        settings: ValueSettings,
        before: Before | None = None,
        keys: pl.DataFrame | None = None,
    ) -> None:
        before = before or Before()
        if keys is not None:
            days, contracts = (frame.join(keys, on="customer_id", how="inner") for frame in (days, contracts))
        self._days = days.filter(pl.col("ordered_on") <= as_of)
        self._contracts = contracts.filter(pl.col("started_on") <= as_of)
        self._as_of, self._settings, self._before, self._keys = as_of, settings, before, keys
        self.settling = Settling(before.remembered, self._days, self._contracts, as_of, settings)

    def measured(self) -> Iterator[Measured]:
        """A measured day at a time, oldest first: of a large company one day fills memory enough."""
        days, contracts, as_of, settings, keys = self._days, self._contracts, self._as_of, self._settings, self._keys
        earlier, frozen_until = self._before.earlier, self._before.frozen_until
        first_days = [
            d for d in (days.get_column("ordered_on").min(), contracts.get_column("started_on").min()) if d is not None
        ]
        if not first_days:
            return
        first_day = min(first_days)
        assert isinstance(first_day, date)
        shown = [*month_ends_before(as_of, settings.month_ends, first_day), as_of]
        measured = sorted({*shown, *_origins(as_of, settings.scored_horizons_months, first_day)})
        prints = self._fingerprints(measured)
        held, kept = set[str](), DayTables.of()
        if earlier and len(measured) > 1:
            held, kept = earlier([prints[day] for day in measured[:-1]])
        freezes = frozen_until is None or settings.freeze == "run" or frozen_until < as_of.replace(day=1)
        if keys is not None:
            days, contracts = (f.drop("customer_id").rename({"key": "customer_id"}) for f in (days, contracts))
        company = _Company(days, contracts, settings, self.settling, freezes=freezes)
        newest = _month_end_until(as_of)
        for day in measured:
            made_from, is_as_of = prints[day], day == as_of
            is_taken_over = made_from in held and not is_as_of
            if is_taken_over:
                made = kept.each(lambda _, frame, made_from=made_from: frame.filter(pl.col("made_from") == made_from))  # type: ignore[misc]
            else:
                made = company.at(day, as_of)
                if keys is not None:
                    made = _numbered(made, keys)
                of_day = {"made_from": pl.lit(made_from), "measured_on": pl.lit(day), "is_as_of": pl.lit(is_as_of)}
                made = made.each(lambda _, frame, of_day=of_day: frame.with_columns(**of_day))  # type: ignore[misc]
            if day < newest:
                made = made.each(lambda name, frame: frame.clear() if name in _OF_NEWEST else frame)
            if day not in shown:
                # looked back upon only to see what would have been predicted for the horizon that is over
                made = made.each(lambda name, frame: frame if name == "past_predictions" else frame.clear())
            yield Measured(day, is_as_of, made_from, made.each(_sorted), is_taken_over)

    def _fingerprints(self, measured: list[date]) -> dict[date, str]:
        """What each measured day's figures are made from, in short: settings, code, the data up to the day, and the runs that
        settled what was learnt at it and at the month-end whose choice is used."""
        days, contracts, settings = self._days, self._contracts, self._settings
        hashes = days.select("ordered_on", day_hash=days.select(sorted(days.columns)).hash_rows(seed=0)).group_by(
            "ordered_on"
        )
        daily = hashes.agg(pl.col("day_hash").sum(), pl.len()).sort("ordered_on")
        agreed = contracts.select(sorted(contracts.columns)).sort(pl.all())
        later_columns = [name for name in ("renewed_on", "paused_on") if name in agreed.columns]
        bought = days.filter("is_order")
        first_bought = bought.get_column("ordered_on").min()
        assert first_bought is None or isinstance(first_bought, date)
        fingerprints: dict[date, str] = {}
        for day in measured:
            until = (
                daily.filter(pl.col("ordered_on") <= day).select(pl.col("day_hash").sum(), pl.col("len").sum()).row(0)
            )
            known = agreed.filter(pl.col("started_on") <= day).with_columns(
                pl.when(pl.col("cancelled_on") <= day).then("cancelled_on").alias("cancelled_on"),
                pl.when((pl.col("cancelled_on") <= day).fill_null(pl.col("cancelled_on").is_null()))
                .then("ends_on")
                .alias("ends_on"),
                *[pl.when(pl.col(name) <= day).then(name).alias(name) for name in later_columns],
            )
            settled: list[str] = []
            if day < self._as_of and (is_modelled(bought.filter(pl.col("ordered_on") <= day)) or known.height):
                settled.append(self.settling.settled_by(day))
                if first_bought is not None:
                    settled.append(self.settling.settled_by(compared_on(first_bought, day)))
            facts = (
                self._before.code_version,
                settings.model_dump_json(exclude={"refit_share"}),
                day == measured[-1],
                day,
                _over(day, measured[-1], settings.scored_horizons_months),
                until,
                known.hash_rows(seed=0).sum(),
                settled,
            )
            fingerprints[day] = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
        return fingerprints


def is_modelled(known: pl.DataFrame) -> bool:
    """Whether models are fitted to these orders."""
    customers = known.get_column("customer_id").n_unique()
    return customers >= LEAST_CUSTOMERS and known.height - customers >= LEAST_REPEATS


def compared_on(first_day: date, day: date) -> date:
    """The month-end whose choice between candidates is used on a day: the last one within the first year of data, later the last
    of a quarter."""
    last = _month_end_until(day)
    quarter = last
    while quarter.month % 3:
        quarter = quarter.replace(day=1) - timedelta(days=1)
    return quarter if (quarter - first_day).days >= YOUNG_DAYS else last


def _sorted(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort([name for name in _ORDER if name in frame.columns] or pl.all(), nulls_last=True)


def _as_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The frame in plain values."""
    return frame.with_columns(pl.selectors.date().cast(pl.String)).to_dicts()


def _from_rows(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """A table's frame from plain values, without the columns of its day."""
    schema = {name: kind for name, kind in SCHEMAS[table].items() if name not in _OF_DAY}
    read = {name: pl.String if kind == pl.Date else kind for name, kind in schema.items()}
    return pl.DataFrame([{name: row[name] for name in read} for row in rows], schema=read).with_columns(
        pl.col(name).str.to_date() for name, kind in schema.items() if kind == pl.Date
    )


def _numbered(made: DayTables, keys: pl.DataFrame) -> DayTables:
    """Customers by the numbers they bear in place of their keys."""
    numbers = keys.select(customer_id="key", number="customer_id")

    def of(_: str, frame: pl.DataFrame) -> pl.DataFrame:
        if "customer_id" not in frame.columns:
            return frame
        columns = frame.columns
        frame = frame.join(numbers, on="customer_id", how="left").drop("customer_id")
        return frame.rename({"number": "customer_id"}).select(columns)

    return made.each(of)


#: by table, the frames that it is put together from
Parts = dict[str, list[pl.DataFrame]]


class _Day(NamedTuple):
    """A measured day. renewals: what is chosen for contracts."""

    day: date
    as_of: date
    renewals: "RenewalPast | None"


class _Company:
    """The company's days, made ready for the models once, when first needed."""

    def __init__(
        self, days: pl.DataFrame, contracts: pl.DataFrame, settings: ValueSettings, settling: Settling, *, freezes: bool
    ) -> None:
        self._settings, self._contracts, self._freezes, self._settling = settings, contracts, freezes, settling
        bought = days.filter("is_order").get_column("contribution")
        self._knows_cost = bool(len(bought)) and not bought.is_null().all()
        goods = pl.col("contribution") if self._knows_cost else pl.col("net_revenue")
        brought = pl.col("is_order") | (pl.col("net_revenue") != 0) | (pl.col("contribution") != 0).fill_null(True)
        self._days = days.with_columns(contribution=goods).filter(brought).drop("cost_to_serve")
        served = days.filter(pl.col("cost_to_serve") != 0)
        self._served = served.select("customer_id", "ordered_on", "cost_to_serve")
        self._ready: Orders | None = None
        self._memo: Memo | None = None
        self._no_order_memo: NoOrderMemo | None = None
        self._compared: dict[date, tuple[Backtest | None, Parts]] = {}
        self._renewal_memo: RenewalMemo = {}

    def at(self, day: date, as_of: date) -> DayTables:
        """All figures of one measured day."""
        known = self._days.filter((pl.col("ordered_on") <= day) & pl.col("is_order"))
        renewals = self._renewals(day)
        if is_modelled(known):
            parts = self._with_models(known, _Day(day, as_of, renewals))
        else:
            parts = self._without_models(known, day, as_of, renewals)
        if renewals is not None:
            parts["scores"] = [*parts.get("scores", []), renewals.scores]
            parts["calibrations"] = [renewals.calibrations]
        made = DayTables.of(**parts)
        reason = pl.lit(None, pl.String) if self._knows_cost or not known.height else pl.lit(NO_COST)
        own = pl.col("fallback_reason").replace("", None)
        return replace(
            made,
            customers=made.customers.with_columns(
                horizon_months=pl.lit(self._settings.horizon_months, pl.Int64),
                fallback_reason=pl.concat_str(own, reason, separator="; ", ignore_nulls=True).replace("", None),
            ),
            groups=made.groups.with_columns(horizon_months=pl.lit(self._settings.horizon_months, pl.Int64)),
            scores=made.scores.with_columns(pl.col("fallback_reason").replace("", None)),
        )

    def _renewals(self, day: date) -> "RenewalPast | None":
        """Which model of renewals did best up to the last month-end; None where no contract had started."""
        if not self._contracts.filter(pl.col("started_on") <= day).height:
            return None
        from clientela.lifetime.renewal_choice import RenewalPast, compare_renewals

        settings, last = self._settings, _month_end_until(day)

        def compare() -> "Values":
            past = compare_renewals(self._contracts, last, settings.holdout_days, settings.origins, self._renewal_memo)
            return {
                "model": past.model,
                "reason": past.reason,
                "scores": _as_rows(_shaped("scores", past.scores)),
                "calibrations": _as_rows(_shaped("calibrations", past.calibrations)),
            }

        found = self._settling.kept.take(last, "renewals", compare)
        return RenewalPast(
            found["model"],
            found["reason"],
            _from_rows("scores", found["scores"]),
            _from_rows("calibrations", found["calibrations"]),
        )

    def _past(self, ready: "Orders", day: date) -> tuple["Backtest | None", Parts]:
        """The comparison of candidates that is used on a day, and what is said of it."""
        at = compared_on(ready.first_day, day)
        if at < ready.first_day:
            return None, {}
        if at not in self._compared:
            found = self._settling.kept.take(at, "comparison", lambda: self._compare(ready, at))
            parts: Parts = {name: [_from_rows(name, rows)] for name, rows in found.items()}
            self._compared[at] = _remembered(DayTables.of(**parts)), parts
        past, parts = self._compared[at]
        return past, dict(parts)

    def _compare(self, ready: "Orders", at: date) -> "Values":
        from clientela.lifetime.backtest import BacktestSettings, backtest

        settings = self._settings
        past = backtest(
            ready,
            at,
            BacktestSettings(
                holdout_days=settings.holdout_days,
                max_origins=settings.origins,
                horizons_months=sorted({*settings.scored_horizons_months, settings.horizon_months}),
                order_model=settings.order_model,
                seed=settings.seed,
                at_most=settings.most_customers_fitted,
            ),
            memo=self._memo,
        )
        scores = _scores(past, settings)
        return {name: _as_rows(pl.concat([_shaped(name, part) for part in parts])) for name, parts in scores.items()}

    def _with_models(self, known: pl.DataFrame, at: "_Day") -> Parts:
        from clientela.lifetime.backtest import Memo
        from clientela.lifetime.churn_probability import Memo as NoOrderMemo
        from clientela.lifetime.forecast import Fits, Forecast, ForecastSettings, forecast
        from clientela.lifetime.origins import Orders

        settings, (day, as_of, renewals) = self._settings, at
        if self._ready is None or self._memo is None:
            self._ready = Orders.of(self._days, self._settling.kept, settings.most_customers_fitted)
            self._memo, self._no_order_memo = Memo(), NoOrderMemo()
        is_as_of = day == as_of
        past, scores = self._past(self._ready, day)
        fits = Fits()

        no_order: dict[int, Floats] = {}

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
                no_order=no_order,
            )

        made = ahead(settings.horizon_months)
        if is_as_of:
            # what P10, P50 and P90 state of no order is what is published of it
            found = self._no_order(day, ahead, fits)
            no_order |= found.by_months
            # the groups that intervals are kept of are known once everybody's mean is
            labels = _labelled(made.customers, known)
            groups = labels.select("customer_id", "cohort", pl.col("decile").cast(pl.String))
            made = ahead(settings.horizon_months, groups, settings.draws)
        if not is_as_of:
            # P(no order) is given at the as-of day alone
            why = self._why_p_alive_is_left_out(day, fits, by_origins=False)
            own = made.customers.drop("p_order_within_30_days", "p_order_within_90_days").with_columns(*_alive(why))
            labels = _labelled(made.customers, known)
            predicted = [
                _predicted_then(months, ahead(months).customers, labels)
                for months in _over(day, as_of, settings.scored_horizons_months)
            ]
            return {"customers": [own], "past_predictions": predicted, **scores}
        own = made.customers.join(labels.select("customer_id", "decile"), on="customer_id", how="left")
        frozen = []
        for months in settings.scored_horizons_months if self._freezes else ():
            near = made if months == settings.horizon_months else ahead(months, groups, settings.draws)
            order_model = near.customers["order_model"].drop_nulls()[0]
            frozen += _frozen(months, near.customers.join(labels, on="customer_id"), near.groups, order_model)
        own, compared, deciles = self._coming_back(day, own, found, fits)
        return {
            "customers": [own],
            "groups": [made.groups.rename({"group": "segment"})],
            "predictions": frozen,
            "no_order_scores": [compared],
            "no_order_deciles": [deciles],
            "parameters": [made.parameters],
            **scores,
        }

    def _why_p_alive_is_left_out(self, day: date, fits: "Fits", *, by_origins: bool = True) -> str:
        from clientela.lifetime.churn_probability import Past
        from clientela.lifetime.p_alive_unseen import why_nobody_is_seen_to_leave

        assert self._ready is not None and fits.alive is not None
        past, alive = Past(self._ready, day, self._no_order_memo), fits.alive
        if by_origins:
            return why_nobody_is_seen_to_leave(past, alive)
        told = self._settling.kept.take(
            day, "p_alive", lambda: {"why": why_nobody_is_seen_to_leave(past, alive, by_origins=False)}
        )
        return str(told["why"])

    def _no_order(self, day: date, ahead: Callable[[int], "Forecast"], fits: "Fits") -> "Answer":
        """P(no order) of everybody who has ordered, over every horizon that is published."""
        from clientela.lifetime.churn_features import known_at
        from clientela.lifetime.churn_probability import Past, answer

        assert self._ready is not None
        settings = self._settings
        for months in (published := {*NO_ORDER_MONTHS, *settings.scored_horizons_months, settings.horizon_months}):
            if months not in fits.expected:
                ahead(months)
        orders = {months: fits.orders_within(months) for months in sorted(published)}
        now = known_at(self._ready, self._ready.at(day, recent_days=91))
        past = Past(self._ready, day, self._no_order_memo)
        return answer(past, now, orders, {months: _days_ahead(day, months) for months in orders})

    def _coming_back(
        self, day: date, customers: pl.DataFrame, found: "Answer", fits: "Fits"
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """The customers with P(no order), and what follows from it; how it did in the past, and its calibration there."""
        from clientela.lifetime.churn_backtest import compared
        from clientela.lifetime.churn_probability import Past

        assert self._ready is not None and fits.snapshot is not None
        past = Past(self._ready, day, self._no_order_memo)
        answers = fits.snapshot.customers.to_frame().with_columns(
            **{f"p_no_order_{months}m": pl.Series(found.by_months[months]) for months in NO_ORDER_MONTHS},
            p_no_order=pl.Series(found.by_months[self._settings.horizon_months]),
            p_order_within_30_days=pl.Series(1 - found.within_30_days),
            p_order_within_90_days=pl.Series(1 - found.within_90_days),
        )
        customers = customers.drop("p_order_within_30_days", "p_order_within_90_days")
        customers = customers.join(answers, on="customer_id", how="left", maintain_order="left")
        customers = customers.with_columns(*_alive(self._why_p_alive_is_left_out(day, fits)), _given_order())
        longest = 1 - pl.col(f"p_no_order_{NO_ORDER_MONTHS[-1]}m")
        # who orders is a customer
        customers = customers.with_columns(
            p_alive=pl.when(pl.col("p_alive").is_not_null()).then(pl.max_horizontal("p_alive", longest))
        )
        return customers, *compared(past)

    def _without_models(self, known: pl.DataFrame, day: date, as_of: date, renewals: "RenewalPast | None") -> Parts:
        """So few customers, or orders after the first, that a model would only seem to know: one rate for all, each
        customer's own orders weighing as much as one order's worth of it, and no P(alive)."""
        settings, is_as_of = self._settings, day == as_of
        customers, running = self._forecast_without_models(known, day, settings.horizon_months, renewals)
        if customers is None:
            return {}
        labels = _labelled(customers, known)
        if not is_as_of:
            predicted = []
            for months in _over(day, as_of, settings.scored_horizons_months):
                near, _ = self._forecast_without_models(known, day, months, renewals)
                assert near is not None
                predicted.append(_predicted_then(months, near, labels))
            return {"customers": [customers], "past_predictions": predicted}
        customers, groups = self._with_intervals(customers, running, known, labels)
        own = customers.drop("decile").join(labels.select("customer_id", "decile"), on="customer_id")
        frozen = []
        for months in settings.scored_horizons_months if self._freezes else ():
            near, near_running = self._forecast_without_models(known, day, months, renewals)
            assert near is not None
            near, near_groups = self._with_intervals(near, near_running, known, labels)
            frozen += _frozen(months, near.drop("decile").join(labels, on="customer_id"), near_groups, None)
        return {"customers": [own], "groups": [groups], "predictions": frozen}

    def _with_intervals(
        self,
        customers: pl.DataFrame,
        running: "ContractForecast | None",
        known: pl.DataFrame,
        labels: pl.DataFrame,
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Customers who have nothing but contracts with their intervals, and groups, where all customers are such."""
        none, customers = pl.DataFrame(schema=SCHEMAS["groups"]), _shaped("customers", customers)
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
        ).select(SCHEMAS["customers"].names())
        if known.height:
            return customers, none
        return customers, _shaped("groups", groups.with_columns(expected_orders=pl.lit(0.0)))

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
            before = _shaped("customers", pl.DataFrame(schema={"customer_id": pl.Int64}) if own is None else own)
            both = before.drop("contract_model").join(contracts, on="customer_id", how="full", coalesce=True)
            added = pl.col("added").fill_null(0.0)
            own = both.with_columns(
                p_alive=pl.when("in_force").then(1.0).when(pl.col("order_model").is_null()).then(0.0),
                p_alive_model=pl.when(pl.col("in_force") | pl.col("order_model").is_null()).then(pl.lit("contract")),
                p_alive_reason=pl.when(~(pl.col("in_force").fill_null(False) | pl.col("order_model").is_null())).then(
                    "p_alive_reason"
                ),
                expected_orders=pl.col("expected_orders").fill_null(0.0),
                expected_value=pl.col("expected_value").fill_null(0.0) + added,
                expected_value_given_order=pl.col("expected_value_given_order").fill_null(0.0) + added,
                expected_contract_value=added,
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
        worth = pl.col("rate") * horizon * discount * pl.col("expected_value_per_order") - serving
        return customers.with_columns(rate=rate, expected_value_per_order=per_order).select(
            "customer_id",
            expected_orders=pl.col("rate") * horizon,
            expected_value_per_order="expected_value_per_order",
            expected_value=worth,
            expected_value_given_order=worth / (1 - (-horizon * pl.col("rate")).exp()),
            expected_contract_value=pl.lit(0.0),
            median_days_to_next_order=log(2) / pl.col("rate"),
            p_order_within_30_days=1 - (-30 * pl.col("rate")).exp(),
            p_order_within_90_days=1 - (-90 * pl.col("rate")).exp(),
            p_alive_reason=pl.lit(why),
            p_no_order=(-horizon * pl.col("rate")).exp(),
            **{
                f"p_no_order_{months}m": (-_days_ahead(day, months) * pl.col("rate")).exp()
                for months in NO_ORDER_MONTHS
            },
            order_model=pl.lit("one_rate"),
            spend_model=pl.lit("mean"),
            fallback_reason=pl.lit(why),
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
    """Of each customer the month of the first order (`cohort`) and the tenth of expected value (`decile`, 1 the best).

    Tenths are equally large. Of equal figures, who ordered last stands first, then whose key is the smaller.
    """
    bought = known.group_by("customer_id").agg(
        pl.col("ordered_on").min().dt.strftime("%Y-%m").alias("cohort"), pl.col("ordered_on").max().alias("last_on")
    )
    return (
        customers.select("customer_id", pl.col("expected_value").fill_null(0.0))
        .join(bought, on="customer_id", how="left")
        .sort("expected_value", "last_on", "customer_id", descending=[True, True, False], nulls_last=True)
        .select(
            "customer_id",
            pl.col("cohort").fill_null("contract only"),
            decile=pl.int_range(pl.len(), dtype=pl.Int64) * 10 // pl.len() + 1,
        )
        .sort("customer_id")
    )


def _frozen(months: int, customers: pl.DataFrame, groups: pl.DataFrame, order_model: str | None) -> list[pl.DataFrame]:
    """What is frozen of one horizon: a row per customer and a row per group. order_model: of groups, if any."""
    groups = groups.rename({"group": "segment"}) if "group" in groups.columns else groups
    own = customers.with_columns(segmentation=pl.lit("customer"), segment=pl.lit(None), horizon_months=pl.lit(months))
    sums = groups.with_columns(horizon_months=pl.lit(months), order_model=pl.lit(order_model))
    return [own, sums]


def _alive(why: str) -> list[pl.Expr]:
    """P(alive), left out for the reason given except where contracts show it."""
    by_contract = pl.col("p_alive_model") == "contract"
    is_known = by_contract if why else pl.lit(True)
    return [
        pl.when(is_known).then("p_alive").alias("p_alive"),
        pl.when(is_known).then("p_alive_model").alias("p_alive_model"),
        pl.when(~is_known).then(pl.lit(why)).alias("p_alive_reason"),
    ]


def _given_order() -> pl.Expr:
    """What is expected of a customer if they order within the horizon at all: what they are expected to bring, less
    contracts, over P(an order)."""
    contracts = pl.col("expected_contract_value").fill_null(0.0)
    ordering = 1 - pl.col("p_no_order")
    given = (pl.col("expected_value") - contracts) / ordering + contracts
    return pl.when(ordering > 0).then(given).otherwise("expected_value").alias("expected_value_given_order")


def _predicted_then(months: int, customers: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """What would have been frozen of each customer on a past day."""
    own = customers.drop([name for name in ("cohort", "decile") if name in customers.columns])
    return own.join(labels, on="customer_id").with_columns(horizon_months=pl.lit(months))


def _scores(past: "Backtest", settings: ValueSettings) -> Parts:
    """Scores of the candidates and of intervals, what was chosen, and why where nothing could be compared."""
    scores = past.scores.rename({"as_of": "origin_on"})
    chosen = pl.DataFrame(
        {
            "target": ["orders", "contribution"],
            "candidate": [past.order_model, past.spend_model],
            "is_chosen": [True, True],
            "reason": [past.order_reason, past.spend_reason],
        }
    ).join(scores.select("target").unique(), on="target", how="anti")
    parts = [_with_used(part, past, settings.horizon_months) for part in (scores, chosen)]
    for target, name in (("orders", settings.order_model), ("contribution", settings.spend_model)):
        if name is not None:
            parts = [_fixed(part, target, name) for part in parts]
    return {
        "scores": parts,
        "intervals": [past.intervals.rename({"as_of": "origin_on", "scored": "customers"})],
        "choices": [_choice(past)],
        "horizons": [_horizons(past)],
    }


def _with_used(scores: pl.DataFrame, past: "Backtest", months: int) -> pl.DataFrame:
    """The scores; in the row of the single candidate over all origins, what is used in its place, and why."""
    learnt = past.horizons.get(months)
    if learnt is None:
        return scores
    used = pl.lit(f"; for {months} months {learnt.formula} is used: {learnt.reason}")
    origin = pl.col("origin_on") if "origin_on" in scores.columns else pl.lit(None, pl.Date)
    of = (pl.col("target") == "orders") & pl.col("is_chosen") & origin.is_null()
    return scores.with_columns(reason=pl.when(of).then(pl.col("reason") + used).otherwise("reason"))


def _fixed(scores: pl.DataFrame, target: str, name: str) -> pl.DataFrame:
    """The scores where the configuration fixes the candidate, whatever the past says."""
    of = pl.col("target") == target
    why = pl.lit("fixed by the configuration")
    return scores.with_columns(
        is_chosen=pl.when(of).then(pl.col("candidate") == name).otherwise("is_chosen"),
        reason=pl.when(of & (pl.col("candidate") == name)).then(why).otherwise("reason"),
    )


def _choice(past: "Backtest") -> pl.DataFrame:
    names = ("holdout_days", "order_model", "order_reason", "spend_model", "spend_reason")
    return pl.DataFrame([{name: getattr(past, name) for name in names}])


def _horizons(past: "Backtest") -> pl.DataFrame:
    """What is used for each published horizon, a row each."""
    rows = [
        {
            "horizon_months": months,
            "holdout_days": learnt.holdout_days,
            "first_origin_on": learnt.origins[0],
            "last_origin_on": learnt.origins[-1],
            "origins": len(learnt.origins),
            "is_shorter": learnt.is_shorter,
            "order_model": learnt.name,
            "formula": learnt.formula,
            "weights": json.dumps(dict(learnt.combination.weights), sort_keys=True),
            "best_single": learnt.combination.best,
            "level": learnt.combination.level,
            "looks": learnt.combination.looks,
            "dispersion_intercept": learnt.spread.dispersion[0],
            "dispersion_slope": learnt.spread.dispersion[1],
            "dispersion_of_sums": learnt.spread.dispersion_of_sums,
            "level_error_of_orders": learnt.spread.tau,
            "level_error_of_money": learnt.money.tau,
            "shape_error": learnt.spread.omega,
            "degrees": learnt.spread.degrees,
            "reason": learnt.reason,
        }
        for months, learnt in past.horizons.items()
    ]
    return pl.DataFrame(rows, schema={n: t for n, t in SCHEMAS["horizons"].items() if n not in _OF_DAY})


def _remembered(newest: DayTables) -> "Backtest | None":
    """The comparison that a month-end's rows tell of."""
    from clientela.lifetime.backtest import Backtest

    if newest.choices.height != 1:
        return None
    chosen = newest.choices.row(0, named=True)
    horizons = {row["horizon_months"]: _horizon(row) for row in newest.horizons.iter_rows(named=True)}
    empty = pl.DataFrame()
    return Backtest(
        empty,
        empty,
        empty,
        chosen["order_model"],
        chosen["order_reason"],
        chosen["spend_model"],
        chosen["spend_reason"],
        chosen["holdout_days"],
        horizons,
    )


def _horizon(row: dict[str, Any]) -> "Horizon":
    from clientela.lifetime.combining import Combination
    from clientela.lifetime.horizons import Horizon
    from clientela.lifetime.prediction_intervals import Spread

    combination = Combination(
        json.loads(row["weights"]), row["best_single"], row["level"], (), row["looks"], row["reason"]
    )
    spread = Spread(
        (row["dispersion_intercept"], row["dispersion_slope"]),
        row["dispersion_of_sums"],
        row["level_error_of_orders"],
        row["shape_error"],
        row["degrees"],
    )
    origins = (row["first_origin_on"],) * (row["origins"] - 1) + (row["last_origin_on"],)
    money = replace(spread, tau=row["level_error_of_money"])
    return Horizon(row["horizon_months"], row["holdout_days"], origins, combination, spread, money)
