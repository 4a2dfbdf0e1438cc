"""The marts of both companies of the demonstration, counted a second time by what the documentation says, and equal.

What is counted from: order lines, orders, contacts, contracts, campaigns, points, consents; reference tables; raw records
where no mart says it (which record a campaign contacted, what a record says of its channel, what a line and a product cost).
Forecasts and clusters are taken as published: they are proved elsewhere. `CLIENTELA_AUDIT` names a folder in which the
nights were made before.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml

from clientela.config.read import load_config
from clientela.pipeline import nightly
from clientela.simulate import SimulateSettings, write_company
from tests.conftest import ROOT
from tests.prove.audit import (
    own_contracts,
    own_months,
    own_relationship,
    own_retention,
    own_segments,
    own_states,
    own_survival,
    own_value,
)
from tests.prove.audit.compare import differences, open_files

pytestmark = pytest.mark.prove

COMPANIES = ("simulated", "complete_journey")
DAYS = 90  # left_censored_days of both


@dataclass(frozen=True)
class Audit:
    """A mart, what it is recounted by, and the columns that tell its rows from one another."""

    told: str
    own: str
    keys: str
    #: what the Complete Journey has nothing of: no contracts, no points, no cases
    empty: tuple[str, ...] = ()


AUDITS = {
    "months: counts and sums": Audit("from value.customer_months", own_months.MONTHS, "customer_id, month"),
    "months: states": Audit("from value.customer_months", own_states.MONTHS, "customer_id, month"),
    "months: scores, groups and tiers": Audit(
        "from value.customer_months where customer_id > 0",
        "select * exclude (rfm_group_by_scores, rfm_group_today) from held",
        "customer_id, month",
    ),
    "retention: rhythm and state today": Audit("from retention.customer_retention", own_states.TODAY, "customer_id"),
    "retention: movements": Audit(
        "from retention.customer_movements", own_retention.MOVEMENTS, "month, segmentation, segment"
    ),
    "retention: cohorts": Audit(
        "from retention.cohort_retention", own_retention.COHORTS, "segmentation, cohort, is_left_censored, period"
    ),
    "retention: survival curves": Audit(
        "from retention.survival_curves", "from curves", "basis, segmentation, segment, days"
    ),
    "retention: recurring amount": Audit(
        "from retention.contract_movements", own_contracts.MOVEMENTS, "month", ("complete_journey",)
    ),
    "segments: today": Audit("from segment.customer_segments", own_segments.TODAY, "customer_id"),
    "segments: readings of RFM": Audit("from quality.rfm_readings", own_segments.READINGS, "customer_id"),
    "segments: engagement": Audit("from segment.customer_engagement", own_segments.ENGAGEMENT, "customer_id"),
    "segments: stays": Audit(
        "from segment.segment_history", own_segments.STAYS, "customer_id, segmentation, valid_from_on"
    ),
    "segments: flows": Audit(
        "from segment.segment_flows",
        own_segments.FLOWS,
        "segmentation, from_month_end, to_month_end, from_segment, to_segment",
    ),
    "value: cost of goods": Audit("from value.order_lines", own_value.COSTS, "order_line_id"),
    "value: ledger": Audit(
        "from value.value_ledger where source <> 'none'",
        "from ledger",
        "customer_id, month, component, activity, campaign_key, rule, source, is_assumed",
    ),
    "value: nothing known": Audit(
        "from value.value_ledger where source = 'none'", own_value.NOTHING_KNOWN, "component, customer_id, month"
    ),
    "value: customers": Audit("from value.customer_value", own_value.CUSTOMERS, "customer_id"),
    "relationship: permissions": Audit(
        "from relationship.contact_permissions", own_relationship.PERMISSIONS, "customer_id, purpose, channel"
    ),
    "relationship: points": Audit(
        "from relationship.reward_balances", own_relationship.BALANCES, "customer_id", ("complete_journey",)
    ),
    "relationship: basic transaction": Audit(
        "from relationship.basic_service", own_relationship.BASIC_SERVICE, "month, channel"
    ),
    "relationship: cases": Audit(
        "from relationship.service_cases", own_relationship.CASES, "case_id", ("complete_journey",)
    ),
}


def make_company(name: str, folder: Path) -> None:
    """Both companies as `make demo` makes them: their files, and one night."""
    if name == "simulated":
        write_company(SimulateSettings(), folder)
    else:
        shutil.copytree(ROOT / "examples" / name, folder, dirs_exist_ok=True)
        settings = yaml.safe_load((folder / "clientela.yml").read_text(encoding="utf-8"))
        settings["data_folder"] = "data"
        (folder / "clientela.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    report = nightly.run(load_config(folder / "clientela.yml"))
    assert report.status == "published", report.message


@pytest.fixture(scope="module", params=COMPANIES)
def audited(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, duckdb.DuckDBPyConnection]]:
    name: str = request.param
    kept = os.environ.get("CLIENTELA_AUDIT")
    folder = Path(kept) / name if kept else tmp_path_factory.mktemp(name)
    if not (folder / "data" / "published" / "marts.duckdb").exists():
        make_company(name, folder)
    config = load_config(folder / "clientela.yml")
    assert config.left_censored_days == DAYS
    connection = open_files(
        config.published / "marts.duckdb", config.warehouse, folder / "reference", ROOT / "seeds", config.time_zone
    )
    own_states.leave_states(connection, DAYS)
    own_segments.leave_held(connection)
    own_survival.leave_curves(connection)
    connection.execute(f"create temp table ledger as {own_value.LEDGER}")
    connection.execute("create temp table configured_defaults (purpose varchar, channel varchar)")
    for default in config.permissions.defaults:
        assert default.status == "granted", "the audit knows no refusal by default"
        connection.execute("insert into configured_defaults values (?, ?)", [default.purpose, default.channel])
    yield name, connection
    connection.close()


@pytest.mark.parametrize("audit", AUDITS.values(), ids=AUDITS)
def test_the_mart_is_what_the_documentation_says(audited: tuple[str, duckdb.DuckDBPyConnection], audit: Audit) -> None:
    name, connection = audited
    assert differences(connection, audit.told, audit.own, audit.keys) == []
    ((rows,),) = connection.execute("select count(*) from own").fetchall()
    print(f"{name}, {audit.told}: {rows:,} rows")
    assert (rows == 0) == (name in audit.empty)


def test_what_differs_is_told() -> None:
    connection = duckdb.connect()
    connection.execute(
        "create table marts as select * from (values (1, 2.00, 0.5), (2, 3.00, null)) as t(id, amount, share)"
    )
    own = "select id, amount + (id = 2)::integer * 0.01 as amount, share::double + 1e-8 as share from marts"
    assert [found.split(" (")[0] for found in differences(connection, "from marts", own, "id")] == [
        "amount: 1 differ",
        "share: 1 differ",
    ]
    assert differences(connection, "from marts", "from marts where id = 1", "id")[0].startswith("1 rows are told alone")
    assert differences(connection, "from marts", "select id, share::double + 1e-11 as share from marts", "id") == []
