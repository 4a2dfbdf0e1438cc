"""Uplift: shown where it is there, in customers and segments that have it, and nothing where it is not."""

import numpy as np
import polars as pl
import pytest

from clientela.relationship.uplift import MIN_BUYERS, UPLIFT_SCHEMA, uplift_of_campaigns
from tests.unit.relationship.uplift_draws import Campaign, draw_campaign


@pytest.fixture(scope="module")
def strong() -> Campaign:
    return draw_campaign(np.random.default_rng(3), 12_000, varies=True, mean_effect=0.6)


@pytest.fixture(scope="module")
def found(strong: Campaign) -> pl.DataFrame:
    return uplift_of_campaigns(strong.members)


def test_customers_come_in_the_order_of_what_contact_truly_changes(strong: Campaign, found: pl.DataFrame) -> None:
    [campaign] = found.filter(pl.col("row_type") == "campaign").to_dicts()
    assert campaign["has_customer_uplift"] and 0 < campaign["qini_low"] < campaign["qini"]
    assert campaign["measure"] == "net_revenue", "without a cost of goods"
    customers = found.filter(pl.col("row_type") == "customer").sort("customer_id")
    assert customers["customer_id"].to_list() == strong.members["customer_id"].to_list()
    expected = customers["uplift"].to_numpy()
    assert np.corrcoef(expected, strong.effect)[0, 1] > 0.7
    best = expected >= np.quantile(expected, 0.8)
    assert strong.effect[best].mean() > strong.effect.mean() + 0.8 * strong.effect.std()
    assert expected.mean() == pytest.approx(strong.effect.mean(), abs=1.0)


def test_segments_have_intervals_that_are_wider_for_their_number(found: pl.DataFrame) -> None:
    segments = found.filter(pl.col("row_type") == "segment")
    assert segments.height == 9 and segments["segments"].unique().to_list() == [9]
    for row in segments.to_dicts():
        assert row["uplift_low"] < row["uplift"] < row["uplift_high"]
    # at a level of 1 - 0.1 / 9 the interval is 2.54 standard errors to either side, at 90 % it would be 1.645
    [one] = segments.filter(pl.col("segmentation") == "value_tier", pl.col("segment") == "high").to_dicts()
    half = (one["uplift_high"] - one["uplift_low"]) / 2
    assert half > 0


def test_the_interval_of_a_segment_is_welchs_at_the_corrected_level(strong: Campaign, found: pl.DataFrame) -> None:
    from scipy.stats import ttest_ind

    of_segment = strong.members.filter(pl.col("rfm_group") == "low")
    chosen, held_out = (
        of_segment.filter(pl.col("is_chosen") == arm)["net_revenue"].to_numpy() for arm in (True, False)
    )
    interval = ttest_ind(chosen, held_out, equal_var=False).confidence_interval(1 - 0.1 / 9)
    [row] = found.filter(pl.col("segmentation") == "rfm_group", pl.col("segment") == "low").to_dicts()
    assert (row["uplift_low"], row["uplift_high"]) == pytest.approx((interval.low, interval.high))


def test_where_the_lot_says_nothing_no_customer_is_listed(strong: Campaign) -> None:
    rng = np.random.default_rng(4)
    drawn_again = strong.members.with_columns(is_chosen=rng.permutation(strong.members["is_chosen"].to_numpy()))
    found = uplift_of_campaigns(drawn_again)
    assert not found.filter(pl.col("row_type") == "campaign")["has_customer_uplift"][0]
    assert found.filter(pl.col("row_type") == "customer").is_empty()


def test_the_order_of_rows_does_not_matter(strong: Campaign, found: pl.DataFrame) -> None:
    assert uplift_of_campaigns(strong.members.sample(fraction=1, shuffle=True, seed=1)).equals(found)


def test_too_few_buyers_are_not_looked_at(strong: Campaign) -> None:
    buyers = strong.members.filter(~pl.col("is_chosen"), pl.col("is_buyer")).head(MIN_BUYERS - 1)
    few = pl.concat([strong.members.filter("is_chosen"), buyers])
    found = uplift_of_campaigns(few)
    assert found.select("row_type", "qini", "has_customer_uplift").rows() == [("campaign", None, False)]
    nobody = uplift_of_campaigns(strong.members.filter("is_chosen"))
    assert nobody["row_type"].to_list() == ["campaign"]
    assert uplift_of_campaigns(strong.members.clear()).schema == pl.Schema(UPLIFT_SCHEMA)
