"""A company whose nights bring everything that can change an order line, built as the nights build it and from nothing.

The gate is left out for speed. What the two builds leave is compared table by table; memory is the same for both.
"""

import random
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientela import transform
from clientela.load import loader as load
from clientela.pipeline import build_cache
from clientela.pipeline.open_run import open_run
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.unload_batch import unload
from clientela.publish import marts_of, publish_marts
from clientela.warehouse import memory, tables
from tests.conftest import NOW, SHOP, Company

HAPPENINGS = (
    "new lines",
    "late lines",
    "corrections",
    "returns",
    "vanished",
    "costs",
    "margin",
    "headers",
    "refunds",
    "unloaded",
    "nothing",
)
#: what changes customers and no order line
OF_CUSTOMERS = ("weeks pass", "people", "calls", "contracts", "consents", "campaigns", "reference")
FIRST_DAY = date(2026, 1, 5)
_HEADER = "bill,place,customer,product,pieces,net,sold_at,brought_on,changed"
_SNAPSHOT = "ticket,customer,product,pieces,net,sold_at"
_WEB = {
    "files": "web_*.csv",
    "key": "ticket",
    "delivery": "snapshot",
    "columns": {
        "order_key": "ticket",
        "customer_key": "customer",
        "product_key": "product",
        "quantity": "pieces",
        "net_amount": "net",
        "ordered_at": "sold_at",
    },
}
_TILL = {
    "files": "till_*.csv",
    "key": "place",
    "delivery": "upsert",
    "columns": {
        "order_key": "bill",
        "line_key": "place",
        "customer_key": "customer",
        "product_key": "product",
        "quantity": "pieces",
        "net_amount": "net",
        "ordered_at": "sold_at",
        "delivered_on": "brought_on",
        "updated_at": "changed",
    },
}
_PRODUCTS = {
    "files": "products_*.csv",
    "key": "product",
    "delivery": "snapshot",
    "columns": {"unit_cost": "cost", "category": "category"},
}
_PEOPLE = {
    "files": "people_*.csv",
    "key": "customer",
    "delivery": "upsert",
    "columns": {"full_name": "name", "email": "email", "phone": "phone", "updated_at": "changed"},
}
_CALLS = {
    "files": "calls_*.csv",
    "key": "case",
    "delivery": "upsert",
    "columns": {
        "customer_key": "customer", "kind": "kind", "opened_at": "opened", "resolved_at": "resolved", "minutes": "minutes",
        "updated_at": "changed",
    },
}  # fmt: skip
_CONTRACTS = {
    "files": "contracts_*.csv",
    "key": "contract",
    "delivery": "upsert",
    "columns": {
        "customer_key": "customer", "started_on": "started", "cancelled_on": "cancelled", "recurring_amount": "amount",
        "period_months": {"value": 1}, "updated_at": "changed",
    },
}  # fmt: skip
#: whole lists each night: what is not in the next was taken back, what differs corrected, and days lie in the past
_CONSENTS = {
    "files": "consents_*.csv",
    "key": "word",
    "delivery": "snapshot",
    "columns": {
        "customer_key": "customer", "purpose": "purpose", "channel": "channel", "status": "status", "decided_at": "decided",
    },
}  # fmt: skip
_CAMPAIGNS = {
    "files": "campaigns_*.csv",
    "key": "campaign",
    "delivery": "snapshot",
    "columns": {
        "started_on": "started", "approach": "approach", "fixed_cost": "fixed", "unit_cost": "unit",
    },
}  # fmt: skip
_CAMPAIGN_CONTACTS = {
    "files": "contacts_*.csv",
    "key": ["campaign", "customer"],
    "delivery": "snapshot",
    "columns": {"campaign_key": "campaign", "customer_key": "customer", "role": "role", "contacted_at": "contacted"},
}


#: a shop that delivers headers and lines apart, in any order, and refunds in a file of their own
_HEADERS = {
    "files": "post_orders_*.csv",
    "key": "order",
    "delivery": "upsert",
    "where": "status <> 'void'",
    "columns": {
        "customer_key": "customer", "channel": "channel", "ordered_at": "placed", "discount_amount": "discount",
        "shipping_amount": "shipping", "delivered_on": "brought_on", "updated_at": "changed",
    },
}  # fmt: skip
_ITEMS = {
    "files": "post_items_*.csv",
    "key": "item",
    "delivery": "upsert",
    "columns": {"order_key": "order", "product_key": "product", "quantity": "pieces", "net_amount": "net"},
    "version_by": "version",
}
_REFUNDS = {
    "entity": "transactions",
    "files": "post_refunds_*.csv",
    "key": "refund",
    "columns": {
        "order_key": "refund", "return_of_order_key": "order", "net_amount": {"sql": "-number(amount)"}, "ordered_at": "at",
    },
}  # fmt: skip


class Growing(Company):
    """The company; `seed` draws what each night brings."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder)
        settings = yaml.safe_load(yaml.safe_dump(SHOP))
        settings["reference_folder"] = "reference"
        settings["sources"] = {
            "till": {
                "entities": {
                    "transactions": _TILL, "products": _PRODUCTS, "customers": _PEOPLE, "interactions": _CALLS,
                    "contracts": _CONTRACTS, "consents": _CONSENTS, "campaigns": _CAMPAIGNS,
                    "campaign_contacts": _CAMPAIGN_CONTACTS,
                },
            },
            "web": {
                "ids_from": {"products": "till"},
                "entities": {"transactions": _WEB, "customers": {**_PEOPLE, "files": "web_people_*.csv"}},
            },
            "post": {
                "ids_from": {"products": "till"},
                "entities": {"orders": _HEADERS, "transactions": _ITEMS, "refunds": _REFUNDS},
            },
        }  # fmt: skip
        settings["identity"] = {"default_country": "ES", "few_changes": 1000}
        folder.mkdir(exist_ok=True)
        self.config_path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        self.random = random.Random(seed)
        self.day = FIRST_DAY
        self.nights = 0
        self.places: list[int] = []
        self.tickets: dict[int, str] = {}
        #: nights that built upon what was there
        self.short_nights = 0
        self.write("reference/margin_rates.csv", "department,category,margin_rate,is_assumed\n,,0.3,true\n")

    def happen(self, what: str) -> None:
        """Write what a night brings; `unloaded` unloads one batch of transactions."""
        number = self.nights
        match what:
            case "new lines":
                self.day += timedelta(days=self.random.randint(0, 3))
                self._sell(self.day, 4)
                self._web(2)
            case "weeks pass":
                self.day += timedelta(days=self.random.randint(10, 40))
                self._sell(self.day, 3)
            case "late lines":
                self._sell(FIRST_DAY - timedelta(days=self.random.randint(0, 20)), 2)
            case "corrections":
                lines = [self._line(place, self.day) for place in self._some(3)]
                self._deliver(f"till_{number:03}_corrected.csv", lines)
            case "returns":
                self._deliver(f"till_{number:03}_back.csv", [self._line(self._place(), self.day, -1)])
            case "vanished":
                for ticket in self.random.sample(sorted(self.tickets), min(2, len(self.tickets))):
                    del self.tickets[ticket]
                self._web(1)
            case "costs":
                rows = [f"{p},{self._cost()},{self.random.choice('xy')}" for p in self.random.sample("pqrs", 3)]
                self.write(f"products_{number:03}.csv", "\n".join(["product,cost,category", *rows]) + "\n")
            case "margin":
                rates = [f",{c},{self.random.randint(1, 9) / 10},false" for c in ["", "x"][: self.random.randint(1, 2)]]
                table = "\n".join(["department,category,margin_rate,is_assumed", *rates]) + "\n"
                self.write("reference/margin_rates.csv", table)
            case "people":
                for system in ("", "web_"):
                    rows = [f"{c},{self._person()},{self._changed()}" for c in self.random.sample("abcd", 2)]
                    self.write(
                        f"{system}people_{number:03}.csv",
                        "\n".join(["customer,name,email,phone,changed", *rows]) + "\n",
                    )
            case "calls":
                rows = [self._call() for _ in range(3)]
                header = "case,customer,kind,opened,resolved,minutes,changed"
                self.write(f"calls_{number:03}.csv", "\n".join([header, *rows]) + "\n")
            case "contracts":
                rows = [self._contract(key) for key in self.random.sample("klm", 2)]
                header = "contract,customer,started,cancelled,amount,changed"
                self.write(f"contracts_{number:03}.csv", "\n".join([header, *rows]) + "\n")
            case "consents":
                self._list("consents", "word,customer,purpose,channel,status,decided", self._consent)
            case "campaigns":
                self._list("campaigns", "campaign,started,approach,fixed,unit", self._campaign)
                self._list("contacts", "campaign,customer,role,contacted", self._contact)
            case "reference":
                self._reference()
            case "headers":
                self._post()
            case "refunds":
                self._post()
                row = f"{number},{self.random.randint(1, 6)},{self.random.randint(1, 9)},{self.day}"
                self.write(f"post_refunds_{number:03}.csv", f"refund,order,amount,at\n{row}\n")
            case "unloaded":
                batches = self.warehouse(
                    "select batch_id from ledger.loads where status = 'loaded' "
                    "and entity in ('transactions', 'orders', 'products')"
                )
                if len(batches) > 2:
                    unload(self.config, self.random.choice(batches)[0], now=self._now())

    def build(self, *, everything: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        """One night: load, build upon what is there. Gives the tables; of all marts, or of the incremental models."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(load, "validate", lambda *_: [])
            with open_run(self.config, now=self._now()) as run:
                run.load_all()
                run.set_context()
                self._transform(run, everything)
                return self._tables(run.connection, everything)

    def build_from_nothing(self, *, everything: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        """The same night's tables in a copy of the warehouse, all built anew; the warehouse stays as the night left it."""
        aside = self.folder / "aside.duckdb"
        shutil.copyfile(self.config.warehouse, aside)
        try:
            if everything:
                with duckdb.connect(str(self.config.warehouse)) as connection:
                    # nor are forecasts taken over, nor months that stand
                    connection.execute("delete from forecast.days")
                    for table in build_cache.MONTHS_SEEN:
                        connection.execute(f"delete from run.{table}")
            transform.build(self.config, is_full_refresh=True) if everything else _build_some(
                self, is_full_refresh=True
            )
            with duckdb.connect(str(self.config.warehouse)) as connection:
                return self._tables(connection, everything)
        finally:
            shutil.copyfile(aside, self.config.warehouse)

    def publish(self) -> tuple[Path, Path]:
        """The file published upon the last one, and the same night's written whole."""
        marts = marts_of(transform.manifest(self.config))
        with tables.connect(self.config.warehouse) as connection:
            return (
                publish_marts(connection, self.config, marts, self.config.published).path,
                publish_marts(connection, self.config, marts, self.folder / "whole").path,
            )

    def remember(self) -> None:
        """What a night remembers once it is published."""
        with duckdb.connect(str(self.config.warehouse)) as connection:
            memory.commit(connection)

    # ------------------------------------------------------------------ inner

    def _now(self) -> Any:
        self.nights += 1
        return NOW + timedelta(days=self.nights)

    def _transform(self, run: PipelineRun, everything: bool) -> None:
        if everything:
            run.transform()
            return
        with pytest.MonkeyPatch.context() as patched:
            # views of models that are not among these are not there
            patched.setattr(build_cache, "is_cached", lambda *_: True)
            is_full_refresh = build_cache.forget_build(run.connection, self.config)
        self.short_nights += not is_full_refresh
        run.session.close()
        _build_some(self, is_full_refresh=is_full_refresh)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(build_cache, "MONTHS_SEEN", {})
            build_cache.remember_build(run.connection)

    @staticmethod
    def _tables(connection: duckdb.DuckDBPyConnection, everything: bool) -> dict[str, list[tuple[Any, ...]]]:
        connection.execute("set timezone = 'UTC'")
        wanted = (
            # what is said of touched months is said beside the last build, and KPIs are counted over these alone
            "schema_name not in ('raw', 'ledger', 'run', 'memory', 'operations', 'staging') "
            "and table_name not like 'int_touched_%' and table_name <> 'int_kpi_customer_months'"
        ) if everything else (
            "table_name in ('int_order_lines', 'int_orders', 'int_order_amounts_spread')"
        )  # fmt: skip
        names = connection.execute(
            f"""select schema_name || '.' || table_name from duckdb_tables() where {wanted}
            union all select schema_name || '.' || view_name from duckdb_views() where not internal and {
                wanted.replace("table_name", "view_name")
            } order by 1"""
        ).fetchall()
        return {name: connection.execute(f"select * from {name} order by all").fetchall() for (name,) in names}

    def _post(self) -> None:
        """Some headers, new, corrected or void, and some lines; each may come without the other."""
        headers = ["order,customer,channel,placed,discount,shipping,brought_on,status,changed"]
        for order in self.random.sample(range(1, 7), self.random.randint(1, 3)):
            placed = self.day - timedelta(days=self.random.randint(0, 3))
            headers.append(
                f"{order},{self.random.choice(['a', 'b', 'c', ''])},{self.random.choice(['', 'app'])},{placed},"
                f"{self.random.choice(['', '0', '1', '7.77'])},{self.random.choice(['', '4.90'])},"
                f"{placed + timedelta(days=self.random.randint(0, 5))},{self.random.choice(['paid', 'paid', 'void'])},"
                f"{self._changed()}"
            )
        items = ["item,order,product,pieces,net,version"]
        for item in self.random.sample(range(1, 13), self.random.randint(1, 5)):
            net = self.random.randint(-20, 99) / 4
            items.append(f"{item},{self.random.randint(1, 6)},{self.random.choice('pqr')},1,{net},{self.nights + 1}")
        self.write(f"post_orders_{self.nights:03}.csv", "\n".join(headers) + "\n")
        self.write(f"post_items_{self.nights:03}.csv", "\n".join(items) + "\n")

    def _cost(self) -> str:
        return self.random.choice(["", "0.5", "1.25", "2"])

    def _place(self) -> int:
        self.places.append(len(self.places) + 1)
        return self.places[-1]

    def _some(self, count: int) -> list[int]:
        return self.random.sample(self.places, min(count, len(self.places)))

    def _sell(self, day: date, count: int) -> None:
        self._deliver(f"till_{self.nights:03}_{day}.csv", [self._line(self._place(), day) for _ in range(count)])

    def _line(self, place: int, day: date, sign: int = 1) -> str:
        bill, product = self.random.randint(1, 6), self.random.choice(["p", "q", "r", "s", ""])
        net, customer = sign * self.random.randint(1, 99) / 4, self.random.choice(["a", "b", "c", ""])
        brought = day + timedelta(days=self.random.randint(0, 6))
        return f"{bill},{place},{customer},{product},{sign},{net},{day} 12:00:00,{brought},{self._changed()}"

    def _changed(self) -> str:
        return f"{NOW - timedelta(days=1000) + timedelta(minutes=self.nights):%Y-%m-%d %H:%M:%S}"

    def _person(self) -> str:
        """Name, e-mail and phone; a few of each, so that records find and lose each other."""
        email, phone = (
            self.random.choice(["", "ana@gil.es", "eva@gil.es"]),
            self.random.choice(["", "612345678", "699111222"]),
        )
        return f"{self.random.choice(['Ana Gil', 'Ana Maria Gil', 'Eva Paz'])},{email},{phone}"

    def _call(self) -> str:
        case, kind = self.random.randint(1, 9), self.random.choice(["complaint", "request", "session"])
        opened = self.day - timedelta(days=self.random.randint(0, 40))
        resolved = self.random.choice(["", f"{opened + timedelta(days=2)} 09:00:00"])
        minutes = self.random.choice(["", "5", "12.5"])
        return f"{case},{self.random.choice('abcd')},{kind},{opened} 09:00:00,{resolved},{minutes},{self._changed()}"

    def _contract(self, key: str) -> str:
        started = FIRST_DAY - timedelta(days=self.random.randint(0, 90))
        cancelled = self.random.choice(["", "", str(self.day)])
        return (
            f"{key},{self.random.choice('abcd')},{started},{cancelled},{self.random.randint(1, 40)},{self._changed()}"
        )

    def _list(self, name: str, header: str, row: Callable[[int], str]) -> None:
        """Some rows of a list of nine, each with what is drawn for it now."""
        rows = [row(number) for number in sorted(self.random.sample(range(9), self.random.randint(4, 8)))]
        self.write(f"{name}_{self.nights:03}.csv", "\n".join([header, *rows]) + "\n")

    def _past_day(self, days: int = 40) -> date:
        return self.day - timedelta(days=self.random.randint(0, days))

    def _consent(self, number: int) -> str:
        status = self.random.choice(["granted", "granted", "refused", "withdrawn"])
        purpose, channel = self.random.choice(["news", "relationship"]), self.random.choice(["", "email", "phone"])
        return f"{number},{'abcd'[number % 4]},{purpose},{channel},{status},{self._past_day()} 10:00:00"

    def _campaign(self, number: int) -> str:
        return f"{number % 3}-{number // 3},{self._past_day(20)},market,{self.random.choice(['', '9.5'])},0.25"

    def _contact(self, number: int) -> str:
        role = self.random.choice(["contacted", "contacted", "held_out", "chosen"])
        return (
            f"{number % 3}-0,{'abc'[number // 3]},{role},{self.random.choice(['', f'{self._past_day(20)} 11:00:00'])}"
        )

    def _reference(self) -> None:
        """Targets, what channels cost, and relational activities, one of which anyone may join."""
        hours = self.random.choice([1, 24, 100])
        self.write(
            "reference/service_targets.csv", f"kind,channel,first_answer_hours,resolution_hours\ncomplaint,,,{hours}\n"
        )
        rule = self.random.choice(["orders_12m >= 1", "orders_12m >= 2", ""])
        self.write(
            "reference/programmes.csv",
            "programme,approach,started_on,ended_on,monthly_cost,rule,gain_component,campaign_key\n"
            f"Club,defensive,{self._past_day()},,5,{rule},discounts,\nLetters,market,{self._past_day()},,3,,,0-0\n",
        )

    def _deliver(self, name: str, lines: list[str]) -> None:
        if lines:
            self.write(name, "\n".join([_HEADER, *lines]) + "\n")

    def _web(self, count: int) -> None:
        for _ in range(count):
            ticket, product = self.random.randint(1, 40), self.random.choice("pqr")
            self.tickets[ticket] = (
                f"{ticket},{self.random.choice('abc')},{product},2,{self.random.randint(1, 9)},{self.day}"
            )
        self.write(f"web_{self.nights:03}.csv", "\n".join([_SNAPSHOT, *self.tickets.values()]) + "\n")


def _build_some(company: Growing, *, is_full_refresh: bool) -> None:
    """The incremental models and what they read, without the rest."""
    steps = {step.unique_id: step for step in transform.compiled().steps}
    wanted, waiting = set(), ["model.clientela.int_orders"]
    while waiting:
        wanted.add(waiting.pop())
        waiting += [n for name in wanted for n in steps[name].needs if n not in wanted and steps[n].kind != "test"]
    results = transform.build(company.config, is_full_refresh=is_full_refresh, only=wanted)
    assert not [(r.name, r.message) for r in results if r.has_failed]
