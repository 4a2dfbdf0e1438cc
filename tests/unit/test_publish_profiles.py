"""More than one file from the same marts: each shows its readers what they may see, of whom they may contact."""

import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from clientela import file_modes
from clientela.errors import ConfigError, NotPublishedError
from clientela.publish import Mart, publish_marts
from clientela.warehouse.tables import prepare
from tests.conftest import Company

PERSONAL = {
    "full_name": ("Name.", True),
    "email": ("E-mail.", True),
    "phone": ("Phone.", True),
    "city": ("Town.", False),
}
MARTS = [
    Mart("operations", "publication", "", {}),
    Mart("customer", "customers", "", {"customer_id": ("Id.", False), **PERSONAL}),
    Mart("value", "customer_value", "", {"customer_id": ("Id.", False)}),
    Mart("quality", "households", "", {"email": ("E-mail.", True)}),
    Mart("relationship", "contact_permissions", "", {}),
]


@pytest.fixture
def built(shop: Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """Three customers, of whom two may be contacted by e-mail and one by post."""
    monkeypatch.setattr("clientela.publish.MACROS", ())
    shop.config.data.mkdir()
    with duckdb.connect(str(shop.config.warehouse.with_name("built.duckdb"))) as connection:
        prepare(connection)
        connection.execute(
            """
            insert into run.context (
                run_id, as_of_on, known_at, company, currency, time_zone, left_censored_days, config_hash, code_version,
                started_at
            ) values ('one', date '2026-01-31', now(), 'shop', 'EUR', 'UTC', 0, '', '', now())
            """
        )
        for schema in ("operations", "customer", "value", "quality", "relationship"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute("create table operations.publication as select run_id, as_of_on from run.context")
        connection.execute(
            """
            create table customer.customers as select * from (values
                (1, 'Ana', 'ana@example.com', '1', 'Ubeda'), (2, 'Blas', 'blas@example.com', '2', 'Baeza'),
                (3, 'Carla', 'carla@example.com', '3', 'Jaen')
            ) as customers (customer_id, full_name, email, phone, city)
            """
        )
        connection.execute("create table value.customer_value as select customer_id from customer.customers")
        connection.execute("create table quality.households as select email from customer.customers")
        connection.execute(
            """
            create table relationship.contact_permissions as select * from (values
                (1, 'news', 'email', true), (2, 'news', 'email', true), (2, 'news', 'post', false), (3, 'news', 'post', true),
                (3, 'service', 'email', true)
            ) as permissions (customer_id, purpose, channel, is_permitted)
            """
        )
        connection.executemany("insert into run.built values (?, 'one')", [[f"{m.schema}.{m.name}"] for m in MARTS])
        yield connection


def read(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def publish(shop: Company, built: duckdb.DuckDBPyConnection, **profile: object) -> Path:
    shop.change(lambda settings: settings.update(publish={"profiles": {"crm": profile}}))
    publish_marts(built, shop.config, MARTS, shop.config.published)
    return shop.config.profile_folder("crm") / "marts_crm.duckdb"


def test_a_profile_shows_its_columns_of_those_who_may_be_contacted(
    shop: Company, built: duckdb.DuckDBPyConnection
) -> None:
    path = publish(shop, built, personal_columns=["full_name", "email"], purpose="news", channel="email")
    rows = read(path, "from customer.customers order by 1")
    assert [row[:3] for row in rows] == [(1, "Ana", "ana@example.com"), (2, "Blas", "blas@example.com")]
    assert all(str(row[3]).startswith("masked:") for row in rows), "what is not on its list is masked"
    assert read(path, "select count(*) from value.customer_value") == [(3,)]
    assert read(path, "from quality.households") == [], "where nobody can be told, nobody is shown"
    masked = read(shop.config.published / "marts.duckdb", "select full_name from customer.customers")
    assert len(masked) == 3 and all(str(name).startswith("masked:") for (name,) in masked)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path = publish(shop, built, personal_columns=["email"], purpose="news")
    assert len(read(path, "from customer.customers")) == 3, "by whichever channel"


def test_a_profile_that_cannot_be_made_holds_the_publication_back(
    shop: Company, built: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(NotPublishedError, match=r"'mail' is no personal column of a mart; did you mean 'email'\?"):
        publish(shop, built, personal_columns=["mail"], purpose="news")
    assert not (shop.config.published / "marts.duckdb").exists()


def test_a_group_needs_a_folder_that_it_can_reach(shop: Company, built: duckdb.DuckDBPyConnection) -> None:
    profile = {"personal_columns": ["email"], "purpose": "news", "group": "root"}
    shop.change(lambda settings: settings.update(publish={"profiles": {"crm": profile}}))
    with pytest.raises(ConfigError, match="name a folder outside of it"), file_modes.closed(shop.config):
        pass
    path = publish(shop, built, **profile, folder="for_crm")
    assert path.parent == shop.folder / "for_crm"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and stat.S_IMODE(path.parent.stat().st_mode) == 0o750
