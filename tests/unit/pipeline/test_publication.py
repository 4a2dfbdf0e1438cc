"""When a stop comes too late, and what goes with a publication."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela import stopping, transform
from clientela.pipeline import publication
from clientela.publish import Published
from tests.conftest import Company

PUBLISHED = Published(Path("marts.duckdb"), 1, 1, 1)


def test_a_stop_comes_too_late_from_the_last_step_before_the_switch_on(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    deferrals: list[tuple[str, int]] = []

    def note(step: str) -> None:
        deferrals.append((step, stopping._Wish.deferrals))

    def publish(*_: Any, before_switch: Any, **__: Any) -> Published:
        note("written")
        before_switch()
        note("switched")
        return PUBLISHED

    monkeypatch.setattr(transform, "manifest", lambda _: {"nodes": {}})
    monkeypatch.setattr(publication, "publish_marts", publish)
    destination = publication.Destination(shop.folder, before_switch=lambda: note("remembered"))
    with duckdb.connect() as connection, publication.published(connection, shop.config, destination) as published:
        note("noted")
    note("after")
    assert published is PUBLISHED
    assert deferrals == [("written", 0), ("remembered", 1), ("switched", 1), ("noted", 1), ("after", 0)]


def test_a_past_day_goes_beside_and_is_remembered_nowhere(shop: Company) -> None:
    destination = publication.past_day(shop.config, publication.date(2026, 1, 31))
    assert destination.folder == shop.config.published / "as_of" / "2026-01-31" and destination.folder.is_dir()
    assert destination.reached_on is None
    destination.before_switch()
    assert not shop.config.memory.exists()
