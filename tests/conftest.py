"""What every test shares: an invented company in a temporary folder, and its nights."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientela.config.company import Config
from clientela.config.read import load_config
from clientela.pipeline.nightly import run
from clientela.pipeline.run_summary import Report
from clientela.warehouse import tables

ROOT = Path(__file__).resolve().parent.parent
#: files that take longest, the longest first: they begin first, so that no process waits at the end for the other
LONG = (
    "test_faults.py",
    "test_marts.py",
    "test_dagster_night.py",
    "test_installed.py",
    "test_identity_nights.py",
    "test_forecasts.py",
    "test_changed_batches.py",
    "test_refusals.py",
    "test_reload_in_marts.py",
    "test_audiences.py",
    "test_resolve.py",
    "test_recipes.py",
    "test_forget.py",
    "test_kinds_databases.py",
    "test_night.py",
    "test_store.py",
    "test_incremental.py",
    "test_layouts.py",
    "test_upgrade.py",
    "test_doctor.py",
    "test_dagster_serves.py",
    "test_kinds_beyond_memory.py",
)
#: the wall clock of invented nights, after all invented events
NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files; within one, tests stay in theirs."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@cache
def _prepared() -> bytes:
    """A warehouse with its tables and nothing in them, made once: some ninety tables cost more than what a small test loads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prepared.duckdb"
        with tables.connect(path) as connection:
            tables.prepare(connection)
        return path.read_bytes()


def prepared_warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection to a new warehouse at `path` that has its tables."""
    path.write_bytes(_prepared())
    return tables.connect(path)


@dataclass
class Company:
    """A company of one configuration file, whose files a test writes."""

    folder: Path

    @property
    def config_path(self) -> Path:
        return self.folder / "clientela.yml"

    @property
    def config(self) -> Config:
        return load_config(self.config_path)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit the configuration as a person would edit the file."""
        settings = yaml.safe_load(self.config_path.read_text(encoding="utf-8"))
        change(settings)
        self.config_path.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def night(self, now: datetime = NOW) -> Report:
        return run(self.config, now=now)

    def published(self, query: str, file: str = "marts.duckdb") -> list[tuple[Any, ...]]:
        connection = duckdb.connect(str(self.config.published / file), read_only=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def warehouse(self, query: str) -> list[tuple[Any, ...]]:
        connection = duckdb.connect(str(self.config.warehouse), read_only=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


SHOP: dict[str, Any] = {
    "company": "Corner shop",
    "currency": "EUR",
    "time_zone": "Europe/Madrid",
    "data_folder": "data",
    "sources": {
        "till": {
            "entities": {
                "transactions": {
                    "files": "sales*.csv",
                    "key": ["receipt", "line"],
                    "columns": {
                        "order_key": "receipt",
                        "line_key": "line",
                        "customer_key": "customer",
                        "product_key": "product",
                        "net_amount": "net",
                        "ordered_at": "sold_at",
                    },
                },
                "customers": {
                    "files": "customers*.csv",
                    "key": "customer",
                    "columns": {"full_name": "name", "email": "email", "updated_at": "changed"},
                },
            }
        }
    },
}

SALES = """receipt,line,customer,product,net,sold_at
1,1,a,bread,2.00,2026-01-05 10:00:00
1,2,a,wine,8.50,2026-01-05 10:00:00
2,1,b,bread,2.00,2026-01-20 18:30:00
3,1,,bread,4.00,2026-02-02 09:00:00
"""
MORE_SALES = """receipt,line,customer,product,net,sold_at
4,1,a,wine,17.00,2026-02-10 12:00:00
5,1,c,bread,2.00,2026-02-11 12:00:00
"""
CUSTOMERS = """customer,name,email,changed
a,Ana Gil,ana@example.com,2026-01-01 08:00:00
b,Blas Ruiz,blas@example.com,2026-01-02 08:00:00
"""


def open_shop(folder: Path) -> Company:
    """A shop with one source, two entities, nothing loaded yet."""
    company = Company(folder)
    company.config_path.write_text(yaml.safe_dump(SHOP, sort_keys=False), encoding="utf-8")
    company.write("sales_1.csv", SALES)
    company.write("customers.csv", CUSTOMERS)
    return company


@pytest.fixture
def shop(tmp_path: Path) -> Company:
    """A shop of this test's own."""
    return open_shop(tmp_path)


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop after its first night; tests take copies of it."""
    company = open_shop(tmp_path_factory.mktemp("first_night"))
    assert company.night().status == "published"
    return company.folder


@pytest.fixture
def running(tmp_path: Path, first_night: Path) -> Company:
    """A shop of this test's own, the morning after its first night."""
    shutil.copytree(first_night, tmp_path, dirs_exist_ok=True)
    return Company(tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Company]:
    """README's example, copied."""
    shutil.copytree(ROOT / "examples" / "small", tmp_path / "small")
    company = Company(tmp_path / "small")
    company.change(lambda settings: settings.update(data_folder="data"))
    yield company


def marts(company: Company, file: str = "marts.duckdb") -> dict[str, list[tuple[Any, ...]]]:
    """Every published table as sorted rows, customers by their records instead of their number.

    Left out: what speaks of the runs, not of the company (operations, frozen predictions and their scores, the events of
    identity and when they happened).
    """
    connection = duckdb.connect(str(company.config.published / file), read_only=True)
    try:
        tables = connection.execute(
            """
            select schema_name, table_name from duckdb_tables()
            where schema_name <> 'operations' and table_name not in (
                'value_predictions', 'value_backtest', 'identity_events', 'identity_measures', 'customer_record_history',
                'customer_ids'
            )
            order by 1, 2
            """
        ).fetchall()
        connection.execute(
            """
            create temp table known as
            select customer_id, string_agg(source || '/' || customer_key, '+' order by source, customer_key) as who
            from customer.customer_records group by customer_id
            """
        )
        contents = {}
        for schema, table in tables:
            names = [r[0] for r in connection.execute(f"describe {schema}.{table}").fetchall()]
            ids = [n for n in names if n == "customer_id" or n.endswith("_customer_id")]
            joins = " ".join(f"left join known as k_{n} on k_{n}.customer_id = t.{n}" for n in ids)
            shown = ", ".join(f"coalesce(k_{n}.who, cast(t.{n} as varchar))" if n in ids else f"t.{n}" for n in names)
            contents[f"{schema}.{table}"] = connection.execute(
                f"select {shown} from {schema}.{table} as t {joins} order by all"
            ).fetchall()
        return contents
    finally:
        connection.close()
