"""Quiet hours: from one hour of the day to another, over midnight where the second is the earlier."""

from datetime import time

import pytest
from pydantic import ValidationError

from clientela.relationship.settings import QuietHours


@pytest.mark.parametrize(
    ("begins", "ends", "quiet", "loud"),
    [
        ("21:00", "09:30", ("21:00", "23:59", "00:00", "09:29"), ("09:30", "20:59")),
        ("13:00", "15:00", ("13:00", "14:59"), ("12:59", "15:00", "00:00")),
    ],
)
def test_it_is_quiet_from_one_hour_to_another(
    begins: str, ends: str, quiet: tuple[str, ...], loud: tuple[str, ...]
) -> None:
    hours = QuietHours(channel="phone", begins=begins, ends=ends)
    assert all(hours.covers("phone", time.fromisoformat(moment)) for moment in quiet)
    assert not any(hours.covers("phone", time.fromisoformat(moment)) for moment in loud)
    assert not hours.covers("email", time.fromisoformat(quiet[0]))
    assert QuietHours(begins=begins, ends=ends).covers("email", time.fromisoformat(quiet[0]))


@pytest.mark.parametrize("hour", ["24:00", "9:00", "21", "21:60"])
def test_an_hour_is_two_digits_and_two(hour: str) -> None:
    with pytest.raises(ValidationError):
        QuietHours(begins=hour, ends="09:00")
