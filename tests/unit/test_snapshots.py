"""Snapshots and upserts as the loader versions them: what vanished, came back, came late. The gate is left out for speed."""

import itertools
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from clientela.config.read import load_config
from clientela.errors import ConfigError
from clientela.extract.feeds import feeds_of
from clientela.load import loader as load
from clientela.load.context import LoadContext
from clientela.load.loader import load_feed
from clientela.load.outcome import Outcome
from clientela.load.staging import prepare_rates
from tests.conftest import prepared_warehouse

NOW = datetime(2026, 6, 1, tzinfo=UTC)
#: random sequences; CLIENTELA_EXAMPLES for more
ROUNDS = int(os.environ.get("CLIENTELA_EXAMPLES", "1"))


class Loader:
    """One feed of one source, loaded file by file into a warehouse of its own."""

    def __init__(self, folder: Path, entity: str, settings: dict[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        company = {
            "company": "X", "currency": "EUR", "time_zone": "UTC",
            "sources": {"erp": {"entities": {entity: {"files": "delivered_*.csv", **settings}}}},
        }  # fmt: skip
        (folder / "clientela.yml").write_text(yaml.safe_dump(company), encoding="utf-8")
        (self.feed,) = feeds_of(load_config(folder / "clientela.yml"))
        self.connection = prepared_warehouse(folder / "loader.duckdb")
        prepare_rates(self.connection)
        self.nights = 0
        self.table = f"raw.{entity}"

    def deliver(self, name: str, text: str) -> Outcome:
        (self.folder / f"delivered_{name}.csv").write_text(text, encoding="utf-8")
        self.nights += 1
        outcomes = load_feed(
            LoadContext(self.connection, self.feed, f"run{self.nights}", NOW + timedelta(days=self.nights))
        )
        assert [o.status for o in outcomes] == ["loaded"], outcomes
        return outcomes[0]

    def state(self, columns: str, upto: str = "true") -> list[tuple[Any, ...]]:
        """The records in force, as the models read them."""
        return self.connection.execute(
            f"""
            select record_key, {columns} from (
                select * from {self.table} where {upto}
                qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
            ) where not is_deleted order by 1
            """
        ).fetchall()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


PRODUCTS = {"key": "sku", "delivery": "snapshot", "columns": {"product_name": "name"}}
DATED = {**PRODUCTS, "version_by": r"file_date: (\d{8})"}


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Loader]]:
    monkeypatch.setattr(load, "validate", lambda *_: [])
    numbers = itertools.count()

    def make(settings: dict[str, Any] = PRODUCTS, entity: str = "products") -> Loader:
        return Loader(tmp_path / str(next(numbers)), entity, settings)

    yield make


def test_what_vanished_becomes_a_tombstone_and_its_history_stays(loader: Callable[..., Loader]) -> None:
    erp = loader()
    erp.deliver("1", "sku,name\na,Bread\nb,Wine\n")
    outcome = erp.deliver("2", "sku,name\na,Bread\nc,Oil\n")
    assert (outcome.loaded, outcome.unchanged, outcome.deleted) == (1, 1, 1)
    assert erp.state("product_name") == [("a", "Bread"), ("c", "Oil")]
    assert erp.rows("select product_name, is_deleted from raw.products where record_key = 'b' order by version") == [
        ("Wine", False),
        ("Wine", True),
    ]


def test_what_comes_back_as_it_was_is_there_again(loader: Callable[..., Loader]) -> None:
    for settings in (PRODUCTS, {**PRODUCTS, "columns": {"product_name": "name", "updated_at": "changed"}}):
        erp = loader(settings)
        for name, rows in (("1", "ab"), ("2", "a"), ("3", "abd"), ("4", "d"), ("5", "da")):
            text = "".join(f"{key},Thing {key},2026-01-01 10:00:00\n" for key in rows)
            erp.deliver(name, "sku,name,changed\n" + text)
        assert [key for key, _ in erp.state("product_name")] == ["a", "d"], settings


def test_a_snapshot_with_a_row_whose_key_cannot_be_read_deletes_nothing(loader: Callable[..., Loader]) -> None:
    erp = loader()
    erp.deliver("1", "sku,name\na,Bread\nb,Wine\n")
    outcome = erp.deliver("2", "sku,name\na,Bread\n,Wine\n")
    assert outcome.deleted == 0
    assert [key for key, _ in erp.state("product_name")] == ["a", "b"]


SNAPSHOTS = {
    "20260101": "sku,name\na,Bread\nb,Wine\nc,Oil\n",
    "20260201": "sku,name\na,Bread\nb,Red wine\nd,Salt\n",
    "20260301": "sku,name\na,Bread\nc,Oil\n",
}


def test_dated_snapshots_in_any_order_give_the_same_state_and_the_same_past(loader: Callable[..., Loader]) -> None:
    days = sorted(SNAPSHOTS)
    states = {}
    for order in itertools.permutations(days):
        erp = loader(DATED)
        for day in order:
            erp.deliver(day, SNAPSHOTS[day])
        states[order] = [
            erp.state("product_name", f"version_at <= timestamptz '{d[:4]}-{d[4:6]}-{d[6:]} 00:00:00+00'") for d in days
        ]
    assert states[tuple(days)] == [
        [("a", "Bread"), ("b", "Wine"), ("c", "Oil")],
        [("a", "Bread"), ("b", "Red wine"), ("d", "Salt")],
        [("a", "Bread"), ("c", "Oil")],
    ]
    assert [order for order in states if states[order] != states[tuple(days)]] == []


def test_random_dated_snapshots_in_random_orders_give_the_same_state(loader: Callable[..., Loader]) -> None:
    import random

    chance = random.Random(7)
    days = [f"202601{day:02d}" for day in range(1, 6)]
    for _ in range(ROUNDS):
        files = {
            d: "sku,name\n"
            + "".join(f"{k},v{chance.randint(1, 2)}\n" for k in "abcd" if chance.random() < 0.6)
            + "z,z\n"
            for d in days
        }
        states = []
        for order in (days, chance.sample(days, 5), chance.sample(days, 5)):
            erp = loader(DATED)
            for day in order:
                erp.deliver(day, files[day])
            limits = [f"version_at <= timestamptz '2026-01-{d[6:]} 00:00:00+00'" for d in days]
            states.append([erp.state("product_name", limit) for limit in limits])
        assert states[0] == states[1] == states[2], files


SALES = {
    "key": "line", "delivery": "snapshot", "version_by": r"file_date: (\d{8})",
    "columns": {"order_key": "line", "net_amount": "net", "ordered_at": "sold"},
}  # fmt: skip


def test_money_of_dated_snapshots_adds_up_in_any_order(loader: Callable[..., Loader]) -> None:
    """As dbt/tests/money_delivered_is_in_the_marts.sql has it: delivered and restated = in force + superseded + not loaded."""
    files = {
        "20260101": "line,net,sold\n1,10.00,2026-01-01\n2,5.00,2026-01-02\n3,1.00,2026-01-03\n",
        "20260201": "line,net,sold\n1,10.00,2026-01-01\n2,6.00,2026-01-02\n4,7.50,2026-01-20\n",
        "20260301": "line,net,sold\n1,10.00,2026-01-01\n3,1.00,2026-01-03\n4,7.50,2026-01-20\n",
    }
    for order in itertools.permutations(files):
        erp = loader(SALES, "transactions")
        for day in order:
            erp.deliver(day, files[day])
        assert [net for _, net in erp.state("net_amount")] == [Decimal("10.00"), Decimal("1.00"), Decimal("7.50")], (
            order
        )
        ((total,),) = erp.rows(
            "select sum(net_amount) from ledger.load_amounts where disposition in ('loaded', 'restated')"
        )
        ((superseded,),) = erp.rows(
            """
            select coalesce(sum(net_amount), 0) from (
                select *, rank() over (partition by record_id order by version desc, content_hash desc) as age
                from raw.transactions
                where record_id in (select record_id from raw.transactions where is_revision)
            ) where age > 1 and not is_deleted
            """
        )
        assert total - superseded == Decimal("18.50"), order


def test_an_upsert_takes_the_newest_version_whatever_its_order_and_deletes_nothing(
    loader: Callable[..., Loader],
) -> None:
    settings = {"key": "sku", "delivery": "upsert", "columns": {"product_name": "name", "updated_at": "changed"}}
    files = {
        "1": "sku,name,changed\na,Bread,2026-01-01\nb,Wine,2026-01-01\n",
        "2": "sku,name,changed\na,Rye bread,2026-01-05\n",
        "3": "sku,name,changed\na,White bread,2026-01-03\nc,Oil,2026-01-03\n",
    }
    for order in itertools.permutations(files):
        erp = loader(settings)
        for name in order:
            erp.deliver(name, files[name])
        assert erp.state("product_name") == [("a", "Rye bread"), ("b", "Wine"), ("c", "Oil")], order


def test_a_snapshot_cannot_be_ordered_by_its_rows(loader: Callable[..., Loader]) -> None:
    with pytest.raises(ConfigError, match="the later snapshot wins"):
        loader({**PRODUCTS, "version_by": "changed"})


def test_a_pattern_of_file_dates_that_is_none_is_reported_before_anything_is_read(
    loader: Callable[..., Loader],
) -> None:
    with pytest.raises(
        ConfigError, match=r"products\.version_by = 'file_date: \(': what follows `file_date:` is no regular expression"
    ):
        loader({**PRODUCTS, "version_by": "file_date: ("})


def test_a_part_of_the_pattern_of_file_dates_may_be_missing(loader: Callable[..., Loader]) -> None:
    erp = loader({**PRODUCTS, "version_by": r"file_date: (\d{8})(T\d{4})?"})
    erp.deliver("20260102", "sku,name\na,Rye bread\n")
    erp.deliver("20260101T2359", "sku,name\na,Bread\n")
    assert erp.state("product_name") == [("a", "Rye bread")]


def test_a_file_that_says_again_what_it_said_before_is_a_new_delivery(loader: Callable[..., Loader]) -> None:
    for settings in (PRODUCTS, {**PRODUCTS, "delivery": "append"}):
        erp = loader(settings)
        for name in ("Bread", "Rye bread", "Bread"):
            erp.deliver("whole", f"sku,name\na,{name}\n")
        assert erp.state("product_name") == [("a", "Bread")], settings
        assert [o.status for o in load_feed(LoadContext(erp.connection, erp.feed, "again", NOW))] == ["nothing new"]


def test_a_file_of_another_day_is_a_new_delivery_though_its_bytes_are_known(loader: Callable[..., Loader]) -> None:
    erp = loader(DATED)
    erp.deliver("20260101", "sku,name\na,Bread\n")
    erp.deliver("20260102", "sku,name\nb,Wine\n")
    erp.deliver("20260103", "sku,name\na,Bread\n")
    assert erp.state("product_name") == [("a", "Bread")]
