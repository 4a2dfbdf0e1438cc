"""`clientela refit`: which month-ends are asked for, what models and the audit are told, what is refused. Nothing is built."""

from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.pipeline import nightly
from clientela.pipeline.open_run import open_run
from clientela.pipeline.pipeline_run import PipelineRun
from tests.conftest import Company

SETTLED = (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31))


@pytest.fixture
def settled(shop: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A shop with month-ends in memory, whose runs build and publish nothing."""
    with open_run(shop.config) as run:
        for month_end in SETTLED:
            run.connection.execute(
                "insert into memory.settled_month_ends values (?, 'first', 'first', null, null, 'm', '{}', 'a', 1, now())",
                [month_end],
            )
    for step in ("transform", "publish", "write_report", "note_rows_after", "note_waiting_lines"):
        monkeypatch.setattr(PipelineRun, step, lambda *_: None)
    monkeypatch.setattr(PipelineRun, "day", date(2026, 3, 31))
    return shop


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "2026-02-28"),
        ({"months": [date(2026, 2, 1), date(2026, 1, 1)]}, "2026-01-31,2026-02-28"),
        ({"everything": True}, "all"),
    ],
    ids=["the last closed one", "those named", "all"],
)
def test_what_is_asked_for_reaches_models_and_audit(settled: Company, asked: dict[str, Any], told: str) -> None:
    assert nightly.refit(settled.config, **asked).message == ""
    assert settled.warehouse("select refit, as_of_on from run.context") == [(told, date(2026, 3, 31))]
    assert settled.warehouse("select action, subject from ledger.audit order by done_at desc limit 1") == [
        ("refit", told)
    ]
    assert settled.warehouse("select kind from ledger.runs order by rowid desc limit 1") == [("refit",)]


@pytest.mark.parametrize("month", [date(2026, 3, 1), date(2025, 12, 1)], ids=["not closed yet", "before the first"])
def test_a_month_that_is_not_settled_is_refused_by_name(settled: Company, month: date) -> None:
    report = nightly.refit(settled.config, [month])
    assert report.exit_code != 0
    assert f"The end of {month:%Y-%m} is not settled; settled are 2026-01 to 2026-02" in report.message
    assert settled.warehouse("select count(*) from run.context") == [(0,)]


def test_without_anything_settled_there_is_nothing_to_make_anew(settled: Company) -> None:
    with open_run(settled.config) as run:
        run.connection.execute("delete from memory.settled_month_ends")
    assert "No month-end is settled yet" in nightly.refit(settled.config).message


def test_months_and_all_say_different_things(shop: Company) -> None:
    answer = CliRunner().invoke(main, ["refit", "2026-01", "--all", "-c", str(shop.config_path)])
    assert answer.exit_code == 2 and "both say different things" in answer.output
