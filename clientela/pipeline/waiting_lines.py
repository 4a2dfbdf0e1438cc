"""Which loaded order lines wait for their order's header, and are in no mart until it comes: found in raw, by feed.

The models decide by the same rule, in `int_order_lines_headed`; here it is asked before there are models, so that doctor and
a night can tell it.
"""

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from clientela.config.company import Config
from clientela.extract.feeds import feeds_of
from clientela.wording import counted


@dataclass(frozen=True)
class WaitingLines:
    """The lines of one feed that wait; `amount` is their net amount in the company's currency."""

    source: str
    feed: str
    lines: int
    amount: Decimal
    currency: str

    @property
    def sentence(self) -> str:
        """`3 lines, 13.00 EUR, wait for the header of their order and are in no mart until it comes`."""
        words = ("waits", "its", "is") if self.lines == 1 else ("wait", "their", "are")
        return (
            f"{counted(self.lines, 'line')}, {self.amount:,.2f} {self.currency}, {words[0]} for the header of {words[1]} order "
            f"and {words[2]} in no mart until it comes"
        )


def lines_waiting(connection: duckdb.DuckDBPyConnection, config: Config) -> list[WaitingLines]:
    """By feed, in the order of the configuration: the lines that count and whose order's header has not come."""
    feeds = {(feed.source_name, feed.name): feed for feed in feeds_of(config) if feed.entity.name == "transactions"}
    sources = [name for name, source in config.sources.items() if source.feeds_of("orders")]
    own = [list(name) for name, feed in feeds.items() if feed.has_own_orders]
    if not sources:
        return []
    found = connection.execute(
        """
        with headers as (
            select record_id from (
                select * from raw.orders where batch_id in (select batch_id from ledger.loads where status = 'loaded')
                qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
            ) where not is_deleted
        ),
        versions as (
            select transactions.*, loads.feed from raw.transactions join ledger.loads using (batch_id)
            where loads.status = 'loaded' and list_contains($sources, transactions.source)
                and record_id in (
                    select record_id from raw.transactions where order_id not in (select record_id from headers)
                )
            qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
        )
        select source, coalesce(feed, 'transactions'), count(*), coalesce(sum(net_amount), 0) from versions
        where not is_deleted and order_id not in (select record_id from headers)
            and (
                ordered_at is null
                or (return_of_order_id is null and not list_contains($own, [source, coalesce(feed, 'transactions')]))
            )
        group by all
        """,
        {"sources": sources, "own": own or [["", ""]]},
    ).fetchall()
    waiting = {(source, feed): (lines, amount) for source, feed, lines, amount in found}
    return [
        WaitingLines(*name, *waiting[name], config.currency)
        for name in [*feeds, *sorted(set(waiting) - set(feeds))]
        if name in waiting
    ]
