"""Two systems that know one customer: merged when evidence appears, parted when it goes, with old orders, night after night."""

import importlib
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from clientela.pipeline.identity_review import preview, retrain
from clientela.pipeline.nightly import run
from clientela.query.explain_customer import explain_customer
from tests.conftest import MORE_SALES, Company

TWO_SYSTEMS: dict[str, Any] = {
    "company": "Two doors",
    "currency": "EUR",
    "time_zone": "Europe/Madrid",
    "data_folder": "data",
    "reference_folder": "reference",
    "identity": {"default_country": "ES", "few_changes": 2, "find_households": True},
    "sources": {
        name: {
            "entities": {
                "transactions": {
                    "files": f"{name}_sales*.csv",
                    "key": ["receipt"],
                    "columns": {
                        "order_key": "receipt",
                        "customer_key": "customer",
                        "net_amount": "net",
                        "ordered_at": "sold_at",
                    },
                },
                "customers": {
                    "files": f"{name}_customers*.csv",
                    "key": "customer",
                    "columns": {
                        "given_name": "given", "family_name": "family", "phone": "phone", "email": "email",
                        "updated_at": "changed",
                    },
                },
            }
        }
        for name in ("till", "web")
    },
}  # fmt: skip
#: what is loaded to match records of several sources
MATCHING = ("splink", "phonenumbers", "clientela.identity.store", "clientela.identity.model")
HEADER = "customer,given,family,phone,email,changed\n"


@pytest.fixture(scope="module")
def first_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the company of two systems after its first night; tests take copies of it."""
    company = two_doors(tmp_path_factory.mktemp("two"))
    night(company, 1)
    return company.folder


@pytest.fixture
def two(tmp_path: Path, first_two: Path) -> Company:
    """A company of this test's own, the morning after its first night."""
    return Company(shutil.copytree(first_two, tmp_path / "two"))


def two_doors(folder: Path) -> Company:
    """The company of two systems, with its first deliveries."""
    company = Company(folder)
    company.write("clientela.yml", yaml.safe_dump(TWO_SYSTEMS, sort_keys=False))
    (company.folder / "reference").mkdir()
    company.write(
        "till_customers_1.csv",
        HEADER + "t1,Ana,Gil,612345678,,2026-01-01 08:00:00\nt2,Luis,Paz,699111222,,2026-01-01 08:00:00\n",
    )
    company.write("web_customers_1.csv", HEADER + "w1,Ana,Gil,,ana@gil.es,2026-01-02 08:00:00\n")
    company.write(
        "till_sales_1.csv",
        "receipt,customer,net,sold_at\n1,t1,10.00,2026-01-05 10:00:00\n2,t2,5.00,2026-01-06 10:00:00\n",
    )
    company.write("web_sales_1.csv", "receipt,customer,net,sold_at\n1,w1,7.50,2026-01-20 18:30:00\n")
    return company


EVENTS = "select event, customer_id, record_count from quality.identity_events order by all"


def night(company: Company, day: int) -> None:
    report = company.night(datetime(2026, 3, day, 3, tzinfo=UTC))
    assert report.exit_code == 0, (report.message, report.failures)


def ids(company: Company) -> dict[str, int]:
    return dict(company.published("select customer_key, customer_id from customer.customer_records order by 1"))


def test_evidence_that_comes_merges_and_evidence_that_goes_splits_and_all_marts_follow(two: Company) -> None:
    merges_and_splits(two)


def merges_and_splits(two: Company) -> None:
    """Three nights, of which the first is over: the second merges two customers, the third parts them. tests/prove/identity goes
    on from there."""
    before = ids(two)
    assert len(set(before.values())) == 3

    # the web shop learns the phone of the till's Ana: one customer, the older id
    two.write("web_customers_2.csv", HEADER + "w1,Ana,Gil,+34 612 345 678,ana@gil.es,2026-02-01 08:00:00\n")
    two.write("web_sales_2.csv", "receipt,customer,net,sold_at\n2,w1,2.50,2026-02-10 12:00:00\n")
    night(two, 2)
    merged = ids(two)
    older = min(before["t1"], before["w1"])
    assert merged["t1"] == merged["w1"] == older and merged["t2"] == before["t2"]
    assert two.published(f"select net_revenue from value.customer_value where customer_id = {older}") == [(20,)]
    assert (
        two.published("select email, phone from customer.customers where given_name is not null and record_count = 2")
        != []
    )
    assert two.published("select rule, count(*) from customer.customer_records group by 1 order by 1") == [
        ("only record", 1), ("phone+name", 2),
    ]  # fmt: skip
    retired = max(before["t1"], before["w1"])
    assert two.published(
        f"select current_customer_id, is_active from customer.customer_ids where customer_id = {retired}"
    ) == [(older, False)]
    lines = explain_customer(two.config, retired)
    assert lines[0] == f"Customer {retired} was merged on 2026-03-02; its records are customer {older} today."
    assert any("by the rule phone+name" in line for line in lines)

    # looked at before it is accepted: without that rule they would part, and so much value would move
    stricter = two.config.identity.model_copy(update={"exact_rules": (), "link_weight": 60.0})
    shown = preview(two.config, stricter).changes
    assert shown.select("change", "customer_id", "moved_record_count", "value").rows() == [("split", older, 1, 20.0)]
    assert preview(two.config, two.config.identity).changes.is_empty()

    # the phone was wrong: they part again, each with the id it had, and nothing of the merge is left but its events
    two.write("web_customers_3.csv", HEADER + "w1,Ana,Gil,,ana@gil.es,2026-02-05 08:00:00\n")
    night(two, 4)
    assert ids(two) == before
    assert [event for (event,) in two.published("select event from quality.identity_events order by occurred_at, event")] == [
        "created", "created", "created", "merged", "split",
    ]  # fmt: skip

    # who was who on a day can be asked in SQL
    for day, customers in ((1, 3), (2, 2), (3, 2), (4, 3)):
        asked = f"select count(distinct customer_id) from customer.customer_id_as_of(date '2026-03-0{day}')"
        assert two.published(asked) == [(customers,)], day


def test_a_night_that_breaks_off_amid_matching_loses_no_link(two: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence that knows a record and not yet its links would never look for them again."""
    two.write("web_customers_2.csv", HEADER + "w1,Ana,Gil,+34 612 345 678,ana@gil.es,2026-02-01 08:00:00\n")
    two.write("web_sales_2.csv", "receipt,customer,net,sold_at\n2,w1,2.50,2026-02-10 12:00:00\n")
    with monkeypatch.context() as broken:
        broken.setattr("clientela.identity.store.Store._update_exact_links", lambda *_: 1 / 0)
        assert two.night(datetime(2026, 3, 2, 3, tzinfo=UTC)).exit_code != 0
    night(two, 3)
    found = ids(two)
    assert found["t1"] == found["w1"]


def test_people_decide_and_a_night_that_changes_too_many_waits_for_them(two: Company) -> None:
    two.change(lambda settings: settings["identity"].update(few_changes=0))
    two.write(
        "reference/identity_decisions.csv",
        "first_source,first_key,second_source,second_key,decision,note\n"
        "web,w1,till,t2,always,he orders for her\nweb,w1,till,t1,different,\n",
    )
    refused = two.night(datetime(2026, 3, 2, 3, tzinfo=UTC))
    assert (
        refused.exit_code == 4 and "share_records_changed_customer is 0.333333, expected up to 0.02" in refused.message
    )
    accepted = run(two.config, now=datetime(2026, 3, 3, 3, tzinfo=UTC), is_identity_accepted=True)
    assert accepted.exit_code == 0, accepted.failures
    now = ids(two)
    assert now["w1"] == now["t2"] != now["t1"]
    measured = dict(two.published("select measure, value from quality.identity_measures where breakdown is null"))
    assert measured["labelled_pairs"] == 1 and measured["precision"] == 1.0

    # a new model is looked at, and then accepted; one that is in force stays so
    [(held,)] = two.warehouse("select model_id from memory.identity_models")
    assert retrain(two.config, accept=False).changes.is_empty()
    assert two.warehouse("select model_id from memory.identity_models") == [(held,)]
    assert list(two.config.memory.glob("identity_model_1_*.json"))


def test_a_company_with_one_source_never_loads_what_matches(running: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither with the program nor in a night of this process, where none of it can be imported."""
    code = f"import sys, clientela.pipeline.nightly; assert not set({MATCHING}) & set(sys.modules), sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=100)
    for name in MATCHING:
        monkeypatch.setitem(sys.modules, name, None)
        package, _, module = name.rpartition(".")
        if package:
            monkeypatch.delattr(sys.modules[package], module, raising=False)
    with pytest.raises(ImportError):
        importlib.import_module("clientela.identity.store")
    running.write("sales_2.csv", MORE_SALES)
    night(running, 1)
    assert running.warehouse("select count(*) from identity.cleaned_values") == [(0,)]
