"""MariaDB as Debian ships it: what is proved of PostgreSQL and SQLite on every change, and what MySQL's types and times add.

The server is this test's own, in a folder of its own, and listens on this machine alone.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clientela.config.sources import DatabaseSource
from clientela.extract.readers import database as reader
from clientela.onboard.propose import propose

sys.path.insert(0, str(Path(__file__).parents[2] / "integration"))
import test_kinds_databases as shared
from test_kinds_databases import Database

pytestmark = pytest.mark.prove
USER, PASSWORD = "spy", "hunter2 secret:@mysql:"
ENCODED = "hunter2%20secret%3A%40mysql%3A"
PATHS = "/usr/sbin:/usr/bin:/sbin:/usr/local/bin"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that has one empty database."""
    pymysql = pytest.importorskip("pymysql", reason="PyMySQL is not installed")
    programs = [shutil.which(name, path=PATHS) for name in ("mariadb-install-db", "mariadbd")]
    if None in programs:
        pytest.skip("no MariaDB server is installed (Debian's mariadb-server)")
    install, daemon = map(str, programs)
    with tempfile.TemporaryDirectory() as folder:
        port, place = _free_port(), Path(folder)
        common = ["--no-defaults", f"--datadir={place / 'data'}", "--user=root"]
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"], **quiet)
        options = [f"--socket={place / 's'}", "--bind-address=127.0.0.1", f"--port={port}", "--skip-log-bin",
                   f"--pid-file={place / 'pid'}", "--innodb-buffer-pool-size=32M", "--default-time-zone=+05:00"]  # fmt: skip
        running = subprocess.Popen([daemon, *common, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(300):
                try:
                    root = pymysql.connect(unix_socket=str(place / "s"), user="root", autocommit=True)
                    break
                except pymysql.err.OperationalError:
                    time.sleep(0.1)
            with root, root.cursor() as cursor:
                cursor.execute("create database crm")
                cursor.execute("create user %s@'127.0.0.1' identified by %s", (USER, PASSWORD))
                cursor.execute("grant all on crm.* to %s@'127.0.0.1'", (USER,))
            yield f"mysql://{USER}:{ENCODED}@127.0.0.1:{port}/crm"
        finally:
            running.terminate()
            running.wait(60)


class MariaDb(Database):
    @property
    def is_sqlite(self) -> bool:
        return False

    def run(self, *statements: str) -> None:
        import pymysql

        port = int(self.url.rpartition(":")[2].partition("/")[0])
        modes = "PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION"
        with (
            pymysql.connect(
                host="127.0.0.1", port=port, user=USER, password=PASSWORD, database="crm", autocommit=True
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("set sql_mode = %s, max_recursive_iterations = 100000, time_zone = '+00:00'", (modes,))
            for statement in statements:
                cursor.execute(statement)


@pytest.fixture
def database(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MariaDb]:
    made = MariaDb(server, tmp_path, monkeypatch)
    made.run(
        "drop table if exists people",
        "create table people (id integer, name text, email text, cost numeric(12,3), changed datetime(6))",
        "insert into people values (1, 'Ann', 'a@x.es', '1.234', '2026-01-01 10:00:00')",
        "insert into people values (2, 'Ñandú', null, '1234.5', '2026-01-02 10:00:00')",
    )
    yield made
    made.warehouse.close()


test_a_table_is_loaded_once_and_a_second_night_finds_nothing_new = (
    shared.test_a_table_is_loaded_once_and_a_second_night_finds_nothing_new
)
test_what_was_delivered_is_what_was_kept = shared.test_what_was_delivered_is_what_was_kept
test_a_query_reads_what_it_says = shared.test_a_query_reads_what_it_says
test_with_a_watermark_only_what_is_newer_is_read_again = shared.test_with_a_watermark_only_what_is_newer_is_read_again
test_the_look_back_finds_rows_that_come_late = shared.test_the_look_back_finds_rows_that_come_late
test_a_number_may_be_the_watermark = shared.test_a_number_may_be_the_watermark
test_a_watermark_in_the_future_hides_nothing = shared.test_a_watermark_in_the_future_hides_nothing
test_text_that_does_not_sort_by_time_is_no_watermark = shared.test_text_that_does_not_sort_by_time_is_no_watermark
test_rows_without_a_watermark_are_not_lost = shared.test_rows_without_a_watermark_are_not_lost
test_a_refused_batch_does_not_move_the_watermark = shared.test_a_refused_batch_does_not_move_the_watermark
test_a_table_that_goes_back_to_an_earlier_state_is_a_new_delivery = (
    shared.test_a_table_that_goes_back_to_an_earlier_state_is_a_new_delivery
)
test_numbers_are_numbers_in_a_source_that_writes_decimal_commas = (
    shared.test_numbers_are_numbers_in_a_source_that_writes_decimal_commas
)
test_many_rows_come_in_row_groups_of_one_size = shared.test_many_rows_come_in_row_groups_of_one_size
test_reading_writes_nothing = shared.test_reading_writes_nothing
test_a_column_that_is_mapped_later_is_read_from_the_beginning = (
    shared.test_a_column_that_is_mapped_later_is_read_from_the_beginning
)
test_what_a_database_says_is_short_and_printable = shared.test_what_a_database_says_is_short_and_printable
test_a_missing_table_or_watermark_is_a_sentence = shared.test_a_missing_table_or_watermark_is_a_sentence
test_an_empty_table_is_never_delivered = shared.test_an_empty_table_is_never_delivered


def test_every_type_comes_without_loss(database: MariaDb) -> None:
    database.run(
        "drop table people",
        "create table people (id binary(16), name json, email enum('a', 'b'), cost decimal(40,12), changed timestamp null, "
        "big bigint unsigned, bits bit(4), f float, d date, dt datetime(3), tm time, y year, "
        "picture longblob, word varbinary(9))",
        "insert into people values (x'0102030405060708090a0b0c0d0e0fff', '{\"a\": 1}', 'b', 12345678901.123456789012, "
        "'2026-01-01 10:00:00', 18446744073709551615, b'101', 1.1, '2026-01-31', '2026-01-01 10:00:00.123', '-01:02:03', 2026, "
        "repeat(x'ff', 100000), 'word')",
        "insert into people (id, changed, d, dt) values (x'00', null, '0000-00-00', '2026-02-00 00:00:00')",
    )
    columns = {
        "full_name": "name", "acquisition_channel": "email", "acquisition_cost": "cost", "updated_at": "changed",
        "phone": "big", "loyalty_id": "bits", "acquired_on": "d", "city": "dt", "region": "tm", "country": "y", "street": "word",
        "postal_code": "f",
    }  # fmt: skip
    assert database.night(columns=columns).loaded == 2
    selected = "record_key, full_name, acquisition_channel, acquisition_cost, updated_at, phone, loyalty_id, acquired_on, region"
    (empty, full) = database.loaded(selected)
    assert empty == ("\\x00000000000000000000000000000000", *[None] * 8)
    assert full == (
        "\\x0102030405060708090a0b0c0d0e0fff", '{"a": 1}', "b", Decimal("12345678901.1235"),
        datetime(2026, 1, 1, 10, tzinfo=UTC), "18446744073709551615", "5", date(2026, 1, 31), "-01:02:03",
    )  # fmt: skip
    assert database.loaded("city, street, postal_code, country")[1] == (
        "2026-01-01 10:00:00.123", "\\x776f7264", "1.1", "2026"
    )  # fmt: skip


def test_a_timestamp_is_an_instant_and_may_be_the_watermark(database: MariaDb) -> None:
    mark = {"watermark": "changed"}
    database.run("alter table people modify changed timestamp(6) null")
    assert database.night(mark).loaded == 2
    assert database.loaded("updated_at")[0] == (datetime(2026, 1, 1, 10, tzinfo=UTC),), (
        "the server's zone changes nothing"
    )
    assert database.night(mark).status == "nothing new"
    database.run("insert into people values (3, 'Cid', null, null, '2026-01-02 10:00:01')")
    assert database.night(mark).loaded == 1


def test_text_with_iso_dates_is_a_watermark(database: MariaDb) -> None:
    mark = {"watermark": "changed"}
    shared._with_text(database, "2025-12-30 10:00:00", "2025-12-31T10:00:00Z")
    assert database.night(mark).loaded == 2
    assert database.night(mark).status == "nothing new"
    database.run("insert into people values (4, 'Cid', null, null, '2026-01-01 08:00:00')")
    assert database.night(mark).loaded == 1
    database.run("insert into people values (5, 'Eva', null, null, '02/01/2026')")
    assert "is text such as 99/99/9999" in database.night(mark).reason


def test_rows_are_those_of_one_instant_and_nothing_can_be_written(database: MariaDb, tmp_path: Path) -> None:
    settings = DatabaseSource(connection_env="CRM_DATABASE", table="people")
    with reader.opened(settings, tmp_path, "point") as source:
        database.run("insert into people values (3, 'later', null, null, null)", "delete from people where id = 1")
        assert reader.fetch(source, ["id"], None, tmp_path / "x.parquet", ["id", "name"]) == 2
        assert pq.read_table(tmp_path / "x.parquet").to_pydict() == {"id": [1, 2], "name": ["Ann", "Ñandú"]}
        assert source.tables() == {"people": False}
        with pytest.raises(Exception, match="READ ONLY transaction"):
            source.connection.exec_driver_sql("delete from people")
    with reader.opened(settings, tmp_path, "point") as source:
        assert reader.fetch(source, ["id"], None, tmp_path / "x.parquet", ["id"]) == 2


def test_a_table_of_bytes_is_read_but_for_its_bytes(database: MariaDb, tmp_path: Path) -> None:
    database.run("alter table people add picture longblob", "update people set picture = repeat(x'ff', 1000000)")
    assert database.night().loaded == 2
    settings = DatabaseSource(connection_env="CRM_DATABASE", table="crm.people")
    with reader.opened(settings, tmp_path, "point") as source:
        reader.fetch(source, [], None, tmp_path / "x.parquet")
    assert pq.read_schema(tmp_path / "x.parquet").names == ["id", "name", "email", "cost", "changed"]


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_no_sentence_tells_the_connection(database: MariaDb, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    url = database.url.replace("mysql", scheme, 1)
    monkeypatch.setenv("CRM_DATABASE", url)
    assert database.night().loaded == 2
    for wrong in (
        url.replace(ENCODED, "hunter2wrong"),
        url.replace("127.0.0.1", "host.invalid"),
        url.replace("/crm", "/secretdb"),
    ):
        monkeypatch.setenv("CRM_DATABASE", wrong)
        outcome = database.night()
        assert outcome.status == "refused" and "the database of CRM_DATABASE said: " in outcome.reason
        for secret in (PASSWORD, ENCODED, "hunter2", "host.invalid", "secretdb", USER):
            assert secret not in outcome.reason, outcome.reason


def test_tables_are_proposed_with_the_quotes_of_this_system(database: MariaDb, tmp_path: Path) -> None:
    database.run(
        "create table `order` (`id` int primary key, `customer_id` int, `total` decimal(9,2), `order_date` datetime)",
        "insert into `order` select seq, 1 + seq % 2, seq, '2026-01-05 10:00:00' + interval seq hour from seq_1_to_20",
        "create view shown as select * from `order`",
    )
    proposal = propose("CRM_DATABASE", tmp_path)
    assert proposal.unread == [] and "table: order}" in proposal.text and "table: people}" in proposal.text
    with reader.opened(DatabaseSource(connection_env="CRM_DATABASE", table="order"), tmp_path, "point") as source:
        assert source.tables() == {"order": False, "people": False, "shown": True}
