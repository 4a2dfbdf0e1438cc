"""A company's own `offers.csv`, from its reference folder to `customer_offers`; and one with a channel that there is not."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Company, open_shop
from tests.unit.relationship.test_offers import purchases_of

pytestmark = pytest.mark.prove

CUSTOMERS, DAYS, LAST = 160, 240, date(2026, 2, 28)
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
HEADER = "offer,approach,channel,unit_cost,rule,product_key,category,margin_rate,valid_from,valid_until\n"
OFFERS = HEADER + (
    "Bread week,market,email,0.10,orders_12m >= 2,bread,,0.5,2026-02-01,2026-03-31\n"
    "Teapot,market,,0,,teapot,,0.5,,\n"
    "Over,market,,0,,coffee,,0.5,,2026-02-27\n"
    "Turned,market,,0,,soap,,0.5,2026-03-31,2026-02-01\n"
    "Typo,market,,0,,breed,,0.5,,\n"
)  # fmt: skip


def open_company(folder: Path) -> Company:
    """Habits and fancies, of whom nine in ten granted news by e-mail."""
    company = open_shop(folder)
    rng = np.random.default_rng(3)
    lines = [
        f"{customer * 100_000 + day * 100 + number},1,c{customer},{item},10.00,{LAST - timedelta(DAYS - 1 - day)} 10:00:00"
        for customer in range(1, CUSTOMERS + 1)
        for number, (item, day) in enumerate(purchases_of(customer, rng, DAYS))
    ]
    company.write("sales_9.csv", "receipt,line,customer,product,net,sold_at\n" + "\n".join(lines) + "\n")
    people = [f"c{n},Ana {n} Gil,ana{n}@example.com,2025-01-01 08:00:00" for n in range(1, CUSTOMERS + 1)]
    company.write("customers_9.csv", "customer,name,email,changed\n" + "\n".join(people) + "\n")
    said = [f"g{n},c{n},relationship,email,granted,2025-01-05 10:00:00" for n in range(1, CUSTOMERS + 1) if n % 10]
    company.write("consents.csv", "id,customer,purpose,channel,status,at\n" + "\n".join(said) + "\n")

    def change(settings: dict[str, Any]) -> None:
        settings["sources"]["till"]["entities"]["consents"] = {
            "files": "consents*.csv", "key": "id",
            "columns": {
                "customer_key": "customer", "purpose": "purpose", "channel": "channel", "status": "status", "decided_at": "at",
            },
        }  # fmt: skip
        settings.update(reference_folder="reference", offers={"horizon_days": 20, "max_per_customer": 3})

    company.change(change)
    company.write("reference/offers.csv", OFFERS)
    return company


def test_a_night_makes_the_offers_of_the_table_and_says_of_the_others_why_not(tmp_path: Path) -> None:
    company = open_company(tmp_path)
    assert company.night(NOW).status == "published"
    made = company.published(
        "select offer, channel, count(*) from relationship.customer_offers group by all order by all"
    )
    assert [(offer, channel) for offer, channel, _ in made] == [("Bread week", "email"), ("Teapot", "email")]
    granted = company.published(
        "select count(*) from relationship.customer_offers as offers where offers.customer_id not in (select customer_id from "
        "relationship.contact_permissions where channel = 'email' and purpose = 'relationship' and is_contactable)"
    )
    assert granted == [(0,)]
    said = [row[0] for row in company.published(
        "select limitation from quality.offer_model_scores where row_type = 'notice' order by 1"
    )]  # fmt: skip
    assert said == [
        "offers.csv: Turned ends on 2026-02-01, before it begins on 2026-03-31; exchange or correct its dates",
        "offers.csv: nobody bought in 730 days what Typo is for, the product breed; see that it is the source's own word",
    ]
    before = company.published("select * from relationship.customer_offers order by all")

    # a channel that there is not: the table is refused, the sentence says which, and what was known stays
    company.write("reference/offers.csv", OFFERS.replace("week,market,email", "week,market,pigeon"))
    company.night(NOW + timedelta(hours=1))
    ((reason, page),) = company.warehouse(
        "select reason, validation_report from ledger.loads where entity = 'offers' and status = 'refused'"
    )
    assert reason.startswith("channel_is_known: channel is one of phone, email, web") and "1 of 5 rows" in reason
    told = (company.config.data / "gate" / page).read_text(encoding="utf-8")
    assert "channel_is_known" in told and "offers.csv" in told
    assert company.warehouse("select * from relationship.customer_offers order by all") == before
