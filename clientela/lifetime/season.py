"""Months that are always stronger or weaker: an index that multiplies forecasts, learnt from two full years or not at all.

What belongs here: the index and its mean over a horizon. What does not: the forecasts.
"""

from datetime import date, timedelta

import numpy as np

from clientela.lifetime.arrays import Floats, Integers

NOT_LEARNT = "no season learnt"
_TWO_YEARS = 730
_BELIEVED = 200.0  # a month's index counts like so many orders against an index of 1


def season_index(days: Floats, first_day: date, as_of: date) -> Floats | None:
    """Twelve indices (January first) with mean 1, from order days (days since 1970-01-01); None below two full years.

    Only whole years back from as_of are used, so that each calendar day weighs the same. Growth is no season: each year counts
    by its own total, and within a year an order weighs the less the later it comes, by the growth between the years around it.
    """
    years = int(((as_of - first_day).days + 1) // 365.25)
    if (as_of - first_day).days + 1 < _TWO_YEARS or years < 1:
        return None
    years = max(years, 2)
    age = ((as_of - date(1970, 1, 1)).days - days) / 365.25
    keep = (age >= 0) & (age < years)
    months, age = _months(days[keep]), age[keep]
    back = np.floor(age).astype(np.int64)
    totals = np.bincount(back, minlength=years).astype(np.float64)
    index, weight = np.zeros(12), np.zeros(12)
    for year in range(years):
        of_year = back == year
        if of_year.any():
            older, newer = min(year + 1, years - 1), max(year - 1, 0)
            growth = np.log(max(totals[newer], 1.0) / max(totals[older], 1.0)) / (older - newer)
            counted = np.exp(growth * (age[of_year] - year - 0.5))
            index += np.bincount(months[of_year], weights=counted * (totals[year] / counted.sum()), minlength=12)
            weight += totals[year] * _MONTH_SHARE
    shrunk = (index + _BELIEVED * _MONTH_SHARE * 12) / (weight + _BELIEVED * _MONTH_SHARE * 12)
    return np.asarray(shrunk / (shrunk * _MONTH_SHARE).sum())


def season_over(index: Floats | None, as_of: date, horizon_days: int) -> float:
    """The mean index over the days after as_of; 1 where no season was learnt."""
    if index is None or horizon_days <= 0:
        return 1.0
    today = (as_of - date(1970, 1, 1)).days
    return float(index[_months(np.arange(today + 1.0, today + horizon_days + 1.0))].mean())


def _months(days: Floats) -> Integers:
    return np.asarray((days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)) % 12)


def _share_of_months() -> Floats:
    lengths = [
        ((date(2023, m % 12 + 1, 1) if m < 12 else date(2024, 1, 1)) - timedelta(days=1)).day for m in range(1, 13)
    ]
    return np.array(lengths, dtype=np.float64) / sum(lengths)


_MONTH_SHARE = _share_of_months()
