"""A whole invented company through the pipeline, dates, dirt and returns included: what is expected of all customers together
comes true, and the ledger holds what the delivered files hold."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.config.read import load_config
from clientela.pipeline.nightly import run
from clientela.simulate import SimulateSettings, write_company
from clientela.simulate.settings import Process
from tests.integration.kpi_queries import assert_kpis_are_as_written_apart

pytestmark = pytest.mark.prove
NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)


def published(folder: Path, settings: SimulateSettings) -> Any:
    """What asks the marts of a company that was written and built in `folder`."""
    write_company(settings, folder)
    config = load_config(folder / "clientela.yml")
    report = run(config, now=NOW)
    assert report.status == "published", report.message
    connection = duckdb.connect(str(config.published / "marts.duckdb"), read_only=True)
    return lambda query: connection.execute(query).fetchall()


@pytest.mark.parametrize("process", ["pareto_nbd", "mbg_nbd"])
def test_the_orders_expected_of_all_customers_come_true_within_five_per_cent(process: Process, tmp_path: Path) -> None:
    # no campaigns: they add orders that the process of purchases does not know
    ask = published(tmp_path, SimulateSettings(customers=4_000, seed=3, dirt=0.005, process=process, campaigns=False))
    truth = f"read_parquet('{tmp_path / 'truth' / 'customers.parquet'}')"
    for months in (12, 24):
        expected, actual = ask(
            f"""
            select
                (select expected_orders from quality.value_predictions
                where horizon_months = {months} and segmentation = 'company'),
                (select sum(future_orders_{months}m) from {truth})
            """
        )[0]
        assert abs(expected / float(actual) - 1) <= 0.05, months


def test_every_kpi_is_what_a_query_written_apart_makes_of_it(tmp_path: Path) -> None:
    published(tmp_path, SimulateSettings(customers=1_500, seed=5))
    with duckdb.connect(str(tmp_path / "data" / "published" / "marts.duckdb"), read_only=True) as connection:
        values = assert_kpis_are_as_written_apart(connection)
    assert all(found for found in values.values())


def test_the_ledger_holds_what_the_files_hold_to_the_cent(tmp_path: Path) -> None:
    ask = published(tmp_path, SimulateSettings(customers=1_500, seed=5, dirt=0.005))
    raw = duckdb.connect()

    def files(query: str) -> Decimal:
        return Decimal(raw.execute(query).fetchall()[0][0])

    def ledger(where: str) -> Decimal:
        return Decimal(ask(f"select sum(amount) from value.value_ledger where {where}")[0][0])

    # the till's lines are dirty text: the truth says which were to be loaded, and what they are in the company's currency
    net = dict(
        raw.execute(
            f"select source, sum(company_net_cents)::decimal(18,2) / 100 from '{tmp_path}/truth/totals.parquet' group by 1"
        ).fetchall()
    )
    for source in ("till", "webshop"):
        total = ledger(f"component in ('revenue', 'discounts', 'returns') and source = '{source}'")
        assert total == Decimal(str(net[source])), source
    points = f"read_csv('{tmp_path}/loyalty/points_*.csv', all_varchar = true, delim = ',', header = true, null_padding = true)"
    assert ledger("component = 'rewards'") == -files(
        f"""
        select sum(try_cast(value_eur as decimal(18,4))) from (select distinct * from {points})
        where what in ('redeemed', 'gift') and posting not in (
            select record_key from '{tmp_path}/truth/dirt.parquet' where entity = 'rewards' and expected = 'quarantined'
        )
        """
    )
    assert ledger("component = 'acquisition'") == -files(
        f"select sum(cost_amount::decimal(18,4)) from read_csv('{tmp_path}/reference/acquisition_costs.csv')"
    )
    assert ledger("component = 'campaigns'") == -files(
        f"""
        with mailed as (
            select campaign, count(*) as contacts
            from (
                select distinct campaign, card
                from read_csv('{tmp_path}/loyalty/mailings_*.csv', all_varchar = true, delim = ',', header = true)
                where "group" = 'mailed')
            group by 1
        )
        select sum(fixed_cost::decimal(18,4) + unit_cost::decimal(18,4) * coalesce(contacts, 0))
        from read_csv('{tmp_path}/loyalty/campaigns.csv', all_varchar = true) left join mailed using (campaign)
        """
    )
    assert ask("select bool_and(is_within_tolerance) from quality.value_reconciliation") == [(True,)]
