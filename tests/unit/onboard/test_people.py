"""Employees, places and the shop itself are no customers; customers that a seller serves are."""

from pathlib import Path

import pytest
import yaml

from clientela.onboard.propose import propose

PERSON = "first_name,last_name,email,phone,city"


def _people(folder: Path, name: str, header: str, first: str = "") -> None:
    rows = [f"{n},{first}Ana{n},Gil{n},a{n}@{name.split('.')[0]}.example,+3460010{n:04d},Leon" for n in range(1, 21)]
    (folder / name).write_text("\n".join([f"{header},{PERSON}", *rows]) + "\n")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("employees.csv", "id"),
        ("staff.csv", "id"),
        ("Vendedores.csv", "id"),
        ("locations.csv", "id"),
        ("tiendas.csv", "id"),
        ("suppliers.csv", "id"),
        ("customer_addresses.csv", "customer_id"),
        ("people.csv", "employee_id"),
    ],
)
def test_people_and_places_that_buy_nothing_are_no_customers(tmp_path: Path, name: str, header: str) -> None:
    _people(tmp_path, name, header)
    text = propose(str(tmp_path), tmp_path).text
    assert f"# Not customers: {name} holds" in text
    assert not yaml.safe_load(text)["sources"]


@pytest.mark.parametrize("column", ["hire_date", "salary", "reports_to", "user_role_id"])
def test_a_column_that_only_staff_has_tells_it(tmp_path: Path, column: str) -> None:
    rows = [f"{n},Ana{n},Gil{n},a{n}@x.example,{n}" for n in range(1, 21)]
    (tmp_path / "users.csv").write_text("\n".join([f"id,first_name,last_name,email,{column}", *rows]) + "\n")
    text = propose(str(tmp_path), tmp_path).text
    assert f"# Not customers: users.csv holds the company's own people: it has {column}" in text


def test_the_shop_itself_is_no_customer(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text(
        "id,name,email,phone,city,shop_owner,domain\n1,Us,us@x.example,600100200,Leon,Eva,x.example\n"
    )
    assert "# Not customers: shop.csv holds the shop itself: it has shop_owner" in propose(str(tmp_path), tmp_path).text


@pytest.mark.parametrize("name", ["customers.csv", "shop_customers.csv", "clientes_tienda.csv", "members.csv"])
def test_customers_stay_customers(tmp_path: Path, name: str) -> None:
    _people(tmp_path, name, "customer_id")
    (source,) = yaml.safe_load(propose(str(tmp_path), tmp_path).text)["sources"].values()
    assert source["entities"]["customers"]["key"] == "customer_id"
