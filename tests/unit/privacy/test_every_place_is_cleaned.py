"""Whatever place may hold a person: after a forgetting, and after an expiry, nothing of what lay there is found any more."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clientela.places import PATHS
from clientela.privacy.search import encoded
from tests.conftest import Company
from tests.unit.privacy.test_forget import HERS, forgotten, found, load, open_privacy_shop
from tests.unit.privacy.test_retention import NOTE, hits, keep_a_year
from tests.unit.privacy.test_retention import load as load_and_expire

#: place → files that lie there after runs that ended, and after some that were killed
PLANTED = {
    "dbt/": ("dbt/logs/dbt.log", "dbt/night/run_results.json"),
    "lake/": ("lake/staging/stg_customers/part-00000.parquet",),
    "scratch/": ("scratch/reading/customers.csv",),
    "spill/": ("spill/duckdb_temp_storage-0.tmp",),
    "upgrade/": ("upgrade/warehouse.duckdb",),
    "forget/": ("forget/warehouse.duckdb.wal",),
    "rebuild/": ("rebuild/warehouse.duckdb",),
    "audiences/": ("audiences/spring.csv", "audiences/.spring.csv.prepared"),
    "actions/": ("actions/north.csv",),
    "before_upgrade/": ("before_upgrade/warehouse.duckdb",),
}
#: the shop itself fills these
FILLED = {"warehouse.duckdb", "warehouse.duckdb.wal", "landing/", "memory/", "quarantine/", "gate/"}
#: test_clean_published, and tests/integration/test_dagster_night: no event of a run says a value
ELSEWHERE = {"published/", "published_*", "dagster/"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = open_privacy_shop(tmp_path_factory.mktemp("shop"))
    load(shop)
    return shop.folder


@pytest.fixture
def shop(tmp_path: Path, made: Path) -> Company:
    shutil.copytree(made, tmp_path / "shop")
    shop = Company(tmp_path / "shop")
    said = b"\n".join(form for value in (*HERS, NOTE) for form in encoded(value))
    for name in (name for names in PLANTED.values() for name in names):
        path = shop.config.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(said)
    return shop


def test_no_place_is_left_out() -> None:
    assert {*PLANTED, *FILLED, *ELSEWHERE} == {place.pattern for place in PATHS if place.is_personal}


def test_the_forgotten_are_in_none_of_them(shop: Company) -> None:
    assert {name for names in PLANTED.values() for name in names} <= set(found(shop))
    assert found(forgotten(shop)) == {}


def test_an_expired_value_is_in_none_of_them(shop: Company) -> None:
    assert {name for names in PLANTED.values() for name in names} <= set(hits(shop, NOTE))
    keep_a_year(shop, "interactions.note")
    load_and_expire(shop, datetime(2027, 2, 15, 3, tzinfo=UTC))
    assert hits(shop, NOTE) == []
