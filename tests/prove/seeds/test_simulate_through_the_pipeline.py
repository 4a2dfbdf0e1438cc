"""A whole dirty company through the pipeline: what the truth says of its files is what the warehouse holds."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from clientela.config.read import load_config
from clientela.pipeline.nightly import run
from clientela.simulate import SimulateSettings, write_company
from tests.integration.contradictions import assert_no_row_contradicts_itself
from tests.integration.questions_page import answers

pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder: Path = tmp_path_factory.mktemp("simulated")
    write_company(SimulateSettings(customers=2_000, seed=3, dirt=0.005), folder)
    config = load_config(folder / "clientela.yml")
    report = run(config, now=datetime(2026, 1, 5, 3, 0, tzinfo=UTC))
    assert report.status == "published", report.message
    connection = duckdb.connect(str(config.warehouse), read_only=True)
    for name in ("dirt", "rows", "totals", "files"):
        connection.execute(f"create temp view true_{name} as from read_parquet('{folder / 'truth' / name}.parquet')")
    return connection


def test_what_is_quarantined_is_what_was_planted(warehouse: duckdb.DuckDBPyConnection) -> None:
    place = "split_part(d.file, '/', 2) = q.source_file and d.row = q.source_row and d.source = q.source"
    planted = "(select * from true_dirt where expected = 'quarantined') as d"
    missed = f"select d.* from {planted} anti join ledger.quarantined_rows as q on {place}"
    invented = f"select q.* from ledger.quarantined_rows as q anti join {planted} on {place}"
    assert warehouse.execute(missed).fetchall() == []
    assert warehouse.execute(invented).fetchall() == []


def test_every_entity_holds_the_rows_that_the_truth_says(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Those of who asked to be forgotten are counted apart."""
    different = warehouse.execute(
        """
        select source, entity, sum(l.loaded_rows + l.forgotten_rows), any_value(t.rows_loaded), sum(l.quarantined_rows),
            any_value(t.rows_quarantined)
        from ledger.loads as l join true_rows as t using (source, entity) group by all
        having sum(l.loaded_rows + l.forgotten_rows) <> any_value(t.rows_loaded)
            or sum(l.quarantined_rows) <> any_value(t.rows_quarantined)
        """
    ).fetchall()
    assert different == []


def test_the_money_of_each_source_and_month_is_the_truths_to_the_cent(warehouse: duckdb.DuckDBPyConnection) -> None:
    different = warehouse.execute(
        """
        with held as (
            select source, cast(date_trunc('month', timezone('Europe/Madrid', ordered_at)) as date) as month,
                count(*) as lines, cast(sum(net_amount) * 100 as bigint) as cents
            from (select distinct on (record_id) * from raw.transactions order by record_id, version desc) group by all
        ),
        true_sums as (
            select source, month, sum(rows_loaded)::bigint as lines, sum(company_net_cents)::bigint as cents
            from true_totals group by all having sum(rows_loaded) > 0
        )
        select source, month, held.lines, t.lines, held.cents, t.cents from held full join true_sums as t using (source, month)
        where held.lines is distinct from t.lines or held.cents is distinct from t.cents
        """
    ).fetchall()
    assert different == []


def test_the_questions_of_the_page_have_answers(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = answers(warehouse)
    unanswered = [question for question, rows in found.items() if rows == 0]
    assert len(unanswered) <= 5, unanswered


def test_the_first_night_says_what_the_past_would_have_predicted_and_what_newcomers_brought(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        """
        select as_of_on, is_frozen, count(*) filter (segmentation = 'company'),
            count(*) filter (segmentation = 'not predicted' and customers > 0 and actual_value is not null),
            sum(customers_merged) filter (segmentation = 'company')
        from quality.value_backtest group by all order by as_of_on
        """
    ).fetchall()
    assert len(rows) >= 4, rows
    assert all(not frozen and companies == beside >= 1 for _, frozen, companies, beside, _ in rows), rows
    assert sum(merged for *_, merged in rows) > 0, "customers linked since are left out and counted"


def test_how_many_orders_and_whether_one_comes_are_one_statement(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert_no_row_contradicts_itself(lambda query: warehouse.execute(query).fetchall())
