"""A line of money is never lost without being told: random layouts, repeats, conditions and overlapping files."""

import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.load.loading import Loading
from tests.unit.load.shops import Shop, expected, shops

ANY: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def live(shop: Shop) -> None:
    """Load the shop's nights; fails unless every row counts, or is told, as the rows alone say."""
    wanted = expected(shop)
    with tempfile.TemporaryDirectory() as folder:
        company = Loading(Path(folder), {"shop": shop.settings})
        for night, files in enumerate(shop.nights):
            for number, rows in enumerate(files):
                company.write(f"lines_{night}_{number}.{shop.layout.kind}", shop.layout.text(rows))
            company.load()
            assert company.is_closed()
        amounts = company.amounts()
        nothing = (0, Decimal(0), 0)
        assert amounts["delivered"] == (wanted.delivered, wanted.money, wanted.unreadable)
        assert amounts.get("left out", nothing)[0] == wanted.left_out
        assert amounts.get("quarantined", nothing)[0] == wanted.quarantined
        found = company.current("transactions", "order_key, product_key, net_amount")
        assert Counter(found) == wanted.lines
        # what is quarantined is told with its money, once a row
        ((amount,),) = company.rows("select coalesce(sum(amount), 0) from ledger.quarantined_rows")
        assert amount == amounts.get("quarantined", nothing)[1]
        company.connection.close()


@pytest.mark.parametrize("repeats", [None, "number", "drop"])
@settings(max_examples=5, derandomize=True, **ANY)
@given(data=st.data())
def test_every_line_counts_or_is_reported(repeats: str | None, data: st.DataObject) -> None:
    live(data.draw(shops(repeats)))
