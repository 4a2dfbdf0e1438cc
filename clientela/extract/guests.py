"""Customers whom an order or a contact describes itself: a guest has an e-mail and no id, and is somebody all the same.

A feed that maps fields of a customer beside its own columns makes records of customers too, in a feed of its own over the same
files. Such a record's key is the source's own id where the row gives one, and else what is given: the e-mail, or the telephone
number, or, of a name alone, the order or contact that bears it. What is given is personal, so a keyed hash of it is the key.
Here stands what makes that key; which feeds there are stands in `feeds`.
"""

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass

import duckdb

from clientela.config.sources import EntityConfig, Expression, Mapping
from clientela.contracts import ENTITIES, Entity
from clientela.contracts.entities import GUEST_FIELDS
from clientela.extract.casting import as_text, blank_to_null
from clientela.extract.delivery import Delivery
from clientela.extract.feed import Feed
from clientela.extract.mapped_expression import joined_key, mapped_sql, types_of
from clientela.extract.parameters import Parameters

#: fields that make somebody of a row: a town or a country alone is nobody
_NAMES = ("full_name", "given_name", "family_name", "company_name")


def guest_fields(entity: Entity, settings: EntityConfig) -> list[str]:
    """The fields of a customer that the feed maps beside its entity's own columns."""
    return [name for name in settings.columns if name in entity.customer_fields]


def guest_settings(entity: Entity, settings: EntityConfig) -> EntityConfig:
    """The settings of the feed of customers that a feed of orders or contacts brings: the same files, read for something else.

    A customer is as they were when they ordered: the row's own time orders the versions.
    """
    columns = dict(settings.columns)
    if entity.event_time in columns:
        columns["updated_at"] = columns[entity.event_time or ""]
    return settings.model_copy(
        update={
            "entity": "customers",
            "columns": columns,
            "delivery": "append",
            "version_by": None,
            "repeats": None,
            "required": False,
            "max_age": None,
            "control_totals": None,
            "gate": {},
            "not_personal": [],
        }
    )


def guest_key(given: Dict[str, str], row_key: str) -> str:
    """SQL for what names a guest, null for a row that describes nobody.

    given: customer field → SQL that reads it as text; row_key: what names the order or contact.
    """
    email = f"nullif(lower({given['email']}), '')" if "email" in given else "null"
    digits = f"nullif(regexp_replace({given['phone']}, '[^0-9+]', '', 'g'), '')" if "phone" in given else "null"
    names = [f"{given[name]} is not null" for name in _NAMES if name in given]
    has_name = f"({' or '.join(names)})" if names else "false"
    return f"coalesce('e:' || {email}, 't:' || {digits}, case when {has_name} then 'r:' || {row_key} end)"


def fullness(columns: Iterable[str]) -> str:
    """SQL for how many fields of a customer a row gives: of rows of one order the fullest describes the guest."""
    fields = [name for name in columns if name in ENTITIES["customers"] and name != "updated_at"]
    return " + ".join(f"cast({name} is not null as integer)" for name in fields) or "0"


@dataclass(frozen=True)
class Guest:
    """SQL over a delivered row: the id of its customer, the source's own or a guest's; and whether the row describes one whose
    record is not delivered otherwise."""

    customer_key: str
    is_described: str


def guest_of(
    connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, parameters: Parameters
) -> Guest | None:
    """How a row names its customer where it may describe one itself; None where the feed maps no field of a customer."""
    settings = feed.settings
    fields = [name for name in settings.columns if name in GUEST_FIELDS]
    if not fields or not (feed.is_of_guests or feed.entity.customer_fields):
        return None

    def text(name: str, mapping: Mapping | Expression) -> str:
        sql = mapped_sql(connection, feed, f"{feed.where}.columns.{name}", mapping, delivery, parameters)
        (kind,) = types_of(connection, delivery, [sql], parameters)
        return blank_to_null(f"cast({as_text(sql, kind.split('(')[0])} as varchar)", "VARCHAR")

    row_parts = [settings.columns["order_key"]] if "order_key" in settings.columns else [*settings.key]
    given = {name: text(name, settings.columns[name]) for name in fields}
    named = guest_key(given, joined_key([text("key", part) for part in row_parts]))
    hashed = feed.hashed_sql(f"({named})", parameters)
    if "customer_key" not in settings.columns:
        return Guest(hashed, f"{hashed} is not null")
    own = text("customer_key", settings.columns["customer_key"])
    key = f"coalesce({own}, {hashed})"
    space = feed.config.sources.get(feed.id_space("customers"))
    has_records = space is not None and bool(space.feeds_of("customers"))
    return Guest(key, f"{own} is null and {key} is not null" if has_records else f"({named}) is not null")
