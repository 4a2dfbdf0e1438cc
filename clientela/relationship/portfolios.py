"""Which portfolio holds each customer as of a day, and why: who may be held where, what they are worth there, who has to leave.

Belongs here: rules, tiers, territories, languages, hours and reasons, on frames. Does not belong here: the arithmetic of the plan
(`clientela.relationship.portfolio_assignment`), and what memory keeps.

A plan is made from what was remembered on days before its own: made again it moves nobody.
"""

from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa

from clientela.relationship.portfolio_assignment import NOBODY, Customers, Plan, Portfolios, assign
from clientela.relationship.programmes import eligible_customers
from clientela.relationship.settings import PortfolioSettings
from clientela.segment.columns import RULE_COLUMNS

#: a company's name for where customers live may be any of these
TERRITORY = ("region", "city", "country")
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

    customers: customer_id, record_id (by which memory knows them), region, city, country, language, value_tier, contact_hours,
    measured_on, RULE_COLUMNS. portfolios, fit: the reference tables. remembered: customer_id, as_of_on, run_sequence, portfolio,
    reason, is_voluntary, up to the as-of day. is_changed: memory says something else, or nothing.
    """
    people = pl.DataFrame(pl.from_arrow(customers)).sort("customer_id")
    places = pl.DataFrame(pl.from_arrow(portfolios)).sort("portfolio")
    known = _remembered(pl.DataFrame(pl.from_arrow(remembered)))
    is_open = (pl.col("opened_on").is_null() | (pl.col("opened_on") <= as_of_on)) & (
        pl.col("closed_on").is_null() | (pl.col("closed_on") > as_of_on)
    )
    opened = places.filter(is_open)
    names = opened["portfolio"].to_list()
    kinds, fits, errors = _kinds(people, customers, opened, pl.DataFrame(pl.from_arrow(fit)))
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
    holder = before["portfolio"].replace_strict({name: i for i, name in enumerate(names)}, default=NOBODY).to_numpy()
    held = int((holder != NOBODY).sum())
    moved_this_month = known.filter(
        pl.col("is_voluntary"), pl.col("as_of_on") >= as_of_on.replace(day=1), pl.col("as_of_on") < as_of_on
    ).height
    plan = assign(
        Customers(kinds, value, hours.to_numpy(), holder.astype(np.int64)),
        Portfolios(fits, _limit(opened["capacity"]), _limit(opened["capacity_hours"])),
        settings.min_gain_share * float(value.mean()) if len(value) else 0.0,
        max(int(settings.max_moves_share * held) - moved_this_month, 0),
    )  # fmt: skip
    may_be_held = np.asarray((fits > 0).any(axis=1))[kinds] if len(value) else np.zeros(0, dtype=bool)
    assigned = _explained(people, before, names, plan, may_be_held, places, as_of_on).with_columns(
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


def _limit(capacity: pl.Series) -> np.ndarray:
    return capacity.cast(pl.Float64).fill_null(np.inf).to_numpy()


def _remembered(rows: pl.DataFrame) -> pl.DataFrame:
    """What was decided for each customer, by day; of several decisions of one day the last."""
    return (
        rows.sort("customer_id", "as_of_on", "run_sequence")
        .unique(["customer_id", "as_of_on"], keep="last", maintain_order=True)
        .with_columns(previous_portfolio=pl.col("portfolio").shift(1).over("customer_id"))
    )


def _last(known: pl.DataFrame) -> pl.DataFrame:
    return known.unique("customer_id", keep="last", maintain_order=True)


def _kinds(
    people: pl.DataFrame, rows: pa.Table, opened: pl.DataFrame, fit: pl.DataFrame
) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """The kind of each customer, what share of their value each kind is worth in each portfolio, and the rules that fail."""
    rules = {row["portfolio"]: row["rule"] for row in opened.to_dicts() if row["rule"]}
    eligible = eligible_customers(rows.select(["customer_id", "measured_on", *RULE_COLUMNS]), rules)
    errors = dict(eligible.filter(pl.col("customer_id").is_null()).select("programme", "refused_because").iter_rows())
    by_rule = {
        name: people["customer_id"].is_in(eligible.filter(pl.col("programme") == name)["customer_id"].implode())
        for name in rules
    }
    traits = people.select("value_tier", "language", *TERRITORY).with_columns(
        **{f"rule_{i}": held for i, held in enumerate(by_rule.values())}
    )
    unique = traits.unique(maintain_order=True).with_row_index("kind")
    kinds = traits.join(unique, on=traits.columns, how="left", nulls_equal=True, maintain_order="left")["kind"]
    shares = {(row["portfolio"], row["value_tier"]): float(row["fit"]) for row in fit.to_dicts()}
    fits = np.zeros((unique.height, opened.height))
    ruled = {name: f"rule_{i}" for i, name in enumerate(by_rule)}
    limits = [
        (place["portfolio"], _words(place["tiers"]), _words(place["languages"]), _words(place["territories"]))
        for place in opened.to_dicts()
    ]
    for number, kind in enumerate(unique.to_dicts()):
        for place, (name, tiers, languages, territories) in enumerate(limits):
            lives_in = {str(kind[trait]).lower() for trait in TERRITORY if kind[trait] is not None}
            if (
                (not tiers or kind["value_tier"] in tiers)
                and (not languages or str(kind["language"]).lower() in languages)
                and (not territories or lives_in & territories)
                and (name not in ruled or kind[ruled[name]])
            ):
                fits[number, place] = shares.get((name, kind["value_tier"]), 1.0)
    return kinds.to_numpy().astype(np.int64), fits, errors


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
    rows = []
    for customer, then, place, forced, is_holdable in zip(
        people.select("customer_id", "record_id").iter_rows(),
        before.select("portfolio", "as_of_on", "reason", "previous_portfolio").iter_rows(),
        plan.portfolio.tolist(),
        plan.forced.tolist(),
        may_be_held.tolist(),
        strict=True,
    ):
        now = names[place] if place != NOBODY else None
        holder, since, reason, previous = then
        if now is not None and now == holder:
            rows.append((*customer, now, previous, since, reason, False))
            continue
        has_to_leave = holder is not None and (forced or holder not in names)
        if has_to_leave:
            if holder in names:
                why = f"{holder} has no room for them, or no longer holds customers like them"
            elif closed.get(holder) is not None and closed[holder] <= as_of_on:
                why = f"{holder} closed on {closed[holder]}"
            else:
                why = f"there is no portfolio {holder} any more"
        elif holder is not None:
            why = f"the plan gains by their leaving {holder}"
        else:
            why = "they had no portfolio" if now is not None else ""
        if now is None:
            nobody = "no portfolio has room for them" if is_holdable else "no portfolio may hold customers like them"
            reasons = "; ".join(filter(None, (why, nobody)))
            day = as_of_on if holder else since
            rows.append((*customer, None, holder or previous, day, reasons, bool(holder) and not has_to_leave))
        else:
            rows.append((*customer, now, holder, as_of_on, why, holder is not None and not has_to_leave))
    return pl.DataFrame(
        rows,
        schema={name: ASSIGNED_SCHEMA[name] for name in (
            "customer_id", "record_id", "portfolio", "previous_portfolio", "assigned_on", "reason", "is_voluntary",
        )},
        orient="row",
    )  # fmt: skip
