"""The segments of all customers at all month-ends of the data, as one call for the warehouse.

Belongs here: which labels are held in which way, which customers are clustered, when a fit in memory may stand for a new
one. Does not belong here: how a label is held or a cluster found.

A fit in memory is a saving, never a source: it is used only where it was made from the very same customers, figures and
settings, and from the same fit before it, so that what is remembered and what is computed anew are equal.
"""

import hashlib
import json
from datetime import date
from decimal import Decimal
from math import ceil

import polars as pl

from clientela.segment.clusters import ClusterModel, clusters_over_time, is_fitted_at
from clientela.segment.columns import BEHAVIOUR
from clientela.segment.hysteresis import hold_labels, hold_tiers
from clientela.segment.settings import SegmentSettings

LABEL_COLUMNS = (
    "customer_id",
    "measured_on",
    "is_customer",
    "is_current_customer",
    "rfm_group_by_scores",
    "rfm_score",
    "engagement_score",
    "tier_value",
    *BEHAVIOUR,
)
FIT_COLUMNS = ("fitted_on", "made_from", "fit")
VALUE_TIERS = ENGAGEMENT_TIERS = ("low", "medium", "high")
_KEY = ["customer_id", "month_end"]


def segments_at_month_ends(
    labels: pl.DataFrame,
    fits: pl.DataFrame,
    settings: SegmentSettings | None = None,
    by_rule: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Tiers, held labels and micro-segment per customer and month-end; and the fits of the micro-segments.

    labels: LABEL_COLUMNS, one row per customer_id and measured_on. fits: FIT_COLUMNS, as an earlier answer gave them.
    by_rule: the rule segment of each of the same rows, as `predicates.rule_segments` gives it; None without rules. Both
    answers in one frame: rows with a customer_id bear measured_on, value_tier, engagement_tier, held_rfm_score, rule_segment,
    rule_segment_today (before it is held) and micro_segment; rows without one bear FIT_COLUMNS, is_new, silhouette and
    stability.

    tier_value is given of all customers, those gone included. The value tier of who is gone is the one they had, or, where
    they were gone before anything was expected of anybody, that of what was first expected of them; their engagement tier is
    `gone`. A prospect has neither.
    """
    s = settings or SegmentSettings()
    h = s.hysteresis
    if by_rule is None:
        labels = labels.with_columns(rule_segment=pl.lit(None, pl.String))
    else:
        labels = labels.join(by_rule, on=["customer_id", "measured_on"], how="left")
    rows = labels.rename({"measured_on": "month_end"}).sort(_KEY)
    rows = rows.with_columns(rule_segment_today="rule_segment")
    clusters, models = _micro_segments(rows, fits, s)
    rows = rows.drop(BEHAVIOUR).join(clusters.select(*_KEY, "cluster"), on=_KEY, how="left", maintain_order="left")
    rows = rows.join(_value_bounds(rows, s.value_tiers), on="month_end", how="left", maintain_order="left")
    is_known = pl.col("tier_value").is_not_null() & pl.col("medium_value_from").is_not_null()
    is_first = is_known & (is_known.cast(pl.Int64).cum_sum().over("customer_id") == 1)
    rows = rows.with_columns(tier_value=pl.when(pl.col("is_current_customer") | is_first).then("tier_value"))
    rows = hold_tiers(rows, "tier_value", ("medium_value_from", "high_value_from"), h.margin, "value_tier")
    rows = hold_tiers(rows, "engagement_score", s.engagement_tiers, h.margin, "engagement_tier")
    for label, reason in (("rfm_group_by_scores", "rfm_score"), ("rule_segment", None), ("cluster", None)):
        rows = hold_labels(rows, label, h.months, reason=reason)
    is_gone = pl.col("is_customer") & ~pl.col("is_current_customer")
    tier = pl.when("is_current_customer").then(_named("engagement_tier", ENGAGEMENT_TIERS))
    held = rows.select(
        "customer_id",
        measured_on="month_end",
        value_tier=_named("value_tier", VALUE_TIERS),
        engagement_tier=pl.when(is_gone).then(pl.lit("gone")).otherwise(tier),
        held_rfm_score="held_rfm_score",
        rule_segment="rule_segment",
        rule_segment_today="rule_segment_today",
        micro_segment=pl.when("is_current_customer").then(pl.format("micro-segment {}", "cluster")),
    )
    return pl.concat([held, models], how="diagonal")


def fit_row(model: ClusterModel, made_from: str, is_new: bool) -> dict[str, object]:
    """A fit as memory keeps it."""
    fitted = json.dumps(model.as_values(), default=str)
    return {
        "fitted_on": model.fitted_on,
        "made_from": made_from,
        "fit": fitted,
        "is_new": is_new,
        "silhouette": model.silhouette,
        "stability": model.stability,
    }


def read_fit(text: str) -> ClusterModel:
    """A fit as memory kept it."""
    values = json.loads(text)
    values["fitted_on"] = date.fromisoformat(values["fitted_on"])
    values["centres"] = tuple(tuple(centre) for centre in values["centres"])
    for name in ("features", "means", "deviations", "names"):
        values[name] = tuple(values[name])
    return ClusterModel(**values)


def _value_bounds(rows: pl.DataFrame, shares: tuple[float, ...]) -> pl.DataFrame:
    """Per month-end where the tiers medium and high begin: the smallest values that at least such shares of the
    customers' values do not exceed."""
    values = (
        rows.filter(pl.col("is_current_customer") & pl.col("tier_value").is_not_null())
        .group_by("month_end")
        .agg(pl.col("tier_value").sort().alias("values"))
    )
    bounds = {}
    for name, share in zip(("medium_value_from", "high_value_from"), shares, strict=True):
        # as decimals: 0.3 of ten values are three of them, not the four that binary fractions make of it
        exact = Decimal(str(share))
        ranks = [max(ceil(exact * count), 1) for count in values["values"].list.len()]
        bounds[name] = pl.col("values").list.get(pl.lit(pl.Series(ranks, dtype=pl.Int64) - 1))
    return values.select("month_end", **bounds)


def _micro_segments(rows: pl.DataFrame, fits: pl.DataFrame, s: SegmentSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(customer_id, month_end, cluster, fitted_on), and a row per fit."""
    is_buyer = pl.col("is_current_customer") & pl.col("days_since_last_order").is_not_null()
    behaving = rows.filter(is_buyer).select(*_KEY, pl.col(BEHAVIOUR).cast(pl.Float64).fill_null(0))
    kept = {(row["fitted_on"], row["made_from"]): row["fit"] for row in fits.iter_rows(named=True)}
    known: list[ClusterModel] = []
    fit_rows: list[dict[str, object]] = []
    before = ""
    schema = {
        "fitted_on": pl.Date,
        "made_from": pl.String,
        "fit": pl.String,
        "is_new": pl.Boolean,
        "silhouette": pl.Float64,
        "stability": pl.Float64,
    }
    months = {day: part for (day,), part in behaving.partition_by("month_end", as_dict=True).items()}
    for day in sorted(months):
        if not is_fitted_at(day, len(months[day]), s.clusters):
            continue
        before = _made_from(months[day], s, before)
        if (day, before) in kept:
            known.append(read_fit(kept[(day, before)]))
            fit_rows.append(fit_row(known[-1], before, is_new=False))
        else:
            fit_rows.append({"fitted_on": day, "made_from": before, "is_new": True})
    clusters, models = clusters_over_time(behaving, BEHAVIOUR, s.clusters, known)
    made = {model.fitted_on: model for model in models}
    whole = [
        fit_row(made[day], str(row["made_from"]), bool(row["is_new"]))
        for row in fit_rows
        if isinstance(day := row["fitted_on"], date) and day in made
    ]
    return clusters, pl.DataFrame(whole, schema=schema)


def _made_from(rows: pl.DataFrame, s: SegmentSettings, before: str) -> str:
    """In short what a fit is made from: the customers' figures, the settings, the fit before."""
    digest = hashlib.sha256(before.encode() + s.clusters.model_dump_json().encode())
    for name in ("customer_id", *BEHAVIOUR):
        digest.update(rows[name].cast(pl.Float64).to_numpy().tobytes())
    return digest.hexdigest()[:32]


def _named(column: str, names: tuple[str, ...]) -> pl.Expr:
    numbered = pl.col(column)
    return pl.coalesce(pl.when(numbered == i).then(pl.lit(name)) for i, name in enumerate(names))
