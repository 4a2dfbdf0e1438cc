"""Building upon last night's tables gives what building from nothing gives; tests/prove/deliveries draws the nights at random."""

from pathlib import Path

import pytest

from tests.integration.incremental_fixture import HAPPENINGS, Growing


@pytest.mark.parametrize("seed", [1])
def test_a_night_of_each_kind_leaves_what_a_build_from_nothing_leaves(tmp_path: Path, seed: int) -> None:
    company = Growing(tmp_path, seed)
    company.happen("new lines")
    company.build()
    for what in HAPPENINGS:
        before = company.nights
        company.happen("new lines")
        company.happen(what)
        built = company.build()
        assert company.nights > before
        assert built == company.build_from_nothing(), what
    assert company.short_nights == len(HAPPENINGS)
