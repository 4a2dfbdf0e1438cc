"""What a campaign changed: those chosen beside those held out, or beside who else there was.

Belongs here: the statistics, on sums per arm. Does not belong here: who is in which arm and what they bought, which the
models of the campaigns tell, and what a campaign cost.

Assignment is compared, not contact: all who were chosen, contacted or not, against all who were held out. Whoever cannot be
reached is as frequent in both, so that the difference is the campaign's. The interval is Welch's (1947) on the sums of each
customer, which asks for no equal variances and holds for skewed amounts once there are hundreds of customers; `make prove
PART=campaigns` compares it with the bootstrap.

Without a held-out group there are two comparisons, neither of which proves an effect. Matched: the change of those chosen,
from as many days before to the days of the campaign, beside the change of customers of the same stratum who were not chosen,
strata weighted as those chosen are spread over them. Before: that change alone.
"""

import polars as pl
from scipy.special import ndtri, stdtrit

#: the central interval that is given, and the chance with which the smallest effect to be seen would be seen
LEVEL, POWER = 0.90, 0.80
#: of those chosen, the share that must have found others of their stratum for the matched comparison to speak of them
MIN_MATCHED_SHARE = 0.5

#: what is compared, per customer: whether they bought, and the amounts of the window
MEASURES = ("buyer_share", "net_revenue", "contribution")
KEY = ("campaign_id", "segmentation", "segment")
#: held out: by lot; the others are not
HELD_OUT, MATCHED, BEFORE = "held out", "matched customers", "same customers before"


def compare_campaigns(arms: pl.DataFrame) -> pl.DataFrame:
    """One row per campaign and segment with a comparison: who was compared with whom, and the differences with intervals.

    arms: one row per campaign, segment, stratum and arm: campaign_id, segmentation, segment, stratum, is_chosen, is_randomised;
    customers, buyers, buyers_before; of each measure `_sum` and `_squares`, of its value in the window where is_randomised,
    else of the change since as many days before; null where the measure is not known.
    Gives, beside the key: comparison; compared (those chosen who are in it), comparison_customers, compared_buyers,
    comparison_buyers; of each measure its _difference (per customer), _low and _high (the central 90 %), and _detectable: the
    smallest true difference that four in five such campaigns would show.
    """
    ordered = arms.with_columns(
        pl.col(f"{measure}_{part}").cast(pl.Float64) for measure in MEASURES for part in ("sum", "squares")
    ).sort(*KEY, "stratum", "is_chosen")
    chosen = ordered.filter("is_chosen")
    others = ordered.filter(~pl.col("is_chosen")).select(
        *KEY, "stratum", pl.exclude(*KEY, "stratum", "is_chosen", "is_randomised").name.suffix("_of_others")
    )
    pairs = chosen.join(others, on=[*KEY, "stratum"], how="inner", maintain_order="left").filter(
        pl.col("customers") > 1, pl.col("customers_of_others") > 1
    )
    matched = _differences(pairs, is_paired=True)
    alone = _differences(chosen.filter(~pl.col("is_randomised"), pl.col("customers") > 1), is_paired=False)
    if chosen.is_empty():
        return matched
    all_chosen = chosen.group_by(*KEY).agg(pl.col("customers").sum().alias("all_chosen"))
    matched = (
        matched.join(all_chosen, on=KEY, how="left", maintain_order="left")
        .filter((pl.col("comparison") == HELD_OUT) | (pl.col("compared") >= MIN_MATCHED_SHARE * pl.col("all_chosen")))
        .drop("all_chosen")
    )
    return pl.concat([matched, alone.join(matched, on=KEY, how="anti")]).sort(*KEY)


def _differences(strata: pl.DataFrame, *, is_paired: bool) -> pl.DataFrame:
    """The differences of each campaign and segment: strata weighted by those chosen; without others, the change itself."""
    weight = pl.col("customers") / pl.col("customers").sum()
    customers, buyers = ("customers_of_others", "buyers_of_others") if is_paired else ("customers", "buyers_before")
    parts: dict[str, pl.Expr] = {}
    for measure in MEASURES:
        value, error, freedom = _moments(measure, "")
        if is_paired:
            value_of_others, error_of_others, freedom_of_others = _moments(measure, "_of_others")
            value, error = value - value_of_others, error + error_of_others
            freedom = freedom + freedom_of_others
        is_known = pl.col(f"{measure}_sum").is_not_null().all()
        parts[f"{measure}_difference"] = pl.when(is_known).then((weight * value).sum())
        parts[f"{measure}_variance"] = pl.when(is_known).then((weight**2 * error).sum())
        # Welch and Satterthwaite: the parts of the variance, each with the freedom that it was estimated with
        parts[f"{measure}_spread"] = (weight**4 * freedom).sum()
    summed = strata.group_by(*KEY, maintain_order=True).agg(
        pl.when(pl.col("is_randomised").first())
        .then(pl.lit(HELD_OUT))
        .otherwise(pl.lit(MATCHED if is_paired else BEFORE))
        .alias("comparison"),
        compared=pl.col("customers").sum(),
        comparison_customers=pl.col(customers).sum(),
        compared_buyers=pl.col("buyers").sum(),
        comparison_buyers=pl.col(buyers).sum(),
        **parts,
    )
    return summed.select(
        *KEY,
        "comparison",
        *(
            pl.col(name).cast(pl.Int64)
            for name in ("compared", "comparison_customers", "compared_buyers", "comparison_buyers")
        ),
        *(column for measure in MEASURES for column in _interval(summed, measure)),
    )


def _moments(measure: str, whose: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Mean of a stratum's arm, the variance of that mean, and what this variance adds to the freedom's denominator."""
    n, total = pl.col(f"customers{whose}").cast(pl.Float64), pl.col(f"{measure}_sum{whose}")
    variance = ((pl.col(f"{measure}_squares{whose}") - total**2 / n) / (n - 1)).clip(0) / n
    return total / n, variance, variance**2 / (n - 1)


def _interval(summed: pl.DataFrame, measure: str) -> list[pl.Series]:
    """The difference, its interval, and what could have been seen; where all customers are alike there is no interval."""
    difference, variance = summed[f"{measure}_difference"], summed[f"{measure}_variance"]
    freedom = variance**2 / summed[f"{measure}_spread"]
    has_interval = variance.is_not_null() & (variance > 0) & freedom.is_finite()
    quantile = pl.Series(stdtrit(freedom.fill_null(1.0).to_numpy(), (1 + LEVEL) / 2), dtype=pl.Float64)
    error = variance.sqrt()
    columns = {
        "difference": difference,
        "low": difference - quantile * error,
        "high": difference + quantile * error,
        "detectable": (quantile + float(ndtri(POWER))) * error,
    }
    frame = pl.DataFrame({f"{measure}_{name}": values for name, values in columns.items()})
    kept = frame.select(
        pl.col(name) if name.endswith("_difference") else pl.when(has_interval).then(pl.col(name))
        for name in frame.columns
    )
    return kept.get_columns()
