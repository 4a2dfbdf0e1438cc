"""Which portfolio holds each customer as of a day, and why: who may be held where, what they are worth there, who has to leave.

Belongs here: rules, tiers, territories, languages, hours and reasons, on frames. Does not belong here: the arithmetic of the plan
(`clientela.relationship.portfolio_assignment`), and what memory keeps.

A plan is made from what was remembered on days before its own: made again it moves nobody.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa

from clientela.errors import ConfigError
from clientela.relationship.portfolio_assignment import Plan, assign
from clientela.relationship.portfolio_problem import NOBODY, Customers, Floats, Integers, Portfolios
from clientela.relationship.settings import PortfolioSettings
from clientela.segment.columns import RULE_COLUMNS
from clientela.segment.predicates import check_segments, predicate_flags
from clientela.segment.settings import RuleSegment

#: a company's name for where customers live may be any of these
TERRITORY = ("region", "city", "country")
#: what is read of each customer, beside what the rules of portfolios read
PERSON = [
    "customer_id", "record_id", *TERRITORY, "language", "value_tier", "contact_hours", "expected_value",
]  # fmt: skip
ASSIGNED_SCHEMA: dict[str, pl.DataType] = {
    "customer_id": pl.Int64(), "record_id": pl.Int64(), "portfolio": pl.String(), "previous_portfolio": pl.String(),
    "assigned_on": pl.Date(), "reason": pl.String(), "portfolio_value": pl.Float64(), "service_hours": pl.Float64(),
    "is_voluntary": pl.Boolean(), "is_changed": pl.Boolean(),
}  # fmt: skip


def assign_portfolios(
    customers: pa.Table,
    portfolios: pa.Table,
    fit: pa.Table,
    remembered: pa.Table,
    settings: PortfolioSettings,
    as_of_on: date,
) -> pl.DataFrame:
    """One row per customer, ASSIGNED_SCHEMA; of a portfolio whose rule cannot be applied one without a customer that says why.

    customers: PERSON (record_id: by which memory knows them), and `columns_of_rules`. portfolios, fit: the reference tables.
    remembered: customer_id, as_of_on, run_sequence, portfolio, reason, is_voluntary, up to the as-of day. is_changed: memory says
    something else, or nothing.
    """
    places = pl.DataFrame(pl.from_arrow(portfolios)).sort("portfolio")
    is_open = (pl.col("opened_on").is_null() | (pl.col("opened_on") <= as_of_on)) & (
        pl.col("closed_on").is_null() | (pl.col("closed_on") > as_of_on)
    )
    opened = places.filter(is_open)
    names = opened["portfolio"].to_list()
    rules, errors = _checked({row["portfolio"]: row["rule"] for row in opened.to_dicts() if row["rule"]})
    people = pl.DataFrame(pl.from_arrow(customers.select(PERSON))).sort("customer_id")
    kinds, fits = _kinds(
        people, _rule_flags(people, customers, rules), opened, pl.DataFrame(pl.from_arrow(fit)), errors
    )
    people = people.select("customer_id", "record_id", "value_tier", "contact_hours", "expected_value")
    known = _remembered(pl.DataFrame(pl.from_arrow(remembered)))
    before = people.select("customer_id").join(
        _last(known.filter(pl.col("as_of_on") < as_of_on)), on="customer_id", how="left", maintain_order="left"
    )
    hours = people.select(
        pl.max_horizontal(
            pl.col("contact_hours").fill_null(0),
            pl.col("value_tier").replace_strict(dict(settings.service_hours), default=0.0, return_dtype=pl.Float64),
        )
    ).to_series()
    value = people["expected_value"].fill_null(0.0).clip(0.0).to_numpy()
    numbers = {name: number for number, name in enumerate(names)}
    holder = before["portfolio"].replace_strict(numbers, default=NOBODY, return_dtype=pl.Int64).to_numpy()
    held = int((holder != NOBODY).sum())
    moved_this_month = known.filter(
        pl.col("is_voluntary"), pl.col("as_of_on") >= as_of_on.replace(day=1), pl.col("as_of_on") < as_of_on
    ).height
    plan = assign(
        Customers(kinds, value, hours.to_numpy(), holder),
        Portfolios(fits, _limit(opened["capacity"]), _limit(opened["capacity_hours"])),
        settings.min_gain_share * float(value.mean()) if len(value) else 0.0,
        max(int(settings.max_moves_share * held) - moved_this_month, 0),
    )  # fmt: skip
    assigned = _explained(
        people, before, names, plan, np.asarray((fits > 0).any(axis=1))[kinds], places, as_of_on
    ).with_columns(
        portfolio_value=pl.Series(
            np.where(plan.portfolio == NOBODY, 0.0, value * fits[kinds, np.maximum(plan.portfolio, 0)])
            if names
            else np.zeros(len(value)),
            dtype=pl.Float64,
        ),
        service_hours=hours,
    )
    latest = _last(known).select("customer_id", latest="portfolio")
    assigned = assigned.join(latest, on="customer_id", how="left", maintain_order="left").with_columns(
        is_changed=pl.col("portfolio").ne_missing(pl.col("latest"))
    )
    refused = [(None, None, name, None, None, why, None, None, None, None) for name, why in errors.items()]
    return pl.concat(
        [assigned.select(list(ASSIGNED_SCHEMA)), pl.DataFrame(refused, schema=ASSIGNED_SCHEMA, orient="row")],
        how="vertical_relaxed",
    ).cast(pl.Schema(ASSIGNED_SCHEMA))


def columns_of_rules(portfolios: pa.Table) -> list[str]:
    """The RULE_COLUMNS that the rules of the portfolios read; of a rule that cannot be applied none."""
    rules, _ = _checked({row["portfolio"]: row["rule"] for row in portfolios.to_pylist() if row["rule"]})
    used = set[str]().union(*(rule.columns for rule in rules.values()))
    return [name for name in RULE_COLUMNS if name in used]


@dataclass(frozen=True)
class _Rule:
    predicate: str
    columns: set[str]


def _checked(rules: dict[str, str]) -> tuple[dict[str, _Rule], dict[str, str]]:
    """The rules of portfolios that can be applied, and why the others cannot."""
    passed: dict[str, _Rule] = {}
    errors: dict[str, str] = {}
    known: dict[str, set[str]] = {}
    for portfolio, predicate in sorted(rules.items()):
        try:
            if predicate not in known:
                known[predicate] = check_segments([RuleSegment(name=portfolio, predicate=predicate)], RULE_COLUMNS)[
                    portfolio
                ]
        except ConfigError as error:
            errors[portfolio] = error.sentence.removeprefix("segments.")
        else:
            passed[portfolio] = _Rule(predicate, known[predicate])
    return passed, errors


def _rule_flags(people: pl.DataFrame, rows: pa.Table, rules: dict[str, _Rule]) -> pl.DataFrame:
    """A boolean of each person for each portfolio that has a rule: whether it lets them in."""
    predicates = list(dict.fromkeys(rule.predicate for rule in rules.values()))
    used = set[str]().union(*(rule.columns for rule in rules.values()))
    flags = people.select("customer_id")
    if predicates:
        found = predicate_flags(
            rows.select(["customer_id", *(name for name in RULE_COLUMNS if name in used)]), predicates
        )
        flags = flags.join(found, on="customer_id", how="left", maintain_order="left")
    return flags.select(pl.col(str(predicates.index(rule.predicate))).alias(name) for name, rule in rules.items())


def _limit(capacity: pl.Series) -> np.ndarray:
    return capacity.cast(pl.Float64).fill_null(np.inf).to_numpy()


def _remembered(rows: pl.DataFrame) -> pl.DataFrame:
    """What was decided for each customer, by day; of several decisions of one day the last."""
    return (
        rows.sort("customer_id", "as_of_on", "run_sequence")
        .filter((pl.struct("customer_id", "as_of_on").rle_id().diff(-1) != 0).fill_null(True))
        .with_columns(
            previous_portfolio=pl.when(pl.col("customer_id") == pl.col("customer_id").shift(1)).then(
                pl.col("portfolio").shift(1)
            )
        )
    )


def _last(known: pl.DataFrame) -> pl.DataFrame:
    """Of each customer the last row; `known` is in their order."""
    return known.filter((pl.col("customer_id") != pl.col("customer_id").shift(-1)).fill_null(True))


def _kinds(
    people: pl.DataFrame, ruled: pl.DataFrame, opened: pl.DataFrame, fit: pl.DataFrame, errors: Collection[str]
) -> tuple[Integers, Floats]:
    """The kind of each customer, and what share of their value each kind is worth in each portfolio."""
    limits = {row["portfolio"]: row for row in opened.to_dicts()}
    spoken = {
        trait: set[str]().union(*(_words(row[limit]) for row in limits.values()))
        for trait, limit in (("language", "languages"), *((trait, "territories") for trait in TERRITORY))
    }
    # of languages and places only those that a portfolio names tell customers apart
    traits = people.select(
        "value_tier",
        *(
            pl.when(pl.col(trait).str.to_lowercase().is_in(sorted(words))).then(pl.col(trait).str.to_lowercase())
            for trait, words in spoken.items()
        ),
    )
    traits = pl.concat([traits, ruled.rename({name: f"rule of {name}" for name in ruled.columns})], how="horizontal")
    unique = traits.unique(maintain_order=True).with_row_index("kind")
    kinds = traits.join(unique, on=traits.columns, how="left", nulls_equal=True, maintain_order="left")["kind"]
    shares = {(row["portfolio"], row["value_tier"]): float(row["fit"]) for row in fit.to_dicts()}
    fits = np.zeros((unique.height, opened.height))
    for place, (name, row) in enumerate(limits.items()):
        if name in errors:
            continue
        may = pl.lit(True)
        if tiers := _words(row["tiers"]):
            may &= pl.col("value_tier").is_in(sorted(tiers))
        if languages := _words(row["languages"]):
            may &= pl.col("language").is_in(sorted(languages))
        if territories := _words(row["territories"]):
            may &= pl.any_horizontal(pl.col(trait).is_in(sorted(territories)).fill_null(False) for trait in TERRITORY)
        if name in ruled.columns:
            may &= pl.col(f"rule of {name}")
        by_tier = {tier: share for (portfolio, tier), share in shares.items() if portfolio == name}
        worth = (
            pl.col("value_tier").replace_strict(by_tier, default=1.0, return_dtype=pl.Float64)
            if by_tier
            else pl.lit(1.0)
        )
        fits[:, place] = unique.select(pl.when(may).then(worth).otherwise(0.0)).to_series().to_numpy()
    return kinds.to_numpy().astype(np.int64), fits


def _words(listed: str | None) -> set[str]:
    return {word.strip().lower() for word in (listed or "").split(",") if word.strip()}


def _explained(
    people: pl.DataFrame,
    before: pl.DataFrame,
    names: list[str],
    plan: Plan,
    may_be_held: np.ndarray,
    places: pl.DataFrame,
    as_of_on: date,
) -> pl.DataFrame:
    """Where each customer is, since when, from where and why."""
    closed = {row["portfolio"]: row["closed_on"] for row in places.to_dicts()}
    holders = before["portfolio"].drop_nulls().unique().to_list()
    leaves_because = {
        holder: f"{holder} has no room for them, or no longer holds customers like them"
        if holder in names
        else f"{holder} closed on {closed[holder]}"
        if closed.get(holder) is not None and closed[holder] <= as_of_on
        else f"there is no portfolio {holder} any more"
        for holder in holders
    }
    numbered = dict(enumerate(names))
    now, holder, text = pl.col("now"), pl.col("holder"), pl.String
    has_to_leave = holder.is_not_null() & (pl.col("forced") | ~holder.is_in(names))
    stays, waits = now.is_not_null() & (now == holder), now.is_null()
    why = (
        pl.when(has_to_leave)
        .then(holder.replace_strict(leaves_because, default=None, return_dtype=text))
        .when(holder.is_not_null())
        .then(pl.format("the plan gains by their leaving {}", holder))
        .when(~waits)
        .then(pl.lit("they had no portfolio"))
    )
    nobody = (
        pl.when("is_holdable")
        .then(pl.lit("no portfolio has room for them"))
        .otherwise(pl.lit("no portfolio may hold customers like them"))
    )
    return (
        people.select("customer_id", "record_id")
        .with_columns(
            before.select(holder="portfolio", since="as_of_on", because="reason", earlier="previous_portfolio"),
            now=pl.Series(plan.portfolio).replace_strict(numbered, default=None, return_dtype=text),
            forced=pl.Series(plan.forced),
            is_holdable=pl.Series(may_be_held),
        )
        .select(
            "customer_id",
            "record_id",
            portfolio=now,
            previous_portfolio=pl.when(stays).then("earlier").when(waits).then(pl.coalesce(holder, "earlier")).otherwise(holder),
            assigned_on=pl.when(stays | (waits & holder.is_null())).then("since").otherwise(pl.lit(as_of_on)),
            reason=pl.when(stays).then("because").when(waits).then(
                pl.concat_str(why, nobody, separator="; ", ignore_nulls=True)
            ).otherwise(why),
            is_voluntary=~stays & holder.is_not_null() & ~has_to_leave,
        )
    )  # fmt: skip
