"""One row a customer and more in it: the contract of a telco, the decision of a mailing tool's member."""

from pathlib import Path
from typing import Any

import yaml

from clientela.config.read import load_config
from clientela.onboard.propose import propose
from clientela.pipeline.open_run import open_run
from tests.unit.onboard.layouts import telco


def _proposed(folder: Path) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    text = propose(str(folder), folder).text
    feeds = [
        (feed.get("entity", name), feed)
        for source in yaml.safe_load(text)["sources"].values()
        for name, feed in source["entities"].items()
    ]
    return text, feeds


def test_a_customer_s_row_gives_their_contract_too(tmp_path: Path) -> None:
    telco(tmp_path)
    text, feeds = _proposed(tmp_path)
    contract = dict(feeds)["contracts"]
    assert contract["key"] == "customerID" and contract["columns"]["customer_key"] == "customerID"
    assert contract["columns"]["recurring_amount"] == "MonthlyCharges"
    assert "to_months(cast(tenure as integer))" in contract["columns"]["started_on"]["sql"]
    assert "cast(Churn as varchar) in ('Yes')" in contract["columns"]["cancelled_on"]["sql"]
    assert "YOURS: months of tenure before the day of the file" in text
    assert "MISSING" not in text, "contracts are enough"


def test_customers_without_an_amount_a_month_have_no_contract(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(
        "customer_id,email,tenure\n1,a@x.example,3\n2,b@x.example,4\n3,c@x.example,9\n"
    )
    assert [entity for entity, _ in _proposed(tmp_path)[1]] == ["customers"]


def test_the_audience_of_a_mailing_tool_is_customers_and_what_they_agreed_to(tmp_path: Path) -> None:
    head = "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,LEID,EUID"
    for name, column, first in (
        ("subscribed", "LAST_CHANGED", 0),
        ("unsubscribed", "UNSUB_TIME", 20),
        ("cleaned", "CLEAN_TIME", 30),
    ):
        rows = [
            f"m{n}@x.example,Ana{n},Gil,2,2025-01-{n % 28 + 1:02d} 10:00:00,192.0.2.1,{4000 + n},e{n:08x},"
            f"2025-03-{n % 28 + 1:02d} 09:00:00"
            for n in range(first, first + 10)
        ]
        (tmp_path / f"{name}_members_export.csv").write_text("\n".join([f"{head},{column}", *rows]) + "\n")
    path = tmp_path / "clientela.yml"
    path.write_text(_proposed(tmp_path)[0], encoding="utf-8")
    with open_run(load_config(path)) as run:
        run.load_all()
        assert [o.reason for o in run.outcomes if o.status != "loaded"] == []
        customers = run.connection.execute("select count(*), count(distinct email) from raw.customers").fetchall()
        consents = run.connection.execute(
            "select status, count(*) from raw.consents group by all order by all"
        ).fetchall()
    assert customers == [(30, 30)]
    assert consents == [("granted", 10), ("refused", 10), ("withdrawn", 10)]
