"""How the churn probability did at past days, beside simpler answers: scores, and calibration by tenth."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clientela.lifetime.arrays import Floats, ranks
from clientela.lifetime.churn_features import EXPECTED, MODEL, RECENCY
from clientela.lifetime.churn_probability import LEARNT_DAYS, Past, learn

#: simplest first; the last is the one that is used
CANDIDATES = ("recency", "expected_orders", "pareto_nbd", "combined")
SCORE_SCHEMA = pl.Schema(
    {
        "origin_on": pl.Date,
        "horizon_months": pl.Int64,
        "candidate": pl.String,
        "customers": pl.Int64,
        "share_without_order": pl.Float64,
        "mean_probability": pl.Float64,
        "brier": pl.Float64,
        "auc": pl.Float64,
        "top_decile_lift": pl.Float64,
    }
)
DECILE_SCHEMA = pl.Schema(
    {
        "origin_on": pl.Date,
        "horizon_months": pl.Int64,
        "candidate": pl.String,
        "decile": pl.Int64,
        "customers": pl.Int64,
        "mean_probability": pl.Float64,
        "share_without_order": pl.Float64,
        "lift": pl.Float64,
        "is_inside_interval": pl.Boolean,
    }
)


def auc(nothing: NDArray[np.bool_], p: Floats) -> float | None:
    """The chance that p ranks one who did not order above one who did, ties counting half; None where all are alike."""
    without, ordered = int(nothing.sum()), int((~nothing).sum())
    if not without or not ordered:
        return None
    return float((ranks(p)[nothing].sum() - without * (without + 1) / 2) / (without * ordered))


def deciles_of(p: Floats, nothing: NDArray[np.bool_], deviations: float = 2.81) -> pl.DataFrame:
    """Calibration by tenth of the customers, lowest probability first (ties by position). `is_inside_interval`: whether the
    number without an order lies within so many standard deviations (99.5 % of the time by chance) of the number expected."""
    n = len(p)
    decile = np.empty(n, dtype=np.int64)
    decile[np.argsort(p, kind="stable")] = np.arange(n) * 10 // max(n, 1) + 1
    frame = pl.DataFrame({"decile": decile, "p": p, "y": nothing.astype(np.int64), "v": p * (1 - p)})
    table = frame.group_by("decile").agg(
        customers=pl.len().cast(pl.Int64),
        mean_probability=pl.col("p").mean(),
        y=pl.col("y").sum(),
        spread=pl.col("v").sum().sqrt(),
    )
    overall = float(nothing.mean()) if n else 0.0
    rate = pl.col("y") / pl.col("customers")
    off = (pl.col("y") - pl.col("customers") * pl.col("mean_probability")).abs()
    return table.sort("decile").select(
        "decile",
        "customers",
        "mean_probability",
        share_without_order=rate,
        lift=rate / overall if overall else pl.lit(None, pl.Float64),
        is_inside_interval=off <= deviations * pl.col("spread") + 0.5,
    )


def compared(past: Past, months: Sequence[int] = tuple(LEARNT_DAYS)) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(SCORE_SCHEMA, DECILE_SCHEMA): how the answer and simpler ones did at the last origin of each length, each learnt
    from what was known by then. No rows where nothing could be learnt by then."""
    scores: list[dict[str, object]] = []
    deciles: list[pl.DataFrame] = []
    for length in months:
        days = LEARNT_DAYS[length]
        for origin in past.origins(days, most=1):
            learnt = past.learnt(length, until=origin)
            if not learnt.origins:
                continue
            then = np.concatenate([past.known(day).columns(learnt.days) for day in learnt.origins])
            was = np.concatenate([past.nothing(day, learnt.days) for day in learnt.origins])
            now, y = past.known(origin).columns(days), past.nothing(origin, days)
            for candidate, column in zip(CANDIDATES, (RECENCY, EXPECTED, MODEL, None), strict=True):
                if column is None:
                    p = learnt.probability(now)
                else:
                    p = learn(then[:, [column]], was, towards=None).probability(now[:, [column]])
                by_decile = deciles_of(p, y)
                at = {"origin_on": origin, "horizon_months": length, "candidate": candidate}
                scores.append(
                    {
                        **at,
                        "customers": len(y),
                        "share_without_order": float(y.mean()),
                        "mean_probability": float(p.mean()),
                        "brier": float(np.mean((p - y) ** 2)),
                        "auc": auc(y, p),
                        "top_decile_lift": by_decile["lift"][-1],
                    }
                )
                deciles.append(by_decile.with_columns(**{name: pl.lit(value) for name, value in at.items()}))
    return (
        pl.DataFrame(scores, schema=SCORE_SCHEMA),
        pl.concat(
            [
                pl.DataFrame(schema=DECILE_SCHEMA),
                *(d.select(DECILE_SCHEMA.names()).cast(DECILE_SCHEMA) for d in deciles),
            ]
        ),
    )
