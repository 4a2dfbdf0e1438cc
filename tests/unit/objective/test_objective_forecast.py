"""The forecast follows a level and a trend, dampens it, and is less sure of what is further off."""

import numpy as np
import pytest

from clientela.objective.forecast import DAMPING, forecast


def test_of_two_months_nothing_is_said_and_of_five_the_last_is_carried_on() -> None:
    assert forecast([1, 2], 3) is None
    carried = forecast([1, 2, 3, 4, 5], 4)
    assert carried is not None and carried.value == 5
    assert carried.p90 - carried.value == pytest.approx(1.2815515655446004 * 2), "a random walk of steps of 1, four on"


def test_a_steady_series_stays_and_is_sure_of_it() -> None:
    assert forecast([3.0] * 12, 6) == (3.0, 3.0, 3.0)


def test_a_trend_is_followed_and_dampened() -> None:
    series = [float(number) for number in range(24)]
    near, far = forecast(series, 1), forecast(series, 12)
    assert near is not None and far is not None
    assert 23 < near.value <= 24.5
    assert near.value < far.value < 23 + 12, "less than the trend carried on"
    assert far.value <= 23 + DAMPING / (1 - DAMPING) * 1.2


def test_it_is_the_damped_trend_with_the_smallest_error_of_one_month() -> None:
    """Written again in plain words: every weight tried, one month after the other."""
    series = [3.0, 4.0, 4.5, 5.5, 5.0, 6.5, 7.0, 7.5, 9.0, 8.5]
    tried = []
    for alpha in (number / 10 for number in range(1, 10)):
        for beta in (0, 0.05, 0.1, 0.2, 0.3):
            level, trend, squared = series[0], 0.0, 0.0
            for value in series[1:]:
                error = value - (level + 0.9 * trend)
                squared += error**2
                level, trend = level + 0.9 * trend + alpha * error, 0.9 * trend + beta * error
            variance = (
                squared / (len(series) - 3) * (1 + (alpha + beta * 0.9) ** 2 + (alpha + beta * (0.9 + 0.81)) ** 2)
            )
            tried.append((squared, level + (0.9 + 0.81 + 0.729) * trend, variance**0.5))
    _, middle, spread = min(tried)
    found = forecast(series, 3)
    assert found is not None
    assert found.value == pytest.approx(middle) and found.p90 - found.value == pytest.approx(
        1.2815515655446004 * spread
    )


def test_the_interval_widens_with_the_months_and_holds_what_it_should() -> None:
    chance = np.random.default_rng(1)
    inside = widths = 0
    for _ in range(300):
        walk = np.cumsum(chance.normal(0, 1, 36)) * 0.3 + chance.normal(0, 1, 36)
        near, far = forecast(list(walk[:30]), 1), forecast(list(walk[:30]), 6)
        assert near is not None and far is not None
        inside += far.p10 <= walk[35] <= far.p90
        widths += far.p90 - far.p10 > near.p90 - near.p10
    assert widths == 300
    assert 200 <= inside <= 280, "80 % of 300 is 240"
