"""Reload and unload, as the loader leaves the active rows. The gate is left out for speed, but where it is the point."""

import itertools
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from clientela.errors import ClientelaError, ConfigError, StoppedError
from clientela.load import loader as load
from clientela.pipeline import changed_batches, ending
from clientela.pipeline.open_run import open_run
from clientela.pipeline.reapply_batch import reapply
from clientela.pipeline.reload_batches import reload
from clientela.pipeline.unload_batch import unload
from tests.conftest import SHOP, Company

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
HEADER = "receipt,line,customer,product,net,sold_at\n"


class Shop(Company):
    """A company whose nights only load."""

    nights = 0

    def load(self, name: str | None = None, text: str = "") -> list[Any]:
        if name:
            self.write(name, text)
        self.nights += 1
        with open_run(self.config, now=NOW + timedelta(days=self.nights)) as run:
            run.load_all()
            return [outcome for outcome in run.outcomes if outcome.status != "nothing new"]

    def sales(self) -> list[tuple[Any, ...]]:
        return self.in_force("transactions", "net_amount, customer_key")

    def in_force(self, entity: str, columns: str) -> list[tuple[Any, ...]]:
        return self.warehouse(
            f"""
            select record_key, {columns} from (
                select * from raw.{entity} where batch_id in (select batch_id from ledger.loads where status = 'loaded')
                qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
            ) where not is_deleted order by 1
            """
        )

    def everything(self) -> list[list[tuple[Any, ...]]]:
        tables = (
            "raw.transactions",
            "ledger.loads",
            "ledger.load_files",
            "ledger.load_amounts",
            "ledger.quarantined_rows",
        )
        return [self.warehouse(f"select * from {table} order by all") for table in tables]


@pytest.fixture
def no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "validate", lambda *_: [])


def _shop(folder: Path, change: Any = None, **settings: Any) -> Shop:
    stated = yaml.safe_load(yaml.safe_dump(SHOP))
    del stated["sources"]["till"]["entities"]["customers"]
    stated["sources"]["till"]["entities"]["transactions"].update(settings)
    if change:
        change(stated)
    folder.mkdir(parents=True, exist_ok=True)
    shop = Shop(folder)
    shop.write("clientela.yml", yaml.safe_dump(stated, sort_keys=False))
    return shop


def _lines(*rows: tuple[int, float]) -> str:
    return HEADER + "".join(f"{n},1,a,bread,{net:.2f},2026-01-05 10:00:00\n" for n, net in rows)


@pytest.mark.usefixtures("no_gate")
def test_what_an_unloaded_batch_alone_held_comes_back_from_the_later_one(tmp_path: Path) -> None:
    shop = _shop(tmp_path)
    shop.load("sales_1.csv", _lines((1, 1), (2, 2)))
    shop.load("sales_2.csv", _lines((2, 2), (3, 3)))
    shop.load("sales_3.csv", _lines((4, 4)))
    change = unload(shop.config, 1, now=NOW)
    assert (change.retired, len(change.loaded)) == ((1, 2), 1), "the third does not depend on it and is not read again"
    assert [key for key, *_ in shop.sales()] == ["2|1", "3|1", "4|1"]
    assert shop.load() == [], "what was unloaded is not loaded again while its file lies there"


@pytest.mark.usefixtures("no_gate")
@pytest.mark.parametrize("settings", [{}, {"delivery": "snapshot"}], ids=["append", "snapshot"])
def test_a_batch_that_is_brought_back_is_as_if_it_had_never_gone(tmp_path: Path, settings: dict[str, Any]) -> None:
    shop = _shop(tmp_path, **settings)
    for n, text in enumerate((_lines((1, 1), (2, 2)), _lines((2, 5), (3, 3)), _lines((2, 2), (3, 3), (4, 4))), 1):
        shop.load(f"sales_{n}.csv", text)
    before = shop.sales()
    fates = "select disposition, sum(row_count) from ledger.load_amounts where batch_id in "
    fates += "(select batch_id from ledger.loads where status = 'loaded') group by 1 order by 1"
    counted = shop.warehouse(fates)
    unload(shop.config, 2, now=NOW + timedelta(days=8))
    assert shop.warehouse(fates) != counted
    change = reapply(shop.config, 2, now=NOW + timedelta(days=9))
    assert shop.sales() == before and shop.warehouse(fates) == counted
    assert shop.load() == []
    with pytest.raises(ClientelaError, match="holds what batch 2 held"):
        reapply(shop.config, 2)
    with pytest.raises(ClientelaError, match="so there is nothing of it to reapply"):
        reapply(shop.config, max(change.loaded))


@pytest.mark.usefixtures("no_gate")
def test_any_batch_taken_back_leaves_what_would_be_there_without_it(tmp_path: Path) -> None:
    chance = random.Random(3)
    for round_, settings in enumerate(({}, {"version_by": "line"}, {"delivery": "snapshot"})):
        files = {
            f"sales_{n}.csv": _lines(
                *((key, chance.randint(1, 2)) for key in range(1, 6) if chance.random() < 0.6), (9, n)
            )
            for n in range(1, 5)
        }
        shop = _shop(tmp_path / f"{round_}", **settings)
        for name, text in files.items():
            shop.load(name, text)
        gone = f"sales_{chance.randint(1, 4)}.csv"
        ((batch_id,),) = shop.warehouse(f"select batch_id from ledger.load_files where file_name = '{gone}'")
        unload(shop.config, batch_id, now=NOW + timedelta(days=9))
        never = _shop(tmp_path / f"{round_}_never", **settings)
        for name, text in files.items():
            if name != gone:
                never.load(name, text)
        assert shop.sales() == never.sales(), (settings, gone, files)


def _till_database(folder: Path, *receipts: int) -> None:
    """Sales of a till that keeps them in SQLite."""
    with closing(sqlite3.connect(folder / "till.db")) as connection, connection:
        connection.execute("create table if not exists sales (receipt, line, customer, product, net, sold_at)")
        for receipt in receipts:
            line = (receipt, 1, "a", "bread", 1.5, f"2026-01-0{receipt} 10:00:00")
            connection.execute("insert into sales values (?, ?, ?, ?, ?, ?)", line)


@pytest.fixture(params=[None, "sold_at"], ids=["whole table", "watermark"])
def database_shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose sales come from `till.db`, without and with a watermark."""

    def from_a_database(settings: dict[str, Any]) -> None:
        entity = settings["sources"]["till"]["entities"]["transactions"]
        del entity["files"]
        entity["database"] = {"connection_env": "TILL_DATABASE", "table": "sales", "watermark": request.param}

    monkeypatch.setenv("TILL_DATABASE", f"sqlite:///{tmp_path / 'till.db'}")
    return _shop(tmp_path, from_a_database)


@pytest.mark.usefixtures("no_gate")
def test_the_only_batch_of_a_database_stays_away_once_it_is_taken_back(database_shop: Shop) -> None:
    _till_database(database_shop.folder, 1, 2)
    database_shop.load()
    unload(database_shop.config, 1, now=NOW + timedelta(days=8))
    assert database_shop.load() == []
    assert database_shop.sales() == []
    assert database_shop.warehouse("select batch_id, status from ledger.loads") == [(1, "unloaded")]
    reapply(database_shop.config, 1, now=NOW + timedelta(days=9))
    assert database_shop.load() == [] and len(database_shop.sales()) == 2


@pytest.mark.usefixtures("no_gate")
def test_the_last_batch_of_a_database_stays_away_though_others_are_read_again(database_shop: Shop) -> None:
    for receipt in (1, 2, 3):
        _till_database(database_shop.folder, receipt)
        assert [outcome.batch_id for outcome in database_shop.load()] == [receipt]
    unload(database_shop.config, 3, now=NOW + timedelta(days=8))
    assert database_shop.load() == []
    reload(database_shop.config, "till", now=NOW + timedelta(days=9))
    assert database_shop.load() == [], "what was read again came before what was unloaded"
    assert [key for key, *_ in database_shop.sales()] == ["1|1", "2|1"]
    _till_database(database_shop.folder, 4)
    assert [outcome.status for outcome in database_shop.load()] == ["loaded"]
    assert "4|1" in [key for key, *_ in database_shop.sales()]


@pytest.mark.usefixtures("no_gate")
def test_dated_snapshots_that_came_late_are_as_if_one_had_never_come(tmp_path: Path) -> None:
    settings = {"delivery": "snapshot", "version_by": r"file_date: (\d{8})"}
    files = {
        "sales_20260101.csv": _lines((1, 1), (2, 2)),
        "sales_20260201.csv": _lines((1, 1), (3, 3)),
        "sales_20260301.csv": _lines((2, 2), (3, 4)),
    }
    orders = list(itertools.permutations(files))
    for number, (order, gone) in enumerate(zip(orders[::2], files, strict=True)):
        shop = _shop(tmp_path / f"{number}", **settings)
        for name in order:
            shop.load(name, files[name])
        ((batch_id,),) = shop.warehouse(f"select batch_id from ledger.load_files where file_name = '{gone}'")
        unload(shop.config, batch_id, now=NOW + timedelta(days=9))
        never = _shop(tmp_path / f"{number}_never", **settings)
        for name in sorted(set(files) - {gone}):
            never.load(name, files[name])
        assert shop.sales() == never.sales(), (order, gone)


@pytest.mark.usefixtures("no_gate")
def test_a_reload_under_another_mapping_is_as_if_it_had_always_been_so(tmp_path: Path) -> None:
    def doubled(settings: dict[str, Any]) -> None:
        columns = settings["sources"]["till"]["entities"]["transactions"]["columns"]
        columns["net_amount"] = {"sql": "number(net) * 2"}

    files = {
        "sales_1.csv": _lines((1, 1), (2, 2)),
        "sales_2.csv": _lines((2, 5), (3, 3)),
        "sales_3.csv": _lines((2, 2)),
    }
    shop = _shop(tmp_path / "shop")
    always = _shop(tmp_path / "always", doubled)
    for name, text in files.items():
        shop.load(name, text)
        always.load(name, text)
    before = shop.sales()
    shop.change(doubled)
    assert shop.load() == []
    change = reload(shop.config, "till", now=NOW + timedelta(days=9))
    assert (change.retired, len(change.loaded)) == ((1, 2, 3), 3)
    assert shop.sales() == always.sales() != before
    # and once more: the order of the first coming still holds
    reload(shop.config, "till", "transactions", now=NOW + timedelta(days=10))
    assert shop.sales() == always.sales()
    shop.load("sales_4.csv", _lines((2, 8)))
    always.load("sales_4.csv", _lines((2, 8)))
    assert shop.sales() == always.sales()
    # the past still knows what it knew
    then = f"timestamptz '{NOW + timedelta(days=3)}'"
    known = f"loaded_at <= {then} and coalesce(retired_at > {then}, true)"
    assert before == shop.warehouse(
        f"""
        select record_key, net_amount, customer_key from raw.transactions
        where batch_id in (select batch_id from ledger.loads where {known})
        qualify row_number() over (partition by record_id order by version desc) = 1 order by 1
        """
    )


@pytest.mark.usefixtures("no_gate")
def test_a_reload_since_a_day_leaves_earlier_batches(tmp_path: Path) -> None:
    shop = _shop(tmp_path)
    for n in (1, 2, 3):
        shop.load(f"sales_{n}.csv", _lines((n, n)))
    since = (NOW + timedelta(days=2)).date()
    assert reload(shop.config, "till", since=since, now=NOW + timedelta(days=9)).retired == (2, 3)
    assert reload(shop.config, "till", since=since, now=NOW + timedelta(days=10)).retired == (4, 5), (
        "by their first day"
    )
    assert len(shop.sales()) == 3


def test_a_refused_reload_changes_nothing(tmp_path: Path) -> None:
    shop = _shop(tmp_path)
    shop.load("sales_1.csv", _lines((1, 1)))
    shop.load("sales_2.csv", _lines(*((n, n) for n in range(2, 9))).replace("bread,", "2026-01-01,"))
    before = shop.everything()
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(ordered_at="product"))
    with pytest.raises(
        ClientelaError, match=r"sales_1.csv of batch 1 would be refused, so nothing was changed: quarantined_share"
    ):
        reload(shop.config, "till", now=NOW + timedelta(days=9))
    assert shop.everything() == before


@pytest.mark.usefixtures("no_gate")
def test_a_reload_that_is_killed_before_the_switch_leaves_nothing_after_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = _shop(tmp_path)
    shop.load("sales_1.csv", _lines((1, 1)))
    before = shop.everything()

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(changed_batches, "_switch", die)
        # a kill leaves no time to clear up
        killed.setattr(ending, "drop_staged", lambda *_: None)
        with pytest.raises(StoppedError):
            reload(shop.config, "till", now=NOW)
    assert shop.warehouse("select count(*) from ledger.loads where status = 'staged'") == [(1,)]
    shop.load()
    assert shop.everything() == before


@pytest.mark.usefixtures("no_gate")
def test_new_exchange_rates_convert_again_what_they_converted(tmp_path: Path) -> None:
    def abroad(settings: dict[str, Any]) -> None:
        settings.update(reference_folder="reference")
        settings["sources"]["till"]["currency"] = "GBP"

    (tmp_path / "reference").mkdir()
    rates = tmp_path / "reference" / "exchange_rates.csv"
    rates.write_text("currency,valid_from,rate\nGBP,2026-01-01,1.20\n")
    shop = _shop(tmp_path, abroad)
    shop.load("sales_1.csv", _lines((1, 100)))
    rates.write_text("currency,valid_from,rate\nGBP,2026-01-01,2.00\n")
    shop.load()
    assert [float(net) for _, net, _ in shop.sales()] == [120.0]
    change = reload(shop.config, "reference", "exchange_rates", now=NOW + timedelta(days=9))
    assert len(change.retired) == 3 and [float(net) for _, net, _ in shop.sales()] == [200.0]


@pytest.mark.usefixtures("no_gate")
def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path: Path) -> None:
    shop = _shop(tmp_path)
    shop.load("sales_1.csv", _lines((1, 1)))
    with pytest.raises(ConfigError, match=r"no shop; there are: till.transactions"):
        reload(shop.config, "shop")
    with pytest.raises(ClientelaError, match="no batch 7"):
        unload(shop.config, 7)
    for path in (shop.config.data / "landing").rglob("*.csv"):
        path.unlink()
    before = shop.everything()
    with pytest.raises(ClientelaError, match=r"sales_1.csv of batch 1 is no longer kept"):
        reload(shop.config, "till")
    assert shop.everything() == before
    assert unload(shop.config, 1).loaded == ()
    with pytest.raises(ClientelaError, match="Batch 1 is unloaded"):
        unload(shop.config, 1)
