"""What a night does with what a source did wrong: refuse the batch, keep the rest, and say so."""

import json
from pathlib import Path

import pytest

from clientela.extract.feeds import feeds_of
from clientela.extract.inbox import look
from clientela.load.outcome import Outcome
from clientela.pipeline.open_run import open_run
from tests.conftest import CUSTOMERS, MORE_SALES, NOW, SALES, Company, open_shop


def test_a_refused_optional_batch_holds_back_only_itself(running: Company) -> None:
    running.write("customers_2.csv", "wrong,header\n1,2\n")
    running.write("sales_2.csv", MORE_SALES)
    report = running.night()
    assert (report.status, report.exit_code) == ("published", 3)
    assert running.published("select count(*) from value.order_lines") == [(6,)], "the other feed is loaded"
    assert running.published("select count(*) from customer.customer_records") == [(3,)]
    assert running.published(
        "select is_stale, last_refusal_reason from operations.sources where entity = 'customers'"
    ) == [(True, report.sources[1].reason)]
    assert "customer" in report.sources[1].reason and "customers_2.csv" in report.sources[1].reason


def test_a_refused_required_batch_stops_publication_and_correcting_it_heals(running: Company) -> None:
    before = (running.config.published / "marts.duckdb").stat().st_ino
    broken = MORE_SALES.replace("net", "amount")
    running.write("sales_2.csv", broken)
    report = running.night()
    assert (report.status, report.exit_code) == ("failed", 4)
    assert "till.transactions is required" in report.message and "sales_2.csv" in report.message
    assert (running.config.published / "marts.duckdb").stat().st_ino == before
    assert json.loads((running.config.published / "status.json").read_text())["status"] == "failed"
    assert running.published("select status from runs order by run_id desc limit 1", "operations.duckdb") == [
        ("failed",)
    ]
    running.write("sales_2.csv", MORE_SALES)
    report = running.night()
    assert (report.status, report.exit_code) == ("published", 0)
    assert running.published("select sum(net_amount) from value.order_lines") == [(35.50,)]


def test_a_refused_file_that_is_taken_away_or_sent_as_known_refuses_no_more(running: Company) -> None:
    broken = MORE_SALES.replace("net", "amount")
    running.write("sales_2.csv", broken)
    assert running.night().exit_code == 4
    (running.folder / "sales_2.csv").unlink()
    report = running.night()
    assert (report.status, report.exit_code) == ("nothing new", 0), report.message
    assert running.published("select bool_or(is_stale) from sources", "operations.duckdb") == [(False,)]
    running.write("sales_2.csv", broken)
    report = running.night()
    assert report.exit_code == 4 and "sales_2.csv" in report.message, "the same mistake is a mistake again"
    assert running.published("select is_stale from sources where entity = 'transactions'", "operations.duckdb") == [
        (True,)
    ]
    running.write("sales_2.csv", SALES)
    assert running.night().exit_code == 0, "what lies there now is loaded already"


def test_a_batch_refused_twice_for_the_same_reason_is_reported_once(running: Company) -> None:
    running.write("customers_2.csv", "wrong,header\n1,2\n")
    assert running.night().exit_code == 3
    assert running.night().exit_code == 3
    assert running.warehouse("select count(*) from ledger.loads where status = 'refused'") == [(1,)]


def _transactions(company: Company) -> Outcome:
    """Load the transactions only, as a night would, and give the outcome."""
    from clientela.extract.feeds import feeds_of
    from clientela.pipeline.open_run import open_run
    from tests.conftest import NOW

    with open_run(company.config, now=NOW) as run:
        (feed,) = [f for f in feeds_of(company.config) if f.entity.name == "transactions"]
        return run.load(feed)[-1]


HEAD = "receipt,line,customer,product,net,sold_at\n"
NO_AMOUNT = "not an amount, or one of 100 billion and more"


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("9,1,a,bread,two,2026-01-05 10:00:00", "net_amount", NO_AMOUNT),
        ("9,1,a,bread,8412345678905,2026-01-05 10:00:00", "net_amount", NO_AMOUNT),
        ("9,1,a,bread,2.00,yesterday", "ordered_at", "not a time, or not one that exists in the source's zone"),
        (
            "9,1,a,bread,2.00,2026-03-29 02:30:00",
            "ordered_at",
            "not a time, or not one that exists in the source's zone",
        ),
        ("9,1,a,bread,2.00,", "ordered_at", "a value is required"),
        ("9,,a,bread,2.00,2026-01-05 10:00:00", "line", "the key is empty"),
        ("9,1,a,bread,99999999999999999999,2026-01-05 10:00:00", "net_amount", NO_AMOUNT),
    ],
)
def test_a_row_that_does_not_fit_is_quarantined_with_its_place_and_the_rest_goes_on(
    shop: Company, line: str, field: str, reason: str
) -> None:
    shop.write("sales_1.csv", SALES + line + "\n")
    outcome = _transactions(shop)
    assert (outcome.delivered, outcome.loaded, outcome.quarantined) == (5, 4, 1)
    rows = shop.warehouse("select source_file, source_row, field, reason from ledger.quarantined_rows")
    assert rows == [("sales_1.csv", 6, field, reason)]


def test_a_key_that_stands_twice_with_different_content_is_quarantined_both_times(shop: Company) -> None:
    more = "".join(f"{n},1,a,bread,1.00,2026-01-06 10:00:00\n" for n in range(10, 20))
    shop.write("sales_1.csv", SALES + "1,1,a,bread,3.00,2026-01-05 10:00:00\n" + more)
    outcome = _transactions(shop)
    assert (outcome.delivered, outcome.loaded, outcome.quarantined) == (15, 13, 2)
    assert sorted(r[0] for r in shop.warehouse("select source_row from ledger.quarantined_rows")) == [2, 6]


def test_a_line_delivered_twice_alike_is_loaded_once_and_reported(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + SALES.splitlines()[1] + "\n")
    outcome = _transactions(shop)
    assert (outcome.delivered, outcome.loaded, outcome.unchanged, outcome.quarantined) == (5, 4, 0, 1)
    assert shop.warehouse("select source_row, split_part(reason, ':', 1), amount from ledger.quarantined_rows") == [
        (6, "repeated_row", 2)
    ]


def test_an_unclosed_quote_costs_its_line_and_no_other(shop: Company) -> None:
    lines = SALES.splitlines()
    shop.write("sales_1.csv", "\n".join([*lines[:2], '8,1,a,"bread,2.00,2026-01-05 10:00:00', *lines[2:]]) + "\n")
    outcome = _transactions(shop)
    assert (outcome.delivered, outcome.loaded, outcome.quarantined) == (5, 4, 1)
    assert shop.warehouse("select source_row, reason from ledger.quarantined_rows") == [
        (3, "a quote is opened and not closed")
    ]
    assert sorted(r[0] for r in shop.warehouse("select source_row from raw.transactions")) == [2, 4, 5, 6]


def test_a_time_that_occurs_twice_takes_the_first(shop: Company) -> None:
    shop.write("sales_1.csv", HEAD + "9,1,a,bread,2.00,2025-10-26 02:30:00\n")
    _transactions(shop)
    rows = shop.warehouse("select cast(timezone('UTC', ordered_at) as varchar) from raw.transactions")
    assert rows == [("2025-10-26 00:30:00",)]


def test_a_line_from_the_future_is_quarantined_and_reported_as_a_warning(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + "9,1,a,bread,2.00,2027-01-05 10:00:00\n")
    outcome = _transactions(shop)
    assert (outcome.status, outcome.loaded, outcome.quarantined) == ("loaded", 4, 1)
    assert "rows_in_future" in [check.expect.name for check in outcome.warnings]
    page = outcome.validation_report.read_text(encoding="utf-8")
    assert "dated more than 24 hours after it was delivered" in page


def test_who_wants_no_line_from_the_future_refuses_the_batch(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + "9,1,a,bread,2.00,2027-01-05 10:00:00\n")
    gate = {"rows_in_future": {"severity": "critical"}}
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(gate=gate))
    outcome = _transactions(shop)
    assert outcome.status == "refused" and "rows_in_future" in outcome.reason
    assert shop.warehouse("select count(*) from raw.transactions") == [(0,)]
    page = outcome.validation_report.read_text(encoding="utf-8")
    assert "Refused" in page and "http" not in page


def test_control_totals_refuse_a_batch_whose_amounts_come_from_the_wrong_column(shop: Company) -> None:
    wide = "receipt,line,customer,product,gross,net,sold_at\n1,1,a,bread,3.00,2.00,2026-01-05 10:00:00\n"
    shop.write("sales_1.csv", wide)
    shop.write("totals.csv", "file,rows,sum\nsales_1.csv,1,2.00\n")

    def state_totals(settings: dict) -> None:
        entity = settings["sources"]["till"]["entities"]["transactions"]
        entity["control_totals"] = {"files": "totals.csv", "rows_column": "rows", "sum_column": "sum"}

    def map_wrongly(settings: dict) -> None:
        settings["sources"]["till"]["entities"]["transactions"]["columns"]["net_amount"] = "gross"

    shop.change(state_totals)
    shop.change(map_wrongly)
    outcome = _transactions(shop)
    assert outcome.status == "refused" and "control_sum_off" in outcome.reason
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(net_amount="net"))
    assert _transactions(shop).status == "loaded"


def _of_a_till_with_decimal_commas(shop: Company, rows: str, total: str) -> Outcome:
    """Load a file of two lines, 1.234,50 together, with what its control totals state."""
    lines = "1;1;a;bread;1.230,00;2026-01-05 10:00:00\n1;2;a;wine;4,50;2026-01-05 10:00:00\n"
    shop.write("sales_1.csv", HEAD.replace(",", ";") + lines)
    shop.write("totals.csv", f"file;rows;sum\nsales_1.csv;{rows};{total}\n")

    def state_totals(settings: dict) -> None:
        settings["sources"]["till"]["decimal_style"] = "comma"
        entity = settings["sources"]["till"]["entities"]["transactions"]
        entity["csv"] = {"delimiter": ";"}
        entity["control_totals"] = {"files": "totals.csv", "rows_column": "rows", "sum_column": "sum"}

    shop.change(state_totals)
    return _transactions(shop)


def test_control_totals_are_read_in_the_decimal_style_of_their_source(shop: Company) -> None:
    refused = _of_a_till_with_decimal_commas(shop, "2", "1.234,60")
    assert refused.status == "refused" and "control_sum_off" in refused.reason
    assert _of_a_till_with_decimal_commas(shop, " 2 ", "1.234,50").status == "loaded"


@pytest.mark.parametrize(
    ("rows", "total", "fault", "shape"),
    [
        ("2 rows", "1.234,50", "rows is not a whole number", "9 aaaa"),
        ("2", "1234.50", "sum is not a number with a decimal comma", "9999.99"),
        ("2", "n/a", "sum is not a number with a decimal comma", "a/a"),
    ],
)
def test_a_control_total_that_cannot_be_read_refuses_the_batch(
    shop: Company, rows: str, total: str, fault: str, shape: str
) -> None:
    outcome = _of_a_till_with_decimal_commas(shop, rows, total)
    assert (outcome.status, outcome.reason) == (
        "refused",
        f"control totals totals.csv: {fault} in row 1 behind the header; it looks like {shape!r} (9 for a digit, a for a letter)",
    )


def test_a_missing_exchange_rate_is_a_reason_for_quarantine(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"].update(currency="GBP"))
    outcome = _transactions(shop)
    assert outcome.status == "refused", "more than a fifth in quarantine"
    assert "quarantined_share" in outcome.reason
    assert "Most often: currency: no exchange rate to EUR" in outcome.reason and "(4 rows)" in outcome.reason


@pytest.mark.parametrize("content", ["", "\n\n", "receipt,line,customer,product,net,sold_at\n"])
def test_an_empty_file_is_refused_or_loads_nothing_but_never_crashes(shop: Company, content: str) -> None:
    shop.write("sales_1.csv", content)
    outcome = _transactions(shop)
    assert (outcome.status, outcome.loaded) in (("refused", 0), ("loaded", 0))
    if outcome.status == "refused":
        assert "sales_1.csv" in outcome.reason


def test_files_are_found_in_a_folder_of_any_name_and_what_excel_leaves_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "br [1] *").mkdir()
    company = open_shop(tmp_path / "br [1] *")
    for name in ("~$sales_1.csv", ".sales_2.csv"):
        company.write(name, SALES)
    assert [file.name for file in look(company.config, ["*sales_*.csv"]).files] == ["sales_1.csv"]


def test_a_stray_file_holds_back_its_own_feed_alone(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(files="customers*"))
    shop.write("customers_notes.docx", "hello")
    shop.write("sales_2.csv", MORE_SALES)
    with open_run(shop.config, now=NOW) as run:
        run.load_all()
        run.require_sources()
        assert "customers_notes.docx: its name does not tell its format" in run.source_states()[1].reason
    assert run.report is not None and run.report.exit_code == 3
    assert shop.warehouse("select count(*) from raw.transactions") == [(6,)]


def test_a_refusal_for_lines_that_cannot_be_read_says_why(shop: Company) -> None:
    more = "".join(f"{n},1,a,bread,1.00,2026-01-06 10:00:00\n" for n in range(10, 15))
    shop.write("sales_1.csv", (SALES + more).replace("bread", "jamón").encode("cp1252"))
    outcome = _transactions(shop)
    assert outcome.status == "refused"
    assert "Most often: the line is not valid UTF-8 (8 rows)" in outcome.reason


def test_a_snapshot_that_was_cut_off_is_refused_and_what_vanishes_is_reported(shop: Company) -> None:
    rows = [f"c{n},Name {n},c{n}@example.com,2026-01-01 08:00:00\n" for n in range(30)]
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(delivery="snapshot"))

    def deliver(count: int) -> Outcome:
        shop.write("customers.csv", CUSTOMERS.splitlines(keepends=True)[0] + "".join(rows[:count]))
        with open_run(shop.config, NOW) as run:
            return run.load(feeds_of(shop.config)[1])[0]

    assert deliver(30).loaded == 30
    for count in (0, 10):
        outcome = deliver(count)
        assert outcome.status == "refused" and "vanished_share: At most half" in outcome.reason, count
    assert (outcome := deliver(20)).deleted == 10 and not outcome.warnings
    shop.write("customers_2.csv", CUSTOMERS)
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(files="customers*.csv"))
    assert [c.expect.name for c in deliver(21).warnings] == ["snapshot_files_to_past"]
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(gate={"vanished_share": {"maximum": 1}}))
    (shop.folder / "customers_2.csv").unlink()
    assert deliver(0).deleted == 23, "whoever means it says so"


def test_a_wrong_path_is_said_in_one_sentence(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(files="slaes*.csv"))
    report = shop.night()
    assert report.exit_code == 4
    assert "slaes*.csv" in report.message and "no file matches" in report.message


def test_a_personal_key_never_enters_the_warehouse(shop: Company) -> None:
    shop.write("customers.csv", CUSTOMERS)
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(key="email"))
    from clientela.extract.feeds import feeds_of
    from clientela.pipeline.open_run import open_run

    with open_run(shop.config) as run:
        (feed,) = [f for f in feeds_of(shop.config) if f.entity.name == "customers"]
        run.load(feed)
    keys = [row[0] for row in shop.warehouse("select record_key from raw.customers")]
    assert keys and all(key.startswith("p_") and "@" not in key for key in keys)


def test_a_new_column_is_reported_and_ignored(shop: Company) -> None:
    _transactions(shop)
    wider = MORE_SALES.replace("sold_at", "sold_at,mood").replace(":00\n", ":00,happy\n")
    shop.write("sales_2.csv", wider)
    outcome = _transactions(shop)
    assert (outcome.status, outcome.loaded, outcome.new_columns) == ("loaded", 2, ("mood",))
    assert "mood" in outcome.validation_report.read_text(encoding="utf-8")
    assert shop.warehouse("select new_columns from ledger.loads order by batch_id") == [(None,), ("mood",)]


def test_a_new_column_that_the_mapping_reads_is_not_said_to_be_ignored(shop: Company) -> None:
    _transactions(shop)
    shop.change(
        lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(store_key={"sql": "upper(Branch)"})
    )
    wider = MORE_SALES.replace("sold_at", "sold_at,branch,mood").replace(":00\n", ":00,north,happy\n")
    shop.write("sales_2.csv", wider)
    assert _transactions(shop).new_columns == ("mood",)


def test_a_threshold_of_a_sources_own_takes_the_place_of_the_common_one(shop: Company) -> None:
    future = SALES + "9,1,a,bread,2.00,2027-01-05 10:00:00\n"
    shop.write("sales_1.csv", future)
    gate = {"rows_in_future": {"maximum": 1}, "known_customers_share": {"severity": "off"}}
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(gate=gate))
    outcome = _transactions(shop)
    assert outcome.status == "loaded"
    assert "known_customers_share" not in [check.expect.name for check in outcome.checks]
    gate["rows_in_future"] = {"maximum": 0, "severity": "warning"}
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(gate=gate))
    shop.write("sales_1.csv", future + "10,1,a,bread,1.00,2026-01-05 10:00:00\n")
    outcome = _transactions(shop)
    assert outcome.status == "loaded"
    warnings = {c.expect.name for c in outcome.warnings if c.expect.on == "batch_metrics"}
    assert warnings == {"rows_in_future", "days_since_last_event"}, "the newest line that is loaded is of February"


def test_an_override_of_no_expectation_is_a_mistake_in_the_configuration(shop: Company) -> None:
    from clientela.errors import ConfigError

    gate = {"no_such_thing": {"maximum": 1}}
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(gate=gate))
    with pytest.raises(ConfigError, match="no_such_thing: there is no such expectation; there are: quarantined_share"):
        _transactions(shop)


def test_a_fault_of_our_own_is_reported_like_any_failed_night_and_keeps_its_trace(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clientela.pipeline import pipeline_run

    def broken(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(pipeline_run, "load_feed", broken)
    with pytest.raises(KeyError):
        shop.night()
    run_status = json.loads((shop.config.published / "status.json").read_text())
    assert (run_status["status"], run_status["exit_code"]) == ("failed", 1) and "a bug" in run_status["message"]
