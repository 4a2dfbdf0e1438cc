"""Building upon last night's tables gives what building from nothing gives; tests/prove draws nights of every kind at random."""

from pathlib import Path

import pytest

from tests.integration.incremental_fixture import Growing

#: the kinds of night whose paths through the models differ most
KINDS = ("late lines", "corrections", "vanished", "costs", "taken back")


@pytest.mark.parametrize("seed", [1])
def test_nights_leave_what_a_build_from_nothing_leaves(tmp_path: Path, seed: int) -> None:
    company = Growing(tmp_path, seed)
    company.happen("new lines")
    company.build()
    for what in KINDS:
        before = company.nights
        company.happen("new lines")
        company.happen(what)
        built = company.build()
        assert company.nights > before
        assert built == company.build_from_nothing(), what
    assert company.short_nights == len(KINDS)
