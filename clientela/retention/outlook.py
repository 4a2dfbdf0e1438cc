"""What is to be expected of each customer from today on, as one call for the warehouse.

Belongs here: which figure says that a customer leaves, what the reasons are read from and weighed by. Does not belong here: the
probabilities (clientela.lifetime), the reasons and the formulas of value in doubt (reasons.py).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from clientela.retention.calendar import month_end
from clientela.retention.churn_outcomes import outcomes
from clientela.retention.reasons import NEEDS, reason_lifts, reasons, values_in_doubt
from clientela.retention.settings import RetentionSettings
from clientela.retention.states import GONE

STATE_COLUMNS = ("customer_id", "measured_on", "state", "purchase_days", "recency_zscore")
MONTH_COLUMNS = ("customer_id", "measured_on", "categories_6m", "open_complaints", "has_withdrawn_consent")
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
    "value_already_discounted": pl.Float64,
    "value_at_risk": pl.Float64,
    "origin_on": pl.Date,
    "horizon_months": pl.Int64,
    "candidate": pl.String,
    "customers": pl.Int64,
    "churn_rate": pl.Float64,
    "lift": pl.Float64,
}


def days_read(as_of_on: date, settings: RetentionSettings) -> list[date]:
    """The days that the outlook can make use of; rows of others need not be read. Today, the last month-end whose period is
    over, the end of that period, and half a year before both."""
    horizon = settings.churn.horizon_months
    origin = month_end(as_of_on, -horizon if as_of_on == month_end(as_of_on) else -horizon - 1)
    before = (month_end(day, -_WINDOW_MONTHS) for day in (as_of_on, origin))
    return sorted({as_of_on, origin, month_end(origin, horizon), *before})


@dataclass(frozen=True)
class OutlookInputs:
    """What is known of the customers. states: STATE_COLUMNS, months: MONTH_COLUMNS, one row per customer_id and measured_on,
    of `days_read`. forecasts: customer_id, p_no_order_3m, _6m and _12m, expected_value and
    expected_value_given_order at the as-of day. contracts: see lifetime.contract_forecast; renewal_model: the
    candidate of lifetime.renewal_models for them."""

    states: pl.DataFrame
    months: pl.DataFrame
    forecasts: pl.DataFrame
    contracts: pl.DataFrame | None = None
    renewal_model: str | None = None


def outlook(as_of_on: date, inputs: OutlookInputs, settings: RetentionSettings | None = None) -> pl.DataFrame:
    """Churn probability, reasons and value in doubt of every customer at the as-of day.

    All answers in one frame, told apart by `row_type`: customer, reason (how much oftener those with it did not order, at the
    last month-end whose period is over). Who has contracts and no purchase leaves with the last of them, by the model of
    renewals.
    """
    s = settings or RetentionSettings()
    states = inputs.states.rename({"measured_on": "month_end"})
    months = inputs.months.rename({"measured_on": "month_end"})
    probability = inputs.forecasts.select(
        "customer_id", churn_probability=f"p_no_order_{s.churn.horizon_months}m", churn_model=pl.lit("no_order")
    )
    if inputs.contracts is not None and inputs.contracts.height:
        probability = _with_contracts(probability, states, inputs, as_of_on, s.churn.horizon_months)
    answers = [_customers(as_of_on, states, months, inputs.forecasts, probability, s)]
    known = outcomes(states, s.churn.horizon_months, as_of_on).drop_nulls("churned")
    if known.height:
        past = states.join(known, on=_KEY, how="inner", maintain_order="left")
        answers.append(_reasons_at(known["month_end"].max(), past, months, s))  # type: ignore[arg-type]
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
    values = forecasts.select("customer_id", "expected_value", "expected_value_given_order")
    rows = rows.join(values, on="customer_id", how="left")
    rows = values_in_doubt(reasons(rows, s.reasons))
    is_gone = pl.col("state").is_in(GONE)
    return rows.select(
        "customer_id",
        "churn_probability",
        *NEEDS,
        "value_already_discounted",
        "value_at_risk",
        row_type=pl.lit("customer"),
        horizon_months=pl.lit(s.churn.horizon_months),
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
        horizon_months=pl.lit(s.churn.horizon_months),
        candidate="reason",
        churn_rate="churn_rate_with",
    )
