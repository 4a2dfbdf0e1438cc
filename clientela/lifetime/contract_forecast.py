"""What running contracts are expected to bring, per customer, with draws that can be added to those of their purchases.

What belongs here: contracts as they stood on a day, one fit per length of period, expected discounted payments, draws. What
does not: the models (contracts.py), what a payment is worth, customers' purchases.

Contracts: one row each with `customer_id`, `started_on`, `ends_on`, `cancelled_on` (dates, null where not so), `period_months`
and `contribution`, what one payment brings. Renewals fall every `period_months` x 30.4375 days after the start. A contract
that was cancelled, or whose agreed end has passed, is not renewed any more; one with an agreed end ahead is at most until it.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.contracts import ContractFit, draw_survival, fit_contracts_chosen
from clientela.lifetime.errors import NotIdentified

MONTH_DAYS = 30.4375
_LEAST_CONTRACTS = 30


@dataclass(frozen=True)
class ContractForecast:
    """customers: ids in order, everybody who ever had a contract; expected: discounted contribution of their contracts in
    the horizon; is_active: has one that runs; p_gone: the probability that none runs, or is paid for, when the horizon
    is over. fits: by period_months. Arrays of shape (n,)."""

    customers: Integers
    expected: Floats
    is_active: Floats
    p_gone: Floats
    fits: dict[int, ContractFit]
    _running: pl.DataFrame = field(repr=False)
    _delta: float = field(repr=False)

    @property
    def model(self) -> str:
        """The models used, in words."""
        return ", ".join(dict.fromkeys(f.name for f in self.fits.values()))

    @property
    def reason(self) -> str:
        """Why these models, one sentence per length of period."""
        return "; ".join(
            f"contracts paid every {'month' if months == 1 else f'{months} months'}: {f.reason}"
            for months, f in self.fits.items()
        )

    def draws(self, draws: int, seed: int) -> "ContractDraws":
        """Draws of the discounted contribution, aligned with `customers`."""
        return ContractDraws(self, draws, seed)


class ContractDraws:
    """Discounted contribution of customers' contracts, drawn: parameters once for all, then each contract's end."""

    def __init__(self, made: ContractForecast, draws: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 5])
        self._delta, self._draws, self._customers = made._delta, draws, len(made.customers)
        running = made._running.sort("customer_id")
        self._place = np.searchsorted(made.customers, running.get_column("customer_id").to_numpy())
        keys = running.group_by("period_months", "age", maintain_order=True).agg(pl.col("payments").max())
        theta = {
            months: rng.multivariate_normal(fit.theta, fit.covariance, size=draws, method="eigh")
            for months, fit in made.fits.items()
        }
        self._tables = [
            draw_survival(theta[months], float(age), int(most)) for months, age, most in keys.iter_rows()
        ]  # each (draws, payments)
        of = keys.with_row_index("key").select("period_months", "age", "key")
        joined = running.join(of, on=["period_months", "age"], how="left", maintain_order="left")
        self._key = joined.get_column("key").to_numpy().astype(np.int64)
        self._payments = joined.get_column("payments").to_numpy()
        self._first = joined.get_column("first_days").to_numpy()
        self._every = joined.get_column("period_months").to_numpy() * MONTH_DAYS
        self._worth = joined.get_column("contribution").to_numpy()

    def draw(self, places: Integers, rng: np.random.Generator) -> Floats:
        """(places, draws) for the customers at these places of `ContractForecast.customers`, each named once; places that
        hold no customer with contracts give zeros."""
        row_of = np.full(self._customers + 1, -1)
        inside = (places >= 0) & (places < self._customers)
        row_of[places[inside]] = np.flatnonzero(inside)
        asked = np.flatnonzero(row_of[self._place] >= 0)
        out = np.zeros((len(places), self._draws))
        chance = rng.random((len(asked), self._draws))
        for key in np.unique(self._key[asked]):
            at = np.flatnonzero(self._key[asked] == key)
            rows = asked[at]
            table, every = self._tables[key], self._every[rows[0]]
            paid = np.zeros((len(rows), self._draws))
            for turn in range(table.shape[1]):
                due = (self._payments[rows] > turn)[:, None]
                paid += np.exp(-self._delta * turn * every) * (due & (chance[at] < table[:, turn]))
            worth = self._worth[rows] * np.exp(-self._delta * self._first[rows])
            np.add.at(out, row_of[self._place[rows]], worth[:, None] * paid)
        return out


def forecast_contracts(contracts: pl.DataFrame, as_of: date, horizon_days: float, delta: float) -> ContractForecast:
    """Forecast all contracts that had started by as_of, from what was known of them then. delta: per day."""
    known = _as_of(contracts, as_of, horizon_days)
    customers = known.get_column("customer_id").unique().sort().to_numpy()
    fits = {
        int(months[0]): _fit(group)  # type: ignore[call-overload]
        for months, group in known.sort("period_months").group_by("period_months", maintain_order=True)
    }
    running = known.filter(~pl.col("is_ended"))
    expected = np.zeros(len(customers))
    for months, fit in fits.items():
        group = running.filter(pl.col("period_months") == months)
        if not group.height:
            continue
        age, payments, first = (group.get_column(c).to_numpy().astype(float) for c in ("age", "payments", "first_days"))
        every = months * MONTH_DAYS
        worth = np.zeros(group.height)
        for turn in range(int(payments.max())):
            due = payments > turn
            survival = fit.p_running_after(age[due], turn + 1.0)
            worth[due] += survival * np.exp(-delta * (first[due] + turn * every))
        place = np.searchsorted(customers, group.get_column("customer_id").to_numpy())
        expected += np.bincount(
            place, weights=worth * group.get_column("contribution").to_numpy(), minlength=len(customers)
        )
    in_force = np.zeros(len(customers))
    in_force[np.searchsorted(customers, running.get_column("customer_id").to_numpy())] = 1.0
    return ContractForecast(
        customers, expected, in_force, _p_gone(known, customers, fits, as_of, horizon_days), fits, running, delta
    )


def _p_gone(
    known: pl.DataFrame, customers: Integers, fits: dict[int, ContractFit], as_of: date, horizon_days: float
) -> Floats:
    """One contract outlives the horizon if it is renewed each time that falls into it, and not at all beyond its known end."""
    outlives = (pl.col("paid_until") - pl.lit(as_of)).dt.total_days() > horizon_days
    lasts = known.select(outlives.fill_null(True)).to_series().to_numpy().astype(float)
    for months, fit in fits.items():
        rows = known.select(~pl.col("is_ended") & (pl.col("period_months") == months)).to_series().to_numpy()
        age, renewals = (known.get_column(c).to_numpy()[rows].astype(float) for c in ("age", "payments"))
        lasts[rows] *= fit.p_running_after(age, renewals)
    gone = np.ones(len(customers))
    np.multiply.at(gone, np.searchsorted(customers, known.get_column("customer_id").to_numpy()), 1 - lasts)
    return gone


def _as_of(contracts: pl.DataFrame, as_of: date, horizon_days: float) -> pl.DataFrame:
    """The contracts that had started, with what was known of their end: age in renewals, payments that may still come."""
    today = pl.lit(as_of)
    is_cancelled = (pl.col("cancelled_on") <= today).fill_null(False)
    end = (
        pl.when(is_cancelled)
        .then(pl.min_horizontal("cancelled_on", "ends_on"))
        # an end that goes with a cancellation to come is not known yet
        .when(pl.col("cancelled_on").is_null())
        .then("ends_on")
    )
    paid_until = pl.when(is_cancelled).then(pl.coalesce("ends_on", "cancelled_on")).otherwise(pl.col("end"))
    every = pl.col("period_months").cast(pl.Float64) * MONTH_DAYS
    elapsed = (today - pl.col("started_on")).dt.total_days().cast(pl.Float64)
    until_end = (pl.col("paid_until") - pl.col("started_on")).dt.total_days().cast(pl.Float64)
    return (
        contracts.filter(pl.col("started_on") <= today)
        .with_columns(
            pl.col("period_months").fill_null(1).clip(1, None).cast(pl.Int64),
            pl.col("contribution").cast(pl.Float64).fill_null(0.0),
            end=end,
            is_cancelled=is_cancelled,
        )
        .with_columns(paid_until=paid_until)
        .with_columns(is_ended=pl.col("is_cancelled") | (pl.col("end") < today).fill_null(False))
        .with_columns(
            age=pl.when("is_ended")
            .then((until_end / every).round().clip(1.0, None))
            .otherwise((elapsed / every).floor())
        )
        .with_columns(first_days=every * (pl.col("age") + 1.0) - elapsed)
        .with_columns(
            payments=pl.when("is_ended")
            .then(0.0)
            .otherwise(
                (
                    (pl.min_horizontal(pl.lit(float(horizon_days)), until_end - elapsed) - pl.col("first_days")) / every
                ).floor()
                + 1.0
            )
            .clip(0.0, None)
        )
        .sort("customer_id", "started_on", "period_months", "contribution", "age")
    )


def _fit(group: pl.DataFrame) -> ContractFit:
    counted = group.group_by("age", "is_ended").len().sort("age", "is_ended")
    age = counted.get_column("age").to_numpy()
    ended = counted.get_column("is_ended").to_numpy()
    counts = counted.get_column("len").to_numpy().astype(float)
    try:
        if counts.sum() < _LEAST_CONTRACTS:
            raise NotIdentified(f"{int(counts.sum())} contracts are too few to fit a model")
        return fit_contracts_chosen(age, ended, counts)
    except NotIdentified as why:
        # What all contracts together say of one renewal, as a beta distribution: half an end and half a renewal at least.
        ends = float(counts[ended].sum()) + 0.5
        renewed = float(counts @ (age - ended)) + 0.5
        return ContractFit(
            "one_renewal_rate", np.log([ends, renewed]), np.zeros((2, 2)), 0.0, counts.sum(), f"one rate: {why}"
        )
