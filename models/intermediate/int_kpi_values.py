"""The value of each KPI by month, for the company and each of its parts; see clientela.objective.kpis."""

from functools import partial

from clientela.objective.columns import FACTS
from clientela.objective.kpis import kpi_values
from clientela.warehouse.last_build import first_touched_day, left_by_last_build


def model(dbt, session):
    dbt.config(materialized="table")
    facts = {
        "customer_months": dbt.ref("int_kpi_customer_months"),
        "campaign_contacts": dbt.ref("int_kpi_campaign_contacts"),
        "service_cases": dbt.ref("int_kpi_service_cases"),
        "orders": dbt.ref("int_kpi_orders"),
    }
    months = dbt.ref("int_customer_months").project("month").distinct().order("month").fetchall()
    delivered = dbt.source("ledger", "source_state").filter("loaded_rows > 0").project("entity").distinct()
    return kpi_values(
        # a connection has one answer under way at a time: rows are asked for when their turn comes
        {name: partial(_rows, rows, FACTS[name].columns) for name, rows in facts.items()},
        dbt.ref("stg_kpis").pl().to_dicts(),
        [month for (month,) in months],
        {entity for (entity,) in delivered.fetchall()},
        since=first_touched_day(dbt.ref("int_touched_months")),
        earlier=left_by_last_build(session, repr(dbt.this)),
    )


def _rows(facts, columns):
    return facts.project(", ".join(columns)).to_arrow_reader()
