"""A company's own dbt models: built on ours, published beside them, as strictly as ours; those that are gone leave nothing."""

import re

import pytest

from tests.conftest import ROOT, Company, marts

pytestmark = pytest.mark.prove

GOOD = (
    "select customer_id, full_name, email as address, 1 as points from {{ ref('customers') }} where customer_id > 0\n"
)
NOTES = """
version: 2
models:
  - name: my_customers
    description: "One per customer, as the club counts."
    columns:
      - name: address
        description: "Where to write."
        meta: {personal: true}
      - name: points
        data_tests: [not_null]
"""


def test_a_companys_own_models_are_published_in_custom_stop_publication_where_they_fail_and_leave_nothing(
    shop: Company,
) -> None:
    shop.change(lambda settings: settings.update(models_path="own"))
    # folders of theirs may bear the names of ours
    shop.write("own/marts/my_customers.sql", GOOD)
    shop.write("own/marts/my_customers.yml", NOTES)
    report = shop.night()
    assert report.status == "published", report.message
    rows = shop.published("select full_name, address, points from custom.my_customers where full_name is not null")
    assert rows and all(name.startswith("masked:") and address.startswith("masked:") for name, address, _ in rows)
    assert shop.published("select comment from duckdb_tables() where schema_name = 'custom'") == [
        ("One per customer, as the club counts.",)
    ]
    assert (shop.folder / "own/marts/my_customers.sql").read_text() == GOOD, "dbt writes nothing into their folder"
    assert len(list((shop.folder / "own/marts").iterdir())) == 2
    before = marts(shop)

    fingerprint = shop.config.fingerprint()
    shop.write("own/marts/my_customers.sql", GOOD.replace("points from", "points, cast('x' as integer) as broken from"))
    assert shop.config.fingerprint() != fingerprint, "a changed model is a reason to build anew"
    report = shop.night()
    assert report.exit_code == 4
    assert "first model my_customers: Conversion Error: Could not convert string '…' to INT32" in report.message
    assert marts(shop) == before
    held = shop.warehouse("select count(*) from custom.my_customers")
    assert held == [(len(rows),)], "the table of the last run stands where a model fails"

    shop.write("own/marts/my_customers.sql", "select * from {{ ref('no_such_mart') }}\n")
    report = shop.night()
    assert report.exit_code == 4 and "no_such_mart" in report.message

    shop.change(lambda settings: settings.pop("models_path"))
    assert shop.night().status == "published"
    assert shop.published("select count(*) from duckdb_tables() where schema_name = 'custom'") == [(0,)]


def test_the_mart_of_the_documentation_is_published_as_it_stands_and_masked_until_it_says_that_it_tells_of_nobody(
    shop: Company,
) -> None:
    page = (ROOT / "docs/own_marts.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"^```\w+ (models/\S+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    assert files.keys() == {"models/city_revenue.sql", "models/city_revenue.yml"}
    cleared = "        meta: {personal: false}\n"
    shop.change(lambda settings: settings.update(models_path="models"))
    for name, text in files.items():
        shop.write(name, text.replace(cleared, ""))
    report = shop.night()
    assert report.status == "published", report.message
    assert any("city_revenue.main_city: masked" in notice for notice in report.notices), report.notices
    query = "select main_city, customers from custom.city_revenue order by all"
    assert [city[:7] for city, _ in shop.published(query)] == ["masked:"]

    assert cleared in files["models/city_revenue.yml"]
    shop.write("models/city_revenue.yml", files["models/city_revenue.yml"])
    report = shop.night()
    assert report.status == "published" and not any("city_revenue" in notice for notice in report.notices)
    assert shop.published(query) == [("unknown", 2)]
