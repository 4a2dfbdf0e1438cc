"""From a proposal to published marts: each public layout's whole night, whose totals are those of the files."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientela.config.read import load_config
from clientela.onboard.doctor import foretell
from clientela.onboard.propose import propose
from clientela.pipeline.nightly import run
from tests.unit.onboard.test_layouts import LAYOUTS, corrected

pytestmark = pytest.mark.prove

#: what the totals are, in the marts; net there is after the discount on whole orders
PUBLISHED = {
    "customers": "select count(*) from customer.customer_records where is_delivered",
    "lines": "select count(*) from value.order_lines",
    "net": "select sum(net_amount) + sum(order_discount_amount) from value.order_lines",
    "returns": "select count(*) from value.order_lines where is_return",
    "discount": "select sum(order_discount_amount) from value.order_lines",
    "shipping": "select sum(shipping_amount) from value.order_lines",
    "interactions": "select count(*) from customer.interactions",
    "contracts": "select count(*) from customer.contracts",
    "products": "select count(distinct product_key) from value.order_lines",
    "consents": "select count(*) from relationship.consents",
    "granted": "select count(*) from relationship.consents where status = 'granted'",
    "cancelled": "select count(cancelled_on) from customer.contracts",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_night_from_the_proposal_publishes_the_files_totals(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = LAYOUTS[name]
    totals: dict[str, Any] = layout.write(tmp_path)
    if layout.variable:
        monkeypatch.setenv(layout.variable, "sqlite:///shop.db")
    proposal = propose(layout.variable or str(tmp_path), tmp_path)
    path = tmp_path / "clientela.yml"
    path.write_text(yaml.safe_dump(corrected(proposal.text, layout.corrections), sort_keys=False), encoding="utf-8")
    seen = foretell(load_config(path))
    report = run(load_config(path))
    assert (report.exit_code, report.status) == (seen.exit_code, "published"), f"{report.message}\n{seen}"
    with duckdb.connect(str(load_config(path).published / "marts.duckdb"), read_only=True) as marts:
        found = {total: marts.execute(PUBLISHED[total]).fetchall()[0][0] for total in totals if total in PUBLISHED}
    assert found == {total: value for total, value in totals.items() if total in PUBLISHED}
