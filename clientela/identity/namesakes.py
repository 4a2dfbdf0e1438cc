"""Two customers about whom nothing can be compared but one full name: how likely they are one person.

Belongs here: the probability, what it is learnt from, and which pairs are taken. Does not belong here: any other evidence
(`match`), or reading and storing (`store`).

Of N customers n bear a first name, and n a family name. Two customers of different sources who agree on a whole name, where
nothing else is known of both, are one person with P = m / (m + M (q + kappa / N)): m pairs like them are one person, M pairs
of customers could be looked at so, q is the share of other people who would bear the name by chance, and kappa / N that of
relatives who were given it. q = theta * p(first name) * p(each family name), p = (n - 1.5) / N, since it is open whether
the two are one bearer or two. theta (names that go together) and kappa are learnt from customers of one name who are known
to differ, since both birth dates are known; m is what makes the probabilities add up to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from clientela.identity import names as name_keys
from clientela.identity.nicknames import COMMON_FAMILY_NAMES, COMMON_GIVEN_NAMES

RARE_NAME = "rare name"
MIN_CUSTOMERS = 1000
"""Among fewer customers nobody can tell which names are rare."""
CERTAIN_FROM = 0.99
"""A link by a rare name that is less likely than this is doubtful."""
MAX_WRONG_SHARE = 0.005
"""So many of all links may be expected to be wrong because of a rare name."""
SHARE_OF_COMMON_NAMES = 0.004
"""A name that is common in its country counts for no less, however few customers bear it here; a common first name with one
common family name is never rare."""
COMMON_WORDS = frozenset(name_keys.family_key(name) for name in COMMON_FAMILY_NAMES)
#: what is expected before anything is learnt, and how many pairs of namesakes that is worth
THETA, KAPPA, WORTH = 1.5, 0.01, 2.0

PAIR_SCHEMA: dict[str, pl.DataType] = {
    "customer_l": pl.Int64(),
    "customer_r": pl.Int64(),
    "probability": pl.Float64(),
    "given_weight": pl.Float64(),
    "family_weight": pl.Float64(),
    "prior_weight": pl.Float64(),
    "namesake_weight": pl.Float64(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class Names:
    """How the customers are named, as counted by the store.

    `customers`: of how many a full name is known. `open_pairs`: how many pairs of these have no source and no field in
    common. `given` (given, bearers) and `family` (word, position, bearers): how many customers bear each. `full` (given,
    family, dated): how many customers of each name have a birth date. `pairs` (customer_l, customer_r, given, family,
    bearers): the pairs of one name among the open ones, where two or three bear it.
    """

    customers: int
    open_pairs: int
    given: pl.DataFrame
    family: pl.DataFrame
    full: pl.DataFrame
    pairs: pl.DataFrame


def weigh(names: Names, min_probability: float, link_count: int) -> pl.DataFrame:
    """The pairs in `PAIR_SCHEMA`: linked where `reason` is null, else why not.

    `min_probability`: that from which a pair links; `link_count`: links that other evidence made. One candidate on each
    side, no third bearer, and among all links no more than `MAX_WRONG_SHARE` expected to be wrong.
    """
    if names.customers < MIN_CUSTOMERS or names.pairs.is_empty() or names.open_pairs < 1:
        return pl.DataFrame(schema=PAIR_SCHEMA)
    theta, kappa = learnt(names)
    weighed = _with_shares(names.pairs, names).with_columns(
        (theta * pl.col("given_share") * pl.col("family_share") + kappa / names.customers).alias("others")
    )
    two = weighed.filter(pl.col("bearers") == 2)
    matches = matching_pairs(two["others"].to_numpy() * names.open_pairs)
    if matches <= 0:
        return pl.DataFrame(schema=PAIR_SCHEMA)
    weighed = weighed.with_columns(
        (matches / (matches + names.open_pairs * pl.col("others"))).alias("probability"),
        (-pl.col("given_share").log(2)).alias("given_weight"),
        (-pl.col("family_share").log(2)).alias("family_weight"),
        pl.lit(float(np.log2(matches / names.open_pairs))).alias("prior_weight"),
        (pl.col("given_share") * pl.col("family_share") / pl.col("others")).log(2).alias("namesake_weight"),
    )
    return _guarded(weighed, min_probability, link_count)


def learnt(names: Names) -> tuple[float, float]:
    """(theta, kappa) by expectation maximisation from customers whose birth dates are known, and so known to differ.

    A customer of a name meets (dated - 1) others of it; expected are theta * q from anybody and kappa from relatives.
    """
    total = int(names.full["dated"].sum())
    if total < 2:
        return THETA, KAPPA
    binned = (
        _with_shares(names.full.filter(pl.col("dated") > 0), names)
        .with_columns((pl.col("given_share") * pl.col("family_share")).alias("chance"))
        .group_by((pl.col("chance").log(2) * 8).round().alias("bin"))
        .agg(
            (pl.col("dated") * (pl.col("dated") - 1)).sum().alias("met"),
            (pl.col("dated") * pl.col("chance")).sum().alias("by_chance") * (total - 1),
            pl.col("dated").sum().alias("by_kin") * (total / names.customers),
        )
        .sort("bin")
    )
    met, by_chance, by_kin = (binned[name].cast(pl.Float64).to_numpy() for name in ("met", "by_chance", "by_kin"))
    theta, kappa = THETA, KAPPA
    for _ in range(200):
        share = theta * by_chance / (theta * by_chance + kappa * by_kin)
        theta = float(((met * share).sum() + WORTH) / (by_chance.sum() + WORTH / THETA))
        kappa = float(((met * (1 - share)).sum() + WORTH) / (by_kin.sum() + WORTH / KAPPA))
    return theta, kappa


def matching_pairs(chance: np.ndarray) -> float:
    """The m for which m / (m + chance) adds up to m over the pairs; 0 where only nought does.

    From above the iteration falls to the greatest such m.
    """
    matches = float(len(chance))
    for _ in range(500):
        following = float((matches / (matches + chance)).sum()) if matches > 0 else 0.0
        if abs(following - matches) < 1e-9:
            break
        matches = following
    return matches if matches > 1e-3 else 0.0


def _with_shares(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Add `given_share` and `family_share`: of how many people another bears the name by chance."""

    is_common_given = pl.col("given").str.split(" ").list.first().is_in(list(COMMON_GIVEN_NAMES))

    def share(is_common: pl.Expr) -> pl.Expr:
        counted = pl.max_horizontal(pl.col("bearers_of_part").fill_null(0) - 1.5, 0.5) / names.customers
        return pl.when(is_common).then(pl.max_horizontal(counted, SHARE_OF_COMMON_NAMES)).otherwise(counted)

    given = names.given.rename({"bearers": "bearers_of_part"}).select(
        "given", share(is_common_given).alias("given_share")
    )
    words = names.family.rename({"bearers": "bearers_of_part"}).select(
        "word", "position", share(pl.col("word").is_in(list(COMMON_WORDS))).alias("word_share")
    )
    families = (
        frame.select("family")
        .unique()
        .with_columns(pl.col("family").str.split(" ").alias("word"))
        .with_columns(pl.int_ranges(1, pl.col("word").list.len() + 1, dtype=pl.Int64).alias("position"))
        .explode("word", "position")
        .join(words, on=["word", "position"])
        .group_by("family")
        .agg(pl.col("word_share").product().alias("family_share"))
    )
    return (
        frame.join(given, on="given")
        .join(families, on="family")
        .with_columns((is_common_given & pl.col("family").is_in(list(COMMON_WORDS))).alias("is_common"))
    )


def _guarded(weighed: pl.DataFrame, min_probability: float, link_count: int) -> pl.DataFrame:
    """The pairs worth naming, each with what keeps it from being a link, if anything does."""
    candidate = pl.concat([weighed["customer_l"], weighed["customer_r"]]).value_counts()
    several = candidate.filter(pl.col("count") > 1)[candidate.columns[0]].implode()
    ordered = weighed.with_columns(
        pl.when(pl.col("bearers") > 2)
        .then(pl.lit("a third customer bears the name"))
        .when(pl.col("customer_l").is_in(several) | pl.col("customer_r").is_in(several))
        .then(pl.lit("another customer may be meant as well"))
        .when((pl.col("probability") < min_probability) | pl.col("is_common"))
        .then(pl.lit("the name is not rare enough"))
        .alias("reason")
    ).sort(["probability", "customer_l", "customer_r"], descending=[True, False, False])
    wrong = pl.when(pl.col("reason").is_null()).then(1 - pl.col("probability")).otherwise(0.0).cum_sum()
    taken = pl.col("reason").is_null().cast(pl.Int64).cum_sum()
    return (
        ordered.with_columns(
            pl.when(pl.col("reason").is_null() & (wrong > MAX_WRONG_SHARE * (link_count + taken)))
            .then(pl.lit("of so many links by name too many would be wrong"))
            .otherwise("reason")
            .alias("reason")
        )
        .filter(pl.col("reason").is_null() | (pl.col("probability") >= 0.5))
        .select(pl.col(name).cast(kind) for name, kind in PAIR_SCHEMA.items())
    )
