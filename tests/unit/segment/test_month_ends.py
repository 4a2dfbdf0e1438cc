"""Where the value tiers begin: the smallest values that at least such shares of a month-end's customers do not exceed."""

from datetime import date
from functools import partial
from random import Random

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clientela.segment.columns import BEHAVIOUR, RULE_COLUMNS
from clientela.segment.month_ends import (
    BUYING,
    LABEL_COLUMNS,
    Company,
    _value_bounds,
    segments_at_month_ends,
    segments_of,
)
from clientela.segment.predicates import rule_segments
from clientela.segment.settings import ClusterSettings, RuleSegment, SegmentSettings
from clientela.warehouse.customer_blocks import CustomerBlocks


@pytest.mark.parametrize("shares", [(0.3, 0.75), (0.5, 0.8), (0.1, 0.7), (0.001, 0.999), (1 / 3, 2 / 3)])
def test_the_bounds_are_those_of_an_exact_discrete_quantile(shares: tuple[float, float]) -> None:
    ends = [date(2025, month, 28) for month in range(1, 13)]
    rows = pl.DataFrame(
        [
            {
                "month_end": day,
                "is_current_customer": number % 5 != 4,
                "tier_value": None if number % 7 == 3 else (number * 7919 % 101) / 7,
            }
            for size, day in enumerate(ends)
            for number in range(size * 3)
        ],
        schema={"month_end": pl.Date, "is_current_customer": pl.Boolean, "tier_value": pl.Float64},
    )
    found = _value_bounds(rows.filter("is_current_customer"), shares).sort("month_end")
    connection = duckdb.connect()
    connection.register("incoming", rows.to_arrow())
    listed = ", ".join(str(share) for share in shares)
    expected = connection.execute(
        f"""
        select month_end, b[1], b[2] from (
            select month_end, quantile_disc(tier_value, [{listed}]) as b from incoming
            where is_current_customer and tier_value is not null group by month_end
        ) order by 1
        """
    ).fetchall()
    assert found.rows() == expected and len(expected) == 11


def labels_of(*rows: dict[str, object]) -> pl.DataFrame:
    """Rows of LABEL_COLUMNS; what a row leaves out is what a customer bears who tells nothing."""
    plain: dict[str, object] = dict.fromkeys(LABEL_COLUMNS) | {
        "is_customer": True, "is_current_customer": True, "engagement_score": 10.0,
    }  # fmt: skip
    kinds = dict.fromkeys(BEHAVIOUR, pl.Float64) | {
        "customer_id": pl.Int64, "measured_on": pl.Date, "is_customer": pl.Boolean, "is_current_customer": pl.Boolean,
        "rfm_group_by_scores": pl.String, "rfm_score": pl.Int64, "engagement_score": pl.Float64, "tier_value": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame([plain | row for row in rows], schema={name: kinds[name] for name in LABEL_COLUMNS})


NO_FITS = pl.DataFrame(schema={"fitted_on": pl.Date, "made_from": pl.String, "fit": pl.String})
MARCH, APRIL, MAY = date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)


def test_who_was_gone_before_the_first_forecast_has_the_tier_of_what_was_first_expected() -> None:
    """Customers 1 to 5 stay, worth 1 to 5; of three who are gone, one was never measured while a customer."""
    stay = [
        {"customer_id": n, "measured_on": day, "tier_value": float(n) if day > MARCH else None}
        for n in range(1, 6)
        for day in (MARCH, APRIL, MAY)
    ]
    gone = {"is_current_customer": False}
    rows = labels_of(
        *stay,
        {"customer_id": 11, "measured_on": MARCH} | gone,
        {"customer_id": 11, "measured_on": APRIL, "tier_value": 5.0} | gone,
        {"customer_id": 11, "measured_on": MAY, "tier_value": 0.1} | gone,
        {"customer_id": 12, "measured_on": APRIL, "tier_value": 3.0},
        {"customer_id": 12, "measured_on": MAY, "tier_value": 0.1} | gone,
        {"customer_id": 13, "measured_on": MAY, "tier_value": 0.0} | gone,
    )
    found = segments_at_month_ends(rows, NO_FITS)
    tiers = {(row["customer_id"], row["measured_on"]): row for row in found.iter_rows(named=True)}
    assert [tiers[11, day]["value_tier"] for day in (MARCH, APRIL, MAY)] == [None, "high", "high"]
    assert [tiers[12, day]["value_tier"] for day in (APRIL, MAY)] == ["medium", "medium"], "the tier they had"
    assert tiers[13, MAY]["value_tier"] == "low"
    assert {tiers[customer, MAY]["engagement_tier"] for customer in (11, 12, 13)} == {"gone"}


def test_a_prospect_is_not_gone_and_has_no_tier() -> None:
    prospect = {"is_customer": False, "is_current_customer": False}
    found = segments_at_month_ends(
        labels_of(
            {"customer_id": 1, "measured_on": APRIL} | prospect,
            {"customer_id": 1, "measured_on": MAY, "tier_value": 2.0},
            {"customer_id": 2, "measured_on": MAY} | prospect,
        ),
        NO_FITS,
    )
    assert found.select("customer_id", "value_tier", "engagement_tier").rows() == [
        (1, None, None), (1, "high", "low"), (2, None, None),
    ]  # fmt: skip


def test_customers_a_block_at_a_time_are_segmented_as_all_at_once() -> None:
    random = Random(3)
    rows = labels_of(
        *(
            {
                "customer_id": customer,
                "measured_on": day,
                "is_current_customer": random.random() < 0.8,
                "rfm_group_by_scores": random.choice(["loyal", "asleep"]),
                "tier_value": random.random(),
                "engagement_score": random.random() * 100,
                **{name: random.random() * (50 if customer % 3 else 5) for name in BEHAVIOUR},
            }
            for customer in range(1, 91)
            for day in (MARCH, APRIL, MAY)[customer % 3 :]
        )
    ).sort("measured_on", "tier_value")
    settings = SegmentSettings(
        rules=[RuleSegment(name="often", predicate="orders_12m > 20")],
        clusters=ClusterSettings(refit_months=1, least_customers=20, most_clusters=3),
    )
    ruled = rows.select(
        "customer_id",
        "measured_on",
        *(pl.col(name) if name == "orders_12m" else pl.lit(None).alias(name) for name in RULE_COLUMNS),
    )
    whole = segments_at_month_ends(rows, NO_FITS, settings, rule_segments(ruled.to_arrow(), settings.rules))
    assert whole["micro_segment"].n_unique() > 2 and whole["rule_segment"].n_unique() > 1 and whole["fit"].count() > 1

    connection = duckdb.connect()
    read = {"labels": connection.from_arrow(rows.to_arrow()), "rule_rows": connection.from_arrow(ruled.to_arrow())}
    buyers = rows.filter(BUYING)
    company = Company.of(
        rows.filter("is_current_customer").select("measured_on", "tier_value"),
        dict(buyers.group_by("measured_on").len().iter_rows()),
        lambda day: buyers.filter(pl.col("measured_on") == day),
        NO_FITS,
        settings,
    )
    blocks = CustomerBlocks(connection, connection.sql("select range + 1 as customer_id from range(90)"), read, 7)
    made = pl.DataFrame(blocks.made(partial(segments_of, company), below=company.fit_rows).reader().read_all())
    assert_frame_equal(made, whole, check_exact=True)
