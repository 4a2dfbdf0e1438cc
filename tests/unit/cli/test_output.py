"""What is said on the terminal stands there as it is: a name or a message with brackets is no markup, and crashes nothing."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.cli.onboarding import _say_findings
from clientela.cli.output import Progress, say_report
from tests.conftest import open_shop

ROOT = Path(__file__).parents[3]
NAME = "[/red][a-z] [bold]Acme[/bold] :smile: \\[x] [link=x]"
REPORT: dict[str, Any] = {
    "status": "failed",
    "message": f"message {NAME}",
    "as_of": None,
    "failures": [f"failure {NAME}"],
    "outcomes": [],
    "sources": [
        {
            "source": "s[/red]", "entity": "e[a-z]:smile:", "status": "[bold]", "is_stale": True, "age_days": 1,
            "reason": f"reason {NAME}",
        }
    ],
    "published": f"/data/{NAME}",
}  # fmt: skip


def test_a_report_says_names_and_messages_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    say_report(SimpleNamespace(company=NAME), REPORT, as_json=False)  # type: ignore[arg-type]
    said = capsys.readouterr().out
    for text in (
        f"{NAME}: failed",
        f"message {NAME}",
        f"failure {NAME}",
        "stale: [bold]",
        f"reason {NAME}",
        f"/data/{NAME}",
    ):
        assert text in said, said
    assert "s[/red]" in said and "e[a-z]:smile:" in said


def test_a_report_of_0_1_without_feeds_is_shown_by_entity(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = {"source": "s[/red]", "entity": "e[a-z]:smile:", "delivered": 1234, "ignored": ["x.csv is empty"]}
    say_report(SimpleNamespace(company=NAME), {**REPORT, "outcomes": [outcome]}, as_json=False)  # type: ignore[arg-type]
    shown = capsys.readouterr().out
    assert "1,234" in shown and "s[/red].e[a-z]:smile:: left alone: x.csv is empty" in shown


def test_progress_and_findings_say_subjects_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    progress = Progress()
    progress.watch("loaded", f"subject {NAME}", f"sentence {NAME}")
    progress.watch("publish", f"file {NAME}", "")
    progress.close()
    said = capsys.readouterr().err
    assert f"subject {NAME}  sentence {NAME}" in said and f"file {NAME}" in said
    finding = SimpleNamespace(
        source=f"s{NAME}", entity="e", is_ill=True, sentence=f"sentence {NAME}", notes=[f"note {NAME}"]
    )
    _say_findings([finding])
    said = capsys.readouterr().out
    assert f"s{NAME}.e  sentence {NAME}" in said and f"    note {NAME}" in said


def test_an_error_says_its_sentence_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "[/red][a-z]:smile:"
    folder.mkdir(parents=True)
    answer = CliRunner().invoke(main, ["status", "--config", str(folder / "x.yml")])
    assert answer.exit_code == 2, answer.output
    assert answer.stderr.startswith(f"Error: There is no configuration at {folder / 'x.yml'};")
    company = open_shop(folder)
    company.change(lambda settings: settings.update(company=NAME))
    answer = CliRunner().invoke(main, ["status", "--config", str(company.config_path)])
    assert answer.stderr == f"Error: No run has ended yet for {NAME}; start one with `clientela run`.\n"


def test_there_is_one_console_and_it_makes_no_markup() -> None:
    folders = [ROOT / name for name in ("clientela", "dagster_project", "bench", "expectations")]
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    makers = {path.name: path.read_text().count("Console(") for path in sources if "Console(" in path.read_text()}
    assert makers == {"output.py": 1}
    assert not [path for path in sources if "markup=True" in path.read_text() or "from_markup" in path.read_text()]


def test_a_run_under_way_is_never_silent_for_long(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(patience=0.05)
    progress.watch("begin", "customer_months", "3 of 162")
    time.sleep(0.5)
    assert "still building or testing customer_months, 3 of 162" in capsys.readouterr().err
    progress.watch("begin", "orders", "20 of 162")
    assert "20 of 162 models and tests, at orders" in capsys.readouterr().err
    progress.watch("end", "", "published")
    time.sleep(0.2)
    capsys.readouterr()
    time.sleep(0.3)
    assert capsys.readouterr().err == "", "and it is silent after the end"


def test_a_command_that_has_ended_says_no_more_of_what_was_under_way(capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(click.Command("reload")):
        progress = Progress(patience=0.05)
        progress.watch("load", "till.transactions", "")
        time.sleep(0.2)
        assert "still loading till.transactions" in capsys.readouterr().err
    capsys.readouterr()
    time.sleep(0.2)
    assert capsys.readouterr().err == ""
