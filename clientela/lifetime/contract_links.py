"""Which contract renews which, and which run beside each other, of the contracts of one customer.

What belongs here: the links. What does not: why a contract ended, what that says of renewals (renewal_models.py).

A contract renews another of the same customer if it begins within 31 days of the other's end, before or after, and is of the same
product; one of another product only within 3 days, as where a plan is exchanged. Each renews one and is renewed by one at
most: the nearest pairs first, those of the same product before the others. Whatever else runs at the same time for the same
product runs beside it.
"""

from datetime import date
from typing import Any

import polars as pl

SAME_PRODUCT_DAYS, OTHER_PRODUCT_DAYS = 31, 3
LINKS: dict[str, Any] = {
    "contract_id": pl.Int64,
    "renews_contract_id": pl.Int64,
    "renewed_by_contract_id": pl.Int64,
    "overlaps_contract_id": pl.Int64,
    "first_started_on": pl.Date,
    "renewed_on": pl.Date,
}


def link_contracts(contracts: pl.DataFrame) -> pl.DataFrame:
    """contracts: contract_id, customer_id, product_id (may be null), started_on, over_on (first day on which it does not run;
    null: no end known). Gives one row per contract with LINKS: first_started_on is the start of the first contract of the
    chain that it renews, renewed_on the start of the one that renews it; overlaps_contract_id the first that ran beside it."""
    key = contracts.select("contract_id", "customer_id", "product_id", "started_on", "over_on")
    shared = key.filter(pl.col("customer_id").is_duplicated())
    pairs = shared.join(shared, on="customer_id", suffix="_next").filter(
        (pl.col("started_on_next") > pl.col("started_on"))
        | ((pl.col("started_on_next") == pl.col("started_on")) & (pl.col("contract_id_next") > pl.col("contract_id")))
    )
    is_same = pl.col("product_id").eq_missing(pl.col("product_id_next"))
    renews, started = (
        _renewals(pairs.with_columns(is_same=is_same)),
        dict(key.select("contract_id", "started_on").rows()),
    )
    renewed_by = {before: after for after, before in renews.items()}
    overlaps = dict(
        pairs.filter(is_same & (pl.col("over_on").is_null() | (pl.col("over_on") > pl.col("started_on_next"))))
        .filter(pl.col("contract_id").ne_missing(pl.col("contract_id_next").replace_strict(renews, default=None)))
        .sort("contract_id_next", "started_on", "contract_id")
        .group_by("contract_id_next", maintain_order=True)
        .agg(pl.col("contract_id").first())
        .rows()
    )
    first: dict[int, date] = {}
    for contract in key.sort("started_on", "contract_id").get_column("contract_id"):
        before = renews.get(contract)
        first[contract] = first[before] if before is not None else started[contract]
    rows = [
        (
            contract,
            renews.get(contract),
            renewed_by.get(contract),
            overlaps.get(contract),
            first[contract],
            started.get(renewed_by.get(contract, -1)),
        )
        for contract in sorted(started)
    ]
    return pl.DataFrame(rows, schema=LINKS, orient="row")


def _renewals(pairs: pl.DataFrame) -> dict[int, int]:
    """Contract → the one that it renews."""
    gap = (pl.col("started_on_next") - pl.col("over_on")).dt.total_days().abs()
    near = (
        pairs.with_columns(gap=gap)
        .filter(
            (pl.col("started_on_next") > pl.col("started_on"))
            & (pl.col("gap") <= pl.when("is_same").then(SAME_PRODUCT_DAYS).otherwise(OTHER_PRODUCT_DAYS))
        )
        .sort(~pl.col("is_same"), "gap", "started_on", "contract_id", "contract_id_next")
    )
    renews: dict[int, int] = {}
    taken: set[int] = set()
    for before, after in near.select("contract_id", "contract_id_next").iter_rows():
        if before not in taken and after not in renews:
            renews[after] = before
            taken.add(before)
    return renews
