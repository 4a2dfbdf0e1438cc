"""Whole nights around an erasure: published files, past days and pages lose the person, and the books go on adding up."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.errors import ClientelaError
from clientela.pipeline.built_warehouse import built_warehouse
from clientela.pipeline.nightly import forget
from clientela.pipeline.past_day import run_as_of
from clientela.privacy.disclose import disclose
from clientela.privacy.search import search
from tests.conftest import NOW, Company
from tests.unit.privacy.test_forget import HERS, found, open_privacy_shop

TOTALS = "select component, sum(amount) from value.value_ledger group by 1 order by 1"


def customer_of(shop: Company) -> int:
    ((number,),) = shop.published("select customer_id from customer.customer_records where customer_key = 'a-100'")
    return int(number)


@pytest.mark.prove
@pytest.mark.parametrize("keep_facts", [True, False])
def test_what_is_published_loses_the_forgotten_and_adds_up(tmp_path: Path, keep_facts: bool) -> None:
    shop = open_privacy_shop(tmp_path)
    shop.change(lambda settings: settings.update(privacy={"keep_facts": keep_facts}, publish={"personal_data": "full"}))
    assert shop.night().status == "published"
    assert run_as_of(shop.config, date(2026, 1, 31)).exit_code in (0, 3)
    customer, before = customer_of(shop), shop.published(TOTALS)
    with built_warehouse(shop.config) as connection:
        told = disclose(connection, shop.config, customer, tmp_path / "for_her")
        with pytest.raises(ClientelaError, match="There is no customer 999"):
            disclose(connection, shop.config, 999, tmp_path / "for_nobody")
    text = told.json_file.read_text(encoding="utf-8")
    assert all(value in text for value in HERS) and "blas@example.com" not in text
    assert {part["entity"] for part in json.loads(text)["delivered"]} == {"customers", "transactions", "interactions"}
    assert "Ana Gil Torralba" in told.page.read_text(encoding="utf-8")
    assert any(name.startswith("published/") for name in found(shop)), "it was published in clear"
    report = forget(shop.config, customer, now=NOW + timedelta(days=1))
    assert report.status == "published", report.message
    assert found(shop) == {}
    if keep_facts:
        assert shop.published(TOTALS) == before
    else:
        assert shop.published(TOTALS) != before
    (proof,) = (shop.config.data / "forgotten").glob("*.json")
    kept = json.loads(proof.read_text(encoding="utf-8"))
    assert kept["is_clean"] is True and kept["after"] and any(kept["before"].values())
    assert run_as_of(shop.config, date(2026, 1, 31)).exit_code in (0, 3)
    assert found(shop) == {}, "a past day before the request brings no name back"
    assert shop.night(NOW + timedelta(days=2)).status in ("published", "nothing new")
    outcome = CliRunner().invoke(main, ["forget", str(customer), "--config", str(shop.config_path)])
    assert outcome.exit_code == 4 and f"no customer {customer}" in outcome.output


@pytest.mark.prove
def test_a_first_delivery_that_asks_for_it_forgets_in_every_source_and_the_next_night_is_quiet(small: Company) -> None:
    """Ana of the web shop asks; that the shops' till knows her too is found out by the first build."""
    small.change(
        lambda settings: settings["sources"]["shop"]["entities"].update(
            erasures={
                "files": "exports/erasures.csv", "key": "request",
                "columns": {"customer_key": "account", "requested_at": "asked"},
            }
        )
    )  # fmt: skip
    (small.folder / "exports" / "erasures.csv").write_text("request,account,asked\nR1,a-1,2026-02-10T09:00:00Z\n")
    small.write(
        "reference/identity_decisions.csv",
        "first_source,first_key,second_source,second_key,decision\nshop,a-1,till,101,always\n",
    )
    now = datetime(2026, 11, 28, 3, tzinfo=UTC)
    report = small.night(now)
    assert report.status == "published", report.message
    assert report.notices[0].startswith("1 person was forgotten, with 2 records; ")
    hers = ("Ana García", "García Ruiz", "ana.garcia@example.com", "612345678", "612 345 678")
    assert {name: hits for name, hits in search(small.config.data, hers).items() if hits} == {}
    assert small.warehouse(
        """
        select * from ledger.loads where delivered_rows <>
            loaded_rows + unchanged_rows + quarantined_rows + left_out_rows + coalesce(forgotten_rows, 0)
        """
    ) == []  # fmt: skip
    assert small.warehouse(
        "select sum(forgotten_rows) from ledger.loads where entity in ('customers', 'erasures')"
    ) == [(3,)]
    (proof,) = (small.config.data / "forgotten").glob("*.json")
    assert json.loads(proof.read_text(encoding="utf-8"))["is_clean"] is True
    assert small.night(now + timedelta(days=1)).status == "nothing new"
