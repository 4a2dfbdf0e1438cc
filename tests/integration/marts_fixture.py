"""A small company, written straight into raw by hand: every case the models decide stands here once.

Only rows and the helper that inserts them. What the marts must make of them is asserted in `test_marts`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from clientela import build_models, transform
from clientela.contracts import ENTITIES
from clientela.identity import step as identify
from clientela.identity.settings import IdentitySettings
from clientela.warehouse import tables as warehouse
from clientela.warehouse.run_settings import write_settings

AS_OF = date(2026, 3, 31)

Row = Mapping[str, Any]


def key(*parts: object) -> int:
    """First 63 bits of md5 over the parts, as the loader makes every key."""
    text = "|".join(str(part) for part in parts)
    return int(hashlib.md5(text.encode()).hexdigest()[:16], 16) >> 1


class Company:
    """A warehouse whose raw tables are filled row by row; each call of `deliver` is one batch."""

    def __init__(
        self, path: Path, *, as_of: date = AS_OF, time_zone: str = "Europe/Madrid", sections: Sequence[BaseModel] = ()
    ) -> None:
        self.path = path
        self.sections = sections
        self.connection = warehouse.connect(path, memory_limit="1GB")
        warehouse.prepare(self.connection)
        self.time_zone = time_zone
        self.batch = 0
        self.at(as_of)

    def at(self, as_of: date, known_at: str = "2100-01-01 00:00:00+00") -> None:
        """The instants of the next build."""
        write_settings(self.connection, *self.sections)
        identify.write_run_tables(self.connection, IdentitySettings(), "key")
        self.connection.execute("delete from run.context")
        self.connection.execute(
            """
            insert into run.context values (
                ?, ?, ?, 'Acme', 'EUR', ?, 30, 'config', 'code', ?, '2.0.0', 1, null, null
            )
            """,
            [f"run of {as_of}", as_of, known_at, self.time_zone, "2026-04-01 03:00:00+00"],
        )

    def deliver(self, entity: str, source: str, *rows: Row, loaded_at: str = "2026-04-01 02:00:00+00") -> int:
        """Load rows as one batch. A row names contract columns, `key`, and optionally version or is_deleted."""
        self.batch += 1
        for number, row in enumerate(rows, start=1):
            self._insert(entity, source, number, row, loaded_at)
        self._ledger(entity, source, len(rows), loaded_at)
        return self.batch

    def _insert(self, entity: str, source: str, number: int, row: Row, loaded_at: str) -> None:
        contract = ENTITIES[entity]
        values = {name: value for name, value in row.items() if name != "key"}
        record_id = key(source, row["key"])
        earlier = self.connection.execute(
            f"select count(*) from raw.{entity} where record_id = ?", [record_id]
        ).fetchall()[0][0]
        for column in contract.references():
            if values.get(column.name) is not None:
                values[column.id_name] = key(source, values[column.name])
        for name in ("order", "return_of_order"):
            if values.get(f"{name}_key") is not None:
                values[f"{name}_id"] = key(source, values[f"{name}_key"])
        defaults = {
            "record_id": record_id,
            "source": source,
            "record_key": row["key"],
            "batch_id": self.batch,
            "source_file": f"{entity}_{self.batch}.csv",
            "source_row": number + 1,
            "loaded_at": loaded_at,
            "version": self.batch,
            "content_hash": key(*row.values()),
            "is_revision": earlier > 0,
            "is_deleted": False,
        }
        complete = defaults | values
        names = ", ".join(complete)
        marks = ", ".join("?" for _ in complete)
        self.connection.execute(f"insert into raw.{entity} ({names}) values ({marks})", list(complete.values()))

    def _ledger(self, entity: str, source: str, rows: int, loaded_at: str) -> None:
        self.connection.execute(
            """
            insert into ledger.loads by name
            select ? as batch_id, 'run' as run_id, ? as source, ? as entity, ? as feed, 'append' as delivery, 'loaded' as status,
                'mapping' as mapping_hash, ?::timestamptz as started_at, ?::timestamptz as loaded_at,
                ? as delivered_rows, ? as loaded_rows, 0 as quarantined_rows, 0 as left_out_rows
            """,
            [self.batch, source, entity, entity, loaded_at, loaded_at, rows, rows],
        )
        if entity == "transactions":
            self.connection.execute(
                """
                insert into ledger.load_amounts
                select
                    batch_id, source, 'transactions', date_trunc('month', (ordered_at at time zone ?)::date)::date,
                    disposition, count(*), sum(net_amount), 0
                from raw.transactions cross join (select unnest(['delivered', 'loaded']) as disposition)
                where batch_id = ? and not is_deleted
                group by all
                """,
                [self.time_zone, self.batch],
            )

    def close(self) -> None:
        """Hand the file over to dbt."""
        self.connection.close()


def line(key: str, customer: str | None, product: str | None, at: str, net: float, **more: Any) -> dict[str, Any]:
    """An order line as the loader leaves it; the order is what stands before the slash of its key."""
    gross = more.pop("gross", net)
    return {
        "key": key,
        "order_key": key.split("/")[0],
        "line_key": key.split("/")[-1],
        "customer_key": customer,
        "product_key": product,
        "ordered_at": at,
        "quantity": more.pop("quantity", 1),
        "gross_amount": gross,
        "discount_amount": gross - net,
        "net_amount": net,
        "currency": "EUR",
        "is_return": net < 0,
    } | more


def fill(company: Company) -> None:
    """Two systems, till and web; January to March 2026; the company's day in Madrid."""
    company.deliver(
        "products", "till",
        {"key": "bread", "product_name": "Bread", "category": "bakery", "department": "food", "unit_cost": 1.5},
        {"key": "cake", "product_name": "Cake", "category": "bakery", "department": "food"},
        {"key": "soap", "product_name": "Soap", "category": "washing", "department": "home", "margin_rate": 0.5},
        {"key": "brush", "product_name": "Brush", "category": "tools", "department": "home"},
        {"key": "stamp", "product_name": "Stamp", "category": "post", "department": "service"},
    )  # fmt: skip
    company.deliver(
        "margin_rates", "reference",
        {"key": "food|bakery", "department": "food", "category": "bakery", "margin_rate": 0.4, "is_assumed": True},
        {"key": "home|", "department": "home", "margin_rate": 0.3, "is_assumed": False},
        {"key": "|", "margin_rate": 0.2, "is_assumed": True},
    )  # fmt: skip
    company.deliver(
        "customers", "till",
        {"key": "ana", "given_name": "Ana", "email": "ana@example.com", "country": "ES", "updated_at": "2026-01-02 10:00:00+00"},
        {"key": "ben", "given_name": "Ben", "email": "ben@example.com", "attributes": '{"vip": true}'},
        {"key": "pia", "given_name": "Pia", "is_prospect": True, "acquired_on": "2026-03-01"},
    )  # fmt: skip
    company.deliver("customers", "till", {"key": "ana", "given_name": "Ana María", "email": "ana@example.com"})
    company.deliver("customers", "web", {"key": "W1", "given_name": "Cleo", "phone": "600"})
    company.deliver(
        "transactions", "till",
        # one of each cost rule
        line("1/1", "ana", "bread", "2026-01-05 11:00:00+00", 3.00, quantity=2, gross=3.50, channel="shop", store_key="S1"),
        line("1/2", "ana", "cake", "2026-01-05 11:00:00+00", 10.00, channel="shop", store_key="S1"),
        line("1/3", "ana", "soap", "2026-01-05 11:00:00+00", 4.00, channel="shop", store_key="S1"),
        line("1/4", "ana", "brush", "2026-01-05 11:00:00+00", 8.00, channel="shop", store_key="S1"),
        line("1/5", "ana", "stamp", "2026-01-05 11:00:00+00", 1.00, channel="shop", store_key="S1"),
        line("1/6", "ana", "never delivered", "2026-01-05 11:00:00+00", 5.00, channel="shop", store_key="S1"),
        line("1/7", "ana", None, "2026-01-05 11:00:00+00", 2.00, cost_amount=1.9, channel="shop", store_key="S1"),
        # 31 January in Madrid is still 31 January in UTC; one hour later it is February in Madrid only
        line("2/1", "ben", "cake", "2026-01-31 22:30:00+00", 20.00),
        line("3/1", "ben", "cake", "2026-01-31 23:30:00+00", 30.00, delivered_on="2026-04-02"),
        # a return booked on its order a month later
        line("3/2", "ben", "cake", "2026-03-10 12:00:00+00", -30.00, quantity=-1),
        # nobody's
        line("4/1", None, "bread", "2026-02-02 09:00:00+00", 1.75),
        # a return alone
        line("5/1", "ana", "cake", "2026-03-03 09:00:00+00", -10.00, quantity=-1, return_of_order_key="1"),
        # brought back what she bought before the data begin, and nothing else is known of her
        line("9/1", "rita", "cake", "2026-01-10 09:00:00+00", -5.00, quantity=-1),
        # after the as-of day
        line("6/1", "ana", "cake", "2026-04-01 10:00:00+00", 99.00),
    )  # fmt: skip
    # a correction of 2/1, and a line that its source deleted
    company.deliver(
        "transactions", "till",
        line("2/1", "ben", "cake", "2026-01-31 22:30:00+00", 21.00),
        line("4/1", None, "bread", "2026-02-02 09:00:00+00", 1.75) | {"is_deleted": True},
        line("7/1", None, "bread", "2026-02-03 09:00:00+00", 2.50),
    )  # fmt: skip
    company.deliver(
        "transactions", "web",
        line("w1/1", "W1", "ebook", "2026-03-15 12:00:00+00", 12.00, channel="web"),
        line("w2/1", "W2", "ebook", "2026-03-20 12:00:00+00", 12.00, channel="web"),
    )  # fmt: skip
    company.deliver(
        "interactions", "web",
        {
            "key": "i1", "customer_key": "W1", "kind": "complaint", "channel": "email", "direction": "inbound",
            "opened_at": "2026-03-16 10:00:00+00", "resolved_at": "2026-03-18 10:00:00+00", "status": "closed", "satisfaction": 8,
            "note": "Cleo was angry", "agent": "Max",
        },
        {
            "key": "i2", "customer_key": "W3", "kind": "request", "channel": "web", "direction": "inbound",
            "opened_at": "2026-03-30 10:00:00+00", "resolved_at": "2026-04-02 10:00:00+00", "status": "closed",
            "outcome": "solved", "minutes": 12,
        },
        {
            "key": "i4", "customer_key": "W3", "kind": "complaint", "channel": "web", "direction": "inbound",
            "opened_at": "2026-03-29 10:00:00+00",
        },
        {"key": "i3", "kind": "session", "channel": "web", "opened_at": "2026-03-30 10:00:00+00"},
    )  # fmt: skip
    company.deliver(
        "contracts", "web",
        {
            "key": "c1", "customer_key": "W1", "product_key": "club", "started_on": "2025-06-01", "period_months": 12,
            "recurring_amount": 120, "ends_on": "2026-05-31", "cancelled_on": "2026-04-15", "cancelled_by": "customer",
        },
        {
            "key": "c2", "customer_key": "W4", "product_key": "club", "started_on": "2025-01-01", "period_months": 1,
            "recurring_amount": 10, "ends_on": "2025-12-31", "cancelled_on": "2025-12-01", "cancel_reason": "price",
        },
    )  # fmt: skip
    company.deliver("campaigns", "till", {"key": "spring", "campaign_name": "Spring", "started_on": "2025-12-01"})
    company.deliver(
        "campaign_contacts", "till",
        {
            "key": "spring|ana", "campaign_key": "spring", "customer_key": "ana", "role": "contacted", "channel": "post",
            "contacted_at": "2025-12-01 05:00:00+00", "is_date_assumed": True,
        },
        {
            "key": "spring|zoe", "campaign_key": "spring", "customer_key": "zoe", "role": "held_out",
            "contacted_at": "2025-12-01 05:00:00+00",
        },
        # after the as-of day, and on no day that is known
        {"key": "spring|ben", "campaign_key": "spring", "customer_key": "ben", "contacted_at": "2026-04-02 05:00:00+00"},
        {"key": "never delivered|ben", "campaign_key": "never delivered", "customer_key": "ben"},
    )  # fmt: skip
    company.deliver(
        "rewards", "till",
        {"key": "r1", "customer_key": "ana", "kind": "earned", "points": 33, "rewarded_at": "2026-01-05 11:00:00+00"},
    )  # fmt: skip
    company.deliver(
        "consents", "web",
        {"key": "k1", "customer_key": "W1", "purpose": "relationship", "status": "granted",
         "decided_at": "2026-03-15 12:00:00+00"},
        {"key": "k2", "customer_key": "W1", "purpose": "relationship", "status": "withdrawn",
         "decided_at": "2026-03-17 12:00:00Z"},
        {
            "key": "k3", "customer_key": "W1", "purpose": "news", "channel": "email", "status": "granted",
            "decided_at": "2026-03-15 12:00:00+00",
        },
        {"key": "k4", "customer_key": "W1", "purpose": "offers", "status": "granted", "decided_at": "2026-04-15 12:00:00+00"},
    )  # fmt: skip
    company.deliver(
        "consents", "till",
        # ben asked to be forgotten; pia took back what she had granted, zoe refused what nobody had granted
        {"key": "k5", "customer_key": "ben", "purpose": "news", "status": "granted", "decided_at": "2026-02-01 12:00:00+00"},
        {"key": "k6", "customer_key": "ben", "purpose": "relationship", "status": "granted",
         "decided_at": "2026-02-01 12:00:00+00"},
        {"key": "k7", "customer_key": "pia", "purpose": "news", "status": "granted", "decided_at": "2026-03-02 12:00:00+00"},
        {"key": "k8", "customer_key": "pia", "purpose": "news", "status": "refused", "decided_at": "2026-03-03 12:00:00+00"},
        {"key": "k9", "customer_key": "zoe", "purpose": "news", "status": "refused", "decided_at": "2026-03-03 12:00:00+00"},
    )  # fmt: skip
    company.deliver("erasures", "till", {"key": "e1", "customer_key": "ben", "requested_at": "2026-03-20 12:00:00+00"})


def build_marts(folder: Path, *only: str, zone: str = "UTC", target: str = "night") -> dict[str, str]:
    """What a night builds in the folder's warehouse, all of it or the nodes of these names: the status of every node."""
    settings = {
        "CLIENTELA_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "CLIENTELA_SCRATCH": str(folder / "scratch.duckdb"),
        "CLIENTELA_MEMORY_LIMIT": "1GB",
        "CLIENTELA_SESSION_TIME_ZONE": zone,
    }
    project = transform.compiled()
    chosen = {step.unique_id for step in project.steps if not only or step.name in only}
    database = transform.database(target, settings)
    results = build_models.build(project, database, is_full_refresh=True, only=chosen)
    return {result.name: result.status for result in results}


def failed(statuses: dict[str, str]) -> dict[str, str]:
    """Those that did not come out as they should."""
    return {name: status for name, status in statuses.items() if status not in ("success", "pass")}
