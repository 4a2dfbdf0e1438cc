"""What `clientela status` reads: the newest end, a run that was killed, a silence that is too long."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from clientela.errors import ClientelaError
from clientela.exit_codes import SILENT
from clientela.pipeline.run_summary import Report, as_dict, clean
from clientela.pipeline.status import current_status, killed_status, read_status, status_paths, write_status
from clientela.warehouse.lock import Holder
from tests.conftest import Company

ENDED = datetime(2026, 2, 1, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def state_folder(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(shop.folder / "state"))


def _report(run_id: str, ended: datetime = ENDED) -> Report:
    at = ended.isoformat()
    return Report(run_id, "night", "published", "", 0, at, at, None, None, None)


def test_the_newest_of_all_places_is_the_status(shop: Company) -> None:
    published, beside, _ = status_paths(shop.config)
    # without a data folder the end is written beside the configuration
    assert write_status(shop.config, as_dict(_report("first"))) == beside
    shop.config.data.mkdir()
    assert write_status(shop.config, as_dict(_report("second", ENDED + timedelta(days=1)))) == published
    assert read_status(shop.config)["run_id"] == "second"
    assert not [path for path in published.parent.iterdir() if path.name.startswith(".status")]


def test_a_torn_status_and_none_are_two_sentences(shop: Company) -> None:
    with pytest.raises(ClientelaError, match="No run has ended yet for Corner shop"):
        current_status(shop.config)
    status_paths(shop.config)[1].write_text('{"run_id": "x"', encoding="utf-8")
    with pytest.raises(ClientelaError, match="is torn, or not a status"):
        current_status(shop.config)


def test_a_silence_longer_than_max_silence_has_its_own_code(shop: Company) -> None:
    shop.change(lambda settings: settings.update(max_silence="36 hours"))
    write_status(shop.config, as_dict(_report("r")))
    assert current_status(shop.config, ENDED + timedelta(hours=35))["exit_code"] == 0
    late = current_status(shop.config, ENDED + timedelta(hours=37))
    assert late["exit_code"] == SILENT and late["message"].startswith("No run has ended since 2026-02-01T04:00:00")


def test_a_killed_run_is_the_status_unless_one_has_ended_since(shop: Company) -> None:
    left = Holder("Run: night", os.getpid(), ENDED - timedelta(hours=1), False)
    killed = killed_status(shop.config, left)
    assert (killed["status"], killed["exit_code"]) == ("killed", 4) and "never ended" in killed["message"]
    write_status(shop.config, as_dict(_report("r")))
    assert killed_status(shop.config, left)["run_id"] == "r"


def test_what_no_terminal_or_file_can_hold_is_replaced() -> None:
    assert clean("a\x00b\x1b[31mc\ud800\nd") == "a�b�[31mc�\nd"
    assert json.dumps(as_dict(_report("r")))
