"""A file that begins as a copy of the last holds what one written whole holds, and no byte of what was taken away."""

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela import publish_upon
from clientela.errors import NotPublishedError
from clientela.masking import check_value, masked, read_secret
from clientela.pipeline.leftovers import remove_leftovers
from clientela.publish import Mart, publish_marts
from clientela.publish_upon import Written
from clientela.warehouse import tables
from clientela.warehouse.keys import keep_keys
from tests.conftest import Company, open_shop
from tests.published_files import differences

NAME = "Leocadia of the Seventh Mill"
MARTS = [
    Mart("operations", "publication", "The run.", {"run_id": ("Its number.", False)}, ("run_id",)),
    Mart(
        "customer", "customers", "Customers.",
        {"customer_id": ("Id.", False), "full_name": ("Name.", True), "note": ("Note.", False)}, ("customer_id",),
    ),
    Mart("value", "order_lines", "Lines.", {"line_id": ("Id.", False), "day": ("Day.", False)}, ("line_id", "day"), ("day",)),
    Mart("value", "customer_months", "A view.", {"customer_id": ("Id.", False)}, ("customer_id", "month"), ("month",)),
    Mart("segment", "flows", "Without a key.", {"orders": ("Orders.", False)}),
    Mart("relationship", "contact_permissions", "Who may be contacted.", {}, ("customer_id", "purpose", "channel")),
]  # fmt: skip


class Nights:
    """A warehouse of a few marts, and a publication each night."""

    def __init__(self, company: Company) -> None:
        self.company, self.runs = company, 0
        company.config.data.mkdir(exist_ok=True)
        read_secret(company.config.data)
        self.connection = tables.connect(company.config.warehouse)
        tables.prepare(self.connection)
        keep_keys(self.connection, company.config.data)
        self.connection.execute("set enable_progress_bar = false")
        for schema in dict.fromkeys(mart.schema for mart in MARTS):
            self.connection.execute(f"create schema if not exists {schema}")
        for statement in (
            """
            insert into run.context (
                run_id, as_of_on, known_at, company, currency, time_zone, left_censored_days, config_hash, code_version,
                started_at
            ) values ('0', date '2026-01-31', now(), 'shop', 'EUR', 'UTC', 0, '', '', now())
            """,
            "create view operations.publication as select run_id, as_of_on from run.context",
            """
            create table customer.customers as
            select i as customer_id, 'Name of ' || i as full_name, md5('note' || i) as note from range(1, 401) as r(i)
            """,
            f"update customer.customers set full_name = '{NAME}' where customer_id = 7",
            """
            create table value.order_lines as
            select
                i as line_id, case when i % 5 > 0 then date '2026-01-01' + (i % 31)::integer end as day,
                i % 400 + 1 as customer_id, (i * 7 % 100)::decimal(18, 4) as net_amount, md5(i::varchar) as text
            from range(2000) as r(i)
            """,
            """
            create view value.customer_months as
            select customer_id, month(day) as month, sum(net_amount) as net_revenue from value.order_lines
            group by all
            """,
            "create table segment.flows as select 'a' as segment, count(*) as orders from value.order_lines",
            """
            create table relationship.contact_permissions as
            select customer_id, 'news' as purpose, 'email' as channel, true as is_permitted from customer.customers
            """,
            """
            insert into ledger.loads (batch_id, run_id, source, entity, delivery, status, mapping_hash, started_at, loaded_at)
            values (1, '0', 'till', 'transactions', 'append', 'loaded', '', now(), now())
            """,
        ):
            self.connection.execute(statement)

    def publish(self, *changes: str, folder: Path | None = None) -> Path:
        """One night that brings these changes."""
        for change in changes:
            self.connection.execute(change)
        if folder is None:
            self.runs += 1
            self.connection.execute("update run.context set run_id = ?", [str(self.runs)])
            self.connection.execute("delete from run.built")
            built = [[f"{mart.schema}.{mart.name}", str(self.runs)] for mart in MARTS]
            self.connection.executemany("insert into run.built values (?, ?)", built)
        config = self.company.config
        return publish_marts(self.connection, config, MARTS, folder or config.published).path

    def publish_whole(self) -> Path:
        """The same night's file, written whole: a past day's folder takes no copy."""
        return self.publish(folder=self.company.folder / "whole")

    @property
    def profile(self) -> Path:
        return self.company.config.profile_folder("crm") / "marts_crm.duckdb"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Written]:
    """What the publications upon a copy did, and tables that are large at some hundred rows."""
    monkeypatch.setattr("clientela.publish.MACROS", ())
    monkeypatch.setattr(publish_upon, "FEW_ROWS", 100)
    monkeypatch.setattr(publish_upon, "MANY_ROWS", 1500)
    did: list[Written] = []
    write_upon = publish_upon.write_upon

    def noting(*given: Any) -> Written:
        did.append(write_upon(*given))
        return did[-1]

    monkeypatch.setattr(publish_upon, "write_upon", noting)
    return did


@pytest.fixture
def nights(shop: Company, written: list[Written]) -> Iterator[Nights]:
    made = Nights(shop)
    yield made
    made.connection.close()


def test_a_file_upon_the_last_one_equals_one_written_whole(
    nights: Nights, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    # of so small a file a few blocks are much
    monkeypatch.setattr(publish_upon, "DEAD_SHARE", 0.9)
    nights.company.change(
        lambda s: s.update(publish={"profiles": {"crm": {"personal_columns": ["full_name"], "purpose": "news"}}})
    )
    nights.publish()
    assert not written, "there was none"
    for changes, did in (
        ((), Written(same=5, merged=0, filled=1)),
        # a twentieth of the lines, and what is counted from them
        (("update value.order_lines set net_amount = 0.5 where line_id % 20 = 0",), Written(3, 2, 1)),
        (
            (
                "insert into value.order_lines select line_id + 5000, null, 3, 1, 'new' from value.order_lines limit 50",
                "delete from value.order_lines where line_id % 40 = 1",
                "update customer.customers set note = 'other' where customer_id < 9",
            ),
            Written(2, 3, 1),
        ),
        # most rows differ
        (("update value.order_lines set text = md5(text)",), Written(4, 0, 2)),
        (("update segment.flows set orders = orders + 1",), Written(4, 0, 2)),
        (("delete from value.order_lines where line_id < 1200",), Written(3, 0, 3)),
        (
            (
                "delete from segment.flows",
                "update relationship.contact_permissions set channel = 'post' where customer_id > 200",
            ),
            Written(3, 0, 3),
        ),
    ):
        path = nights.publish(*changes)
        assert not differences(path, nights.publish_whole()), changes
        assert written == [did, did], "the profile's too"
        written.clear()


def test_nights_of_small_changes_do_not_let_the_file_grow(
    nights: Nights, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.publish("insert into value.order_lines select line_id + 10000 * i, day, 1, 1, md5(text || i) "
                   "from value.order_lines, range(1, 11) as r(i)")  # fmt: skip
    for night in range(8):
        path = nights.publish(
            f"update value.order_lines set text = md5(text || {night}) where hash(line_id, {night}) % 10 = 0",
        )
    assert {did.filled for did in written} == {1, 2}, "a table is filled again once more of it is dead than should be"
    whole = nights.publish_whole()
    assert not differences(path, whole) and path.stat().st_size < 1.6 * whole.stat().st_size
    monkeypatch.setattr(publish_upon, "DEAD_SHARE", -1)
    path = nights.publish()
    assert len(written) == 8 and not differences(path, nights.publish_whole()), "so is a whole file"


@pytest.mark.parametrize(
    "change",
    [
        "insert into value.order_lines select * from value.order_lines where line_id = 3",
        "insert into value.order_lines select line_id, day, 9, 1, 'other' from value.order_lines where line_id = 3",
        "update value.order_lines set text = md5(text), line_id = line_id - line_id % 2, day = null",
        "insert into relationship.contact_permissions select * from relationship.contact_permissions where customer_id = 3",
        "insert into relationship.contact_permissions values (null, 'news', 'email', true)",
    ],
    ids=["twice the same", "another row of a key", "a table filled again", "a small table", "a part is missing"],
)
def test_a_key_of_two_rows_is_found_upon_the_last_file_too(nights: Nights, change: str) -> None:
    path = nights.publish()
    held = path.read_bytes()
    with pytest.raises(NotPublishedError, match="is one row per"):
        nights.publish(change)
    assert path.read_bytes() == held


GONE = "the last words of batch 1"


@pytest.mark.parametrize(
    ("taken", "settings"),
    [
        ("update ledger.loads set status = 'unloaded', retired_at = now()", {}),
        ("insert into ledger.tombstones values ('a', 'b', 1, now())", {}),
        ("insert into ledger.expiries values ('till', 'transactions', '', date '2026-01-01', now())", {}),
        ("insert into raw.erasures by name select 1 as batch_id, 'till' as source", {}),
        ("select 1", {"storage_version": "v1.5.0"}),
    ],
    ids=["unloaded", "forgotten", "expired", "to be erased", "another format"],
)
def test_no_byte_stays_of_what_was_taken_away(
    nights: Nights, written: list[Written], taken: str, settings: dict[str, Any]
) -> None:
    path = nights.publish(f"insert into value.order_lines values (9999, null, 7, 1, '{GONE}')")
    assert GONE.encode() in path.read_bytes(), "it can be found"
    nights.company.change(lambda s: s.update(publish=settings))
    path = nights.publish("delete from value.order_lines where line_id = 9999", taken)
    assert GONE.encode() not in path.read_bytes()
    assert not written and not differences(path, nights.publish_whole())


def test_what_is_only_corrected_may_stay_until_the_file_is_written_whole(
    nights: Nights, written: list[Written]
) -> None:
    nights.publish(f"insert into value.order_lines values (9999, null, 7, 1, '{GONE}')")
    path = nights.publish("delete from value.order_lines where line_id = 9999")
    assert written and GONE.encode() in path.read_bytes(), "else the tests of what is taken away prove nothing"


@pytest.mark.parametrize(
    "change",
    [
        "delete from customer.customers where customer_id = 7",
        "update customer.customers set full_name = 'B' where customer_id = 7",
    ],
    ids=["gone", "corrected"],
)
def test_no_byte_stays_of_a_person_whom_readers_saw(nights: Nights, written: list[Written], change: str) -> None:
    nights.company.change(lambda s: s.update(publish={"personal_data": "full"}))
    assert NAME.encode() in nights.publish().read_bytes()
    nights.publish("update customer.customers set note = 'other' where customer_id = 8")
    assert len(written) == 1, "nobody is gone"
    path = nights.publish(change)
    assert NAME.encode() not in path.read_bytes()
    assert len(written) == 1 and not differences(path, nights.publish_whole())


def test_no_byte_stays_of_a_person_who_may_no_longer_be_contacted(nights: Nights, written: list[Written]) -> None:
    profile = {"personal_columns": ["full_name"], "purpose": "news"}
    nights.company.change(lambda s: s.update(publish={"profiles": {"crm": profile}}))
    nights.publish()
    assert NAME.encode() in nights.profile.read_bytes()
    nights.publish("update relationship.contact_permissions set is_permitted = false where customer_id = 7")
    assert NAME.encode() not in nights.profile.read_bytes()
    assert len(written) == 1, "the file of all readers never showed them"


def test_no_mask_of_a_former_secret_stays(nights: Nights) -> None:
    old = (nights.company.config.data / "secret").read_text().strip()
    mask = masked(NAME, old).encode()
    assert mask in nights.publish().read_bytes()
    (nights.company.config.data / "secret").write_text("a" * 64 + "\n")
    path = nights.publish(f"update ledger.secret set check_value = '{check_value('a' * 64)}'")
    assert mask not in path.read_bytes() and masked(NAME, "a" * 64).encode() in path.read_bytes()


def test_a_file_that_somebody_wrote_into_is_not_built_upon(nights: Nights, written: list[Written]) -> None:
    path = nights.publish()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table value.notes as select 'mine' as note")
    path = nights.publish()
    assert not written and not differences(path, nights.publish_whole())


def _die_in(folder: str, name: str) -> None:
    """Publish a second night in which the named function is never left alive."""
    import importlib

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    module, _, function = name.rpartition(".")
    setattr(importlib.import_module(module), function, die)
    publish_upon.FEW_ROWS = 100
    company = Company(Path(folder))
    with tables.connect(company.config.warehouse) as connection:
        publish_marts(connection, company.config, MARTS, company.config.published)


@pytest.mark.parametrize("name", ["publish_upon._look", "publish_upon._merge", "publish._check"])
def test_a_kill_between_steps_leaves_the_last_file(tmp_path: Path, written: list[Written], name: str) -> None:
    nights = Nights(open_shop(tmp_path))
    path = nights.publish()
    held = hashlib.sha256(path.read_bytes()).hexdigest()
    nights.connection.execute("update value.order_lines set net_amount = 0.5 where line_id % 20 = 0")
    nights.connection.execute("update run.context set run_id = '2'; update run.built set run_id = '2'")
    nights.connection.close()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clientela.pipeline.leftovers", "clientela.publish"])
    child = context.Process(target=_die_in, args=(str(tmp_path), f"clientela.{name}"))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL, "the step was reached and killed"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == held
    remove_leftovers(nights.company.config)
    left = {version.name for version in (path.parent / "versions").iterdir()}
    assert left <= {"marts_1.duckdb", "marts_2.duckdb"} and ("marts_2.duckdb" in left) == name.startswith("publish."), (
        left
    )
    nights.connection, nights.runs = tables.connect(nights.company.config.warehouse), 2
    path = nights.publish()
    assert written and not differences(path, nights.publish_whole())
    nights.connection.close()
