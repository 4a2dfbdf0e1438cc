"""What running contracts are expected to bring, per contract and customer, with draws that can be added to those of purchases.

What belongs here: expected discounted payments of contracts as they stood on a day, the chance that none is left, draws. What
does not: the models of renewal (renewal_models.py), the choice among them (renewal_choice.py), customers' purchases.

Contracts: as contract_history.py takes them, and `contribution`, what one payment brings; where that is null because no cost is
known, `recurring_amount` stands for it. A contract that was cancelled is paid until its last day, one with an agreed
end ahead at most until it, and a paused one from the day on which it is to be resumed.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.contract_history import due_days, known_contracts
from clientela.lifetime.renewal_choice import RenewalPast, survive
from clientela.lifetime.renewal_models import CELL, PeriodFit, RenewalModel, fit_renewals

NO_COST = "no cost is known of a contract of theirs, so its net amount stands for contribution"
NO_AMOUNT = "the amount of a contract of theirs is not stated, so nothing is expected of it"
PAUSED = "a contract of theirs is paused, and nobody knows until when, so nothing is expected of it"


_CUSTOMERS_AT_ONCE = 20_000


@dataclass(frozen=True)
class ContractForecast:
    """customers: ids in order, everybody who ever had a contract; expected: discounted contribution of their contracts in
    the horizon; is_active: has one that runs; p_gone: the probability that none runs, or is paid for, when the horizon
    is over; notes: what of a customer's contracts is to be known, a sentence or none. Arrays of shape (n,).
    fitted: the model of renewals; contracts: the running ones as contract_history.py knows them, with `expected` of each."""

    customers: Integers
    expected: Floats
    is_active: Floats
    p_gone: Floats
    notes: pl.Series
    fitted: RenewalModel
    contracts: pl.DataFrame = field(repr=False)
    _delta: float = field(repr=False)
    _as_of: date = field(repr=False)

    @property
    def fits(self) -> dict[int, PeriodFit]:
        """By period_months; none where one regression stands for all."""
        return self.fitted.fits

    @property
    def model(self) -> str:
        """The models used, in words."""
        return self.fitted.name

    @property
    def reason(self) -> str:
        """Why these models, in a sentence or some."""
        return self.fitted.reason

    def draws(self, draws: int, seed: int) -> "ContractDraws":
        """Draws of the discounted contribution, aligned with `customers`."""
        return ContractDraws(self, draws, seed)

    def quantiles(
        self, draws: int, seed: int, codes: dict[str, Integers], labels: dict[str, dict[int, str]]
    ) -> tuple[Floats, dict[str, Floats]]:
        """P10, P50 and P90 of customers (3, n) and, by segmentation, of groups (3, groups). codes: of the customers; labels: the
        groups of each segmentation by code."""
        drawn, rng = self.draws(draws, seed), np.random.default_rng([seed, 6])
        sums = {name: np.zeros((len(names), draws)) for name, names in labels.items()}
        read = np.zeros((3, len(self.customers)))
        for start in range(0, len(self.customers), _CUSTOMERS_AT_ONCE):
            places = np.arange(start, min(start + _CUSTOMERS_AT_ONCE, len(self.customers)))
            worth = drawn.draw(places, rng)
            read[:, places] = np.quantile(worth, (0.1, 0.5, 0.9), axis=1)
            for name, sum_of in sums.items():
                np.add.at(sum_of, codes[name][places], worth)
        return read, {name: np.quantile(sum_of, (0.1, 0.5, 0.9), axis=1) for name, sum_of in sums.items()}

    def intervals(
        self, draws: int, seed: int, groups: dict[str, pl.Series] | None = None
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """P10, P50 and P90 of customers who have nothing but contracts: customer_id and the three; and of the sums of groups:
        segmentation, segment, customers, expected_value and the three. groups: a label per customer, by segmentation."""
        levels = ("expected_value_p10", "expected_value_p50", "expected_value_p90")
        labels = {"company": pl.Series(["all"] * len(self.customers)), **(groups or {})}
        codes = {name: (of.rank("dense").to_numpy() - 1).astype(np.int64) for name, of in labels.items()}
        named = {name: dict(enumerate(of.unique().sort().to_list())) for name, of in labels.items()}
        read, of_groups = self.quantiles(draws, seed, codes, named)
        own = pl.DataFrame({"customer_id": self.customers, **dict(zip(levels, read, strict=True))})
        rows = []
        for name, of in labels.items():
            frame = pl.DataFrame({"segment": of, "expected_value": self.expected})
            by_segment = frame.group_by("segment").agg(pl.col("expected_value").sum(), customers=pl.len())
            quantiles = dict(zip(levels, of_groups[name], strict=True))
            rows.append(
                by_segment.sort("segment").with_columns(
                    segmentation=pl.lit(name), **{k: pl.Series(v) for k, v in quantiles.items()}
                )
            )
        return own, pl.concat(rows)


class ContractDraws:
    """Discounted contribution of customers' contracts, drawn: parameters once for all, then each contract's end."""

    def __init__(self, made: ContractForecast, draws: int, seed: int) -> None:
        self._drawn = made.fitted.draws(draws, np.random.default_rng([seed, 5]))
        self._draws, self._customers = draws, len(made.customers)
        running = made.contracts.filter(pl.col("payments") > pl.col("skipped"))
        self._place = np.searchsorted(made.customers, running.get_column("customer_id").to_numpy())
        self._keys, self._key = _keyed(running)
        self._most = _most(running)
        self._late = running.get_column("late_notices").to_numpy()
        self._worth = (
            np.stack([_worth(running, turn, made._as_of, made._delta) for turn in range(self._most)], axis=1)
            if self._most
            else np.zeros((running.height, 0))
        )

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
            months, term, product, age, is_leaving = self._keys[key]
            table = np.ones((self._draws, self._most))
            if not is_leaving:
                table = self._drawn.survival((months, term, product), age, self._most)
            first = table[:, 0] if self._most else np.ones(self._draws)
            stays = first + (1 - first) * self._late[rows, None]  # given that no notice came until now
            paid = np.zeros((len(rows), self._draws))
            for turn in range(self._most):
                paid += self._worth[rows, turn, None] * (chance[at] * stays < table[:, turn])
            np.add.at(out, row_of[self._place[rows]], paid)
        return out


def forecast_contracts(
    contracts: pl.DataFrame, as_of: date, horizon_days: float, delta: float, past: RenewalPast | None = None
) -> ContractForecast:
    """Forecast all contracts that had started by as_of, from what was known of them then. delta: per day. past: what the
    company's past chose; default: a curve of tenure."""
    past = past or RenewalPast()
    known = known_contracts(contracts, as_of, horizon_days).sort(
        "customer_id", "started_on", "period_months", "contribution", "age", nulls_last=True, maintain_order=True
    )
    amount = pl.col("recurring_amount") if "recurring_amount" in known.columns else pl.lit(None, pl.Float64)
    known = known.with_columns(
        contribution=pl.coalesce(pl.col("contribution").cast(pl.Float64), amount.cast(pl.Float64)),
        note=pl.when("is_over")
        .then(None)
        .when(pl.col("contribution").is_null() & amount.is_null())
        .then(pl.lit(NO_AMOUNT))
        .when((pl.col("payments") > 0) & (pl.col("payments") == pl.col("skipped")) & pl.col("resumed_on").is_null())
        .then(pl.lit(PAUSED))
        .when(pl.col("contribution").is_null())
        .then(pl.lit(NO_COST)),
    ).with_columns(pl.col("contribution").fill_null(0.0))
    fitted = fit_renewals(past.model, known)
    customers = known.get_column("customer_id").unique().sort().to_numpy()
    running = known.filter(~pl.col("is_over"))
    running = running.with_columns(expected=pl.Series(_expected(running, fitted, as_of, delta)))
    place = np.searchsorted(customers, running.get_column("customer_id").to_numpy())
    expected = np.zeros(len(customers))
    np.add.at(expected, place, running.get_column("expected").to_numpy())
    in_force = np.zeros(len(customers))
    in_force[place] = 1.0
    notes = (
        known.group_by("customer_id")
        .agg(pl.col("note").drop_nulls().unique().sort().str.join("; "))
        .sort("customer_id")
        .get_column("note")
        .replace("", None)
    )
    gone = _p_gone(running, customers, fitted, as_of, horizon_days)
    return ContractForecast(customers, expected, in_force, gone, notes, fitted, running, delta, as_of)


def _worth(running: pl.DataFrame, turn: int, as_of: date, delta: float) -> Floats:
    """What the payment after so many others brings if it comes, discounted; 0 where none is due, or in a pause: (contracts,)."""
    payments, skipped, passed, every = (
        running.get_column(name).to_numpy() for name in ("payments", "skipped", "passed", "period_months")
    )
    due = np.flatnonzero((payments > turn) & (skipped <= turn))
    days = due_days(running.get_column("started_on")[due], (passed[due] + turn + 1) * every[due], as_of)
    out = np.zeros(running.height)
    out[due] = running.get_column("contribution").to_numpy()[due] * np.exp(-delta * days)
    return out


def _most(running: pl.DataFrame) -> int:
    return int(running.get_column("payments").max() or 0)  # type: ignore[arg-type]


def _expected(running: pl.DataFrame, fitted: RenewalModel, as_of: date, delta: float) -> Floats:
    most = _most(running)
    keys, key = _keyed(running)
    survival = np.ones((len(keys), most))
    for number, (months, term, product, age, is_leaving) in enumerate(keys):
        if most and not is_leaving:  # who leaves pays until their last day
            survival[number] = fitted.survival((months, term, product), age, most)
    late = running.get_column("late_notices").to_numpy()
    first = survival[:, 0][key] if most else np.ones(running.height)
    known_to_stay = 1 / (first + (1 - first) * late)
    out = np.zeros(running.height)
    for turn in range(most):
        out += _worth(running, turn, as_of, delta) * survival[key, turn] * known_to_stay
    return out


def _keyed(running: pl.DataFrame) -> tuple[list[tuple[int, int, str, float, bool]], Integers]:
    """What contracts of one survival have in common, and the place of each contract's."""
    columns = [*CELL, "age", "is_leaving"]
    keys = running.select(columns).unique(maintain_order=True)
    key = running.select(columns).join(keys.with_row_index("key"), on=columns, how="left", maintain_order="left")
    return keys.rows(), key.get_column("key").to_numpy().astype(np.int64)


def _p_gone(
    running: pl.DataFrame, customers: Integers, fitted: RenewalModel, as_of: date, horizon_days: float
) -> Floats:
    """One contract outlives the horizon if it is renewed each time that falls into it, and not at all beyond its known end."""
    outlives = (pl.col("over_on") - pl.lit(as_of)).dt.total_days() - 1 > horizon_days
    lasts = running.select(outlives.fill_null(True)).to_series().to_numpy().astype(float)
    stays = running.get_column("is_leaving").to_numpy()
    lasts[~stays] *= survive(fitted, running.filter(~pl.col("is_leaving")))
    gone = np.ones(len(customers))
    np.multiply.at(gone, np.searchsorted(customers, running.get_column("customer_id").to_numpy()), 1 - lasts)
    return gone
