"""What a company's own marts make of personal columns is masked under any name, until its YAML says that it tells of nobody."""

from typing import Any

import pytest

from clientela.publish import Mart, marts_of
from clientela.transform import COMPANY_PACKAGE

TYPES = {
    "first_city": "VARCHAR", "cities": "VARCHAR[]", "city": "VARCHAR", "state": "VARCHAR", "born": "DATE",
    "since": "TIMESTAMP WITH TIME ZONE", "revenue": "DECIMAL(18,4)", "customers": "BIGINT",
}  # fmt: skip


def column(description: str = "", personal: bool | None = None, data_type: str | None = None) -> dict[str, Any]:
    meta = {} if personal is None else {"personal": personal}
    return {"description": description, "meta": meta, "data_type": data_type}


def node(package: str, name: str, sql: str, columns: dict[str, Any], *needs: str) -> dict[str, Any]:
    return {
        "unique_id": f"model.{package}.{name}", "resource_type": "model", "package_name": package, "name": name,
        "schema": "custom" if package == COMPANY_PACKAGE else "customer", "description": "", "columns": columns,
        "fqn": [package, "marts", name], "config": {"materialized": "table"}, "raw_code": sql,
        "depends_on": {"nodes": [f"model.{COMPANY_PACKAGE}.{need}" for need in needs]},
    }  # fmt: skip


OURS = node(
    "clientela",
    "customers",
    "select 1",
    {
        "city": column(personal=True, data_type="varchar"),
        "birth_date": column(personal=True, data_type="date"),
        "state": column(data_type="varchar"),
    },
)


def own(*nodes: dict[str, Any]) -> Mart:
    """The last of these models of a company, as it is published beside ours."""
    manifest = {"nodes": {n["unique_id"]: n for n in (OURS, *nodes)}}
    return next(mart for mart in marts_of(manifest) if mart.name == nodes[-1]["name"])


def test_a_personal_column_under_another_name_is_masked_and_measures_are_not() -> None:
    mart = own(node(COMPANY_PACKAGE, "by_city", "select min(City) as first_city from {{ ref('customers') }}", {}))
    assert mart.personal(TYPES) == {"first_city", "cities", "city"}
    assert mart.undeclared(TYPES) == {"first_city", "cities"}


def test_days_are_masked_where_a_personal_day_is_read() -> None:
    sql = "select birth_date as born, first_seen_at as since from {{ ref('customers') }}"
    assert own(node(COMPANY_PACKAGE, "ages", sql, {})).personal(TYPES) >= {"born", "since"}


def test_what_a_model_reads_reaches_those_that_stand_on_it() -> None:
    under = node(COMPANY_PACKAGE, "under", "select city as place from {{ ref('customers') }}", {})
    over = node(COMPANY_PACKAGE, "over", "select place as first_city from {{ ref('under') }}", {}, "under")
    assert "first_city" in own(under, over).personal(TYPES)


def test_a_model_that_reads_nothing_personal_is_published_as_it_is_but_for_our_names() -> None:
    mart = own(node(COMPANY_PACKAGE, "states", "select state, count(*) as customers from {{ ref('customers') }}", {}))
    assert mart.personal(TYPES) == {"city"} and mart.undeclared(TYPES) == set()


@pytest.mark.parametrize("name", ["first_city", "city"])
def test_a_column_that_says_so_tells_of_nobody(name: str) -> None:
    columns = {name: column("Where most live.", personal=False)}
    mart = own(node(COMPANY_PACKAGE, "by_city", "select city as first_city from {{ ref('customers') }}", columns))
    assert name not in mart.personal(TYPES)
    assert mart.columns[name] == ("Where most live.", False)
