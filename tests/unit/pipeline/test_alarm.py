"""The company's command gets the report in its environment; what is wrong with it is in the report itself."""

import json

import pytest

from clientela.pipeline import alarm
from clientela.pipeline.run_summary import Report
from tests.conftest import Company


def _report(exit_code: int, message: str = "why") -> Report:
    at = "2026-02-01T04:00:00+00:00"
    return Report("r", "night", "failed", message, exit_code, at, at, None, None, None)


@pytest.fixture
def alarmed(shop: Company) -> Company:
    shop.config.data.mkdir()
    command = 'printf "%s %s" {} "$CLIENTELA_STATUS" > called; printf "%s" "$CLIENTELA_MESSAGE" > message'
    shop.change(lambda s: s.update(on_failure=command.format("failure"), on_stale=command.format("stale")))
    return shop


@pytest.mark.parametrize(("exit_code", "called"), [(4, "failure failed"), (1, "failure failed"), (3, "stale failed")])
def test_each_bad_end_calls_its_command(alarmed: Company, exit_code: int, called: str) -> None:
    assert alarm.announce(alarmed.config, _report(exit_code)).alarm == ""
    assert (alarmed.folder / "called").read_text() == called


def test_a_good_end_calls_nothing(alarmed: Company) -> None:
    alarm.announce(alarmed.config, _report(0))
    assert not (alarmed.folder / "called").exists()


def test_a_message_too_long_for_an_environment_is_cut(alarmed: Company) -> None:
    alarm.announce(alarmed.config, _report(4, "x" * 5000))
    assert (alarmed.folder / "message").read_text() == f"{'x' * 3999}…"


def test_a_command_that_fails_is_said_in_the_report_and_in_status_json(alarmed: Company) -> None:
    alarmed.change(lambda s: s.update(on_failure="exit 3"))
    assert alarm.announce(alarmed.config, _report(4)).alarm == "on_failure ended with code 3."
    written = json.loads((alarmed.config.published / "status.json").read_text())
    assert written["alarm"] == "on_failure ended with code 3."
