"""A person stays forgotten however they are delivered again, and wherever forgetting was broken off."""

from pathlib import Path

import pytest

from tests.conftest import Company
from tests.unit.privacy.test_forget import heals, load, open_privacy_shop, stays_forgotten


@pytest.fixture
def shop(tmp_path: Path) -> Company:
    shop = open_privacy_shop(tmp_path)
    load(shop)
    return shop


@pytest.mark.prove
@pytest.mark.parametrize("again", ["the same file", "a snapshot", "a reload", "a rebuild"])
def test_delivered_again_in_any_way_they_stay_forgotten(shop: Company, again: str) -> None:
    stays_forgotten(shop, again)


@pytest.mark.prove
@pytest.mark.parametrize("place", ["clientela.durable.switch_in", "clientela.privacy.forget._begin_proof"])
def test_broken_off_anywhere_the_next_run_heals(shop: Company, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    heals(shop, monkeypatch, place)
