"""What a night does with files that are as they should be, and what a second one does with nothing new."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.pipeline.past_day import run_as_of
from clientela.pipeline.run_summary import Report
from tests.conftest import MORE_SALES, NOW, SALES, Company, marts


def test_every_delivered_cent_is_in_the_marts(running: Company) -> None:
    report = json.loads((running.config.published / "status.json").read_text(encoding="utf-8"))
    assert (report["status"], report["exit_code"]) == ("published", 0)
    assert running.published("select count(*), sum(net_amount) from value.order_lines") == [(4, 16.50)]
    assert running.published("select sum(net_revenue) from value.customer_value") == [(16.50,)]
    # the sale without a customer is customer 0's, so that an inner join keeps the total
    assert running.published("select sum(net_amount) from value.orders where customer_id = 0") == [(4.00,)]


def test_a_second_night_with_nothing_new_changes_no_row(running: Company) -> None:
    tables = ("raw.transactions", "ledger.loads", "memory.customer_registry")
    before = {table: running.warehouse(f"select * from {table}") for table in tables}
    inode = (running.config.published / "marts.duckdb").stat().st_ino
    report = running.night()
    assert (report.status, report.exit_code) == ("nothing new", 0)
    assert before == {table: running.warehouse(f"select * from {table}") for table in before}
    assert (running.config.published / "marts.duckdb").stat().st_ino == inode


def test_a_renamed_or_resent_file_loads_nothing_twice(running: Company) -> None:
    (running.folder / "sales_1.csv").rename(running.folder / "sales_again.csv")
    running.write("sales_copy.csv", (running.folder / "sales_again.csv").read_bytes())
    assert running.night().status == "nothing new"


@dataclass(frozen=True)
class SecondNight:
    """A shop after a night that brought a corrected line and an older version of a customer, and keeps one published file."""

    company: Company
    report: Report
    kept_before: set[Path]
    names_before: list[tuple[Any, ...]]


NAMES = "select full_name from customer.customers where customer_id > 0 order by 1"


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, first_night: Path) -> SecondNight:
    folder: Path = tmp_path_factory.mktemp("second") / "shop"
    shutil.copytree(first_night, folder)
    company = Company(folder)
    kept, names = set((company.config.published / "versions").glob("*.duckdb")), company.published(NAMES)
    head, bread, wine, *_ = SALES.splitlines(keepends=True)
    company.write("sales_2.csv", head + bread + wine.replace("8.50", "9.50"))
    company.write("customers_9.csv", "customer,name,email,changed\na,Ana,ana@example.com,2025-12-01 08:00:00\n")
    company.change(lambda s: s.update(publish={"keep": 1}))
    return SecondNight(company, company.night(datetime(2026, 3, 2, 3, tzinfo=UTC)), kept, names)


def test_an_overlapping_delivery_loads_only_what_is_new_and_a_corrected_line_wins(second: SecondNight) -> None:
    (outcome,) = [o for o in second.report.outcomes if o["entity"] == "transactions"]
    assert (outcome["delivered"], outcome["loaded"], outcome["unchanged"]) == (2, 1, 1)
    assert second.company.published("select sum(net_amount), count(*) from value.order_lines") == [(17.50, 4)]
    assert second.company.warehouse("select count(*) from raw.transactions") == [(5,)], "raw keeps the line as it was"


def test_a_later_version_of_a_customer_wins_whatever_order_it_comes_in(second: SecondNight) -> None:
    loaded = [o["loaded"] for o in second.report.outcomes if o["entity"] == "customers"]
    assert (second.report.status, loaded) == ("published", [1])
    assert second.company.published(NAMES) == second.names_before, "masked alike: the version of January stands"


def test_only_the_last_files_are_kept(second: SecondNight) -> None:
    after = set((second.company.config.published / "versions").glob("*.duckdb"))
    assert len(second.kept_before) == 1 and len(after) == 1
    assert not {path.name for path in second.kept_before} & {path.name for path in after}


def test_a_run_for_an_earlier_day_equals_the_run_made_then_but_for_what_came_late(running: Company) -> None:
    as_it_was_then(running)


def as_it_was_then(running: Company) -> None:
    """A night with late rows, and a run for the day before it; tests/prove/nights goes on from there."""
    then = marts(running)
    predictions = "select * from memory.value_predictions order by all"
    first = running.warehouse(predictions)
    running.write("sales_2.csv", MORE_SALES)
    running.write(
        "sales_late.csv", "receipt,line,customer,product,net,sold_at\n0,1,a,bread,50.00,2026-01-02 10:00:00\n"
    )
    running.night(datetime(2026, 3, 2, 3, tzinfo=UTC))
    frozen = running.warehouse(predictions)
    assert first and set(first) < set(frozen), "what was predicted stays as it was"
    now = marts(running)
    assert now != then
    memory = running.warehouse("select * from memory.customer_registry order by all")
    day = datetime(2026, 2, 2).date()
    report = run_as_of(running.config, day, known_at=NOW)
    assert report.exit_code == 0, report.message
    assert marts(running, "as_of/2026-02-02/marts.duckdb") == then
    assert marts(running) == now, "the published file is not touched"
    assert running.warehouse("select * from memory.customer_registry order by all") == memory, "nothing is remembered"
    assert running.warehouse(predictions) == frozen


def test_personal_data_is_masked_unless_full_is_asked_for(running: Company) -> None:
    masked = running.published(
        "select full_name, email from customer.customers where customer_id > 0 and email is not null"
    )
    assert masked and all(name.startswith("masked:") and email.startswith("masked:") for name, email in masked)
    assert b"ana@example.com" not in (running.config.published / "marts.duckdb").read_bytes()
    assert b"ana@example.com" not in (running.config.published / "operations.duckdb").read_bytes()


def test_descriptions_travel_in_the_published_file(running: Company) -> None:
    bare = running.published(
        "select schema_name, table_name from duckdb_tables() where comment is null or comment = ''"
    )
    assert bare == []
    bare_columns = running.published(
        """
        select schema_name, table_name, column_name from duckdb_columns()
        where not internal and (comment is null or comment = '')
        """
    )
    assert bare_columns == []


def test_the_publication_says_whose_figures_it_holds(running: Company) -> None:
    report = json.loads((running.config.published / "status.json").read_text(encoding="utf-8"))
    [held] = running.published("select run_id, cast(as_of_on as varchar), config_hash from operations.publication")
    assert held == (report["run_id"], "2026-02-02", running.config.fingerprint())


def test_every_file_has_the_storage_that_every_client_reads(running: Company) -> None:
    for path in (running.config.warehouse, *running.config.published.glob("*.duckdb")):
        with duckdb.connect(str(path), read_only=True) as connection:
            [(tags,)] = connection.execute(
                "select tags from duckdb_databases() where database_name = current_database()"
            ).fetchall()
        assert tags["storage_version"].startswith("v1.4.0"), path.name


def test_customers_and_sales_alone_have_kpis_that_say_what_they_miss(running: Company) -> None:
    rows = running.published(
        """
        select kpi, max(no_value_reason) filter (no_value_reason like 'missing%'), count(value) > 0
        from objective.kpi_monthly where scope = 'company' group by 1
        """
    )
    missing = {kpi: reason for kpi, reason, _ in rows if reason}
    assert missing == {
        "response rate": "missing: campaign_contacts",
        "return on campaigns": "missing: campaigns, campaign_contacts",
        "cost to serve as share of contribution": "missing: interactions, cost_rates",
        "satisfaction": "missing: interactions",
        "complaints resolved within target": "missing: interactions, service_targets",
        "cross-sell ratio": "missing: products",
        "cost per new customer": "missing: acquisition_costs",
        "contactable share": "missing: consents",
    }
    assert {kpi for kpi, _, has_value in rows if has_value} == {kpi for kpi, *_ in rows} - missing.keys()
    assert running.published("select count(*) from objective.objective_progress") == [(0,)]
