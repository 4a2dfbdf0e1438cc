"""Many random shops, loaded: a line of money is never lost without being told. One in `make test` is short."""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.unit.load.shops import Shop, shops
from tests.unit.load.test_no_line_is_lost import live


@pytest.mark.prove
@settings(
    max_examples=int(os.environ.get("CLIENTELA_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(shop=shops())
def test_every_line_of_many_shops_counts_or_is_told(shop: Shop) -> None:
    live(shop)
