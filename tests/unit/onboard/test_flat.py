"""Customers and products whom only the file of sales describes."""

from pathlib import Path
from typing import Any

import yaml

from clientela.onboard.propose import propose
from tests.unit.onboard.more_layouts import superstore

HEADER = "order,day,customer,name,ship_city,sku,product_name,net"


def _feeds(folder: Path) -> dict[str, Any]:
    (source,) = yaml.safe_load(propose(str(folder), folder).text)["sources"].values()
    return dict(source["entities"])


def _sales(folder: Path, change: str = "") -> None:
    lines = [HEADER]
    for n in range(60):
        who = n % 12
        name = f"Ana Gil{who}" if n != 50 else f"Ana Gil{who}{change}"
        lines.append(f"O{n // 2},2025-01-{n % 28 + 1:02d},C{who},{name},Town{n % 7},S{n % 5},Thing {n % 5},{n}.50")
    (folder / "sales.csv").write_text("\n".join(lines) + "\n")


def test_what_is_the_same_wherever_a_key_stands_describes_it_and_an_order_s_place_does_not(tmp_path: Path) -> None:
    _sales(tmp_path)
    feeds = _feeds(tmp_path)
    assert feeds["customers"]["key"] == "customer" and feeds["customers"]["columns"] == {"full_name": "name"}
    assert feeds["products"]["key"] == "sku" and feeds["products"]["columns"] == {"product_name": "product_name"}
    assert {feed["repeats"] for name, feed in feeds.items() if name != "transactions"} == {"last"}
    assert feeds["transactions"]["columns"]["customer_key"] == "customer"


def test_a_name_that_changed_once_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    _sales(tmp_path / "a", " Ruiz")
    text = propose(str(tmp_path / "a"), tmp_path / "a").text
    assert "customers" not in _feeds(tmp_path / "a"), "one in twelve is too many"
    superstore(tmp_path / "b")
    path = tmp_path / "b" / "superstore.csv"
    rows = path.read_text(encoding="cp1252").splitlines()
    rows[1] = rows[1].replace("Henderson", "Lexington")
    path.write_text("\n".join(rows) + "\n", encoding="cp1252")
    text = propose(str(tmp_path / "b"), tmp_path / "b").text
    assert "city:" not in text.partition("transactions:")[0], "one of nineteen lives in two towns"


def test_a_table_of_customers_beside_the_sales_is_the_one_that_is_taken(tmp_path: Path) -> None:
    _sales(tmp_path)
    rows = ["customer,name,email", *(f"C{n},Ana Gil{n},a{n}@x.example" for n in range(12))]
    (tmp_path / "customers.csv").write_text("\n".join(rows) + "\n")
    feeds = _feeds(tmp_path)
    assert feeds["customers"]["files"] == "customers.csv" and "repeats" not in feeds["customers"]
    assert feeds["products"]["files"] == "sales.csv"
