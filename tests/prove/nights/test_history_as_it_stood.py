"""What came later moves no past: states, movements, cohorts, scores and segments of an invented shop.

The shop is that of tests/integration/test_retention_and_segment_marts.py, built three times: as of March 2026, as of December
2025 with all that came later in raw, and as of December 2025 with nothing later in raw.
"""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from clientela.segment.settings import SegmentSettings
from clientela.warehouse import memory
from tests.integration.marts_fixture import Company
from tests.integration.test_marts import read
from tests.integration.test_retention_and_segment_marts import EARLY, LATE, RULES, build, load, sales, shop

pytestmark = pytest.mark.prove
#: tables of the same company that must not differ
TABLES = (
    "value.customer_months", "retention.customer_retention", "quality.retention_model_scores",
    "retention.survival_curves", "retention.cohort_retention", "retention.customer_movements",
    "segment.customer_engagement", "segment.customer_segments", "segment.segment_history", "segment.segment_flows",
    "segment.segment_profiles", "objective.kpi_monthly", "objective.objective_progress", "objective.objective_contributions",
)  # fmt: skip


def rows_of(folder: Path, table: str, where: str = "true") -> list[str]:
    return sorted(map(repr, read(folder / "warehouse.duckdb", f"select * from {table} where {where}")))


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("late")
    build(folder, shop(folder, sales(), LATE))
    return folder


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("early")
    build(folder, shop(folder, sales(), EARLY))
    return folder


def test_nothing_that_came_later_moves_an_as_of_run(early: Path, tmp_path: Path) -> None:
    build(tmp_path, shop(tmp_path, [row for row in sales() if row[1] <= EARLY], EARLY))
    for table in TABLES:
        assert rows_of(tmp_path, table) == rows_of(early, table), table


def test_history_built_later_equals_history_as_it_stood(early: Path, late: Path) -> None:
    within = "month <= date '2025-12-01'"
    # P(alive) of earlier month-ends is forecast as far back as the configuration says, counted from the as-of day
    columns = """
        customer_id, month, orders, net_revenue, orders_12m, categories_12m, products_12m, state, engagement_score,
        engagement_tier, recency_score, frequency_score, monetary_score, held_rfm_score, rfm_group,
        rule_segment, micro_segment
    """
    query = f"select {columns} from value.customer_months where {within} order by all"
    assert read(early / "warehouse.duckdb", query) == read(late / "warehouse.duckdb", query)


def test_fits_in_memory_change_nothing_and_a_late_row_only_what_follows_it(early: Path, tmp_path: Path) -> None:
    shutil.copyfile(early / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        # a commit that is broken off leaves memory as it was
        connection.execute("alter table intermediate.int_customer_segments rename to put_away")
        with pytest.raises(duckdb.Error):
            memory.commit(connection)
        assert connection.execute("select count(*) from memory.settled_fits").fetchall() == [(0,)]
        connection.execute("alter table intermediate.put_away rename to int_customer_segments")
        memory.commit(connection)
        settled = connection.sql("select month_end, part, fit from memory.settled_fits order by all").fetchall()
        assert {day for day, _, _ in settled} > {date(2025, 9, 30), date(2025, 11, 30)}
        fits = connection.execute("select count(*) from memory.segment_fits").fetchall()[0][0]
        assert fits > 0 and memory.commit(connection) == 0
    again = Company(tmp_path / "warehouse.duckdb", as_of=EARLY, sections=[SegmentSettings(rules=RULES)])
    again.connection.execute("update run.context set run_id = 'the next run', started_at = started_at + interval 1 day")
    again.batch = 10
    load(again, [("c5", date(2025, 11, 3), 5.0)])
    build(tmp_path, again)
    # what was learnt at month-ends stands, and moves nobody whose orders are what they were
    warehouse = tmp_path / "warehouse.duckdb"
    assert read(warehouse, "select count(*) from forecast.settled_month_ends") == [(0,)]
    assert read(warehouse, "select distinct refit_cause, is_used from operations.settled_month_ends") == [
        ("first", True)
    ]
    expected = """
        select customer_id, month, expected_value from value.customer_months
        where not is_as_of and customer_id <> (
            select customer_id from customer.customer_records where customer_key = 'c5' limit 1
        ) order by all
    """
    assert read(warehouse, expected) == read(early / "warehouse.duckdb", expected)
    assert read(
        tmp_path / "warehouse.duckdb",
        "select count(*) filter (not is_new), count(*) from intermediate.int_customer_segments where fitted_on is not null",
    ) == [(fits - 1, fits)]
    before = "month < date '2025-11-01'"
    months = [rows_of(folder, "value.customer_months", before) for folder in (tmp_path, early)]
    assert months[0] == months[1]
    assert rows_of(tmp_path, "value.customer_months") != rows_of(early, "value.customer_months")
