"""Many random shops, loaded: a line of money is never lost without being told. One in `make test` is short."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.load.shops import shops
from tests.unit.load.test_no_line_is_lost import live


@pytest.mark.prove
@pytest.mark.parametrize("repeats", [None, "number", "drop"])
@settings(
    max_examples=int(os.environ.get("CLIENTELA_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_every_line_of_many_shops_counts_or_is_reported(repeats: str | None, data: st.DataObject) -> None:
    live(data.draw(shops(repeats)))
