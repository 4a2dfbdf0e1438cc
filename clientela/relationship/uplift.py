"""What a campaign with held-out customers changed for whom: by segment at its start, and by customer where that can be shown.

Belongs here: the statistics, on rows of customers. Does not belong here: who was held out and what they bought, which the models
of the campaigns tell.

By segment the difference per customer has Welch's interval at a level corrected for the number of segments that are looked at
(Bonferroni): of campaigns that work alike on everybody, nine in ten show no interval that misses.

By customer the change is estimated from what was known when the campaign began: what each would have bought is fitted first,
what is left is regressed on the lot (Robinson 1988; Nie and Wager 2021), both by ridge regressions of piecewise linear terms
whose strength generalised cross-validation chooses. Each customer is judged by a fit that did not see them. Whether the order
that comes of it is worth anything is what Qini's coefficient says (Radcliffe 2007): by how much, per customer, contact in that
order gains on contact by lot. Only where its one-sided 95 % lower bound, by bootstrap over customers, is above nothing, is
anything said of customers. The bootstrap keeps the order. Of two parts each judges with the other's customers, so that where
customers are alike the coefficient has twice the variance that it sees: the distance of the bound is widened by the root of two.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import stdtrit

from clientela.relationship.campaign_comparisons import LEVEL

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: buyers that each arm must have for its money to be compared
MIN_BUYERS = 100
#: of the revenue, the share that may lack a cost for the rest to speak of contribution
MAX_SHARE_WITHOUT_COST = 0.05
#: customers of a campaign that are looked at one by one, by lot
MOST_CUSTOMERS = 200_000
SEGMENTATIONS = ("value_tier", "engagement_tier", "rfm_group")
#: columns that say who a customer is, in which arm and what they bought; the others were known before
_OUTCOME = (
    "campaign_id", "customer_id", "is_chosen", *SEGMENTATIONS, "is_buyer", "net_revenue", "contribution",
    "net_revenue_without_cost",
)  # fmt: skip
UPLIFT_SCHEMA = {
    "campaign_id": pl.Int64(), "row_type": pl.String(), "segmentation": pl.String(), "segment": pl.String(),
    "customer_id": pl.Int64(), "measure": pl.String(), "chosen": pl.Int64(), "held_out": pl.Int64(), "segments": pl.Int64(),
    "uplift": pl.Float64(), "uplift_low": pl.Float64(), "uplift_high": pl.Float64(), "qini": pl.Float64(),
    "qini_low": pl.Float64(), "has_customer_uplift": pl.Boolean(),
}  # fmt: skip

#: customers are judged in so many parts, each by a fit of the others
FOLDS = 5
BOOTSTRAPS = 400
#: share of bootstraps below the bound, and by how much its distance is widened
ONE_SIDED, _WIDENED = 0.05, 2**0.5
#: where the line of a term may bend, as shares of customers
_KNOTS = (1 / 3, 2 / 3)
_STRENGTHS = np.logspace(-6, 3, 37)


def uplift_of_campaigns(members: pl.DataFrame) -> pl.DataFrame:
    """Rows of UPLIFT_SCHEMA: of each campaign whether customers differ as far as can be shown (`campaign`), its segments
    (`segment`), and where customers differ each of them (`customer`).

    members: one row per customer of a campaign by lot whose window is over: campaign_id, customer_id, is_chosen, the
    segmentations, is_buyer, net_revenue, contribution, net_revenue_without_cost; every other column is a number that was
    known before.
    """
    found = [pl.DataFrame(schema=UPLIFT_SCHEMA)]
    for rows in members.sort("campaign_id", "customer_id").partition_by("campaign_id", maintain_order=True):
        without_cost, revenue = (
            float(rows.select(pl.col(name).sum()).item()) for name in ("net_revenue_without_cost", "net_revenue")
        )
        measure = "contribution" if without_cost <= MAX_SHARE_WITHOUT_COST * abs(revenue) else "net_revenue"
        campaign = rows.with_columns(pl.lit(measure).alias("measure"), pl.col(measure).fill_null(0.0).alias("amount"))
        found += [_of_segments(campaign), _of_customers(campaign)]
    return pl.concat(found, how="diagonal").select(list(UPLIFT_SCHEMA)).cast(pl.Schema(UPLIFT_SCHEMA))


def _of_segments(rows: pl.DataFrame) -> pl.DataFrame:
    """The difference of each segment with enough buyers in both arms, its interval widened for how many they are."""
    summed = [
        rows.group_by("campaign_id", "measure", pl.col(segmentation).alias("segment"), "is_chosen").agg(
            pl.lit(segmentation).alias("segmentation"),
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("is_buyer").sum().alias("buyers"),
            pl.col("amount").mean().alias("mean"),
            (pl.col("amount").var() / pl.len()).alias("error"),
        )
        for segmentation in SEGMENTATIONS
    ]
    key = ["campaign_id", "measure", "segmentation", "segment"]
    arms = pl.concat(summed).filter(pl.col("segment") != "none", pl.col("buyers") >= MIN_BUYERS)
    both = arms.filter("is_chosen").join(arms.filter(~pl.col("is_chosen")), on=key, suffix="_held_out").sort(key)
    if both.is_empty():
        return pl.DataFrame(schema=UPLIFT_SCHEMA)
    error = both["error"] + both["error_held_out"]
    # Welch and Satterthwaite
    freedom = error**2 / (
        both["error"] ** 2 / (both["customers"] - 1) + both["error_held_out"] ** 2 / (both["customers_held_out"] - 1)
    )
    quantile = pl.Series(stdtrit(freedom.to_numpy(), 1 - (1 - LEVEL) / 2 / both.height))
    uplift, half = both["mean"] - both["mean_held_out"], quantile * error.sqrt()
    return both.select(
        *key,
        pl.lit("segment").alias("row_type"),
        pl.col("customers").alias("chosen"),
        pl.col("customers_held_out").alias("held_out"),
        pl.lit(both.height).cast(pl.Int64).alias("segments"),
        uplift.alias("uplift"),
        (uplift - half).alias("uplift_low"),
        (uplift + half).alias("uplift_high"),
    )


def _of_customers(rows: pl.DataFrame) -> pl.DataFrame:
    """The row of the campaign, and those of its customers where they can be shown to differ."""
    buyers = rows.group_by("is_chosen").agg(pl.col("is_buyer").sum())
    summary = rows.select(
        pl.col("campaign_id", "measure").first(),
        pl.lit("campaign").alias("row_type"),
        pl.col("is_chosen").sum().cast(pl.Int64).alias("chosen"),
        (~pl.col("is_chosen")).sum().cast(pl.Int64).alias("held_out"),
        pl.lit(False).alias("has_customer_uplift"),
    )
    if buyers.height < 2 or min(buyers["is_buyer"]) < MIN_BUYERS:
        return summary
    seed = int(rows["campaign_id"][0]) % 2**32
    looked_at = rows.sample(min(rows.height, MOST_CUSTOMERS), seed=seed).sort("customer_id")
    known = looked_at.drop("amount", "measure", *_OUTCOME).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    found = uplift_by_customer(known, looked_at["is_chosen"].to_numpy(), looked_at["amount"].to_numpy(), seed)
    summary = summary.with_columns(
        pl.lit(found.qini).alias("qini"),
        pl.lit(found.qini_low).alias("qini_low"),
        pl.lit(found.is_shown).alias("has_customer_uplift"),
    )
    if not found.is_shown:
        return summary
    customers = looked_at.select(
        "campaign_id",
        "customer_id",
        "measure",
        pl.lit("customer").alias("row_type"),
        pl.Series("uplift", found.expected),
    )
    return pl.concat([summary, customers], how="diagonal")


@dataclass(frozen=True)
class CustomerUplift:
    """What is expected of each customer. `expected`: the change per customer, by fits that did not see them; `qini`: what
    contact in its order gains per customer on contact by lot, `qini_low` its lower bound."""

    expected: Floats
    qini: float
    qini_low: float

    @property
    def is_shown(self) -> bool:
        return self.qini_low > 0


def uplift_by_customer(known: Floats, is_chosen: Bools, amount: Floats, seed: int) -> CustomerUplift:
    """known: a row per customer of what was known when the campaign began, NaN for what was not; amount: what they bought since.

    The same rows in the same order and the same seed give the same answer.
    """
    rng = np.random.default_rng(seed)
    terms = _terms(known)
    chance = float(is_chosen.mean())
    lot = is_chosen - chance
    fold = rng.permutation(len(amount)) % FOLDS
    expected, order, gain = (np.zeros(len(amount)) for _ in range(3))
    for number in range(FOLDS):
        own, others = fold == number, fold != number
        bought = _ridge(terms[others], amount[others])
        rest = amount[others] - bought(terms[others])
        weighted = np.column_stack([np.ones(others.sum()), terms[others]]) * lot[others, None]
        changed = _ridge(weighted[:, 1:], rest, lead=weighted[:, 0])
        expected[own] = changed(terms[own])
        # fits differ in level: customers are compared with those of their part
        order[own] = expected[own].argsort(kind="stable").argsort(kind="stable") / own.sum()
        gain[own] = (amount[own] - bought(terms[own])) * lot[own] / (chance * (1 - chance))
    ranked = gain[np.argsort(-order, kind="stable")]
    count = len(ranked)
    drawn = [
        _qini(ranked, np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64))
        for _ in range(BOOTSTRAPS)
    ]
    qini = _qini(ranked, np.ones(count))
    return CustomerUplift(expected, qini, qini - _WIDENED * (qini - float(np.quantile(drawn, ONE_SIDED))))


def _qini(ranked: Floats, times: Floats) -> float:
    """The area between the curve of what is gained in this order and the line of any order, per customer; each customer counts
    so many times."""
    reached = np.cumsum(times) - times / 2
    customers = float(times.sum())
    return float(np.sum(times * ranked * (0.5 - reached / customers)) / customers)


def _terms(known: Floats) -> Floats:
    """Each column as its rank from 0 to 1, a line that may bend twice; what is not known is a term of its own."""
    columns = []
    for column in known.T:
        is_known = ~np.isnan(column)
        values, place, counts = np.unique(column[is_known], return_inverse=True, return_counts=True)
        if len(values) < 2:
            continue
        middle = (np.cumsum(counts) - counts / 2) / is_known.sum()
        rank = np.full(len(column), 0.5)
        rank[is_known] = middle[place]
        columns += [rank - 0.5, *(np.maximum(rank - knot, 0) for knot in _KNOTS if len(values) > 2)]
        if not is_known.all():
            columns.append((~is_known).astype(np.float64))
    return np.column_stack(columns) if columns else np.zeros((len(known), 0))


def _ridge(terms: Floats, target: Floats, lead: Floats | None = None) -> Callable[[Floats], Floats]:
    """The fit of a target by `lead` (else by 1), which is not shrunk, and by terms, which are; gives what other terms make
    of it."""
    first = np.ones(len(target)) if lead is None else lead
    square = float(first @ first)
    share = first @ terms / square
    inner = terms - np.outer(first, share)
    size = np.sqrt((inner**2).mean(axis=0))
    size[size < 1e-9] = np.inf
    inner /= size
    mean = float(first @ target) / square
    rest = target - first * mean
    weights, axes = np.linalg.eigh(inner.T @ inner)
    weights = np.maximum(weights, 0.0)
    moments = axes.T @ (inner.T @ rest)
    shrunk = moments / (weights + len(target) * _STRENGTHS[:, None])
    squares = rest @ rest - 2 * shrunk @ moments + (shrunk**2) @ weights
    freedom = 1 + (weights / (weights + len(target) * _STRENGTHS[:, None])).sum(axis=1)
    best = int(np.argmin(squares / (len(target) - freedom) ** 2))
    slope = axes @ shrunk[best] / size
    level = mean - float(share @ slope)
    return lambda others: level + others @ slope
