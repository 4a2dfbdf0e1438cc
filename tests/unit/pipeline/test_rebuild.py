"""A lost warehouse comes back: verdicts replayed, ids and rows as they were, and no run goes on without it."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clientela.errors import ClientelaError
from clientela.pipeline.open_run import open_run
from clientela.pipeline.rebuild import rebuild
from clientela.pipeline.unload_batch import unload
from clientela.warehouse import memory
from tests.conftest import CUSTOMERS, MORE_SALES, NOW, SALES, Company, open_shop

RAW = "select * from raw.transactions order by all", "select * from raw.customers order by all"
LEDGER = tuple(
    f"select * from ledger.{name} order by all"
    for name in ("loads", "load_files", "load_checks", "load_amounts", "quarantined_rows", "runs", "seen_files")
)


def load(shop: Company, days: int = 0) -> None:
    """A night without its marts."""
    with open_run(shop.config, "night", now=NOW + timedelta(days=days)) as run:
        run.load_all()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop with a quarantined row, a refused file, a batch that was unloaded and the one read again for it."""
    shop = open_shop(tmp_path_factory.mktemp("corrected"))
    shop.write("sales_1.csv", SALES + "9,1,b,bread,much,2026-02-03 09:00:00\n")
    load(shop)
    # repeats a row of the first file: it counts as unchanged, and depends on it
    shop.write("sales_2.csv", MORE_SALES + SALES.splitlines()[1] + "\n")
    shop.write("customers_2.csv", CUSTOMERS.replace("Blas Ruiz", "Blas Ruiz Gil").replace("01-02", "02-02"))
    load(shop, 1)
    unload(shop.config, 1, now=NOW + timedelta(days=2))
    shop.write("sales_3.csv", "something,else\n1,2\n")
    load(shop, 3)
    with open_run(shop.config, "train", now=NOW + timedelta(days=4)) as run:
        run.connection.execute("insert into memory.customer_registry values (7, 42, 'first', 1, now())")
    return shop.folder


@pytest.fixture
def corrected(tmp_path: Path, made: Path) -> Company:
    """A copy of it, of this test's own."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Company(tmp_path)


def held(shop: Company) -> dict[str, list[Any]]:
    return {
        query: shop.warehouse(query) for query in (*RAW, *LEDGER, "from memory.customer_registry", "from memory.keys")
    }


def test_a_lost_warehouse_is_rebuilt_with_every_verdict_and_id(corrected: Company) -> None:
    before = held(corrected)
    assert {status for (status,) in corrected.warehouse("select status from ledger.loads")} == {
        "loaded",
        "unloaded",
        "refused",
    }
    corrected.config.warehouse.unlink()
    rebuilt = rebuild(corrected.config)
    after = held(corrected)
    for query, rows in before.items():
        assert after[query] == rows, query
    assert rebuilt.notices == () and rebuilt.batches == 5
    assert corrected.warehouse("select action from ledger.audit order by done_at")[-1] == ("rebuild",)
    load(corrected, 5)
    assert corrected.warehouse(RAW[0]) == before[RAW[0]], "nothing that was taken back is counted again"


def test_a_run_that_finds_copies_and_no_warehouse_stops_and_says_what_to_do(corrected: Company) -> None:
    copies = {path: path.read_bytes() for path in corrected.config.memory.iterdir()}
    corrected.config.warehouse.unlink()
    with pytest.raises(ClientelaError, match="`clientela rebuild` makes it again"):
        load(corrected, 6)
    assert not corrected.config.warehouse.exists()
    assert {path: path.read_bytes() for path in corrected.config.memory.iterdir()} == copies


def test_a_rebuild_says_what_is_missing_and_leaves_nothing(corrected: Company) -> None:
    with pytest.raises(ClientelaError, match="is there, so there is nothing to rebuild"):
        rebuild(corrected.config)
    corrected.config.warehouse.unlink()
    landed = sorted((corrected.config.data / "landing" / "till" / "transactions").iterdir())
    text = landed[0].read_bytes()
    landed[0].write_bytes(text + b"x")
    with pytest.raises(ClientelaError, match="is not what was delivered"):
        rebuild(corrected.config)
    landed[0].unlink()
    with pytest.raises(ClientelaError, match="no longer kept"):
        rebuild(corrected.config)
    landed[0].write_bytes(text)
    source = corrected.config_path.read_text(encoding="utf-8")
    corrected.change(lambda s: s["sources"]["till"]["entities"].pop("customers"))
    with pytest.raises(ClientelaError, match=r"till\.customers is not configured any more"):
        rebuild(corrected.config)
    corrected.config_path.write_text(source, encoding="utf-8")
    assert not corrected.config.warehouse.exists() and not (corrected.config.data / "rebuild").exists()
    shutil.rmtree(corrected.config.memory)
    with pytest.raises(ClientelaError, match="holds no copy of memory"):
        rebuild(corrected.config)


def test_without_the_secret_ids_stay_and_masks_change(corrected: Company) -> None:
    before = held(corrected)
    corrected.config.warehouse.unlink()
    (corrected.config.data / "secret").unlink()
    rebuilt = rebuild(corrected.config)
    assert any("masked values are others" in sentence for sentence in rebuilt.notices)
    after = held(corrected)
    assert after["from memory.keys"] == before["from memory.keys"] and after[RAW[1]] == before[RAW[1]]


def test_a_copy_of_memory_without_the_ledgers_is_not_enough(corrected: Company) -> None:
    corrected.config.warehouse.unlink()
    (corrected.config.memory / "ledger.duckdb").unlink()
    with pytest.raises(ClientelaError, match="no copy of the ledger"):
        rebuild(corrected.config)


def test_memorys_copy_follows_what_a_person_decides_between_two_publications(shop: Company) -> None:
    load(shop)
    with open_run(shop.config, "train", now=NOW + timedelta(days=1)) as run:
        run.connection.execute("insert into memory.customer_registry values (7, 42, 'first', 1, now())")
    assert memory.is_exported(shop.config.memory)
    shop.config.warehouse.unlink()
    rebuild(shop.config)
    assert shop.warehouse("select record_id, customer_id from memory.customer_registry") == [(7, 42)]
