"""Up to which month facts and personal values were let go by `privacy.retention_days`, and the totals that stay of the facts.

Belongs here: the tables, and what of them is in force. What expires, and how, is in `clientela.privacy.retention`; rows that
are delivered again are told in `clientela.load.expired`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb

#: one row per source, entity and column (empty: whole rows) each time that something of it expired
COLUMNS = (
    "source varchar not null, entity varchar not null, column_name varchar not null, expired_before date not null, "
    "expired_at timestamptz not null"
)
#: lines of the value ledger by record and month, of facts that are there no more. Of a cost of goods `net_amount` says what it
#: was the cost of, of a campaign's costs `campaign_id` whose
AMOUNTS = (
    "source varchar not null, customer_record_id bigint, month date not null, component varchar not null, "
    "activity varchar not null, rule varchar not null, is_assumed boolean not null, entries bigint not null, "
    "amount decimal(18,4) not null, net_amount decimal(18,4), expired_at timestamptz not null, campaign_id bigint, "
    "campaign_key varchar"
)
#: movements of points by record and month, so that balances stay what they were
POINTS = (
    "source varchar not null, customer_record_id bigint, month date not null, kind varchar not null, expires_on date, "
    "movements bigint not null, points decimal(38,6), value_amount decimal(38,4), expired_at timestamptz not null"
)
#: the tables of schema `ledger` that say what facts came to
TOTALS = {"expired_amounts": AMOUNTS, "expired_points": POINTS}


@dataclass(frozen=True)
class Expiry:
    """What of an entity's rows in one source is to be there no more: those from before a day, or values of theirs."""

    rows_before: date | None = None
    values_before: Mapping[str, date] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.rows_before is not None or bool(self.values_before)


def expiry_of(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> Expiry:
    """What has expired until now."""
    rows = connection.execute(
        "select column_name, max(expired_before) from ledger.expiries where source = ? and entity = ? group by column_name",
        [source, entity],
    ).fetchall()
    return Expiry(dict(rows).get(""), {name: day for name, day in rows if name})
