"""What a table is, what its key is, and what is said of it: nothing that was not counted."""

import time
from pathlib import Path

import pytest
import yaml

from clientela.onboard.propose import propose
from tests.unit.onboard.layouts import shopify_api


def test_forty_three_small_tables_take_seconds(tmp_path: Path) -> None:
    shopify_api(tmp_path)
    assert len(list(tmp_path.glob("*.csv"))) == 43
    began = time.process_time()
    text = propose(str(tmp_path), tmp_path).text
    assert time.process_time() - began < 10
    (source,) = yaml.safe_load(text)["sources"].values()
    files = {feed["files"] for feed in source["entities"].values()}
    assert files - {"orders.csv"} == {"customers.csv", "products.csv", "order_line_items.csv"}


def test_offsets_are_read_as_they_stand(tmp_path: Path) -> None:
    rows = [f"O{n:03d},{n % 7},2025-01-{n % 28 + 1:02d} 09:55:16 -0400,{n}.50" for n in range(1, 40)]
    (tmp_path / "orders.csv").write_text("\n".join(["order_id,customer_id,created_at,amount", *rows]) + "\n")
    (source,) = yaml.safe_load(propose(str(tmp_path), tmp_path).text)["sources"].values()
    assert source["entities"]["transactions"]["columns"]["ordered_at"] == "created_at"
    assert "datetime_format" not in source


def test_days_without_a_time_are_proposed_as_days(tmp_path: Path) -> None:
    rows = [f"O{n:03d};{n % 7};{n % 28 + 1:02d}.11.2025;{n},50" for n in range(1, 40)]
    (tmp_path / "orders.csv").write_text("\n".join(["order_id;customer_id;order_date;amount", *rows]) + "\n")
    text = propose(str(tmp_path), tmp_path).text
    (source,) = yaml.safe_load(text)["sources"].values()
    assert source["datetime_format"] == "%d.%m.%Y"
    assert "days without a time of day: they count as days of the company's calendar" in text


def test_columns_in_two_ways_of_writing_days_are_both_read(tmp_path: Path) -> None:
    rows = [f"O{n:03d},{n % 7},2025-01-{n % 28 + 1:02d},{n % 28 + 1:02d}/02/2025,{n}.50" for n in range(1, 40)]
    (tmp_path / "orders.csv").write_text(
        "\n".join(["order_id,customer_id,order_date,delivery_date,amount", *rows]) + "\n"
    )
    (source,) = yaml.safe_load(propose(str(tmp_path), tmp_path).text)["sources"].values()
    columns = source["entities"]["transactions"]["columns"]
    assert (columns["ordered_at"], columns["delivered_on"]) == ("order_date", "delivery_date")
    assert source["date_format"] == "%d/%m/%Y" and "datetime_format" not in source


@pytest.mark.parametrize(
    ("repeats", "evidence"),
    [
        (0, "no two of 200 rows share it"),
        (1, "CHECK: of 200 rows 1 share it with another that says something else"),
    ],
)
def test_what_is_said_of_a_key_was_counted_over_all_rows(tmp_path: Path, repeats: int, evidence: str) -> None:
    rows = [f"C{n if n >= repeats else 199},a{n}@x.example,Ana{n}" for n in range(200)]
    (tmp_path / "customers.csv").write_text("\n".join(["customer_id,email,first_name", *rows]) + "\n")
    assert evidence in propose(str(tmp_path), tmp_path).text


def test_where_rows_repeat_whole_it_is_said_of_the_key(tmp_path: Path) -> None:
    rows = [f"O{n // 2:03d},{n % 2},c{n % 5},2025-01-0{n % 9 + 1},{n}.50" for n in range(60)]
    (tmp_path / "sales.csv").write_text(
        "\n".join(["order_id,line_no,customer_id,order_date,amount", *rows, *rows[:3]]) + "\n"
    )
    text = propose(str(tmp_path), tmp_path).text
    assert "of 63 rows 3 repeat another whole; no two others share it" in text
    (source,) = yaml.safe_load(text)["sources"].values()
    assert source["entities"]["transactions"]["repeats"] == "number"


def test_a_second_table_of_the_same_customers_is_reported_and_not_taken(tmp_path: Path) -> None:
    people = [f"{n + 500},Ana{n},Gil{n},a{n}@x.example" for n in range(30)]
    (tmp_path / "customers.csv").write_text("\n".join(["id,first_name,last_name,email", *people]) + "\n")
    profiles = [f"{n + 9000},{n + 500},Ana{n},Gil{n},600100{n:03d}" for n in range(30)]
    (tmp_path / "profiles.csv").write_text("\n".join(["id,customer_id,first_name,last_name,phone", *profiles]) + "\n")
    text = propose(str(tmp_path), tmp_path).text
    (source,) = yaml.safe_load(text)["sources"].values()
    assert source["entities"]["customers"]["files"] == "customers.csv"
    assert "profiles.csv" in text


def test_a_column_that_says_the_same_in_all_rows_names_no_customer(tmp_path: Path) -> None:
    rows = [f"O{n:03d},1,2025-01-{n % 28 + 1:02d},{n}.50,me@shop.example" for n in range(1, 40)]
    (tmp_path / "orders.csv").write_text("\n".join(["order_id,customer_id,created_at,amount,email", *rows]) + "\n")
    (source,) = yaml.safe_load(propose(str(tmp_path), tmp_path).text)["sources"].values()
    assert "customer_key" not in source["entities"]["transactions"]["columns"]


@pytest.mark.parametrize("column", ["refund_amount", "amount_refunded", "importe_reembolsado"])
def test_what_was_given_back_is_no_amount_of_a_sale(tmp_path: Path, column: str) -> None:
    rows = [f"O{n:03d},{n % 7},sku{n % 5},1,2025-01-{n % 28 + 1:02d},{n % 3}.50,{n}.50" for n in range(1, 40)]
    names = f"order_id,customer_id,product_id,quantity,order_date,{column},price"
    (tmp_path / "orders.csv").write_text("\n".join([names, *rows]) + "\n")
    text = propose(str(tmp_path), tmp_path).text
    (source,) = yaml.safe_load(text)["sources"].values()
    assert column not in str(source["entities"]["transactions"]["columns"]), text
