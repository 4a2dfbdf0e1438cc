"""What is to be expected of each running contract, and which renewals fall due; see clientela.lifetime.renewal_outlook."""

from clientela.lifetime.contract_history import COLUMNS
from clientela.lifetime.discounting import force_of_interest
from clientela.lifetime.forecast import DAYS_PER_YEAR, add_months
from clientela.lifetime.renewal_models import DEFAULT
from clientela.lifetime.renewal_outlook import renewal_outlook
from clientela.value.settings import ValueSettings
from clientela.warehouse.run_settings import read_settings


def model(dbt, session):
    dbt.config(materialized="table")
    contracts = dbt.ref("int_contract_terms").select(
        f"contract_id, {', '.join(COLUMNS)}, renews_on, recurring_amount::double as recurring_amount, "
        "contribution::double as contribution, recurring_amount::double / period_months as monthly_amount"
    )
    as_of = dbt.source("run", "context").select("as_of_on").fetchall()[0][0]
    settings = read_settings(dbt.source("run", "value_settings"), ValueSettings)
    chosen = dbt.ref("int_forecasts").filter("is_as_of and renewal_model is not null").select("renewal_model")
    names = [name for (name,) in chosen.fetchall()]
    return renewal_outlook(
        contracts.pl(),
        as_of,
        (add_months(as_of, settings.horizon_months) - as_of).days,
        force_of_interest(settings.annual_discount_rate, DAYS_PER_YEAR),
        names[0] if names else DEFAULT,
    )
