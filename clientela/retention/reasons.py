"""Why a customer is in doubt, and what that doubt is worth.

Belongs here: the few reasons a manager can act on, the two formulas of value in doubt. Does not belong here: the
probabilities themselves (`clientela.lifetime`), their explanation feature by feature.
"""

import polars as pl

from clientela.retention.calendar import RetentionError, require
from clientela.retention.settings import Reason, ReasonSettings
from clientela.retention.states import GONE

#: what each reason is read from; one whose columns are missing is left out, by name
NEEDS: dict[Reason, tuple[str, ...]] = {
    "rhythm_broken": ("recency_zscore",),
    "complaint_open": ("open_complaints",),
    "fewer_categories": ("categories_now", "categories_before"),
    "contact_withdrawn": ("has_withdrawn_consent",),
}


def available_reasons(columns: list[str], settings: ReasonSettings | None = None) -> list[Reason]:
    """The reasons that can be judged from these columns, in the order in which they are named."""
    return [r for r in (settings or ReasonSettings()).order if set(NEEDS[r]) <= set(columns)]


def reasons(rows: pl.DataFrame, settings: ReasonSettings | None = None) -> pl.DataFrame:
    """`rows` with one boolean column per reason that can be judged, `reasons` (their names in order, joined by ', ',
    null for none) and `main_reason`.

    rows: any of recency_zscore (see rhythm.py), open_complaints (count), categories_now and categories_before
    (distinct ones in the latest and the previous window of equal length), has_withdrawn_consent (boolean).
    """
    s = settings or ReasonSettings()
    names = available_reasons(rows.columns, s)
    before, now = pl.col("categories_before"), pl.col("categories_now")
    holds: dict[Reason, pl.Expr] = {
        "rhythm_broken": pl.col("recency_zscore") > s.broken_spreads,
        "complaint_open": pl.col("open_complaints") > 0,
        "fewer_categories": (before > 0) & (now < s.categories_kept_share * before),
        "contact_withdrawn": pl.col("has_withdrawn_consent"),
    }
    named = [pl.when(pl.col(name)).then(pl.lit(name)) for name in names]
    none = pl.lit(None, pl.String)
    return rows.with_columns(holds[name].fill_null(False).alias(name) for name in names).with_columns(
        main_reason=pl.coalesce(named) if named else none,
        reasons=pl.concat_str(named, separator=", ", ignore_nulls=True).replace("", None) if named else none,
    )


def reason_lifts(rows: pl.DataFrame) -> pl.DataFrame:
    """How much oftener customers with a reason churned than those without, on past snapshots whose outcome is known.

    rows: what `reasons` gives, with `churned` (null where not known, left out). Gives reason, customers (with it),
    churn_rate_with, churn_rate_without, lift (their ratio), greatest first: the order that the past would put them in.
    """
    require(rows, "rows", "churned")
    names = [name for name in NEEDS if name in rows.columns]
    known = rows.drop_nulls("churned").select("churned", *names)
    return (
        known.unpivot(names, index="churned", variable_name="reason", value_name="holds")
        .group_by("reason")
        .agg(
            customers=pl.col("holds").sum(),
            churn_rate_with=pl.col("churned").filter("holds").mean(),
            churn_rate_without=pl.col("churned").filter(~pl.col("holds")).mean(),
        )
        .with_columns(lift=pl.col("churn_rate_with") / pl.col("churn_rate_without"))
        .sort("lift", "reason", descending=[True, False], nulls_last=True)
    )


def values_in_doubt(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with value_already_discounted and value_at_risk, in the company's currency; neither uses realised value.

    rows: expected_value (the forecast, doubt discounted), expected_value_given_order (if an order comes within
    its horizon at all), churn_probability, state.

        value_already_discounted = expected_value_given_order - expected_value
        value_at_risk  = expected_value x churn_probability          for those judged still active, 0 for the
        rest

    A customer expected to cost more than they bring has a negative value at risk: their leaving would be no loss.
    """
    require(rows, "rows", "expected_value", "expected_value_given_order", "churn_probability", "state")
    if not rows["churn_probability"].drop_nulls().is_between(0, 1).all():
        raise RetentionError("churn_probability must lie between 0 and 1.")
    at_risk = pl.col("expected_value") * pl.col("churn_probability")
    return rows.with_columns(
        value_already_discounted=pl.col("expected_value_given_order") - pl.col("expected_value"),
        value_at_risk=pl.when(pl.col("state").is_in(GONE)).then(0.0).otherwise(at_risk),
    )
