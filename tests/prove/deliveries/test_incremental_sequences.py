"""Any sequence of nights, late rows, corrections and batches taken back included: built upon one another or from nothing."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clientela import publish_upon
from tests.integration.incremental_fixture import HAPPENINGS, OF_CUSTOMERS, Growing
from tests.published_files import differences

pytestmark = pytest.mark.prove


def nights(happenings: tuple[str, ...]) -> st.SearchStrategy[list[list[str]]]:
    """What two to six nights bring."""
    return st.lists(st.lists(st.sampled_from(happenings), min_size=1, max_size=3), min_size=2, max_size=6)


def _live(seed: int, happenings: list[list[str]], *, everything: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        company = Growing(Path(folder), seed)
        company.happen("new lines")
        company.build(everything=everything)
        if everything:
            # what a night learnt at closed month-ends waits for memory: the next takes its days over and learns nothing at them
            company.remember()
        for tonight in happenings:
            for what in tonight:
                company.happen(what)
            built = company.build(everything=everything)
            anew = company.build_from_nothing(everything=everything)
            differing = [name for name in built if built[name] != anew[name]]
            assert not differing, (tonight, differing)
            if everything:
                company.remember()
                assert not differences(*company.publish()), tonight


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 10**6), happenings=nights(HAPPENINGS))
def test_order_lines_and_orders_are_those_of_a_build_from_nothing(seed: int, happenings: list[list[str]]) -> None:
    _live(seed, happenings, everything=False)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 10**6), happenings=nights((*HAPPENINGS, *OF_CUSTOMERS)))
def test_every_mart_is_that_of_a_build_from_nothing(seed: int, happenings: list[list[str]]) -> None:
    """So is every table of the file that was published upon the last one."""
    publish_upon.FEW_ROWS, publish_upon.MANY_ROWS = 3, 10
    _live(seed, happenings, everything=True)
