"""What a campaign changed: Welch's interval as SciPy has it, strata as by hand, and how often the truth lies inside."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from clientela.relationship.campaign_comparisons import BEFORE, HELD_OUT, MATCHED, compare_campaigns
from tests.unit.relationship.campaign_draws import MEAN, draw, frame

CAMPAIGNS = 200


def arm(values: list[float], *, is_chosen: bool, is_randomised: bool = True, **more: Any) -> dict[str, Any]:
    """The sums of an arm of so many customers."""
    buyers = sum(value > 0 for value in values)
    return {
        "campaign_id": 1, "segmentation": "all", "segment": "all", "stratum": "", "is_chosen": is_chosen,
        "is_randomised": is_randomised, "customers": len(values), "buyers": buyers, "buyers_before": 0,
        "buyer_share_sum": buyers, "buyer_share_squares": buyers,
        "net_revenue_sum": sum(values), "net_revenue_squares": sum(value**2 for value in values),
        "contribution_sum": None, "contribution_squares": None, **more,
    }  # fmt: skip


def compared(*arms: dict[str, Any]) -> dict[str, Any]:
    (row,) = compare_campaigns(pl.DataFrame(arms, schema_overrides={"contribution_sum": pl.Float64})).to_dicts()
    return row


def test_the_interval_is_welchs() -> None:
    rng = np.random.default_rng(1)
    assigned, held_out = rng.gamma(0.2, 50, 600).tolist(), rng.gamma(0.2, 40, 300).tolist()
    row = compared(arm(assigned, is_chosen=True), arm(held_out, is_chosen=False))
    expected = stats.ttest_ind(assigned, held_out, equal_var=False).confidence_interval(0.9)
    assert row["comparison"] == HELD_OUT
    assert (row["net_revenue_low"], row["net_revenue_high"]) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert row["net_revenue_difference"] == pytest.approx(np.mean(assigned) - np.mean(held_out))
    assert (row["compared"], row["comparison_customers"]) == (600, 300)
    assert row["contribution_difference"] is None, "what nothing is known of has no difference"


def test_strata_weigh_as_those_chosen_are_spread_over_them() -> None:
    row = compared(
        arm([1, 2, 3], is_chosen=True, is_randomised=False, stratum="a"),
        arm([0, 1], is_chosen=False, is_randomised=False, stratum="a"),
        arm([10], is_chosen=True, is_randomised=False, stratum="b"),
        arm([8, 8, 8], is_chosen=False, is_randomised=False, stratum="b"),
        arm([5, 6], is_chosen=True, is_randomised=False, stratum="c"),
        arm([2, 2, 2, 2], is_chosen=False, is_randomised=False, stratum="c"),
    )
    # in stratum b one alone was chosen, of whom no spread is known
    assert row["comparison"] == MATCHED
    assert (row["compared"], row["comparison_customers"]) == (5, 6)
    assert row["net_revenue_difference"] == pytest.approx(3 / 5 * 1.5 + 2 / 5 * 3.5)
    variance = (3 / 5) ** 2 * (1 / 3 + 0.5 / 2) + (2 / 5) ** 2 * (0.5 / 2)
    freedom = variance**2 / (
        (3 / 5) ** 4 * ((1 / 3) ** 2 / 2 + (0.5 / 2) ** 2 / 1) + (2 / 5) ** 4 * ((0.5 / 2) ** 2 / 1)
    )
    half = stats.t.ppf(0.95, freedom) * variance**0.5
    assert row["net_revenue_high"] - row["net_revenue_difference"] == pytest.approx(half)
    assert row["net_revenue_detectable"] == pytest.approx(half + stats.norm.ppf(0.8) * variance**0.5)


def test_where_too_few_find_others_like_them_they_are_compared_with_themselves_before() -> None:
    row = compared(
        arm([1, 2], is_chosen=True, is_randomised=False, stratum="a"),
        arm([0, 1], is_chosen=False, is_randomised=False, stratum="a"),
        arm([3, 4, 5], is_chosen=True, is_randomised=False, stratum="b", buyers_before=2),
    )
    assert row["comparison"] == BEFORE
    assert (row["compared"], row["comparison_customers"], row["comparison_buyers"]) == (5, 5, 2)
    # the change of each, strata as they weigh
    assert row["net_revenue_difference"] == pytest.approx((1 + 2 + 3 + 4 + 5) / 5)


def test_nobody_held_out_of_a_segment_is_no_comparison_with_before() -> None:
    """The campaign drew lots: what its segment lacks is a held-out group, and nothing weaker takes its place."""
    assert compare_campaigns(
        pl.DataFrame([arm([1, 2, 3], is_chosen=True)], schema_overrides={"contribution_sum": pl.Float64})
    ).is_empty()


def test_customers_who_are_all_alike_have_a_difference_and_no_interval() -> None:
    row = compared(arm([2, 2], is_chosen=True), arm([1, 1], is_chosen=False))
    assert row["net_revenue_difference"] == 1
    assert row["net_revenue_low"] is None and row["net_revenue_detectable"] is None


@pytest.mark.parametrize("lift", [0.0, 0.02])
def test_nine_in_ten_intervals_hold_the_true_effect(lift: float) -> None:
    """Between the 0.05 % points of a binomial of 200 at .9; without effect one in ten shows one."""
    results = compare_campaigns(frame(*draw(np.random.default_rng(7), CAMPAIGNS, lift)))
    true = 0.3 * lift * MEAN
    inside = results.filter(pl.col("contribution_low") <= true, pl.col("contribution_high") >= true).height
    least, most = stats.binom.ppf([0.0005, 0.9995], CAMPAIGNS, 0.9)
    assert least <= inside <= most, inside
    powers = results.filter(pl.col("contribution_low") > 0).height / CAMPAIGNS
    detectable = results["contribution_detectable"].mean()
    assert isinstance(detectable, float)
    # the power to see an effect is 80 % where it is the smallest to be seen
    expected = stats.norm.cdf(
        (true - detectable) / (detectable / (stats.norm.ppf(0.95) + stats.norm.ppf(0.8))) + 0.8416
    )
    assert powers == pytest.approx(expected, abs=0.12)
