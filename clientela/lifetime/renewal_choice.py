"""Which model of renewals did best on the company's own past, and how well what it foresaw came true.

What belongs here: candidates at rolling origins, the choice, scores and calibration by tenure. What does not: the models
(renewal_models.py), money (contract_forecast.py).

At an origin each candidate learns from what was known then and says of every running contract that has a renewal due within the
holdout, and no end agreed in it, how probable it is that all of them come. The simplest candidate within one
standard error of the best Brier score is used, as with orders.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.contract_history import complete, full_months, given_no_notice, known_contracts
from clientela.lifetime.origins import rolling_origins
from clientela.lifetime.renewal_models import CANDIDATES, CELL, DEFAULT, LEAST_CONTRACTS, RenewalModel, fit_renewals
from clientela.lifetime.scoring import SCORE_COLUMNS, choose, score

#: first year, second year, third and fourth, later: from how many months on
TENURES = ((0, "first year"), (12, "second year"), (24, "third and fourth year"), (48, "later"))
SCORE_SCHEMA = pl.Schema(
    {
        "origin_on": pl.Date,
        "holdout_days": pl.Int64,
        "target": pl.String,
        "candidate": pl.String,
        "model_used": pl.String,
        # a renewal is a yes or no, and no count
        **{name: kind for name, kind in SCORE_COLUMNS.items() if name != "mean_poisson_deviance"},
        "is_chosen": pl.Boolean,
        "reason": pl.String,
    }
)
CALIBRATION_SCHEMA = pl.Schema(
    {
        "target": pl.String,
        "candidate": pl.String,
        "tenure": pl.String,
        "holdout_days": pl.Int64,
        "customers": pl.Int64,
        "actual_total": pl.Float64,
        "expected_total": pl.Float64,
        "error_in_total": pl.Float64,
        "mean_squared_error": pl.Float64,
    }
)


@dataclass(frozen=True)
class RenewalPast:
    """model: the candidate to use; scores: SCORE_SCHEMA, per origin (null: over all) and candidate; calibrations:
    CALIBRATION_SCHEMA, per tenure, of the one chosen, over all origins."""

    model: str = DEFAULT
    reason: str = ""
    scores: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCORE_SCHEMA))
    calibrations: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CALIBRATION_SCHEMA))


@dataclass(frozen=True)
class _Scored:
    """What each candidate foresaw at an origin of each contract with a renewal due, and what came."""

    origin: date
    contract: Integers
    tenure: list[str]
    actual: Floats
    expected: dict[str, Floats]
    used: dict[str, str]


Memo = dict[tuple[date, int], "_Scored | None"]


def compare_renewals(
    contracts: pl.DataFrame, as_of: date, holdout_days: int = 91, most_origins: int = 6, memo: Memo | None = None
) -> RenewalPast:
    """Score the candidates at month-ends before as_of, on what was known by as_of, and choose.

    memo: kept between calls for several as-of days over the same contracts: an origin and its holdout are scored once.
    """
    memo = {} if memo is None else memo
    contracts = complete(contracts).with_row_index("contract")
    known = known_contracts(contracts, as_of, holdout_days)
    first = known.select(pl.max_horizontal("started_on", "observed_from").min()).item()
    if first is None:
        return RenewalPast()
    origins = rolling_origins(first, as_of, holdout_days=holdout_days, most=most_origins, least_days=91)
    scored = []
    for origin in origins:
        key = origin, holdout_days
        if key not in memo:
            memo[key] = _score(contracts, origin, holdout_days)
        found = memo[key]
        if found is not None:
            scored.append(found)
    if not scored:
        why = (
            f"no past month-end with {LEAST_CONTRACTS} renewals due in the {holdout_days} days after it could be scored"
        )
        row = {"target": "renewals", "candidate": DEFAULT, "is_chosen": True, "reason": why}
        return RenewalPast(DEFAULT, why, pl.DataFrame([row], schema=SCORE_SCHEMA))
    return _chosen(scored, holdout_days)


def tenure_name(months: pl.Expr) -> pl.Expr:
    """The tenure, in words, of so many whole months."""
    cuts = [from_months for from_months, _ in TENURES[1:]]
    place = sum(((months >= cut).cast(pl.Int64) for cut in cuts), pl.lit(0))
    return place.replace_strict(dict(enumerate(name for _, name in TENURES)), return_dtype=pl.String)


def survive(model: RenewalModel, rows: pl.DataFrame) -> Floats:
    """P(each row's contract runs after all its `payments` ahead), given that no notice came; shape (rows,)."""
    keys = [*CELL, "age"]
    each = rows.group_by(keys, maintain_order=True).agg(pl.col("payments").max())
    most = int(each.get_column("payments").max() or 0) if each.height else 0  # type: ignore[arg-type]
    curves = np.ones((each.height, most + 1))
    for number, (months, term, product, age, payments) in enumerate(each.iter_rows()):
        curves[number, 1 : payments + 1] = model.survival((months, term, product), age, payments)
    key = rows.select(keys).join(each.with_row_index("key"), on=keys, how="left", maintain_order="left")["key"]
    curve = curves[key.to_numpy()]
    curve[:, 1:] = given_no_notice(curve[:, 1:], rows.get_column("late_notices").to_numpy())
    return np.asarray(curve[np.arange(rows.height), rows.get_column("payments").to_numpy()])


def _score(contracts: pl.DataFrame, origin: date, holdout_days: int) -> _Scored | None:
    until = origin + timedelta(days=holdout_days)
    known = known_contracts(contracts, origin, holdout_days)
    due = known.filter(
        ~pl.col("is_over")
        & ~pl.col("is_leaving")
        & (pl.col("payments") > 0)
        & (pl.col("over_on").is_null() | (pl.col("over_on") > until))
    )
    if due.height < LEAST_CONTRACTS:
        return None
    later = known_contracts(contracts, until, 0).select("contract", "has_failed")
    due = due.drop("has_failed").join(later, on="contract", how="left", maintain_order="left")
    expected, used = {}, {}
    for candidate in CANDIDATES:
        fitted = fit_renewals(candidate, known)
        expected[candidate], used[candidate] = survive(fitted, due), fitted.name
    return _Scored(
        origin,
        due.get_column("contract").to_numpy().astype(np.int64),
        due.select(tenure_name(full_months("first_started_on", pl.lit(origin)))).to_series().to_list(),
        (~due.get_column("has_failed")).to_numpy().astype(float),
        expected,
        used,
    )


def _chosen(scored: list[_Scored], holdout_days: int) -> RenewalPast:
    actual = np.concatenate([s.actual for s in scored])
    contract = np.concatenate([s.contract for s in scored])
    expected = {c: np.concatenate([s.expected[c] for s in scored]) for c in CANDIDATES}
    choice = choose({c: (actual - p) ** 2 for c, p in expected.items()}, contract, CANDIDATES, "Brier score")
    rows: list[dict[str, object]] = []
    for candidate in CANDIDATES:
        entries: list[tuple[date | None, Floats, Floats, str]] = [
            (s.origin, s.actual, s.expected[candidate], s.used[candidate]) for s in scored
        ]
        used = ", ".join(dict.fromkeys(s.used[candidate] for s in scored))
        entries.append((None, actual, expected[candidate], used))
        is_chosen = candidate == choice.candidate
        reason = (
            choice.reason
            if is_chosen
            else f"{choice.excess[candidate]:.3g} above the best loss, standard error {choice.standard_error[candidate]:.2g}"
        )
        for origin, y, p, model in entries:
            measures = vars(score(y, p, counts=False))
            measures.pop("mean_poisson_deviance")
            rows.append(
                {
                    "origin_on": origin,
                    "candidate": candidate,
                    "model_used": model,
                    "is_chosen": is_chosen,
                    "reason": reason,
                    **measures,
                }
            )
    common = {"target": pl.lit("renewals"), "holdout_days": pl.lit(holdout_days, pl.Int64)}
    return RenewalPast(
        choice.candidate,
        choice.reason,
        pl.DataFrame(rows, schema=SCORE_SCHEMA).with_columns(**common).select(SCORE_SCHEMA.names()),
        _calibrations(scored, choice.candidate).with_columns(**common).select(CALIBRATION_SCHEMA.names()),
    )


def _calibrations(scored: list[_Scored], candidate: str) -> pl.DataFrame:
    """By tenure what the candidate foresaw and what came."""
    actual = np.concatenate([s.actual for s in scored])
    chance = np.concatenate([s.expected[candidate] for s in scored])
    tenure = np.array([name for s in scored for name in s.tenure])
    rows: list[dict[str, object]] = []
    for _, name in TENURES:
        at = tenure == name
        if at.any():
            came, foreseen = float(actual[at].sum()), float(chance[at].sum())
            rows.append(
                {
                    "candidate": candidate,
                    "tenure": name,
                    "customers": int(at.sum()),
                    "actual_total": came,
                    "expected_total": foreseen,
                    "error_in_total": (foreseen - came) / came if came else None,
                    "mean_squared_error": float(((actual[at] - chance[at]) ** 2).mean()),
                }
            )
    return pl.DataFrame(rows, schema=CALIBRATION_SCHEMA)
