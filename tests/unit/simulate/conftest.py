"""One invented company, written once for all tests of this room."""

from pathlib import Path

import polars as pl
import pytest

from clientela.simulate import SimulateSettings, write_company

SETTINGS = SimulateSettings(customers=1_200, seed=7, dirt=0.01)


@pytest.fixture(scope="session")
def simulate_settings() -> SimulateSettings:
    return SETTINGS


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    write_company(SETTINGS, folder)
    return folder


@pytest.fixture(scope="session")
def in_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nights")
    write_company(SimulateSettings(customers=1_200, seed=7, dirt=0.01, nights=5), folder)
    return folder


@pytest.fixture(scope="session")
def dirt(company: Path) -> list[dict[str, object]]:
    return pl.read_parquet(company / "truth" / "dirt.parquet").to_dicts()
