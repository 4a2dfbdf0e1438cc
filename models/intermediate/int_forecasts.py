"""The days at which every customer is forecast; what is said of them clientela.value.step leaves in schema `forecast`."""

from clientela.lifetime.contract_history import COLUMNS
from clientela.value.settings import ValueSettings
from clientela.value.settled import Remembered
from clientela.value.step import forecast_days
from clientela.warehouse.run_settings import read_settings


def model(dbt, session):
    dbt.config(materialized="table")
    contracts = dbt.ref("int_contract_terms").select(
        f"{', '.join(COLUMNS)}, recurring_amount::double as recurring_amount, contribution::double as contribution"
    )
    context = dbt.source("run", "context").select("as_of_on, code_version, run_id, refit")
    as_of, code_version, run_id, refit = context.fetchall()[0]
    # what was frozen on a later day, which the data do not reach any more, is no reason to freeze nothing now
    frozen = dbt.source("memory", "value_predictions").filter(f"as_of_on <= date '{as_of}'")
    return forecast_days(
        session,
        days=dbt.ref("int_purchase_days").pl(),
        contracts=contracts.pl(),
        # the least of a customer's records: the same in whatever order they arrived
        keys=dbt.ref("int_customer_crosswalk").aggregate("customer_id, min(record_id) as key", "customer_id").pl(),
        as_of=as_of,
        settings=read_settings(dbt.source("run", "value_settings"), ValueSettings),
        code_version=code_version,
        frozen_until=frozen.aggregate("max(as_of_on)").fetchall()[0][0],
        remembered=Remembered(
            dbt.source("memory", "settled_month_ends").filter(f"month_end < date '{as_of}'").pl(),
            dbt.source("memory", "settled_fits").filter(f"month_end < date '{as_of}'").pl(),
            refit,
            run_id,
        ),
    )
