"""Who may leave, why, and what that puts in doubt; see clientela.retention.outlook."""

from clientela.lifetime.contract_history import COLUMNS
from clientela.retention.outlook import MONTH_COLUMNS, STATE_COLUMNS, OutlookInputs, days_read, outlook
from clientela.retention.settings import RetentionSettings
from clientela.warehouse.run_settings import read_settings

FORECAST_COLUMNS = (
    "customer_id, p_no_order_3m, p_no_order_6m, p_no_order_12m, expected_value, expected_value_given_order"
)


def model(dbt, session):
    dbt.config(materialized="table")
    settings = read_settings(dbt.source("run", "retention_settings"), RetentionSettings)
    as_of_on = dbt.source("run", "context").select("as_of_on").fetchall()[0][0]
    days = ", ".join(f"date '{day}'" for day in days_read(as_of_on, settings))
    read = f"measured_on in ({days})"
    months = dbt.ref("int_customer_months").filter(f"{read} and customer_id <> 0")
    contracts = dbt.ref("int_contract_terms").select(f"{', '.join(COLUMNS)}, contribution::double as contribution")
    chosen = dbt.ref("int_forecasts").filter("is_as_of and renewal_model is not null").select("renewal_model")
    inputs = OutlookInputs(
        states=dbt.ref("int_customer_states").filter(read).select(", ".join(STATE_COLUMNS)).pl(),
        months=months.select(", ".join(MONTH_COLUMNS)).pl(),
        forecasts=dbt.ref("int_customer_forecasts").filter("is_as_of").select(FORECAST_COLUMNS).pl(),
        contracts=contracts.pl(),
        renewal_model=next((name for (name,) in chosen.fetchall()), None),
    )
    return outlook(as_of_on, inputs, settings)
