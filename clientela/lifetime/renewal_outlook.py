"""Which renewals fall due when, what they are worth, and how probable each is; and of those behind us, which came.

What belongs here: each running contract's next renewal, and all due dates of the past year and the next, by month and tenure.
What does not: the models (renewal_models.py), money expected beyond the next renewal (contract_forecast.py).

A renewal is that of a term: of what was agreed at a time. It came if the contract ran on for more than three days after its due
date, or another one renewed it. A contract whose term is one payment (it runs on from payment to payment) is lost at the next due
date if it ends at any time before; one that ends in the middle of a longer term ended early, and no renewal was at stake.
Past renewals are told beside what was expected of them at the month-end before, from what was known then.
"""

from datetime import date, timedelta
from typing import Any

import polars as pl

from clientela.lifetime.contract_forecast import forecast_contracts
from clientela.lifetime.contract_history import complete, full_months, known_contracts
from clientela.lifetime.renewal_choice import RenewalPast, survive, tenure_name
from clientela.lifetime.renewal_models import fit_renewals

#: a contract that ends so near to its due date was not renewed at it
NEAR_DAYS = 3
PAST_MONTHS = 12
OUTLOOK_SCHEMA: dict[str, Any] = {
    "row_type": pl.String,
    "contract_id": pl.Int64,
    "month": pl.Date,
    "tenure": pl.String,
    "is_ahead": pl.Boolean,
    "renews_on": pl.Date,
    "renewal_probability": pl.Float64,
    "expected_value": pl.Float64,
    "renewals_due": pl.Int64,
    "renewals": pl.Int64,
    "expected_renewals": pl.Float64,
    "due_amount": pl.Float64,
    "renewed_amount": pl.Float64,
    "expected_renewed_amount": pl.Float64,
}


def renewal_outlook(
    contracts: pl.DataFrame, as_of: date, horizon_days: float, delta: float, candidate: str
) -> pl.DataFrame:
    """`contract` rows: of each running contract the next renewal (none once it is cancelled), its probability and what the
    contract is expected to bring within the horizon; `month` rows: renewals due by month, tenure and whether they lie ahead.

    contracts: as contract_forecast.py takes them, and contract_id, monthly_amount, and `renews_on` where stated. candidate:
    the model of renewals that the company's past chose. The amount due is the monthly one.
    """
    contracts = complete(contracts)
    made = forecast_contracts(contracts, as_of, horizon_days, delta, RenewalPast(candidate))
    running = _with_next_renewal(made.contracts, as_of)
    ahead = running.filter(pl.col("renews_on").is_not_null())
    ahead = ahead.with_columns(
        renewal_probability=pl.Series(survive(made.fitted, ahead.with_columns(payments="payments_until")))
    )
    own = running.select("contract_id", "expected").join(
        ahead.select("contract_id", "renews_on", "renewal_probability"), on="contract_id", how="left"
    )
    months = [
        own.with_columns(row_type=pl.lit("contract")).rename({"expected": "expected_value"}),
        _by_month(
            ahead.select(
                "monthly_amount",
                "renewal_probability",
                due_on="renews_on",
                tenure=tenure_name(full_months("first_started_on", pl.col("renews_on"))),
                is_renewed=pl.lit(None, pl.Boolean),
                is_ahead=pl.lit(True),
            )
        ),
    ]
    end = as_of.replace(day=1) - timedelta(days=1)
    for number in range(PAST_MONTHS):
        until = as_of if number == 0 else end
        if number:
            end = end.replace(day=1) - timedelta(days=1)
        months.append(_by_month(_past(contracts, end, until, as_of, candidate)))
    typed = [
        part.select(pl.col(name).cast(kind) for name, kind in OUTLOOK_SCHEMA.items() if name in part.columns)
        for part in months
    ]
    return pl.concat([pl.DataFrame(schema=OUTLOOK_SCHEMA), *typed], how="diagonal")


def _with_next_renewal(running: pl.DataFrame, day: date) -> pl.DataFrame:
    """Contracts as known on the day, with the next day on which a term begins, and the payments up to it."""
    today, every, term = pl.lit(day), pl.col("period_months"), pl.col("term_months")
    terms = full_months("started_on", today) // term + 1
    stated = pl.col("renews_on") if "renews_on" in running.columns else pl.lit(None, pl.Date)
    computed = pl.col("started_on").dt.offset_by(pl.format("{}mo", terms * term))
    # an agreed end is the next renewal, however the terms go
    renews = pl.coalesce(
        pl.when(~pl.col("is_cancelled")).then("over_on"), pl.when(stated > today).then(stated), computed
    )
    return running.with_columns(
        renews_on=pl.when(~pl.col("is_leaving") & ~pl.col("is_over")).then(renews)
    ).with_columns(
        payments_until=(full_months("started_on", pl.col("renews_on")) // every - pl.col("passed")).clip(1, None)
    )


def _past(contracts: pl.DataFrame, origin: date, until: date, as_of: date, candidate: str) -> pl.DataFrame:
    """Renewals that fell due after origin and up to `until`, what was expected of them at origin, and whether they came."""
    known = known_contracts(contracts, origin, 0)
    if known.is_empty():
        return pl.DataFrame(schema={"monthly_amount": pl.Float64})
    fitted = fit_renewals(candidate, known)
    here = _with_next_renewal(known.filter(~pl.col("is_over")).with_columns(is_leaving=pl.lit(False)), origin)
    left = known.select("contract_id", was_leaving="is_leaving")
    later = known_contracts(contracts, as_of, 0).select(
        "contract_id", now_over_on="over_on", now_renewed=pl.col("renewed_on").is_not_null()
    )
    due = (
        here.filter((pl.col("renews_on") > origin) & (pl.col("renews_on") <= until))
        .join(left, on="contract_id", how="left", maintain_order="left")
        .join(later, on="contract_id", how="left", maintain_order="left")
    )
    over_by = (pl.col("now_over_on") - pl.col("renews_on")).dt.total_days()
    is_early = (over_by < -NEAR_DAYS).fill_null(False) & (pl.col("term_months") > pl.col("period_months"))
    due = due.filter(~is_early)
    chance = pl.Series(survive(fitted, due.with_columns(payments="payments_until")), dtype=pl.Float64)
    return due.select(
        "monthly_amount",
        renewal_probability=pl.when("was_leaving").then(0.0).otherwise(chance),
        due_on="renews_on",
        tenure=tenure_name(full_months("first_started_on", pl.col("renews_on"))),
        is_renewed=(over_by.is_null() | (over_by > NEAR_DAYS) | pl.col("now_renewed")),
        is_ahead=pl.lit(False),
    )


def _by_month(due: pl.DataFrame) -> pl.DataFrame:
    if due.is_empty():
        return pl.DataFrame(schema={"row_type": pl.String})
    amount, came = pl.col("monthly_amount").cast(pl.Float64).fill_null(0.0), pl.col("is_renewed")
    chance = pl.col("renewal_probability")
    return (
        due.group_by("tenure", "is_ahead", month=pl.col("due_on").dt.month_start())
        .agg(
            renewals_due=pl.len(),
            renewals=pl.when(came.is_not_null().all()).then(came.sum()),
            expected_renewals=chance.sum(),
            due_amount=amount.sum(),
            renewed_amount=pl.when(came.is_not_null().all()).then(amount.filter(came).sum()),
            expected_renewed_amount=(amount * chance).sum(),
        )
        .sort("month", "tenure")
        .with_columns(row_type=pl.lit("month"))
    )
