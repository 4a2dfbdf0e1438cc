"""A run for a past day, as it is known today: what came late since then moves it, and nothing else is touched."""

from datetime import date

import pytest

from clientela.pipeline.past_day import run_as_of
from tests.conftest import Company, marts
from tests.integration.test_night import as_it_was_then

pytestmark = pytest.mark.prove


def test_a_late_row_moves_a_past_day_and_not_what_is_published(running: Company) -> None:
    as_it_was_then(running)
    now, memory = marts(running), running.warehouse("select * from memory.customer_registry order by all")
    assert run_as_of(running.config, date(2026, 2, 2)).exit_code == 0
    lines = "select count(*), sum(net_amount) from value.order_lines"
    assert running.published(lines, "as_of/2026-02-02/marts.duckdb") == [(5, 66.50)]
    assert marts(running) == now
    assert running.warehouse("select * from memory.customer_registry order by all") == memory
