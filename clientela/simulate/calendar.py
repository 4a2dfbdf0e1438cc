"""Day counts of the simulation as dates and instants, in the zone and notation that a system keeps.

The company lives by one zone. A local time that the change of clocks skips is an hour later; one that occurs twice is the
first. Whole seconds only.
"""

from typing import Literal

import numpy as np
import polars as pl

from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats

ZONE = "Europe/Madrid"
_SECONDS = 86_400


def local(settings: SimulateSettings, days: Floats) -> pl.Series:
    """Local times without a zone; NaN and infinite give null."""
    known = np.isfinite(days)
    seconds = np.floor(np.where(known, days, 0.0) * _SECONDS).astype(np.int64)
    epoch = (settings.start.toordinal() - 719_163) * _SECONDS
    times = pl.Series((seconds + epoch) * 1_000_000).cast(pl.Datetime("us"))
    return times if known.all() else pl.select(pl.when(pl.Series(known)).then(times)).to_series()


def instants(settings: SimulateSettings, days: Floats) -> pl.Series:
    """UTC instants."""
    times = pl.lit(local(settings, days))

    def zoned(expression: pl.Expr, missing: Literal["null", "raise"]) -> pl.Expr:
        return expression.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent=missing)

    existing = zoned(times, "null")
    return pl.select(
        pl.coalesce(existing, zoned(times.dt.offset_by("1h"), "null")).dt.convert_time_zone("UTC")
    ).to_series()


def dates(settings: SimulateSettings, days: Floats) -> pl.Series:
    """Days of the company's calendar; null where not finite."""
    return local(settings, days).cast(pl.Date)


def opening_hours(days: Floats) -> Floats:
    """The same days with the time of day between nine and nine, in the same order."""
    return np.floor(days) + (9 + 12 * (days % 1.0)) / 24


def text(times: pl.Series, pattern: str) -> pl.Series:
    """Times or dates written by a strftime pattern."""
    return times.dt.strftime(pattern)


def iso(settings: SimulateSettings, days: Floats) -> pl.Series:
    """`2025-03-01T10:22:00+01:00`; null stays null."""
    return instants(settings, days).dt.convert_time_zone(ZONE).dt.strftime("%Y-%m-%dT%H:%M:%S%:z")
