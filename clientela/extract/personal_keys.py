"""Which keys of a feed are personal, told from the configuration alone.

A key is personal where its source says so (`personal_keys`), or where it is made of a column that is mapped to a personal
column of the contract too: an e-mail, a telephone, the number of a loyalty card. Such a key never enters raw: a keyed hash
takes its place, so that nothing made of it, such as `record_id`, can be undone by a dictionary. How it is hashed stands in
`clientela.masking`.
"""

from functools import lru_cache

import duckdb

from clientela.config.company import Config
from clientela.config.sources import EntityConfig, Expression, Mapping, SourceConfig, Translated
from clientela.contracts import ENTITIES, Entity
from clientela.sql.expressions import names_in

#: in place of a column's name: the record's own key
RECORD_KEY = "record_key"
#: the columns of a decision with a customer's key, and those that name its source
DECISION_KEYS = {"first_key": "first_source", "second_key": "second_source"}
#: the columns that name an order of their source
_ORDER_COLUMNS = ("order_key", "return_of_order_key")


def hashed_columns(config: Config, source_name: str, feed_name: str) -> frozenset[str]:
    """The columns of the feed's raw table that hold a keyed hash in place of what was delivered; RECORD_KEY is one."""
    source = config.sources.get(source_name)
    if source is None:
        return frozenset()
    if feed_name not in source.entities:
        # customers whom orders describe: their ids are those that the orders name
        space = source.ids_from.get("customers", source_name)
        return frozenset({RECORD_KEY} if is_personally_keyed(config, space) else ())
    settings = source.entities[feed_name]
    entity = ENTITIES[settings.entity or feed_name]
    personal = _personal_names(config, source_name, feed_name)
    hashed = {column for column, names in _keys(entity, settings).items() if names & personal}
    if is_personally_keyed(config, source.ids_from.get("customers", source_name)):
        hashed |= {column.name for column in entity.references() if column.refers_to == "customers"}
    if entity.name == "customers" and _are_own_keys_personal(config, source_name):
        hashed.add(RECORD_KEY)
    if _are_orders_personal(config, source_name):
        hashed |= {name for name in _ORDER_COLUMNS if name in entity} | (
            {RECORD_KEY} if entity.name == "orders" else set()
        )
    return frozenset(hashed)


def is_personally_keyed(config: Config, space: str) -> bool:
    """Whether the ids of this source's customers are personal, wherever they are delivered."""
    if space not in config.sources:
        return False
    if config.sources[space].personal_keys:
        return True
    for name, source in config.sources.items():
        for feed_name, settings in source.entities.items():
            entity = ENTITIES[settings.entity or feed_name]
            personal = _declared_names(entity, settings)
            if name == space and entity.name == "customers" and personal & _key_names(settings):
                return True
            if source.ids_from.get("customers", name) == space and personal & _customer_names(entity, settings):
                return True
    return False


def personally_keyed_sources(config: Config) -> list[str]:
    """The sources whose customer ids are personal."""
    return [name for name in config.sources if _are_own_keys_personal(config, name)]


def _are_own_keys_personal(config: Config, source_name: str) -> bool:
    """Whether the ids of the customers that a source delivers are personal, its own or those of the source it has them from."""
    space = config.sources[source_name].ids_from.get("customers", source_name)
    return is_personally_keyed(config, source_name) or is_personally_keyed(config, space)


def _are_orders_personal(config: Config, source_name: str) -> bool:
    """Whether the source's order numbers are made of something personal, in its sales or wherever else they are named."""
    for feed_name, settings in config.sources[source_name].entities.items():
        named = names_of(settings.columns["order_key"]) if "order_key" in settings.columns else frozenset()
        if (settings.entity or feed_name) == "orders":
            named |= _key_names(settings)
        if named & _personal_names(config, source_name, feed_name):
            return True
    return False


def _personal_names(config: Config, source_name: str, feed_name: str) -> set[str]:
    """The source columns of a feed that are personal: declared so, or personal ids of customers."""
    source: SourceConfig = config.sources[source_name]
    settings = source.entities[feed_name]
    entity = ENTITIES[settings.entity or feed_name]
    names = _declared_names(entity, settings)
    if is_personally_keyed(config, source.ids_from.get("customers", source_name)):
        names |= _customer_names(entity, settings)
    if entity.name == "customers" and _are_own_keys_personal(config, source_name):
        names |= _key_names(settings)
    return names


def _declared_names(entity: Entity, settings: EntityConfig) -> set[str]:
    """The source columns that are mapped to a personal column of the contract, or are free attributes."""
    names = _lowered([*(settings.attributes or {}).values()])
    for column, mapping in settings.columns.items():
        if (entity[column] if column in entity else ENTITIES["customers"][column]).personal:
            names |= names_of(mapping)
    return names


def _customer_names(entity: Entity, settings: EntityConfig) -> set[str]:
    """The source columns that name a customer."""
    names: set[str] = set()
    for column in entity.references():
        if column.refers_to == "customers" and column.name in settings.columns:
            names |= names_of(settings.columns[column.name])
    return names


def _keys(entity: Entity, settings: EntityConfig) -> dict[str, frozenset[str]]:
    """Every column that names something, and the source columns that it is made of."""
    keys = {RECORD_KEY: frozenset(_key_names(settings))}
    for column, mapping in settings.columns.items():
        if column.endswith("_key") and column in entity and not entity[column].personal:
            keys[column] = names_of(mapping)
    return keys


def _key_names(settings: EntityConfig) -> set[str]:
    """The source columns that make the record's key."""
    return {name for part in settings.key for name in names_of(part)}


def names_of(mapping: Mapping) -> frozenset[str]:
    """The source columns that a mapping reads, in small letters."""
    if isinstance(mapping, str):
        return frozenset({mapping.lower()})
    if isinstance(mapping, Translated):
        return frozenset({mapping.column.lower()})
    if isinstance(mapping, Expression):
        return _names_in(mapping.sql)
    return frozenset(_lowered(mapping)) if isinstance(mapping, list) else frozenset()


@lru_cache(maxsize=1024)
def _names_in(sql: str) -> frozenset[str]:
    with duckdb.connect() as connection:
        return frozenset(_lowered([*names_in(connection, sql)]))


def _lowered(names: list[str]) -> set[str]:
    return {name.lower() for name in names}
