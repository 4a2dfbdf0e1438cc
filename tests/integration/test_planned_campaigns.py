"""`clientela campaign plan`: nothing is kept until it is accepted, and what was drawn stays drawn."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from tests.conftest import NOW, Company


def plan(company: Company, *options: str) -> dict[str, Any]:
    ran = CliRunner().invoke(
        main, ["campaign", "plan", "SPRING", "--config", str(company.config_path), "--json", *options]
    )
    assert ran.exit_code == 0, ran.output
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


@pytest.fixture
def many(running: Company) -> Company:
    """The shop with forty customers."""
    lines = [f"{100 + n},1,c{n},bread,{n}.00,2026-02-{1 + n % 20:02} 10:00:00" for n in range(1, 41)]
    running.write("sales_3.csv", "receipt,line,customer,product,net,sold_at\n" + "\n".join(lines) + "\n")
    assert running.night().status == "published"
    return running


def test_a_split_is_drawn_once_and_told_by_the_next_night(many: Company, tmp_path: Path) -> None:
    first = plan(many, "--effect", "5")
    assert first["customers"] >= 40 and not first["is_kept"]
    assert first["customers_needed"] > 0 and first["measure"] == "net revenue", "no cost of goods is known here"
    assert many.warehouse("select count(*) from memory.campaign_splits") == [(0,)]

    split = tmp_path / "split.csv"
    kept = plan(many, "--held-out", "0.5", "--accept", "--csv", str(split))
    drawn = many.warehouse("select customer_id, arm, held_out_share from memory.campaign_splits order by customer_id")
    assert kept["is_kept"] and kept["held_out"] == sum(arm == "held_out" for _, arm, _ in drawn) > 0
    assert split.read_text().splitlines() == ["customer_id,arm", *(f"{who},{arm}" for who, arm, _ in drawn)]

    again = plan(many, "--held-out", "0.1", "--rule", "orders > 1000", "--accept")
    assert (again["held_out"], again["customers"]) == (kept["held_out"], first["customers"])
    assert (
        many.warehouse("select customer_id, arm, held_out_share from memory.campaign_splits order by customer_id")
        == drawn
    )

    # nothing new arrived, and the split is news
    assert many.night(NOW).status == "published"
    published = "select customer_id, arm, held_out_share from relationship.campaign_splits order by customer_id"
    assert many.published(published) == drawn


def test_a_rule_that_reaches_elsewhere_is_refused(running: Company) -> None:
    ran = CliRunner().invoke(
        main, ["campaign", "plan", "X", "--config", str(running.config_path), "--rule", "orders in (select 1)"]
    )
    assert ran.exit_code != 0
    assert "rule" in str(ran.output) + str(ran.exception)
