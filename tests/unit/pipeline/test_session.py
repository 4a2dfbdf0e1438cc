"""A run's connection is opened when it is needed, and follows the run into another file and back."""

from clientela.pipeline.session import Session
from tests.conftest import Company


def test_nothing_is_opened_before_it_is_asked_for_and_closed_twice_is_closed(shop: Company) -> None:
    session = Session(shop.config)
    session.interrupt()
    session.close()
    assert not shop.config.warehouse.exists()


def test_another_file_sees_the_warehouse_read_only_and_the_way_back_is_the_warehouse(shop: Company) -> None:
    shop.config.data.mkdir()
    session = Session(shop.config)
    session.connection.execute("create table kept as select 1 as one")
    scratch = shop.config.data / "scratch.duckdb"
    session.build_in(scratch)
    assert session.connection.execute("select one from warehouse.kept").fetchall() == [(1,)]
    readonly = "select readonly from duckdb_databases() where database_name = 'warehouse'"
    assert session.connection.execute(readonly).fetchall() == [(True,)]
    session.connection.execute("create table built as select 2 as two")
    session.build_in(shop.config.warehouse)
    tables = session.connection.execute("select table_name from duckdb_tables()").fetchall()
    session.close()
    assert tables == [("kept",)]
