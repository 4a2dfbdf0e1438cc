"""Planning a campaign: how many it takes, and a lot that nothing but its salt decides."""

import numpy as np
import pytest
from scipy import stats

from clientela.relationship.campaign_comparisons import compare_campaigns
from clientela.relationship.campaign_plan import CHOSEN, HELD_OUT, draw_arms, sample_size
from tests.unit.relationship.campaign_draws import draw, frame


def test_the_size_is_that_of_a_comparison_of_two_means() -> None:
    """Two arms of equal size: 2 (z.95 + z.80)^2 s^2 / d^2 in each, as textbooks have it."""
    each = 2 * (stats.norm.ppf(0.95) + stats.norm.ppf(0.8)) ** 2 * 30**2 / 2**2
    found = sample_size(30, 1_000, 0.5, 2.0)
    assert found.customers_needed == pytest.approx(2 * each, abs=1)
    # what so many would show is the effect that they were asked for
    assert found.customers_needed is not None
    assert sample_size(30, found.customers_needed, 0.5).detectable == pytest.approx(2.0, rel=1e-3)
    assert sample_size(30, 1_000, 0.2, 2.0).customers_needed == pytest.approx(2 * each * (1 / 0.2 + 1 / 0.8) / 4, abs=1)


def test_what_is_foretold_is_what_the_comparison_says_afterwards() -> None:
    assigned, held_out = draw(np.random.default_rng(3), 10, 0.0, customers=2_000)
    detectable = compare_campaigns(frame(assigned, held_out))["net_revenue_detectable"].mean()
    foretold = sample_size(float(np.std(assigned.amounts)), 4_000, 0.5).detectable
    assert foretold and detectable == pytest.approx(foretold, rel=0.1)
    assert sample_size(10, 0, 0.5).detectable is None


@pytest.mark.parametrize(("share", "effect"), [(0.0, None), (1.0, None), (0.2, 0.0), (0.2, -1.0)])
def test_what_cannot_be_planned_is_refused(share: float, effect: float | None) -> None:
    with pytest.raises(ValueError, match=r"lies between 0 and 1|above 0"):
        sample_size(10, 100, share, effect)


def test_the_lot_depends_on_the_salt_alone_and_holds_out_its_share() -> None:
    ids = list(range(1, 20_001))
    drawn = draw_arms(ids, "a", 0.2)
    assert draw_arms(reversed(ids), "a", 0.2) == drawn
    assert draw_arms(ids[:50], "a", 0.2) == {n: drawn[n] for n in ids[:50]}
    held_out = sum(arm == HELD_OUT for arm in drawn.values())
    assert abs(held_out - 4_000) < 4 * (20_000 * 0.2 * 0.8) ** 0.5
    # another campaign's lot knows nothing of this one
    other = draw_arms(ids, "b", 0.2)
    both = sum(drawn[n] == other[n] == HELD_OUT for n in ids)
    assert abs(both - 800) < 4 * 800**0.5
    assert set(drawn.values()) == {CHOSEN, HELD_OUT}
