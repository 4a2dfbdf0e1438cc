"""The interval of what a campaign changed, on a thousand campaigns whose effect is known and a thousand that have none.

Five thousand customers an arm, skewed amounts; the statistics are the ones that the marts are made with.
"""

import numpy as np
import polars as pl
import pytest

from clientela.relationship.campaign_comparisons import compare_campaigns
from tests.unit.relationship.campaign_draws import MEAN, draw, frame

pytestmark = pytest.mark.prove
CAMPAIGNS, AT_ONCE = 1_000, 50
LIFT = 0.02


def results(lift: float, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    drawn = [compare_campaigns(frame(*draw(rng, AT_ONCE, lift))) for _ in range(CAMPAIGNS // AT_ONCE)]
    return pl.concat(drawn)


def test_nine_hundred_of_a_thousand_intervals_hold_the_true_effect() -> None:
    for measure, margin in (("net_revenue", 1.0), ("contribution", 0.3)):
        true = margin * LIFT * MEAN
        found = results(LIFT, 11)
        inside = found.filter(pl.col(f"{measure}_low") <= true, pl.col(f"{measure}_high") >= true).height
        assert 870 <= inside <= 930, f"{measure}: {inside}"


def test_a_hundred_of_a_thousand_campaigns_without_effect_show_one() -> None:
    for measure in ("buyer_share", "net_revenue", "contribution"):
        shown = results(0.0, 12).filter((pl.col(f"{measure}_low") > 0) | (pl.col(f"{measure}_high") < 0)).height
        assert 70 <= shown <= 130, f"{measure}: {shown}"


def test_four_in_five_campaigns_show_the_smallest_effect_that_could_be_seen() -> None:
    detectable = results(0.0, 13)["net_revenue_detectable"].mean()
    assert isinstance(detectable, float)
    shown = results(detectable / MEAN, 14).filter(pl.col("net_revenue_low") > 0).height
    assert 760 <= shown <= 840, shown


def test_welchs_interval_is_the_bootstraps() -> None:
    """The ends of both differ by less than a twelfth of the interval's width, on amounts as skewed as these."""
    rng = np.random.default_rng(15)
    assigned, held_out = draw(rng, 20, LIFT)
    found = compare_campaigns(frame(assigned, held_out))
    for number, (low, high) in enumerate(found.select("net_revenue_low", "net_revenue_high").iter_rows()):
        means = [
            np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(4_000)])
            for values in (assigned.amounts[number], held_out.amounts[number])
        ]
        ends = np.quantile(means[0] - means[1], [0.05, 0.95])
        assert np.abs(ends - [low, high]).max() < (high - low) / 12, (number, ends, low, high)
