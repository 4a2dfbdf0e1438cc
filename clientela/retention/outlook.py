"""What is to be expected of each customer from today on, as one call for the warehouse.

Belongs here: which past month-ends the churn model is shown, and with which columns; what is told of it. Does not belong
here: the model (churn.py), the reasons and the formulas of value in doubt (reasons.py).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from clientela.retention.calendar import month_end
from clientela.retention.churn import DECILES, SCORES, ChurnModel, Comparison, fit_churn, outcomes, snapshots
from clientela.retention.reasons import NEEDS, reason_lifts, reasons, values_in_doubt
from clientela.retention.settings import RetentionSettings
from clientela.retention.states import GONE

#: known of every customer at every month-end, beside their rhythm
_MEASURES = (
    "p_alive",
    "orders_12m",
    "net_revenue_12m",
    "active_months_12m",
    "categories_6m",
    "discount_share_12m",
    "active_contracts",
    "open_complaints",
)
#: What the model is shown. Nothing here grows merely because the data grow older: a sum of twelve months, of customers all
#: of whom are seen since last January, stands higher at every month-end than at the one before, and what was learned at
#: one would not hold at the next.
FEATURES = (
    "days_since_last_activity",
    "recency_ratio",
    "recency_zscore",
    "expected_days_between_orders",
    "stddev_days_between_orders",
    "spare_days",
    "young_days",
    "p_alive",
    "orders_per_month",
    "net_revenue_per_order",
    "share_of_months_active",
    "categories_6m",
    "discount_share_12m",
    "active_contracts",
    "open_complaints",
)
_YOUNG_DAYS = 180
STATE_COLUMNS = (
    "customer_id",
    "measured_on",
    "state",
    "lapses_after_days",
    "first_ordered_on",
    "purchase_days",
    "days_since_last_activity",
    "expected_days_between_orders",
    "stddev_days_between_orders",
    "recency_ratio",
    "recency_zscore",
)
MONTH_COLUMNS = ("customer_id", "measured_on", *_MEASURES, "has_withdrawn_consent")
#: half a year of categories is compared with the half year before
_WINDOW_MONTHS = 6
_KEY = ["customer_id", "month_end"]
#: one table holds all answers of the one call, told apart by `row_type`
OUTLOOK_SCHEMA: dict[str, Any] = {
    "row_type": pl.String,
    "customer_id": pl.Int64,
    "churn_probability": pl.Float64,
    "churn_model": pl.String,
    **dict.fromkeys(NEEDS, pl.Boolean),
    "main_reason": pl.String,
    "reasons": pl.String,
    "doubtful_value": pl.Float64,
    "value_at_risk": pl.Float64,
    "origin_on": pl.Date,
    "candidate": pl.String,
    "decile": pl.Int64,
    "customers": pl.Int64,
    "churn_rate": pl.Float64,
    "mean_probability": pl.Float64,
    "brier": pl.Float64,
    "auc": pl.Float64,
    "lift": pl.Float64,
    "is_inside_interval": pl.Boolean,
    "is_chosen": pl.Boolean,
    "chosen_because": pl.String,
    # of candidates and deciles
    "made_from": pl.String,
}


def first_day_read(as_of_on: date, settings: RetentionSettings) -> date:
    """The first month-end that the outlook can make use of; earlier rows need not be read."""
    churn = settings.churn
    return month_end(as_of_on, -(churn.training_snapshots + churn.origins + 2 * churn.horizon_months + _WINDOW_MONTHS))


@dataclass(frozen=True)
class OutlookInputs:
    """What is known of the customers. states: STATE_COLUMNS, months: MONTH_COLUMNS, one row per customer_id and measured_on,
    from `first_day_read` on. forecasts: customer_id, p_alive, expected_contribution, expected_contribution_given_alive at the
    as-of day. contracts: see lifetime.contract_forecast; renewal_model: the candidate of lifetime.renewal_models for them."""

    states: pl.DataFrame
    months: pl.DataFrame
    forecasts: pl.DataFrame
    contracts: pl.DataFrame | None = None
    renewal_model: str | None = None


def outlook(
    as_of_on: date,
    inputs: OutlookInputs,
    settings: RetentionSettings | None = None,
    code_version: str = "",
    earlier: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Churn probability, reasons and value in doubt of every customer at the as-of day, and how the model was chosen.

    All answers in one frame, told apart by `row_type`: customer, candidate (scores at an origin), decile (calibration at an
    origin), reason (how much oftener those with it churned, at the last origin).

    P(alive) is left out of the comparison at month-ends for which it was not computed. Who has contracts and no purchase
    leaves with the last of them, by the model of renewals. earlier: candidates and deciles of an earlier answer, used again
    where they were made from the very same.
    """
    s = settings or RetentionSettings()
    states = inputs.states.rename({"measured_on": "month_end"})
    months = inputs.months.rename({"measured_on": "month_end"})
    forecasts = inputs.forecasts
    has_rhythm = states.filter(pl.col("purchase_days").is_not_null())
    rows = snapshots(has_rhythm.drop("state", "lapses_after_days"), states, s.churn.horizon_months)
    rows = rows.join(months.select(*_KEY, *_MEASURES), on=_KEY, how="left", maintain_order="left").with_columns(
        _rates()
    )
    today = rows.filter(pl.col("month_end") == as_of_on)
    past = rows.join(outcomes(states, s.churn.horizon_months, as_of_on), on=_KEY, how="left", maintain_order="left")
    knows_alive = past["p_alive"].is_not_null().any()
    if knows_alive:
        past, today = (part.filter(pl.col("p_alive").is_not_null()) for part in (past, today))
    else:
        past, today = past.drop("p_alive"), today.drop("p_alive")
    features = [name for name in FEATURES if name in past.columns]
    model = fit_churn(
        past.filter(pl.col("expected_days_between_orders").is_not_null()),
        as_of_on,
        features,
        s.churn,
        code_version,
        _comparison(earlier) if earlier is not None else None,
    )
    probability = today.select("customer_id").with_columns(model.probability(today))
    probability = probability.with_columns(churn_model=pl.lit(model.chosen))
    if inputs.contracts is not None and inputs.contracts.height:
        probability = _with_contracts(probability, states, inputs, as_of_on, s.churn.horizon_months)
    answers = [_customers(as_of_on, states, months, forecasts, probability, s), *_scores(model)]
    if len(model.scores):
        answers.append(_reasons_at(model.scores["origin_on"].max(), past, months, s))  # type: ignore[arg-type]
    typed = [
        part.select(pl.col(name).cast(OUTLOOK_SCHEMA[name]) for name in part.columns if name in OUTLOOK_SCHEMA)
        for part in answers
    ]
    return pl.concat([pl.DataFrame(schema=OUTLOOK_SCHEMA), *typed], how="diagonal")


def _customers(
    as_of_on: date,
    states: pl.DataFrame,
    months: pl.DataFrame,
    forecasts: pl.DataFrame,
    probability: pl.DataFrame,
    s: RetentionSettings,
) -> pl.DataFrame:
    rows = states.filter(pl.col("month_end") == as_of_on).select("customer_id", "state", "recency_zscore")
    rows = _with_grounds(rows, as_of_on, months).join(probability, on="customer_id", how="left")
    rows = rows.join(
        forecasts.rename({"expected_contribution_given_alive": "expected_contribution_if_alive"}),
        on="customer_id",
        how="left",
    )
    rows = values_in_doubt(reasons(rows, s.reasons))
    is_gone = pl.col("state").is_in(GONE)
    return rows.select(
        "customer_id",
        "churn_probability",
        *NEEDS,
        "doubtful_value",
        "value_at_risk",
        row_type=pl.lit("customer"),
        churn_model=pl.when(pl.col("churn_probability").is_not_null()).then("churn_model"),
        # whoever is gone needs no reason why they might go
        main_reason=pl.when(~is_gone).then("main_reason"),
        reasons=pl.when(~is_gone).then("reasons"),
    )


def _with_contracts(
    probability: pl.DataFrame, states: pl.DataFrame, inputs: OutlookInputs, as_of_on: date, horizon_months: int
) -> pl.DataFrame:
    """`probability`, and below it those of whom only contracts are known."""
    from clientela.lifetime.contract_forecast import forecast_contracts
    from clientela.lifetime.renewal_choice import RenewalPast

    assert inputs.contracts is not None
    past = RenewalPast(inputs.renewal_model) if inputs.renewal_model else None
    horizon = (month_end(as_of_on, horizon_months) - as_of_on).days
    made = forecast_contracts(inputs.contracts, as_of_on, horizon, 0.0, past)
    here = states.filter((pl.col("month_end") == as_of_on) & ~pl.col("state").is_in(GONE)).select("customer_id")
    found = pl.DataFrame(
        {"customer_id": made.customers, "churn_probability": made.p_gone}, schema_overrides=probability.schema
    ).with_columns(churn_model=pl.lit("contract"))
    known = probability.filter(pl.col("churn_probability").is_not_null())
    more = found.join(known, on="customer_id", how="anti").join(here, on="customer_id", how="semi")
    return pl.concat([known, more.select(known.columns)])


def _rates() -> list[pl.Expr]:
    """Sums of twelve months as rates of the months that the customer was there for."""
    months = (pl.col("tenure_days") / 30.4375).clip(1, 12)
    return [
        pl.col("tenure_days").clip(0, _YOUNG_DAYS).alias("young_days"),
        (pl.col("orders_12m") / months).alias("orders_per_month"),
        pl.when(pl.col("orders_12m") > 0)
        .then(pl.col("net_revenue_12m").cast(pl.Float64) / pl.col("orders_12m"))
        .alias("net_revenue_per_order"),
        (pl.col("active_months_12m") / months).alias("share_of_months_active"),
    ]


def _with_grounds(rows: pl.DataFrame, day: date, months: pl.DataFrame) -> pl.DataFrame:
    """`rows` of one month-end with what the reasons are read from."""
    now = months.filter(pl.col("month_end") == day).select(
        "customer_id", "open_complaints", "has_withdrawn_consent", categories_now="categories_6m"
    )
    before = months.filter(pl.col("month_end") == month_end(day, -_WINDOW_MONTHS)).select(
        "customer_id", categories_before="categories_6m"
    )
    return rows.join(now, on="customer_id", how="left").join(before, on="customer_id", how="left")


def _reasons_at(origin: date, past: pl.DataFrame, months: pl.DataFrame, s: RetentionSettings) -> pl.DataFrame:
    known = past.filter(pl.col("month_end") == origin).select("customer_id", "recency_zscore", "churned")
    lifts = reason_lifts(reasons(_with_grounds(known, origin, months), s.reasons))
    return lifts.select(
        "customers",
        "lift",
        row_type=pl.lit("reason"),
        origin_on=pl.lit(origin),
        candidate="reason",
        churn_rate="churn_rate_with",
    )


def _scores(model: ChurnModel) -> list[pl.DataFrame]:
    scores = model.scores.rename({"top_decile_lift": "lift"}).with_columns(
        row_type=pl.lit("candidate"),
        chosen_because=pl.when("is_chosen").then(pl.lit(model.reason)),
        made_from=pl.lit(model.made_from),
    )
    deciles = model.deciles.with_columns(
        row_type=pl.lit("decile"), is_chosen=pl.col("candidate") == model.chosen, made_from=pl.lit(model.made_from)
    )
    if scores.is_empty():
        chosen = {"row_type": "candidate", "candidate": model.chosen, "is_chosen": True, "chosen_because": model.reason}
        return [pl.DataFrame([chosen])]
    return [scores, deciles]


def _comparison(earlier: pl.DataFrame) -> Comparison | None:
    """What the rows of `_scores` tell; None where nothing was compared, or none of the candidates could be used."""
    scores, deciles = (earlier.filter(pl.col("row_type") == part) for part in ("candidate", "decile"))
    chosen = scores.filter("is_chosen")
    if chosen.is_empty():
        return None
    made_from, name, reason = chosen.select("made_from", "candidate", "chosen_because").row(0)
    scores = scores.rename({"lift": "top_decile_lift"}).select(*SCORES).sort("origin_on", "candidate")
    return Comparison(
        made_from, name, reason, scores, deciles.select(*DECILES).sort("origin_on", "candidate", "decile")
    )
