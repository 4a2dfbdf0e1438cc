"""What was learnt at a closed month-end stands: until the data up to it have changed by more than a share, or someone asks.

What belongs here: which month-ends stand, why one is made anew, what is kept of it. What does not: fits (`clientela.lifetime`),
reading and writing memory (`clientela.value.step`, `clientela.warehouse.memory`).

A month-end is settled by the run that first learns anything at it. With it is kept, by month, how many orders, customers,
contracts and how much money there were up to it: months whose counts have changed tell how much of the data is new, wherever
it came from. What is learnt at it later, because another day asks, belongs to the same settlement.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from clientela.value.settings import ValueSettings

if TYPE_CHECKING:
    from clientela.lifetime.day_fits import KeptFits

#: raised when a fit kept before means something else now: what is kept of an earlier one stands no longer
MODELS_VERSION = 1
ALL = "all"
SETTLED_SCHEMA: dict[str, Any] = {
    "month_end": pl.Date,
    "cause": pl.String,
    "reason": pl.String,
    "changed_share": pl.Float64,
    "replaced_run_id": pl.String,
    "models": pl.String,
    "counts": pl.String,
    "run_id": pl.String,
}
FITS_SCHEMA: dict[str, Any] = {
    "month_end": pl.Date,
    "part": pl.String,
    "fit": pl.String,
    "settled_run_id": pl.String,
    "run_id": pl.String,
}
#: by month, what there was of each measure
Counts = dict[str, list[float]]
#: the names of the measures, and which stands under which
_ORDERS, _CUSTOMERS, _REVENUE, _CONTRIBUTION, _SERVING, _CONTRACTS = range(6)
_WORDS = ("orders", "customers", "net revenue", "contribution", "cost to serve", "contracts")


@dataclass(frozen=True)
class Remembered:
    """What memory holds: SETTLED_SCHEMA and FITS_SCHEMA, each with `run_sequence` beside. refit: month-ends that someone asked
    to be made anew, as dates of ISO with commas between, or `all`; run_id: of the run under way."""

    month_ends: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SETTLED_SCHEMA))
    fits: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FITS_SCHEMA))
    refit: str | None = None
    run_id: str = ""


class Settling:
    """The month-ends of one run: which stand, and what this run settles."""

    def __init__(
        self, remembered: Remembered, days: pl.DataFrame, contracts: pl.DataFrame, as_of: date, settings: ValueSettings
    ) -> None:
        self._run_id, self._as_of = remembered.run_id, as_of
        self._models = _models(settings)
        self._counts = _counts(days, contracts)
        self._before = _newest(remembered.month_ends)
        self._why: dict[date, tuple[str, str, float | None]] = {}
        standing: dict[date, str] = {}
        for month_end, row in self._before.items():
            if month_end >= as_of:
                continue
            why = self._why_anew(month_end, row, remembered.refit, settings.refit_share)
            if why is None:
                standing[month_end] = str(row["run_id"])
            else:
                self._why[month_end] = why
        self._standing = standing
        self._fits = remembered.fits

    @cached_property
    def kept(self) -> "KeptFits":
        """What was learnt at the month-ends that stand, and what is learnt now."""
        # a company too small for any model is spared the models' import
        from clientela.lifetime.day_fits import KeptFits

        return KeptFits(
            {
                (row["month_end"], row["part"]): json.loads(row["fit"])
                for row in self._fits.iter_rows(named=True)
                if self._standing.get(row["month_end"]) == row["settled_run_id"]
            }
        )

    def settled_by(self, day: date) -> str:
        """The run that settled a day: this one, unless it stands."""
        return self._standing.get(day, self._run_id)

    def made(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(SETTLED_SCHEMA, FITS_SCHEMA): the month-ends that this run settles, and what it learnt at settled ones."""
        made = self.kept.made if "kept" in self.__dict__ else {}
        fits = [
            {
                "month_end": day,
                "part": part,
                "fit": json.dumps(values),
                "settled_run_id": self.settled_by(day),
                "run_id": self._run_id,
            }
            for (day, part), values in made.items()
            if day < self._as_of
        ]
        rows = []
        for day in sorted({day for day, _ in made if day < self._as_of} - set(self._standing)):
            cause, reason, share = self._why.get(day, ("first", "settled for the first time", None))
            before = self._before.get(day)
            rows.append(
                {
                    "month_end": day,
                    "cause": cause,
                    "reason": reason,
                    "changed_share": share,
                    "replaced_run_id": before and before["run_id"],
                    "models": self._models,
                    "counts": json.dumps(self._until(day)),
                    "run_id": self._run_id,
                }
            )
        return pl.DataFrame(rows, schema=SETTLED_SCHEMA), pl.DataFrame(fits, schema=FITS_SCHEMA)

    def _until(self, day: date) -> Counts:
        return {month: row for month, row in self._counts.items() if month <= f"{day:%Y-%m}"}

    def _why_anew(
        self, day: date, row: Mapping[str, Any], refit: str | None, most: float
    ) -> tuple[str, str, float | None] | None:
        """(cause, reason, share of the data that changed) where a month-end is to be made anew."""
        share, what = changed_share(json.loads(row["counts"]), self._until(day))
        if refit and (refit == ALL or day.isoformat() in refit.split(",")):
            return "asked", "someone asked for it (clientela refit)", share
        if row["models"] != self._models:
            return "settings", "the settings of the forecasts, or the models themselves, are others than then", share
        if share > most:
            return "data", f"{share:.1%} of the {what} up to it changed, more than {most:.1%}", share
        return None


def changed_share(then: Counts, now: Counts) -> tuple[float, str]:
    """(The greatest share of any measure that changed from then to now, counted month by month, and which it is.)

    Money counts by its size, whichever way it went; the cost to serve beside the contribution that it lessens.
    """
    months = sorted({*then, *now})
    nothing = [0.0] * len(_WORDS)
    greatest, name = 0.0, _WORDS[_ORDERS]
    size = [sum(abs(then.get(month, nothing)[at]) for month in months) for at in range(len(_WORDS))]
    size[_SERVING] = max(size[_SERVING], size[_CONTRIBUTION])
    for at, word in enumerate(_WORDS):
        moved = sum(abs(now.get(month, nothing)[at] - then.get(month, nothing)[at]) for month in months)
        # sums of binary fractions differ in their last digits with the order of the rows
        if moved <= 1e-9 * max(size[at], 1.0):
            continue
        share = moved / size[at] if size[at] else 1.0
        if share > greatest:
            greatest, name = share, word
    return greatest, name


def _models(settings: ValueSettings) -> str:
    """In short what decides on a fit beside the data."""
    # what only says when a fit is made anew, what is published or how it is discounted decides on none
    beside = {"annual_discount_rate", "month_ends", "tolerance", "freeze", "draws", "refit_share"}
    said = settings.model_dump_json(exclude=beside)
    return hashlib.sha256(f"{MODELS_VERSION} {said}".encode()).hexdigest()[:16]


def _newest(month_ends: pl.DataFrame) -> dict[date, dict[str, Any]]:
    """The last settlement of each month-end."""
    if "run_sequence" in month_ends.columns:
        month_ends = month_ends.sort("run_sequence", maintain_order=True)
    return {row["month_end"]: row for row in month_ends.iter_rows(named=True)}


def _counts(days: pl.DataFrame, contracts: pl.DataFrame) -> Counts:
    """By month: orders, customers who came, money, contracts that began or ended."""
    month = pl.col("ordered_on").dt.strftime("%Y-%m").alias("month")
    bought = days.filter("is_order")
    parts = {
        _ORDERS: bought.group_by(month).agg(value=pl.len()),
        _CUSTOMERS: bought.group_by("customer_id").agg(pl.col("ordered_on").min()).group_by(month).agg(value=pl.len()),
        _REVENUE: days.group_by(month).agg(value=pl.col("net_revenue").cast(pl.Float64).sum()),
        _CONTRIBUTION: days.group_by(month).agg(value=pl.col("contribution").cast(pl.Float64).sum()),
        _SERVING: days.group_by(month).agg(value=pl.col("cost_to_serve").cast(pl.Float64).sum()),
        _CONTRACTS: pl.concat(
            [
                contracts.select(month=pl.col(name).dt.strftime("%Y-%m")).drop_nulls()
                for name in ("started_on", "cancelled_on", "ends_on")
            ]
        )
        .group_by("month")
        .agg(value=pl.len()),
    }
    counts: Counts = {}
    for at, part in parts.items():
        for name, value in part.sort("month").iter_rows():
            counts.setdefault(name, [0.0] * len(_WORDS))[at] = float(value)
    return counts
