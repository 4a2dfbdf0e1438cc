"""A company that sells by contract alone is a whole company: its night publishes, and its customers are worth something."""

from datetime import date
from typing import Any

import pytest
import yaml

from clientela.pipeline.past_day import run_as_of
from tests.conftest import Company

SETTINGS: dict[str, Any] = {
    "company": "Line and light",
    "currency": "EUR",
    "time_zone": "Europe/Madrid",
    "data_folder": "data",
    "reference_folder": "reference",
    "sources": {
        "billing": {
            "entities": {
                "customers": {"files": "customers.csv", "key": "id", "columns": {"full_name": "name", "email": "email"}},
                "contracts": {
                    "files": "contracts.csv",
                    "key": "contract",
                    "columns": {
                        "customer_key": "id", "product_key": "plan", "started_on": "from", "cancelled_on": "until",
                        "recurring_amount": "monthly", "period_months": {"value": 1},
                    },
                },
            }
        }
    },
}  # fmt: skip

pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = Company(tmp_path_factory.mktemp("contracts"))
    made.config_path.write_text(yaml.safe_dump(SETTINGS, sort_keys=False), encoding="utf-8")
    made.write("reference/margin_rates.csv", "department,category,margin_rate,is_assumed\n,,0.4,false\n")
    people = [f"{n},Ann Lee {n},ann{n}@example.com" for n in range(40)]
    made.write("customers.csv", "\n".join(["id,name,email", *people]) + "\n")
    # one that was cancelled yesterday or today is over; one will be in years
    ends = dict.fromkeys(range(0, 40, 4), "2025-06-29") | {1: "2025-06-30", 2: "2030-12-31"}
    contracts = [
        f"c{n},{n},{'fibre' if n % 2 else 'phone'},2024-{n % 12 + 1:02}-01,{ends.get(n, '')},{20 + n}"
        for n in range(40)
    ]
    made.write("contracts.csv", "\n".join(["contract,id,plan,from,until,monthly", *contracts]) + "\n")
    return made


def test_a_night_publishes_what_contracts_say(company: Company) -> None:
    report = company.night()
    assert report.status == "published", report.message
    # the last day on which anything happened: contracts ended
    assert report.as_of == "2025-06-30"
    assert company.published("select count(*) from value.order_lines") == [(0,)]
    states = "select state, count(*) from retention.customer_retention where customer_id <> 0 group by 1 order by 1"
    assert company.published(states) == [("active", 29), ("cancelled", 11)]
    worth = "select count(*) from value.customer_value where expected_contract_value > 0"
    assert company.published(worth) == [(29,)]
    assert company.published("select count(*) from customer.contracts") == [(40,)]


def test_a_past_day_is_built_beside(company: Company) -> None:
    report = run_as_of(company.config, date(2024, 6, 30))
    assert report.status == "published", report.message
