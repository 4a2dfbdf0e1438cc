"""Forecasts of invented companies at several cuts, beside what then came.

Belongs here: running backtest() and forecast() as a night does, and the figures of one cell (company, cut, horizon). Does not
belong here: what must hold (the test), the companies. `python -m tests.prove.forecasts.measures 1 24` prints the table of
those seeds.
"""

import sys
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from clientela.lifetime.backtest import Backtest, BacktestSettings, Memo, backtest
from clientela.lifetime.candidates import Learning
from clientela.lifetime.forecast import Fits, ForecastSettings, add_months, forecast
from clientela.lifetime.horizons import expected_orders
from clientela.lifetime.origins import Orders, Snapshot
from clientela.lifetime.scoring import poisson_deviance
from clientela.lifetime.spread import group_order_quantiles, order_pit
from tests.prove.forecasts.companies import START, company

HORIZONS = (3, 6, 12)
CUTS = (24, 27, 30, 33, 36)  # months after START
MONEY_HORIZON = 12


def cells(
    orders: pl.DataFrame, cuts: Iterable[date], horizons: tuple[int, ...], name: str, right: str | None = None
) -> list[dict[str, Any]]:
    """A row per cut and horizon whose months have passed in the orders."""
    ready, memo = Orders.of(orders), Memo()
    end = ready.last_day
    rows = []
    for cut in cuts:
        past = backtest(ready, cut, BacktestSettings(horizons_months=horizons), memo=memo)
        fits = Fits()
        for months in horizons:
            days = (add_months(cut, months) - cut).days
            if cut + timedelta(days=days) > end + timedelta(days=7) or months not in past.horizons:
                continue
            s = ready.at(cut, holdout_days=days)
            settings = ForecastSettings(horizon_months=months, annual_discount_rate=0.0, draws=100)
            made = forecast(ready, cut, settings, past=past, fits=fits)
            row = _cell(ready, s, past, made.customers, months, days, right)
            rows.append(
                {"company": name, "cut": cut, "horizon": months, **row, **_money(s, made.customers, made.groups)}
            )
    return rows


def _cell(
    ready: Orders, s: Snapshot, past: Backtest, customers: pl.DataFrame, months: int, days: int, right: str | None
) -> dict[str, Any]:
    assert s.actual_orders is not None
    learnt = past.horizons[months]
    y, m = s.actual_orders, customers.get_column("expected_orders").to_numpy()
    fits: dict[Any, Any] = {}
    singles = {
        c: expected_orders(c, ready, s, days, Learning(91), fits)
        for c in {learnt.combination.best, past.order_model, right} - {None}
    }
    best, before = singles[learnt.combination.best], singles[past.order_model]
    gain = poisson_deviance(y, best) - poisson_deviance(y, m)
    rng = np.random.default_rng(len(y))
    pit = order_pit(y, m, learnt.spread, rng)
    low, middle, high = (customers.get_column(f"expected_orders_p{p}").to_numpy() for p in (10, 50, 90))
    total = float(y.sum())
    company_interval = group_order_quantiles(m, np.zeros(len(m), dtype=np.int64), 1, learnt.spread, has_shape=False)[
        :, 0
    ]
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
        "crps": _crps(y, m, learnt.spread),
        "crps_best": _crps(y, best, learnt.spread),
        "rmse": float(np.sqrt(((y - m) ** 2).mean())),
        "rmse_best": float(np.sqrt(((y - best) ** 2).mean())),
        "concentration": _concentration(y, m),
        "concentration_best": _concentration(y, best),
        "mae_p50": float(np.abs(y - middle).mean()),
        "error": abs(float(np.log(m.sum() / total))),
        "error_before": abs(float(np.log(before.sum() / total))),
        "pit": float(np.mean((pit >= 0.1) & (pit <= 0.9))),
        "is_ordered": bool((low <= middle).all() and (middle <= high).all()),
        "company": None,
        "company_held": bool(company_interval[0] <= total <= company_interval[2]),
        "score": _interval_score(company_interval, total),
        "score_of_chance": _interval_score(_chance_only(m, learnt.spread), total),
    }
    del row["company"]
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


def _money(s: Snapshot, customers: pl.DataFrame, groups: pl.DataFrame) -> dict[str, Any]:
    assert s.actual_value is not None
    low, middle, high = (customers.get_column(f"expected_value_p{p}").to_numpy() for p in (10, 50, 90))
    whole = groups.row(0, named=True)
    total = float(s.actual_value.sum())
    return {
        "money_held": bool(whole["expected_value_p10"] <= total <= whole["expected_value_p90"]),
        "money_of_customers_above_p90": float(np.mean(s.actual_value > high + 1e-9)),
        "is_money_ordered": bool((low <= middle + 1e-9).all() and (middle <= high + 1e-9).all()),
        "least_money_p10": float(low.min()),
        "is_ever_negative": bool((s.actual_value < 0).any()),
    }


def _chance_only(mean: Any, spread: Any) -> Any:
    from dataclasses import replace

    alone = replace(spread, tau=0.0, degrees=1e6)
    return group_order_quantiles(mean, np.zeros(len(mean), dtype=np.int64), 1, alone, has_shape=False)[:, 0]


def _interval_score(edges: Any, truth: float) -> float:
    """Gneiting & Raftery 2007, of an 80 % interval, as a share of the truth."""
    low, high = float(edges[0]), float(edges[2])
    return (high - low + 10 * max(low - truth, 0.0) + 10 * max(truth - high, 0.0)) / truth


def _crps(y: Any, m: Any, spread: Any, most: int = 200) -> float:
    """Continuous ranked probability score of counts."""
    from scipy.special import betainc

    size = 1 / spread.phi(np.maximum(m, 1e-9))
    p = size / (size + np.maximum(m, 1e-9))
    total = np.zeros(len(m))
    for k in range(most):
        total += (betainc(size, k + 1.0, p) - (y <= k)) ** 2
    return float(total.mean())


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
        "concentration_gained": pl.col("concentration") - pl.col("concentration_best"),
        "error_of_total": pl.col("error"),
        "error_of_total_before": pl.col("error_before"),
        **{
            name: pl.col(name).cast(pl.Float64)
            for name in (
                "pit", "company_held", "tenths_held", "groups_of_50_held", "groups_of_200_held", "money_held", "score",
                "score_of_chance", "is_combined",
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
