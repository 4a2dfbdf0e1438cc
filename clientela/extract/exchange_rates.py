"""The exchange rate of a row: that of its currency on its day, or the newest before it. Amounts are converted in `currency`."""

from clientela.contracts import SQL_TYPES
from clientela.extract.feed import Feed
from clientela.extract.parameters import Parameters
from clientela.extract.row_faults import row_fault
from clientela.sql.quoting import quoted

#: an exact currency table of the run, made by `clientela.load`: currency, valid_from, rate
RATES = "exchange_rates_now"


def exchange_rate(feed: Feed, parameters: Parameters) -> tuple[str, str, tuple[str, str] | None]:
    """(rate, join, fault): the company-currency rate on the row's day; no join where no other currency can come."""
    entity = feed.entity
    if not entity.source_amount:
        return f"cast(null as {SQL_TYPES['rate']})", "", None
    company = parameters.bind(feed.config.currency)
    if "currency" not in feed.settings.columns and feed.currency == feed.config.currency:
        return f"cast(1 as {SQL_TYPES['rate']})", "", None
    event = entity[entity.event_time or ""]
    day = (
        quoted(event.name)
        if event.type == "date"
        else f"cast(timezone({parameters.bind(feed.config.time_zone)}, {quoted(event.name)}) as date)"
    )
    join = f"asof left join {RATES} as rates on currency = rates.rate_currency and {day} >= rates.valid_from"
    is_fresh = f"rates.valid_from >= {day} - {feed.config.exchange_rate_days}"
    rate = f"case when currency = {company} then 1 when {is_fresh} then rates.rate end"
    missing = row_fault(
        "exchange_rate is null",
        "currency",
        "currency",
        f"no exchange rate to {feed.config.currency} on its day or the {feed.config.exchange_rate_days} days before",
        parameters,
    )
    return f"cast({rate} as {SQL_TYPES['rate']})", join, missing
