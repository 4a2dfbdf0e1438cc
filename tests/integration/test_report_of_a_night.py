"""A night writes its report and the index after it has published; what goes wrong there holds nothing back."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.pipeline.nightly import publish_again
from clientela.report.published import reading
from clientela.report.sections.registry import PARTS
from tests.conftest import Company


def _links(page: Path) -> list[str]:
    return [link for link in re.findall(r'href="([^"#]+)"', page.read_text(encoding="utf-8")) if link != "data:,"]


def test_the_night_of_a_company_with_customers_and_sales_alone_has_a_report_that_looks_whole(running: Company) -> None:
    published = running.config.published
    status = json.loads((published / "status.json").read_text())
    assert (status["exit_code"], status["report"]) == (
        0,
        str(status["published"]).replace("marts.duckdb", "report.html"),
    )
    text = (published / "report.html").read_text(encoding="utf-8")
    assert "€16.50" in re.sub(r"\s+", " ", text) or "€12.50" in text, "the revenue of a month"
    with reading(published / "marts.duckdb") as marts:
        assert {mart for part in PARTS for mart in part.needs} <= marts.marts, "every part has its marts"
    assert "could not be made" not in text
    assert "No cost of goods is delivered" in text and "Not delivered: products with category and cost" in text
    assert 'id="missing"' in text and "There is no forecast yet" in text


def test_the_index_leads_to_the_report_the_pages_of_batches_and_past_reports_and_every_link_is_there(
    running: Company,
) -> None:
    published = running.config.published
    pages = [published / "index.html", published / "report.html", *(published / "reports").glob("*.html")]
    assert len(pages) == 3
    for page in pages:
        links = _links(page)
        assert links, page
        for link in links:
            assert (page.parent / unquote(link)).is_file(), (page, link)
    index = _links(published / "index.html")
    assert index[0] == "report.html" and sum(link.startswith("gate/") for link in index) == 2
    assert (
        "masked:" not in (published / "index.html").read_text() and "ana@" not in (published / "index.html").read_text()
    )


def test_a_report_that_fails_is_a_warning_and_what_is_published_stays(
    running: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = running.config.published
    before = (published / "report.html").read_bytes()

    def fail(*_: object) -> None:
        raise OSError("no room for the report")

    monkeypatch.setattr("clientela.report.write.make", fail)
    report = publish_again(running.config)
    assert (report.status, report.exit_code) == ("published", 3)
    assert report.notices == ["The report could not be written: no room for the report"]
    assert running.published("select sum(net_revenue) from value.customer_value") == [(16.5,)]
    assert (published / "report.html").read_bytes() == before, "yesterday's is there"
    monkeypatch.setattr("clientela.pipeline.ending.write_index", fail)
    (published / "report.html").unlink()
    report = running.night()
    assert (report.status, report.exit_code) == ("nothing new", 3) and len(report.notices) == 2
    monkeypatch.undo()
    report = running.night()
    assert (report.status, report.exit_code) == ("nothing new", 0)
    assert (published / "report.html").read_bytes() == before, "the next night makes up for it"


def test_the_report_is_written_again_in_another_language_and_for_a_past_day(
    running: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = running.config.published
    past = published / "as_of" / "2026-02-02"
    past.mkdir(parents=True)
    shutil.copy(published / "marts.duckdb", past / "marts.duckdb")
    runner, config = CliRunner(), ["-c", str(running.config_path)]
    running.change(lambda settings: settings.update(language="es"))
    done = runner.invoke(main, ["report", *config])
    assert (done.exit_code, done.output.strip()) == (0, str(published / "report.html"))
    assert "Informe de la mañana" in (published / "report.html").read_text(encoding="utf-8")
    assert runner.invoke(main, ["report", *config, "--as-of", "2026-02-02"]).exit_code == 0
    for page in (past / "report.html", *(past / "reports").glob("*.html"), published / "index.html"):
        assert all((page.parent / unquote(link)).is_file() for link in _links(page)), page
    assert "as_of/2026-02-02/report.html" in _links(published / "index.html")
    absent = runner.invoke(main, ["report", *config, "--as-of", "2020-01-01"])
    assert absent.exit_code == 4 and "clientela run --as-of 2020-01-01" in absent.output
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    assert runner.invoke(main, ["open", *config]).exit_code == 0
    assert opened == [(published / "index.html").as_uri()]


def test_no_more_reports_are_kept_than_published_files(running: Company) -> None:
    running.change(lambda settings: settings.update(publish={"keep": 2}))
    reports = running.config.published / "reports"
    for n in range(4):
        (reports / f"2025-01-0{n + 1}_x.html").write_text("old")
    assert CliRunner().invoke(main, ["report", "-c", str(running.config_path)]).exit_code == 0
    assert len(list(reports.glob("*.html"))) == 2
