"""Customers whom an order or a contact describes itself: a guest has an e-mail and no id, and is somebody all the same.

A feed that maps fields of a customer beside its own columns makes records of customers too, in a feed of its own over the same
files. Such a record's key is the source's own id where the row gives one, and else what is given: the e-mail, or the telephone
number, or, of a name alone, the order or contact that bears it. What is given is personal, so a keyed hash of it is the key.
Here stands what makes that key; which feeds there are stands in `feeds`.
"""

from collections.abc import Iterable, Mapping

from clientela.config.sources import EntityConfig
from clientela.contracts import ENTITIES, Entity

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


def guest_key(given: Mapping[str, str], row_key: str) -> str:
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
