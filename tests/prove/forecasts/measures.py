"""Forecasts of invented companies at several cuts, beside what then came.

Belongs here: running backtest(), answer() and forecast() as a night does, and the figures of one cell (company, cut, horizon).
Does not belong here: what must hold (the test), the companies. `python -m tests.prove.forecasts.measures 1 24` prints the
table of those seeds.
"""

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy.special import betainc, gammainc, ndtr, ndtri, stdtr

from clientela.lifetime.backtest import Backtest, BacktestSettings, Memo, backtest
from clientela.lifetime.candidates import Learning
from clientela.lifetime.churn_features import known_at
from clientela.lifetime.churn_probability import Memo as NoOrderMemo
from clientela.lifetime.churn_probability import Past, answer
from clientela.lifetime.day_fits import spend_on
from clientela.lifetime.forecast import Fits, Forecast, ForecastSettings, add_months, forecast
from clientela.lifetime.horizons import expected_orders
from clientela.lifetime.order_counts import OrderCounts
from clientela.lifetime.origins import Orders, Snapshot
from clientela.lifetime.prediction_intervals import (
    LEVELS,
    OrderWorth,
    Spread,
    group_order_quantiles,
    money_given_an_order,
)
from clientela.lifetime.scoring import poisson_deviance
from tests.prove.forecasts.companies import START, company

HORIZONS = (3, 6, 12)
CUTS = (24, 27, 30, 33, 36)  # months after START
MONEY_HORIZON = 12


def cells(
    orders: pl.DataFrame, cuts: Iterable[date], horizons: tuple[int, ...], name: str, right: str | None = None
) -> list[dict[str, Any]]:
    """A row per cut and horizon whose months have passed in the orders."""
    ready, memo, no_order_memo = Orders.of(orders), Memo(), NoOrderMemo()
    end = ready.last_day
    rows = []
    for cut in cuts:
        past = backtest(ready, cut, BacktestSettings(horizons_months=horizons), memo=memo)
        fits = Fits()
        ahead = {m: (add_months(cut, m) - cut).days for m in {3, *horizons} if m == 3 or m in past.horizons}
        for months in ahead:
            forecast(
                ready,
                cut,
                ForecastSettings(horizon_months=months, annual_discount_rate=0.0, draws=0),
                past=past,
                fits=fits,
            )
        now = known_at(ready, ready.at(cut, recent_days=91))
        expected = {months: fits.orders_within(months) for months in ahead}
        no_order = answer(Past(ready, cut, no_order_memo), now, expected, ahead).by_months
        for months in horizons:
            days = (add_months(cut, months) - cut).days
            if cut + timedelta(days=days) > end + timedelta(days=7) or months not in past.horizons:
                continue
            s = ready.at(cut, holdout_days=days)
            settings = ForecastSettings(horizon_months=months, annual_discount_rate=0.0, draws=100)
            made = forecast(ready, cut, settings, past=past, fits=fits, no_order=no_order)
            counts = past.horizons[months].spread.counts(expected[months], no_order[months])
            row = _cell(ready, s, past, made, counts, months, days, right)
            money = _money(s, made, counts, spend_on(ready, s, past.spend_model).worth()) if s.spend else {}
            rows.append({"company": name, "cut": cut, "horizon": months, **row, **money})
    return rows


def _cell(
    ready: Orders,
    s: Snapshot,
    past: Backtest,
    made: Forecast,
    counts: OrderCounts,
    months: int,
    days: int,
    right: str | None,
) -> dict[str, Any]:
    assert s.actual_orders is not None
    learnt, customers = past.horizons[months], made.customers
    y, m = s.actual_orders, customers.get_column("expected_orders").to_numpy()
    fits: dict[Any, Any] = {}
    singles = {
        c: expected_orders(c, ready, s, days, Learning(91), fits)
        for c in {learnt.combination.best, past.order_model, right} - {None}
    }
    best, before = singles[learnt.combination.best], singles[past.order_model]
    gain = poisson_deviance(y, best) - poisson_deviance(y, m)
    rng = np.random.default_rng(len(y))
    pit = counts.pit(y, rng)
    low, middle, high = (customers.get_column(f"expected_orders_p{p}").to_numpy() for p in (10, 50, 90))
    total = float(y.sum())
    whole = made.groups.row(0, named=True)
    published = [whole[f"expected_orders_p{p}"] for p in (10, 50, 90)]
    row: dict[str, Any] = {
        "origins": len(learnt.origins),
        "is_shorter": learnt.is_shorter,
        "is_combined": learnt.name == "combined",
        "actual": total,
        "expected": float(m.sum()),
        "deviance": float(poisson_deviance(y, m).mean()),
        "deviance_best": float(poisson_deviance(y, best).mean()),
        "deviance_before": float(poisson_deviance(y, before).mean()),
        "deviance_right": float(poisson_deviance(y, singles[right]).mean()) if right else None,
        "gain_in_errors": float(gain.mean() / max(gain.std() / np.sqrt(len(gain)), 1e-12)),
        "crps": _crps(y, counts),
        "crps_best": _crps(y, learnt.spread.counts(best)),
        "rmse": float(np.sqrt(((y - m) ** 2).mean())),
        "rmse_best": float(np.sqrt(((y - best) ** 2).mean())),
        "concentration": _concentration(y, m),
        "concentration_best": _concentration(y, best),
        "mae_p50": float(np.abs(y - middle).mean()),
        "mae_p50_best": float(np.abs(y - learnt.spread.counts(best).quantiles(LEVELS)[1]).mean()),
        "error": abs(float(np.log(m.sum() / total))),
        "error_before": abs(float(np.log(before.sum() / total))),
        "pit": float(np.mean((pit >= 0.1) & (pit <= 0.9))),
        "is_ordered": bool((low <= middle).all() and (middle <= high).all()),
        "contradictions": sum(
            int(((read >= 1) != (counts.none < level)).sum())
            for level, read in zip(LEVELS, (low, middle, high), strict=True)
        ),
        "brier": float(np.mean((counts.none - (y == 0)) ** 2)),
        "company_held": bool(published[0] <= total <= published[2]),
        "company_pit": _company_pit(m, learnt.spread, total, np.random.default_rng(int(total))),
        "score": _interval_score(published, total),
        "score_of_chance": _interval_score(_chance_only(m, learnt.spread), total),
        "score_of_single": _interval_score(_chance_only(before, learnt.spread), total),
    }
    tenths = np.zeros(len(m), dtype=np.int64)
    tenths[np.argsort(-m, kind="stable")] = np.arange(len(m)) * 10 // len(m)
    for label, codes, has_shape in (
        ("tenths_held", tenths, True),
        ("groups_of_50_held", rng.permutation(len(m)) // 50, False),
        ("groups_of_200_held", rng.permutation(len(m)) // 200, False),
    ):
        size = int(codes.max()) + 1
        truth = np.bincount(codes, weights=y, minlength=size)
        edges = group_order_quantiles(m, codes, size, learnt.spread, has_shape=has_shape)
        row[label] = float(np.mean((truth >= edges[0]) & (truth <= edges[2])))
    return row


def _money(s: Snapshot, made: Forecast, counts: OrderCounts, worth: OrderWorth) -> dict[str, Any]:
    """Undiscounted, so that what is expected of an order is its worth."""
    assert s.actual_value is not None
    came, customers, whole = s.actual_value, made.customers, made.groups.row(0, named=True)
    low, middle, high = (customers.get_column(f"expected_value_p{p}").to_numpy() for p in (10, 50, 90))
    mean = customers.get_column("expected_value").to_numpy()
    total = float(came.sum())
    pit = _money_pit(came, counts, worth)
    inside = (pit >= 0.1) & (pit <= 0.9)
    tenths = np.array_split(np.argsort(mean, kind="stable"), 10)
    orders_error = float(np.log(whole["expected_orders"] / max(s.actual_orders.sum(), 1)))  # type: ignore[union-attr]
    return {
        "money_held": bool(whole["expected_value_p10"] <= total <= whole["expected_value_p90"]),
        "error_of_money": abs(float(np.log(whole["expected_value"] / total))),
        "error_of_worth": abs(float(np.log(whole["expected_value"] / total)) - orders_error),
        "money_pit": float(inside.mean()),
        "money_pit_of_tenths": [float(inside[members].mean()) for members in tenths],
        "is_money_ordered": bool((low <= middle + 1e-9).all() and (middle <= high + 1e-9).all()),
        "least_money_p10": float(low.min()),
        "is_ever_negative": bool((came < 0).any()),
    }


def _money_pit(came: Any, counts: OrderCounts, worth: OrderWorth) -> Any:
    """Randomised PIT of what customers brought: nothing, or gamma (normal where it is not expected to be above nothing)."""
    none, factor = counts.none, np.ones(len(came))
    mean, variance = money_given_an_order(counts, worth, factor)
    room = worth.room(counts.given_one, factor)
    gamma = mean + room > 0
    raised = np.where(gamma, mean + room, 1.0)
    above = np.where(gamma, gammainc(raised**2 / variance, np.maximum(came + room, 0) * raised / variance), 0.0)
    some = np.where(gamma, above, ndtr((came - mean) / np.sqrt(variance)))
    chance = np.random.default_rng(len(came)).random(len(came))
    return (1 - none) * some + none * np.where(came == 0, chance, came > 0)


def _company_pit(mean: Any, spread: Spread, total: float, rng: np.random.Generator) -> float:
    """Randomised PIT of the company's total: negative binomial, its levels those of a t distribution."""
    everybody = float(mean.sum())
    common = (spread.tau * everybody) ** 2
    variance = float((mean + spread.dispersion_of_sums * mean**2).sum()) + common
    size = everybody**2 / (variance - everybody)
    p = size / (size + everybody)
    below, at = (float(betainc(size, k, p)) if k > 0 else 0.0 for k in (total, total + 1))
    degrees = min(spread.degrees / (common / variance) ** 2, 1e6) if common else 1e6
    return float(stdtr(degrees, ndtri(np.clip(below + rng.random() * (at - below), 1e-12, 1 - 1e-12))))


def _chance_only(mean: Any, spread: Any) -> Any:
    alone = replace(spread, tau=0.0, degrees=1e6)
    return group_order_quantiles(mean, np.zeros(len(mean), dtype=np.int64), 1, alone, has_shape=False)[:, 0]


def _interval_score(edges: Any, truth: float) -> float:
    """Gneiting & Raftery 2007, of an 80 % interval, as a share of the truth."""
    low, high = float(edges[0]), float(edges[2])
    return (high - low + 10 * max(low - truth, 0.0) + 10 * max(truth - high, 0.0)) / truth


def _crps(y: Any, counts: OrderCounts, most: int = 200) -> float:
    """Continuous ranked probability score of counts."""
    total = sum((counts.reached(np.full(len(y), float(k))) - (y <= k)) ** 2 for k in range(most))
    return float(np.mean(total))


def _concentration(y: Any, m: Any) -> float:
    """Gini's coefficient of the concentration curve: orders ranked by what was expected."""
    ranked = np.cumsum(y[np.argsort(-m, kind="stable")]) / max(y.sum(), 1.0)
    return float(2 * ranked.mean() - 1)


def of_seed(seed: int) -> list[dict[str, Any]]:
    """All cells of one invented company."""
    one = company(seed)
    cuts = [add_months(START, months) - timedelta(days=1) for months in CUTS]
    right = None if one.process == "mixed" else one.process
    rows = cells(one.orders, cuts, HORIZONS, f"{seed} {one.process}", right)
    return [{**row, "seed": seed, "mixed": right is None} for row in rows]


def pooled(rows: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Each measure's mean over cells with its standard error, the cells of one company being one observation."""
    ratio = {
        "deviance_against_best": pl.col("deviance") / pl.col("deviance_best") - 1,
        "deviance_against_before": pl.col("deviance") / pl.col("deviance_before") - 1,
        "crps_against_best": pl.col("crps") / pl.col("crps_best") - 1,
        "rmse_against_best": pl.col("rmse") / pl.col("rmse_best") - 1,
        "mae_of_p50_against_best": pl.col("mae_p50") / pl.col("mae_p50_best") - 1,
        "concentration_gained": pl.col("concentration") - pl.col("concentration_best"),
        "error_of_total": pl.col("error"),
        "error_of_total_before": pl.col("error_before"),
        **{
            name: pl.col(name).cast(pl.Float64)
            for name in (
                "pit", "company_held", "company_pit", "tenths_held", "groups_of_50_held", "groups_of_200_held", "score",
                "score_of_chance", "score_of_single", "money_held", "money_pit", "error_of_money", "error_of_worth",
                "is_combined",
            )
        },
    }  # fmt: skip
    by_company = rows.group_by("seed").agg([value.mean().alias(name) for name, value in ratio.items()])
    found = {}
    for name in ratio:
        values = by_company.get_column(name).to_numpy()
        found[name] = (
            float(values.mean()),
            float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0,
        )
    return found


def table(rows: pl.DataFrame) -> str:
    """The pooled measures in Markdown: all, without and with season and drift, and by horizon."""
    parts = {"all": rows, "plain": rows.filter(~pl.col("mixed")), "mixed": rows.filter("mixed")}
    parts |= {f"{months} months": rows.filter(pl.col("horizon") == months) for months in HORIZONS}
    of = {name: pooled(part) for name, part in parts.items() if part.height}
    lines = [f"| measure | {' | '.join(of)} |", f"| --- |{' ---: |' * len(of)}"]
    for measure in next(iter(of.values())):
        figures = " | ".join(f"{of[name][measure][0]:.3f} ± {of[name][measure][1]:.3f}" for name in of)
        lines.append(f"| {measure} | {figures} |")
    return "\n".join(lines)


def shares(rows: pl.DataFrame) -> str:
    """How much of the company's PIT lies in each fifth, and customers' money PIT in .1 to .9 by tenth of what they were
    expected to bring, lowest first; with standard errors between companies."""
    fifths = [pl.col("company_pit").is_between(k / 5, (k + 1) / 5).mean().alias(str(k)) for k in range(5)]
    tenths = [pl.col("money_pit_of_tenths").list.get(k).mean().alias(str(k)) for k in range(10)]
    lines = [f"{rows.select('company', 'cut').n_unique()} company x cut"]
    for label, columns in (("company's PIT by fifth", fifths), ("money's PIT by tenth", tenths)):
        of = rows.group_by("seed").agg(columns).drop("seed")
        errors = of.std().row(0)
        figures = (f"{m:.3f} ± {(e or 0) / of.height**0.5:.3f}" for m, e in zip(of.mean().row(0), errors, strict=True))
        lines.append(f"| {label} | {' | '.join(figures)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    first, last = (int(number) for number in sys.argv[1:3])
    everything = []
    for seed in range(first, last + 1):
        everything += of_seed(seed)
        print(seed, flush=True, file=sys.stderr)
    frame = pl.DataFrame(everything, infer_schema_length=None)
    if len(sys.argv) > 3:
        frame.write_parquet(sys.argv[3])
    print(table(frame))
    print(shares(frame))
