"""`clientela disclose` tells everything that is held of a person: rows, totals of what expired, and what was refused."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from clientela.privacy.disclose import disclose
from tests.conftest import NOW, Company
from tests.unit.privacy.test_forget import load, open_privacy_shop

HER_KEY = "a-100"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that knows who is who: she is customer 7, and what she bought years ago has expired."""
    shop = open_privacy_shop(tmp_path_factory.mktemp("shop"))
    shop.change(lambda settings: settings.update(reference_folder="reference"))
    shop.write(
        "reference/identity_decisions.csv",
        "first_source,first_key,second_source,second_key,decision\ntill,a-100,till,b-200,never\n",
    )
    load(shop)
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create schema if not exists customer")
        connection.execute(
            "create table customer.customer_records as select distinct case record_key when 'a-100' then 7 else 8 end as "
            "customer_id, record_id as customer_record_id, source, record_key as customer_key from raw.customers"
        )
        for key, amount in ((HER_KEY, 1234.5), ("b-200", 777.25)):
            connection.execute(
                """
                insert into ledger.expired_amounts by name
                select 'till' as source, record_id as customer_record_id, date '2019-03-01' as month, 'revenue' as component,
                    '' as activity, 'sales before discounts' as rule, false as is_assumed, 3 as entries, ? as amount,
                    now() as expired_at
                from raw.customers where record_key = ? limit 1
                """,
                [amount, key],
            )
        (shop.config.data / "quarantine").mkdir(exist_ok=True)
        connection.execute(
            f"copy (select * from raw.interactions) to '{shop.config.data / 'quarantine' / '99-till-interactions.parquet'}'"
        )
    return shop.folder


@pytest.fixture
def shop(tmp_path: Path, made: Path) -> Company:
    shutil.copytree(made, tmp_path / "shop")
    return Company(tmp_path / "shop")


def test_everything_held_of_a_person_is_told_and_nothing_of_others(shop: Company, tmp_path: Path) -> None:
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        told = disclose(connection, shop.config, 7, tmp_path / "for_her", NOW)
    said = json.loads(told.json_file.read_text(encoding="utf-8"))
    page = told.page.read_text(encoding="utf-8")
    (total,) = said["totals"]
    assert total["sources"] == ["till"] and total["purpose"] == "so that the books add up"
    assert [(row["month"], row["component"], row["entries"], row["amount"]) for row in total["rows"]] == [
        ("2019-03-01", "revenue", 3, "1234.5000")
    ]
    assert "1234.5000" in page and "777.25" not in page, "the totals of what expired are hers alone"
    parts = {part["entity"]: part["rows"] for part in said["delivered"]}
    (decision,) = parts["identity_decisions"]
    assert (decision["first_key"], decision["decision"]) == (HER_KEY, "never")
    assert "second_key" not in decision and "b-200" not in page, "whom she is not is another's"
    assert [row["note"] for row in said["refused"]] == ["Ana Gil Torralba asked for a refund"]
    assert "Rows of deliveries that were refused (1)" in page
    assert told.rows == sum(len(part["rows"]) for part in [*said["delivered"], *said["totals"], *said["computed"]])
