"""Who may leave, why, and what that puts in doubt; the model and its choice stand in clientela.retention."""

from clientela.lifetime.contract_history import COLUMNS
from clientela.retention.outlook import (
    MONTH_COLUMNS,
    OUTLOOK_SCHEMA,
    STATE_COLUMNS,
    OutlookInputs,
    first_day_read,
    outlook,
)
from clientela.retention.settings import RetentionSettings
from clientela.warehouse.run_settings import read_settings
from clientela.warehouse.tables import built_before


def model(dbt, session):
    dbt.config(materialized="table")
    settings = read_settings(dbt.source("run", "retention_settings"), RetentionSettings)
    as_of_on, code_version = dbt.source("run", "context").select("as_of_on, code_version").fetchall()[0]
    read = f"measured_on >= date '{first_day_read(as_of_on, settings)}'"
    months = dbt.ref("int_customer_months").filter(f"{read} and customer_id <> 0")
    contracts = dbt.ref("int_contract_terms").select(f"{', '.join(COLUMNS)}, contribution::double as contribution")
    chosen = dbt.ref("int_forecasts").filter("is_as_of and renewal_model is not null").select("renewal_model")
    forecasts = dbt.ref("int_customer_forecasts").filter("is_as_of")
    before = built_before(session, "int_retention_outlook", OUTLOOK_SCHEMA)
    inputs = OutlookInputs(
        states=dbt.ref("int_customer_states").filter(read).select(", ".join(STATE_COLUMNS)).pl(),
        months=months.select(", ".join(MONTH_COLUMNS)).pl(),
        forecasts=forecasts.select(
            "customer_id, p_alive, expected_contribution, expected_contribution_given_alive"
        ).pl(),
        contracts=contracts.pl(),
        renewal_model=next((name for (name,) in chosen.fetchall()), None),
    )
    earlier = before.filter("made_from is not null").pl() if before is not None else None
    return outlook(as_of_on, inputs, settings, code_version, earlier)
