"""The purchase process: when people buy, for how much, when they stop, drawn from the stated models.

Pareto/NBD (Schmittlein, Morrison & Colombo 1987), BG/NBD (Fader, Hardie & Lee 2005), MBG/NBD (Batislam, Denizel &
Filiztekin 2007); gamma-gamma spend (Fader, Hardie & Lee 2005). Arrays in, arrays out; days as real numbers from the start
of history. What is in a basket stands in `baskets`; what campaigns change, in `campaigns`.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from clientela.simulate.settings import FUTURE_DAYS, SimulateSettings
from clientela.simulate.streams import Floats, Ints, stream

DAYS_PER_WEEK = 7.0
#: how much each month departs from the year's mean at full seasonality
_MONTHS = np.array([-0.25, -0.45, -0.15, -0.1, 0.0, 0.1, -0.05, -0.35, 0.0, 0.05, 0.35, 0.85])


@dataclass(frozen=True)
class Histories:
    """Each buyer's truth, and all purchases to the end of the future, in order of buyer and time."""

    #: first purchase, day
    acquired: Floats
    #: purchases per week while alive
    rate: Floats
    #: Pareto/NBD: dropout rate per week; BG/NBD and MBG/NBD: probability of dropping out at a purchase
    dropout: Floats
    #: day of dropping out, infinite where beyond the future's end
    died: Floats
    #: mean net amount of an order
    mean_spend: Floats
    buyer: Ints
    at: Floats
    amount: Floats


class Seasons:
    """The calendar against even time: the processes run in even time, so that their theory stays exact."""

    def __init__(self, settings: SimulateSettings) -> None:
        start, days, strength = settings.start, settings.days + FUTURE_DAYS, settings.seasonality
        calendar = [start + timedelta(days=k) for k in range(days)]
        weight = 1 + strength * _MONTHS[np.array([d.month - 1 for d in calendar], dtype=np.int64)]
        years = np.array([d.year for d in calendar])
        for year in np.unique(years):
            weight[years == year] *= (years == year).sum() / weight[years == year].sum()
        self._even = np.concatenate([[0.0], np.cumsum(weight)])
        self._days = np.arange(days + 1, dtype=float)
        self._is_flat = strength == 0

    def to_calendar(self, even: Floats) -> Floats:
        """Days of the calendar for instants of even time; infinite stays infinite."""
        if self._is_flat:
            return even
        inside = np.interp(np.minimum(even, self._even[-1]), self._even, self._days)
        return np.where(np.isinf(even), np.inf, inside)

    def to_even(self, day: float) -> float:
        """The instant of even time of a day of the calendar."""
        return day if self._is_flat else float(np.interp(day, self._days, self._even))


def draw_histories(settings: SimulateSettings) -> Histories:
    """All buyers' purchases from their first to `FUTURE_DAYS` after the cut."""
    n, horizon = settings.customers, float(settings.days + FUTURE_DAYS)
    rng = stream(settings.seed, "purchases")
    parameters = settings.purchase
    acquired = rng.random(n) * settings.days
    rate = np.maximum(rng.gamma(parameters.r, 1 / parameters.alpha, n), 1e-300)
    if settings.process == "pareto_nbd":
        dropout = np.maximum(rng.gamma(parameters.s, 1 / parameters.beta, n), 1e-300)
        died = acquired + DAYS_PER_WEEK * rng.standard_exponential(n) / dropout
        until = np.minimum(died, horizon)
        buyer, at = _poisson_times(rng, rate, acquired, until)
    else:
        dropout = np.clip(rng.beta(parameters.a, parameters.b, n), 1e-9, 1.0)
        last = rng.geometric(dropout) - (1 if settings.process == "mbg_nbd" else 0)
        buyer, at = _poisson_times(rng, rate, acquired, np.full(n, horizon))
        first = np.searchsorted(buyer, np.arange(n))
        rank = np.arange(len(buyer)) - first[buyer]
        died = np.where(last == 0, acquired, np.inf)
        ends = rank + 1 == last[buyer]
        died[buyer[ends]] = at[ends]
        lived = rank < last[buyer]
        buyer, at = buyer[lived], at[lived]
    died = np.where(died > horizon, np.inf, died)
    count = np.bincount(buyer, minlength=n) + 1
    ends_at = np.cumsum(count)
    first_place = ends_at - count
    all_buyers = np.repeat(np.arange(n, dtype=np.int64), count)
    is_first = np.zeros(len(all_buyers), dtype=np.bool_)
    is_first[first_place] = True
    times = np.empty(len(all_buyers))
    times[is_first], times[~is_first] = acquired, at
    nu = rng.gamma(settings.spend.q, 1 / settings.spend.gamma, n)
    amount = rng.standard_gamma(settings.spend.p, len(times)) / nu[all_buyers]
    seasons = Seasons(settings)
    return Histories(
        acquired=seasons.to_calendar(acquired),
        rate=rate,
        dropout=dropout,
        died=seasons.to_calendar(died),
        mean_spend=settings.spend.p / nu,
        buyer=all_buyers,
        at=seasons.to_calendar(times),
        amount=amount,
    )


def _poisson_times(rng: np.random.Generator, rate: Floats, start: Floats, until: Floats) -> tuple[Ints, Floats]:
    """Events of a Poisson process per row between start and until: (row, time), sorted by both."""
    span = until - start
    count = rng.poisson(rate * span / DAYS_PER_WEEK)
    row = np.repeat(np.arange(len(rate), dtype=np.int64), count)
    share = np.sort(row + rng.random(len(row))) - row
    return row, start[row] + share * span[row]
