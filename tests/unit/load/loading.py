"""A company whose files are loaded and nothing more: no gate, no models. For what loading itself must make of them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from clientela.config.read import load_config
from clientela.extract.feeds import feeds_of
from clientela.load import loader
from clientela.load.context import LoadContext
from clientela.load.outcome import Outcome
from clientela.load.staging import prepare_rates
from tests.conftest import prepared_warehouse

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Loading:
    """Sources as in `clientela.yml`; each `load` is one night's loading of all feeds."""

    def __init__(self, folder: Path, sources: dict[str, Any], **company: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"company": "X", "currency": "EUR", "time_zone": "UTC", "sources": sources, **company}
        (folder / "clientela.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        self.connection = prepared_warehouse(folder / "loading.duckdb")
        self.nights = 0

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def load(self) -> dict[str, Outcome]:
        """Each feed's last outcome, by its name."""
        self.nights += 1
        outcomes = {}
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(loader, "validate", lambda *_: [])
            for feed in feeds_of(load_config(self.folder / "clientela.yml")):
                prepare_rates(self.connection)
                context = LoadContext(self.connection, feed, f"run{self.nights}", NOW + timedelta(days=self.nights))
                for outcome in loader.load_feed(context):
                    assert outcome.status in ("loaded", "nothing new"), outcome.reason
                    outcomes[feed.name] = outcome
        return outcomes

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, list(values)).fetchall()

    def current(self, entity: str, columns: str) -> list[tuple[Any, ...]]:
        """The records that count, as the models read them: the latest version of each, unless it is a tombstone."""
        return self.rows(
            f"""
            select {columns} from (
                select * from raw.{entity} where batch_id in (select batch_id from ledger.loads where status = 'loaded')
                qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
            ) where not is_deleted order by all
            """
        )

    def amounts(self, entity: str = "transactions") -> dict[str, tuple[int, Decimal, int]]:
        """Disposition → (rows, money, rows whose amount cannot be read) over all batches."""
        found = self.rows(
            """
            select disposition, sum(row_count), coalesce(sum(net_amount), 0), sum(amount_unreadable)
            from ledger.load_amounts where entity = ? group by disposition
            """,
            entity,
        )
        return {disposition: (int(rows), money, int(unreadable)) for disposition, rows, money, unreadable in found}

    def is_closed(self) -> bool:
        """Whether delivered = loaded + unchanged + quarantined + left out, in rows and in money, and loaded is what raw holds."""
        amounts = self.amounts()
        zero = (0, Decimal(0), 0)
        parts = [amounts.get(part, zero) for part in ("loaded", "unchanged", "quarantined", "left out")]
        summed = tuple(sum(column) for column in zip(*parts, strict=True))
        ((rows, money),) = self.rows(
            "select count(*), coalesce(sum(net_amount), 0) from raw.transactions where not is_deleted"
        )
        return summed == amounts.get("delivered", zero) and (rows, money) == amounts.get("loaded", zero)[:2]

    def reasons(self) -> Counter[str]:
        return Counter(reason for (reason,) in self.rows("select reason from ledger.quarantined_rows"))


#: order lines of one shop, whose files are its own
LINES: dict[str, Any] = {
    "files": "lines*.csv",
    "key": ["receipt", "line"],
    "columns": {
        "order_key": "receipt", "line_key": "line", "customer_key": "customer", "net_amount": "net", "ordered_at": "sold_at",
    },
}  # fmt: skip


def shop(folder: Path, **lines: Any) -> Loading:
    """A shop that delivers order lines alone."""
    return Loading(folder, {"till": {"entities": {"transactions": {**LINES, **lines}}}})
