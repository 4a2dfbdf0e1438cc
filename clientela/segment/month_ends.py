"""The segments of customers at all month-ends of the data: of all at once, or of a block of them, as one call for the warehouse.

Belongs here: which labels are held in which way, which customers are clustered, when a fit in memory may stand for a new
one. Does not belong here: how a label is held or a cluster found.

A fit in memory is a saving, never a source: it is used only where it was made from the very same customers, figures and
settings, and from the same fit before it, so that what is remembered and what is computed anew are equal.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil

import polars as pl

from clientela.segment.clusters import ClusterModel, TooAlikeError, assigned, fit_clusters, is_fitted_at
from clientela.segment.columns import BEHAVIOUR
from clientela.segment.hysteresis import hold_labels, hold_tiers
from clientela.segment.predicates import rule_segments
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
#: who is divided into micro-segments
BUYING = pl.col("is_current_customer") & pl.col("days_since_last_order").is_not_null()
FIT_COLUMNS = ("fitted_on", "made_from", "fit")
VALUE_TIERS = ENGAGEMENT_TIERS = ("low", "medium", "high")
_KEY = ["customer_id", "month_end"]


@dataclass(frozen=True)
class Company:
    """What a customer's segments take of all others.

    value_bounds: per month_end where the tiers medium and high begin; fits: of micro-segments, in order of time; fit_rows: the
    same as memory keeps them: FIT_COLUMNS, is_new, silhouette, stability.
    """

    settings: SegmentSettings
    value_bounds: pl.DataFrame
    fits: list[ClusterModel]
    fit_rows: pl.DataFrame

    @classmethod
    def of(
        cls,
        values: pl.DataFrame,
        buyers: Mapping[date, int],
        buyers_on: Callable[[date], pl.DataFrame],
        remembered: pl.DataFrame,
        settings: SegmentSettings,
    ) -> "Company":
        """values: measured_on and tier_value of current customers. buyers: how many of BUYING there are at each month-end, and
        buyers_on: their customer_id and BEHAVIOUR at one. remembered: FIT_COLUMNS, as an earlier answer gave them."""
        bounds = _value_bounds(values.rename({"measured_on": "month_end"}), settings.value_tiers)
        fits, rows = _fits(buyers, buyers_on, remembered, settings)
        return cls(settings, bounds, fits, rows)


def segments_at_month_ends(
    labels: pl.DataFrame,
    fits: pl.DataFrame,
    settings: SegmentSettings | None = None,
    by_rule: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Tiers, held labels and micro-segment of all customers at once, as `segments_of` gives them; below them `Company.fit_rows`.

    labels: see `segments_of`. fits: FIT_COLUMNS, as an earlier answer gave them. by_rule: the same rows' rule segments.
    """
    current, buyers = labels.filter("is_current_customer"), labels.filter(BUYING)
    company = Company.of(
        current.select("measured_on", "tier_value"),
        dict(buyers.group_by("measured_on").len().iter_rows()),
        lambda day: buyers.filter(pl.col("measured_on") == day),
        fits,
        settings or SegmentSettings(),
    )
    return pl.concat([_held(company, labels, by_rule), company.fit_rows], how="diagonal")


def segments_of(company: Company, labels: pl.DataFrame, rule_rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Tiers, held labels and micro-segment of these customers at each month-end.

    labels: LABEL_COLUMNS, one row per customer_id and measured_on, of all customers or a block of them. rule_rows: customer_id,
    measured_on and RULE_COLUMNS of the same rows; None without rules. Gives customer_id, measured_on, value_tier,
    engagement_tier, held_rfm_score, rule_segment, rule_segment_today (before it is held) and micro_segment, sorted.

    tier_value is given of all customers, those gone included. The value tier of who is gone is the one they had, or, where
    they were gone before anything was expected of anybody, that of what was first expected of them; their engagement tier is
    `gone`. A prospect has neither.
    """
    rules = company.settings.rules
    return _held(company, labels, None if rule_rows is None else rule_segments(rule_rows.to_arrow(), rules))


def _held(company: Company, labels: pl.DataFrame, by_rule: pl.DataFrame | None) -> pl.DataFrame:
    s = company.settings
    h = s.hysteresis
    if by_rule is None:
        labels = labels.with_columns(rule_segment=pl.lit(None, pl.String))
    else:
        labels = labels.join(by_rule, on=["customer_id", "measured_on"], how="left")
    rows = labels.rename({"measured_on": "month_end"}).sort(_KEY)
    rows = rows.with_columns(rule_segment_today="rule_segment")
    clusters = assigned(_behaving(rows.filter(BUYING)), company.fits)
    rows = rows.drop(BEHAVIOUR).join(clusters.select(*_KEY, "cluster"), on=_KEY, how="left", maintain_order="left")
    rows = rows.join(company.value_bounds, on="month_end", how="left", maintain_order="left")
    is_known = pl.col("tier_value").is_not_null() & pl.col("medium_value_from").is_not_null()
    is_first = is_known & (is_known.cast(pl.Int64).cum_sum().over("customer_id") == 1)
    rows = rows.with_columns(tier_value=pl.when(pl.col("is_current_customer") | is_first).then("tier_value"))
    rows = hold_tiers(rows, "tier_value", ("medium_value_from", "high_value_from"), h.margin, "value_tier")
    rows = hold_tiers(rows, "engagement_score", s.engagement_tiers, h.margin, "engagement_tier")
    for label, reason in (("rfm_group_by_scores", "rfm_score"), ("rule_segment", None), ("cluster", None)):
        rows = hold_labels(rows, label, h.months, reason=reason)
    is_gone = pl.col("is_customer") & ~pl.col("is_current_customer")
    tier = pl.when("is_current_customer").then(_named("engagement_tier", ENGAGEMENT_TIERS))
    return rows.select(
        "customer_id",
        measured_on="month_end",
        value_tier=_named("value_tier", VALUE_TIERS),
        engagement_tier=pl.when(is_gone).then(pl.lit("gone")).otherwise(tier),
        held_rfm_score="held_rfm_score",
        rule_segment="rule_segment",
        rule_segment_today="rule_segment_today",
        micro_segment=pl.when("is_current_customer").then(pl.format("micro-segment {}", "cluster")),
    )


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
    values = rows.drop_nulls("tier_value").group_by("month_end").agg(pl.col("tier_value").sort().alias("values"))
    bounds = {}
    for name, share in zip(("medium_value_from", "high_value_from"), shares, strict=True):
        # as decimals: 0.3 of ten values are three of them, not the four that binary fractions make of it
        exact = Decimal(str(share))
        ranks = [max(ceil(exact * count), 1) for count in values["values"].list.len()]
        bounds[name] = pl.col("values").list.get(pl.lit(pl.Series(ranks, dtype=pl.Int64) - 1))
    return values.select("month_end", **bounds)


def _behaving(rows: pl.DataFrame) -> pl.DataFrame:
    """What micro-segments are told by, in the order of customers."""
    keys = [name for name in _KEY if name in rows.columns]
    return rows.select(*keys, pl.col(BEHAVIOUR).cast(pl.Float64).fill_null(0)).sort(keys)


def _fits(
    buyers: Mapping[date, int], buyers_on: Callable[[date], pl.DataFrame], remembered: pl.DataFrame, s: SegmentSettings
) -> tuple[list[ClusterModel], pl.DataFrame]:
    """The fits of the micro-segments, and their rows."""
    kept = {(row["fitted_on"], row["made_from"]): row["fit"] for row in remembered.iter_rows(named=True)}
    fits: list[ClusterModel] = []
    rows: list[dict[str, object]] = []
    before = ""
    for day in sorted(buyers):
        if not is_fitted_at(day, buyers[day], s.clusters):
            continue
        part = _behaving(buyers_on(day).select("customer_id", *BEHAVIOUR))
        before = _made_from(part, s, before)
        is_new = (day, before) not in kept
        with suppress(TooAlikeError):
            previous = fits[-1] if fits else None
            fits.append(
                fit_clusters(part, BEHAVIOUR, day, previous, s.clusters) if is_new else read_fit(kept[day, before])
            )
            rows.append(fit_row(fits[-1], before, is_new=is_new))
    schema = {
        "fitted_on": pl.Date,
        "made_from": pl.String,
        "fit": pl.String,
        "is_new": pl.Boolean,
        "silhouette": pl.Float64,
        "stability": pl.Float64,
    }
    return fits, pl.DataFrame(rows, schema=schema)


def _made_from(rows: pl.DataFrame, s: SegmentSettings, before: str) -> str:
    """In short what a fit is made from: the customers' figures, the settings, the fit before."""
    digest = hashlib.sha256(before.encode() + s.clusters.model_dump_json().encode())
    for name in ("customer_id", *BEHAVIOUR):
        digest.update(rows[name].cast(pl.Float64).to_numpy().tobytes())
    return digest.hexdigest()[:32]


def _named(column: str, names: tuple[str, ...]) -> pl.Expr:
    numbered = pl.col(column)
    return pl.coalesce(pl.when(numbered == i).then(pl.lit(name)) for i, name in enumerate(names))
