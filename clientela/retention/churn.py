"""The probability that a customer who is still active will have left when the next period is over.

Belongs here: the outcome, the model and its two baselines, their comparison on the company's own past. Does not belong
here: the rules by which a customer counts as gone (states.py: one definition for history and forecast), how P(alive) is
had (`clientela.lifetime`), what is done about it.

A snapshot is a customer at a month-end s, described by what was known at s. Its outcome is known once s + horizon has
passed: it is used only if s + horizon <= as-of. At rolling origins o, each candidate learns from snapshots with
s + horizon <= o and is scored on the snapshot at o. The simplest candidate within one standard error of the best mean
Brier score is used (recency, then P(alive), then the model): the model only where it beats both.

All three are calibrated: the baselines are logistic regressions on a spline of one column; the model is gradient
boosting, its scores put on the scale of probabilities by Platt's logistic regression (1999) on customers it has not
seen.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from clientela.retention.calendar import RetentionError, end_of_period, require
from clientela.retention.settings import ChurnSettings
from clientela.retention.states import GONE

Floats = NDArray[np.float64]

#: simplest first
CANDIDATES = ("recency", "p_alive", "model")
RETENTION_FEATURES = (
    "days_since_last_activity",
    "recency_ratio",
    "recency_zscore",
    "expected_days_between_orders",
    "stddev_days_between_orders",
    "purchase_days",
    "tenure_days",
    "spare_days",
)
_KEY = ["customer_id", "month_end"]
SCORES = {
    "origin_on": pl.Date,
    "candidate": pl.String,
    "customers": pl.Int64,
    "churn_rate": pl.Float64,
    "mean_probability": pl.Float64,
    "brier": pl.Float64,
    "auc": pl.Float64,
    "top_decile_lift": pl.Float64,
    "is_chosen": pl.Boolean,
}
DECILES = {
    "origin_on": pl.Date,
    "candidate": pl.String,
    "decile": pl.Int64,
    "customers": pl.Int64,
    "mean_probability": pl.Float64,
    "churn_rate": pl.Float64,
    "lift": pl.Float64,
    "is_inside_interval": pl.Boolean,
}


def snapshots(rhythms: pl.DataFrame, states: pl.DataFrame, horizon_months: int = 3) -> pl.DataFrame:
    """RETENTION_FEATURES of every customer at every month-end at which they are not gone; sorted by both.

    `spare_days`: how far from lapsing a customer who stays silent would be when the horizon is over; negative, lapsed.
    Further columns (complaints, categories, margin, p_alive ...) may be joined to it; each must have been known then.
    """
    ahead = (end_of_period(pl.col("month_end"), horizon_months) - pl.col("month_end")).dt.total_days()
    return (
        rhythms.join(states.select(*_KEY, "state", "lapses_after_days"), on=_KEY, how="inner")
        .filter(~pl.col("state").is_in(GONE))
        .select(
            *_KEY,
            "state",
            *[name for name in RETENTION_FEATURES if name in rhythms.columns],
            tenure_days=(pl.col("month_end") - pl.col("first_ordered_on")).dt.total_days(),
            spare_days=pl.col("lapses_after_days") - pl.col("days_since_last_activity") - ahead,
        )
        .sort(_KEY)
    )


def outcomes(states: pl.DataFrame, horizon_months: int, as_of: date) -> pl.DataFrame:
    """Whether each customer who is not gone at a month-end is gone when the horizon is over: customer_id, month_end,
    churned (null where that lies beyond `as_of`).

    Churn is thus judged by the customer's own rhythm (or by contract), like the states; who lapsed and came back within
    the horizon has not churned.
    """
    states = states.filter(pl.col("month_end") <= as_of)
    later = states.select("customer_id", at_end="month_end", churned=pl.col("state").is_in(GONE))
    return (
        states.filter(~pl.col("state").is_in(GONE))
        .select(*_KEY, at_end=end_of_period(pl.col("month_end"), horizon_months))
        .join(later, on=["customer_id", "at_end"], how="left")
        .select(*_KEY, "churned")
        .sort(_KEY)
    )


@dataclass(frozen=True)
class Comparison:
    """How the candidates did at past origins, and which was chosen for it. `made_from` names, in short, all it was made from."""

    made_from: str
    chosen: str
    reason: str
    scores: pl.DataFrame
    deciles: pl.DataFrame


@dataclass(frozen=True)
class ChurnModel:
    """What gives churn probabilities, and why it was chosen.

    chosen: one of CANDIDATES, or 'uncalibrated' (1 - p_alive: nothing could be learned), or 'none'. scores: per origin
    and candidate; deciles: per origin, candidate and tenth of the customers by probability, lowest first. made_from: of
    the comparison.
    """

    chosen: str
    reason: str
    scores: pl.DataFrame
    deciles: pl.DataFrame
    made_from: str
    columns: tuple[str, ...] = ()
    trained_on: tuple[date, ...] = ()
    estimator: Any = field(default=None, repr=False)

    def probability(self, rows: pl.DataFrame) -> pl.Series:
        """Churn probability of each row, in the rows' order; null for all of them where chosen is 'none'."""
        if self.chosen == "none":
            values: Any = [None] * len(rows)
        elif self.chosen == "uncalibrated":
            values = 1.0 - rows["p_alive"].cast(pl.Float64)
        else:
            with _one_thread():
                values = self.estimator.predict_proba(_matrix(rows, self.columns))[:, 1] if len(rows) else []
        return pl.Series("churn_probability", values, dtype=pl.Float64)


def fit_churn(
    rows: pl.DataFrame,
    as_of: date,
    features: Sequence[str] | None = None,
    settings: ChurnSettings | None = None,
    code_version: str = "",
    earlier: Comparison | None = None,
) -> ChurnModel:
    """Learn from past snapshots, compare at rolling origins, and fit the candidate that is to be used.

    rows: one per customer and month-end: customer_id, month_end, churned (boolean, null where not known),
    days_since_last_activity, p_alive if there is one, and the features (by default those of RETENTION_FEATURES that are
    there, and p_alive); missing feature values are allowed. Snapshots whose horizon ends after `as_of` are not read,
    whatever they hold.
    The order of rows makes no difference. earlier: it stands where it was made from the very same, by the same code.
    """
    s = settings or ChurnSettings()
    require(rows, "rows", *_KEY, "churned", "days_since_last_activity")
    for name in ("days_since_last_activity", "p_alive"):
        if name in rows.columns and rows[name].null_count():
            raise RetentionError(f"{name} must be known in every snapshot; it is missing in {rows[name].null_count()}.")
    chosen_features = features or [f for f in (*RETENTION_FEATURES, "p_alive") if f in rows.columns]
    require(rows, "rows", *chosen_features)
    over = end_of_period(pl.col("month_end"), s.horizon_months)
    known = rows.with_columns(known_on=over).filter((pl.col("known_on") <= as_of) & pl.col("churned").is_not_null())
    known = known.sort(_KEY)
    if known.select(pl.struct(_KEY).is_duplicated().any()).item():
        raise RetentionError("A customer stands more than once at the same month-end.")
    candidates = [c for c in CANDIDATES if c != "p_alive" or "p_alive" in rows.columns]
    columns = {"recency": ("days_since_last_activity",), "p_alive": ("p_alive",), "model": tuple(chosen_features)}
    read = known.select(sorted({*_KEY, "churned", *(name for c in candidates for name in columns[c])}))
    facts = (code_version, s.model_dump_json(), chosen_features, len(read), read.hash_rows(seed=0).sum())
    made_from = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    if earlier is not None and earlier.made_from == made_from:
        compared = earlier
    else:
        compared = _compare(known, candidates, columns, s, made_from)
    training = _training(known, as_of, s)
    if not _can_learn(training, s):
        chosen = "uncalibrated" if "p_alive" in rows.columns else "none"
        reason = f"fewer than {s.least_churned} past outcomes of each kind are known"
        return ChurnModel(
            chosen, reason, compared.scores.with_columns(is_chosen=pl.lit(False)), compared.deciles, made_from
        )
    chosen = compared.chosen
    with _one_thread():
        estimator = _fitted(chosen, training, columns[chosen], s)
    return ChurnModel(
        chosen=chosen,
        reason=compared.reason,
        scores=compared.scores,
        deciles=compared.deciles,
        made_from=made_from,
        columns=columns[chosen],
        trained_on=tuple(training["month_end"].unique().sort()),
        estimator=estimator,
    )


def deciles_of(probability: Floats, churned: NDArray[np.bool_], confidence: float = 0.995) -> pl.DataFrame:
    """Calibration by tenth of the customers, lowest probability first (ties by position): decile, customers,
    mean_probability, churn_rate, lift (rate over that of all), is_inside_interval.

    The last says whether the number that churned lies in the central binomial interval of that confidence around the
    number expected.
    """
    from scipy.stats import binom  # slow to import, and only past outcomes need it

    n = len(probability)
    decile = np.empty(n, dtype=np.int64)
    decile[np.argsort(probability, kind="stable")] = np.arange(n) * 10 // max(n, 1) + 1
    frame = pl.DataFrame({"decile": decile, "p": probability, "y": churned.astype(np.int64)})
    table = frame.group_by("decile").agg(n=pl.len().cast(pl.Int64), p=pl.col("p").mean(), y=pl.col("y").sum())
    table = table.sort("decile")
    tail, counts = (1 - confidence) / 2, table["n"].to_numpy()
    low, high = (binom.ppf(q, counts, table["p"].to_numpy()) for q in (tail, 1 - tail))
    seen = table["y"].to_numpy()
    overall = float(churned.mean()) if n else float("nan")
    return table.select(
        "decile",
        customers="n",
        mean_probability="p",
        churn_rate=pl.col("y") / pl.col("n"),
        lift=pl.col("y") / pl.col("n") / overall if overall > 0 else pl.lit(None, pl.Float64),
        is_inside_interval=pl.Series((low <= seen) & (seen <= high)),
    )


def _training(known: pl.DataFrame, until: date, s: ChurnSettings) -> pl.DataFrame:
    """The latest snapshots whose outcome was known by `until`, thinned evenly to `max_training_rows`."""
    rows = known.filter(pl.col("known_on") <= until)
    latest = rows["month_end"].unique().sort().tail(s.training_snapshots)
    rows = rows.filter(pl.col("month_end").is_in(latest.implode()))
    if len(rows) <= s.max_training_rows:
        return rows
    share = s.max_training_rows / len(rows)
    month = pl.col("month_end").dt.year().cast(pl.Int64) * 12 + pl.col("month_end").dt.month()
    key = rows.select(pl.col("customer_id").cast(pl.Int64) % 2**48 * 2**15 + month).to_series()
    return rows.filter(pl.Series(_even(key, s.seed) < share))


def _even(keys: pl.Series, seed: int) -> Floats:
    """A number in [0, 1) per key that depends on it and on the seed only (splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        x = keys.cast(pl.Int64).to_numpy().astype(np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / 2.0**53


def _can_learn(training: pl.DataFrame, s: ChurnSettings) -> bool:
    churned = int(training["churned"].sum()) if len(training) else 0
    return min(churned, len(training) - churned) >= s.least_churned


def _compare(
    known: pl.DataFrame, candidates: list[str], columns: dict[str, tuple[str, ...]], s: ChurnSettings, made_from: str
) -> Comparison:
    """Scores and deciles per origin and candidate, and what follows from the squared error of each customer there."""
    scores: list[dict[str, object]] = []
    deciles = [pl.DataFrame(schema=DECILES)]
    errors: list[pl.DataFrame] = []
    for origin in known["month_end"].unique().sort().tail(s.origins):
        training, test = _training(known, origin, s), known.filter(pl.col("month_end") == origin)
        if not _can_learn(training, s):
            continue
        from sklearn.metrics import roc_auc_score  # only where something is learned: scikit-learn takes seconds

        y = test["churned"].to_numpy()
        row = test.select("customer_id")
        for candidate in candidates:
            with _one_thread():
                estimator = _fitted(candidate, training, columns[candidate], s)
                p = estimator.predict_proba(_matrix(test, columns[candidate]))[:, 1]
            table = deciles_of(p, y)
            deciles.append(
                table.select(pl.lit(origin).alias("origin_on"), pl.lit(candidate).alias("candidate"), pl.all())
            )
            scores.append(
                {
                    "origin_on": origin,
                    "candidate": candidate,
                    "customers": len(test),
                    "churn_rate": float(y.mean()),
                    "mean_probability": float(p.mean()),
                    "brier": float(np.mean((p - y) ** 2)),
                    "auc": float(roc_auc_score(y, p)) if 0 < y.sum() < len(y) else None,
                    "top_decile_lift": table["lift"][-1],
                    "is_chosen": False,
                }
            )
            row = row.with_columns(pl.Series(candidate, (p - y) ** 2))
        errors.append(row)
    chosen, reason = _choose(pl.concat(errors) if errors else pl.DataFrame(), candidates)
    compared = pl.DataFrame(scores, schema=SCORES).with_columns(is_chosen=pl.col("candidate") == chosen)
    return Comparison(made_from, chosen, reason, compared, pl.concat(deciles))


def _choose(errors: pl.DataFrame, candidates: list[str]) -> tuple[str, str]:
    """The simplest candidate within one standard error of the best; a customer at several origins counts as one."""
    if errors.is_empty():
        simple = "p_alive" if "p_alive" in candidates else "recency"
        return simple, "no past origin could be scored, and an untested model is not used"
    brier = {c: float(errors[c].mean()) for c in candidates}  # type: ignore[arg-type]
    best = min(candidates, key=lambda c: brier[c])
    for candidate in candidates:
        extra = errors.select("customer_id", d=pl.col(candidate) - pl.col(best))
        mean = float(extra["d"].mean())  # type: ignore[arg-type]
        per_customer = extra.group_by("customer_id").agg(d=(pl.col("d") - mean).sum())["d"]
        error = float((per_customer**2).sum()) ** 0.5 / len(extra)
        if mean <= error:
            scores = ", ".join(f"{c} {brier[c]:.4f}" for c in candidates)
            return candidate, f"the simplest within one standard error of the best Brier score ({scores})"
    raise AssertionError("the best candidate is within one standard error of itself")


def _one_thread() -> Any:
    """To be learned or foretold within: on a busy machine several threads wait for each other ten times as long as they
    work. Imports scikit-learn, whose threads these are."""
    import sklearn.ensemble  # noqa: F401

    return threadpool_limits(limits=1)


def _fitted(candidate: str, training: pl.DataFrame, columns: tuple[str, ...], s: ChurnSettings) -> Any:
    """A fitted scikit-learn classifier; imported late, as scikit-learn takes seconds."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, SplineTransformer

    x, y = _matrix(training, columns), training["churned"].to_numpy().astype(np.int64)
    if candidate != "model":
        scale = np.log1p if candidate == "recency" else _log_odds
        spline = SplineTransformer(n_knots=6, degree=3, knots="quantile", extrapolation="linear")
        regression = LogisticRegression(C=100.0, max_iter=2000)
        return make_pipeline(FunctionTransformer(scale), spline, regression).fit(x, y)
    group = np.minimum((_even(training["customer_id"], s.seed + 1) * s.folds).astype(np.int64), s.folds - 1)
    splits = [(np.flatnonzero(group != g), np.flatnonzero(group == g)) for g in range(s.folds)]
    boosting = HistGradientBoostingClassifier(
        max_iter=s.boosting_rounds,
        learning_rate=0.1,
        max_leaf_nodes=15,
        min_samples_leaf=max(20, len(y) // 500),
        early_stopping=False,
        random_state=s.seed,
    )
    return CalibratedClassifierCV(boosting, method="sigmoid", cv=splits, ensemble=False).fit(x, y)


def _matrix(rows: pl.DataFrame, columns: tuple[str, ...]) -> Floats:
    """(rows, columns) as float64, nulls as NaN, infinities as the largest numbers that single precision holds."""
    x = rows.select(pl.col(columns).cast(pl.Float64)).to_numpy()
    return np.asarray(np.nan_to_num(x, nan=np.nan, posinf=1e30, neginf=-1e30))


def _log_odds(p: Floats) -> Floats:
    q = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(q / (1 - q)))
