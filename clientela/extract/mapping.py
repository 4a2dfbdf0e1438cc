"""From a source's columns to the contract's: one SELECT that types, derives, keys and checks every delivered row.

The result has a row for each delivered row. A row that does not fit is there too, with the list of its faults and
itself as JSON; the caller parts the good from the quarantined. Nothing is read or written here but the types of the
mapped expressions.
"""

import re
from collections.abc import Collection
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb

from clientela.config.company import Config
from clientela.config.sources import Constant, EntityConfig, Expression, Mapping, SourceConfig, Translated
from clientela.contracts import SQL_TYPES, Column, Entity
from clientela.contracts.entities import GUEST_FIELDS
from clientela.errors import ConfigError, DeliveryError
from clientela.extract import currency, derive
from clientela.extract.casting import (
    Parameters,
    Style,
    as_text,
    blank_to_null,
    fault_of,
    is_clock_time,
    is_midnight,
    local_time,
    number,
    sensible,
    states_time,
    states_zone,
    typed,
    was_skipped,
)
from clientela.extract.column_names import missing_column
from clientela.extract.guests import guest_key
from clientela.extract.personal_keys import RECORD_KEY, hashed_columns, personally_keyed_sources
from clientela.masking import HASHED_KEY, KeyedHash, without_values
from clientela.sql.expressions import check_expression, names_in
from clientela.sql.quoting import quoted

#: an exact currency table of the run, made by `clientela.load`: currency, valid_from, rate
RATES = "exchange_rates_now"
#: `version_by: "file_date: REGEX"`: the date in the delivered file's name
FILE_DATE = "file_date:"
#: between a key and the number of a row that repeats it
REPEAT_MARK = "|#"
#: longest cell that quarantine repeats; the delivered file itself is kept
LONGEST = 2000
#: the columns of a decision with a customer's key, and those that name its source
DECISION_KEYS = {"first_key": "first_source", "second_key": "second_source"}
#: hours that an event may lie after its delivery, for clocks that differ
CLOCK_HOURS = 24
#: the time that orders a record's versions and is no event
VERSION_TIME = "updated_at"
#: why a row that is dated later is quarantined
IN_FUTURE = f"dated more than {CLOCK_HOURS} hours after it was delivered"


@dataclass(frozen=True)
class Feed:
    """One entity of one source, with everything that its mapping needs to know."""

    config: Config
    source_name: str
    source: SourceConfig
    entity: Entity
    settings: EntityConfig
    #: masks personal values wherever they would be seen
    secret: str
    #: replaces personal keys by a keyed hash; None: one of the secret
    identity_key: KeyedHash | None = None
    #: its key in the configuration, where that is not the entity's name
    feed_name: str = ""
    #: the customers whom orders or contacts describe, read from their rows
    is_of_guests: bool = False
    #: the feed whose files describe these guests, where they come as files
    guests_of: str = ""

    @property
    def name(self) -> str:
        """Its name within the source: the entity's, or the one it bears beside another feed of that entity."""
        return self.feed_name or self.entity.name

    @property
    def key_space(self) -> str:
        """What makes a record's key unique beside the key itself.

        Records that others refer to have one space per source, whichever of its feeds delivers them. Of others two feeds
        know nothing of each other's keys: refund 17 is not sale 17.
        """
        if self.is_of_guests:
            return self.id_space("customers")
        is_own = self.name != self.entity.name and not self.entity.is_referred_to
        return f"{self.source_name}.{self.name}" if is_own else self.source_name

    @property
    def is_named_by_head(self) -> bool:
        """Whether its lines leave it to the heads of their orders to name the customer."""
        heads = self.source.feeds_of("orders")
        return (
            self.entity.name == "transactions"
            and "customer_key" not in self.settings.columns
            and any("customer_key" in settings.columns for settings in heads.values())
        )

    @property
    def order_space(self) -> str:
        """What makes an order's id unique beside its key: the source, unless the feed's orders bear numbers of their own."""
        return self.key_space if self._names_what_it_returns or self._is_of_returns_alone else self.source_name

    @property
    def has_own_orders(self) -> bool:
        """Whether its orders bear numbers of their own, so that no header is theirs: returns in a feed beside the sales."""
        return self.entity.name == "transactions" and self.order_space != self.source_name

    @property
    def _names_what_it_returns(self) -> bool:
        return "return_of_order_key" in self.settings.columns

    @property
    def _is_of_returns_alone(self) -> bool:
        """Whether each row is a return that says itself whose it is and when it was, and so needs no order of the sales."""
        columns = self.settings.columns
        is_return = columns.get("is_return")
        return (
            isinstance(is_return, Constant)
            and str(is_return.value).lower() == "true"
            and "customer_key" in columns
            and "ordered_at" in columns
        )

    @property
    def where(self) -> str:
        return f"sources.{self.source_name}.entities.{self.name}"

    @property
    def style(self) -> Style:
        return Style(
            time_zone=self.source.time_zone or self.config.time_zone,
            company_zone=self.config.time_zone,
            decimal_style=self.source.decimal_style,
            date_format=self.source.date_format,
            datetime_format=self.source.datetime_format,
        )

    @property
    def currency(self) -> str:
        return self.source.currency or self.config.currency

    @property
    def has_headers(self) -> bool:
        """Whether its order lines may leave to their order's header what holds for all of them."""
        return self.entity.name == "transactions" and not self.has_own_orders and bool(self.source.feeds_of("orders"))

    def is_required(self, column: Column) -> bool:
        """Whether every row must have a value there."""
        return column.required and not (self.has_headers and column.name == self.entity.event_time)

    def id_space(self, entity_name: str) -> str:
        """The source whose ids this one uses for that entity."""
        return self.source.ids_from.get(entity_name, self.source_name)

    @property
    def hashed(self) -> frozenset[str]:
        """The columns whose values are personal keys: a keyed hash stands in for them."""
        return hashed_columns(self.config, self.source_name, self.name)

    @property
    def key_hash(self) -> KeyedHash:
        """What hashes them: the warehouse's own, once the feed is loaded into one."""
        return self.identity_key or KeyedHash.of_secret(self.secret)


def surrogate_key(*parts: str) -> str:
    """First 63 bits of md5 over the parts joined by |, null if any part is null; dbt has the same as a macro."""
    joined = " || '|' || ".join(parts)
    return f"cast(cast('0x' || substr(md5({joined}), 1, 16) as ubigint) >> 1 as bigint)"


def named_columns(connection: duckdb.DuckDBPyConnection, settings: EntityConfig) -> set[str]:
    """The source's columns that the configuration names anywhere."""
    names = {*(settings.attributes or {}).values()}
    sources = [settings.where] if settings.where else []
    for part in settings.key:
        if isinstance(part, str):
            names.add(part)
        else:
            sources.append(part.sql)
    if settings.version_by and not settings.version_by.startswith(FILE_DATE) and settings.version_by != "updated_at":
        names.add(settings.version_by)
    for mapping in settings.columns.values():
        if isinstance(mapping, str):
            names.add(mapping)
        elif isinstance(mapping, Translated):
            names.add(mapping.column)
        elif isinstance(mapping, Expression):
            sources.append(mapping.sql)
        elif isinstance(mapping, list):
            names |= set(mapping)
    return names.union(*(names_in(connection, sql) for sql in sources))


def names_by_column(connection: duckdb.DuckDBPyConnection, settings: EntityConfig) -> dict[str, set[str]]:
    """Column of the contract → the source's columns that it is made of; under `""` those of key, condition and version."""
    found = {
        column: named_columns(connection, settings.model_copy(update={
            "columns": {column: mapping}, "key": [], "where": None, "version_by": None, "attributes": None,
        }))
        for column, mapping in settings.columns.items()
    }  # fmt: skip
    found[""] = named_columns(connection, settings.model_copy(update={"columns": {}, "attributes": None}))
    return found


def formats_of_columns(feed: Feed) -> dict[str, str]:
    """Source column, in lower case → strptime format that its text is read by, where the source states one.

    A part of the key has none: its text must be the same in every file.
    """
    formats = {"date": feed.source.date_format, "timestamp": feed.source.datetime_format}
    kinds = {
        mapping: feed.entity[name].type
        for name, mapping in feed.settings.columns.items()
        if isinstance(mapping, str) and name in feed.entity
    }
    version = feed.settings.version_by
    if version and not version.startswith(FILE_DATE) and version != "updated_at":
        kinds.setdefault(version, "timestamp")
    keys = {name.lower() for name in feed.settings.key if isinstance(name, str)}
    return {
        name.lower(): form for name, kind in kinds.items() if (form := formats.get(kind)) and name.lower() not in keys
    }


@dataclass(frozen=True)
class Delivery:
    """A delivered relation: SQL to read it, its columns and their DuckDB types, and how a row's number is found."""

    relation: str
    columns: Dict[str, str]
    row_number: str | None
    #: it has no row numbers of its own: it is put aside as it is read, in its order, and `row_number` is a row's number there
    is_put_aside: bool = False
    #: the columns that the configuration names, for the sentence about one that is missing
    expected: frozenset[str] = frozenset()
    #: what is said of a name, in lower case, that several columns bear: it is refused only where it is mapped
    repeated: Dict[str, str] = field(default_factory=dict)
    #: a time at midnight has no time of day in any row, as in a workbook, where a day is written in no other way
    is_midnight_a_day: bool = False


def staged_select(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    delivery: Delivery,
    file_name: str,
    parameters: Parameters,
    landed_at: datetime | None = None,
) -> str:
    """The SELECT that gives the columns of `staged_rows`, one row per delivered row. Values are bound into `parameters`.

    landed_at: when the file's content first came. A row that is dated later is in the future, on whichever day it is read.

    Raises DeliveryError when a mapped column is missing, ConfigError when the mapping itself is wrong.
    """
    entity, style = feed.entity, feed.style
    delivery = replace(delivery, expected=frozenset(named_columns(connection, feed.settings)))
    connection.execute(
        f"create or replace temp macro number(x) as case when typeof(x) in ('VARCHAR', '\"NULL\"') "
        f"then {number('trim(cast(x as varchar))', style.decimal_style, 'decimal(28,6)')} "
        "else try_cast(x as decimal(28,6)) end"
    )
    day = _delivered_on(feed, file_name, landed_at)
    stated = f"date '{day}'" if day else "cast(null as date)"
    connection.execute(f"create or replace temp macro delivered_on() as {stated}")
    expressions = {
        name: _expression(connection, feed, f"{feed.where}.columns.{name}", mapping, delivery, parameters)
        for name, mapping in feed.settings.columns.items()
        if name in entity
    }
    if feed.settings.attributes is not None:
        expressions["attributes"] = _attributes(feed, delivery)
    key_parts = [
        _expression(connection, feed, f"{feed.where}.key", part, delivery, parameters) for part in feed.settings.key
    ]
    is_taken = _is_taken(connection, feed, delivery, parameters)
    if guest := _guest(connection, feed, delivery, parameters):
        if feed.is_of_guests:
            key_parts, is_taken = [guest.customer_key], f"{is_taken} and {guest.is_described}"
        else:
            expressions["customer_key"] = guest.customer_key
    mapped_versions, version, version_at = _versions(connection, feed, delivery, parameters)
    types = _types(connection, delivery, [*expressions.values(), *key_parts], parameters)
    mapped_types = dict(zip(expressions, types, strict=False))
    key_types = types[len(expressions) : len(expressions) + len(key_parts)]

    mapped = [f"{blank_to_null(sql, mapped_types[name])} as {quoted('m_' + name)}" for name, sql in expressions.items()]
    # an empty key part of a reference table means "any"
    absent = "''" if entity.is_reference else "null"
    mapped += [
        f"coalesce({blank_to_null(as_text(part, key_type.split('(')[0]), 'VARCHAR')}, {absent}) as k_{i}"
        for i, (part, key_type) in enumerate(zip(key_parts, key_types, strict=True))
    ]
    local_times = _local_times(feed, mapped_types, parameters)
    day_columns = _day_columns(connection, feed, delivery, expressions, mapped_types, parameters)
    typed_columns, faults = _typed_columns(feed, mapped_types, local_times, day_columns, parameters)
    read = "".join(f", {sql} as {quoted('l_' + name)}" for name, sql in local_times.items())
    # a company's own tables and its campaigns may state sums of a year
    may_state_sums = entity.is_reference or entity.name == "campaigns"
    limited = ("date", "timestamp") if may_state_sums else ("date", "timestamp", "decimal", "money")
    bounded = ", ".join(sensible(entity[name]) for name in expressions if entity[name].type in limited)
    for i, part in enumerate(feed.settings.key[: len(key_parts)]):
        name = part if isinstance(part, str) else "key"
        faults.append(_fault(f"k_{i} is null", name, "null", "the key is empty", parameters))
    if landed_at is not None and (event := entity.event_time) in expressions and not entity.is_announced_ahead:
        latest = parameters.bind(landed_at + timedelta(hours=CLOCK_HOURS))
        is_ahead = f"{quoted(event)} > cast({latest} as timestamptz)"
        faults.append(_fault(is_ahead, event, quoted("m_" + event), IN_FUTURE, parameters))

    control = feed.settings.control_totals.of if feed.settings.control_totals else (entity.source_amount or "")
    digits = currency.minor_digits(feed.config.currency)
    is_minor = feed.settings.amount_unit == "minor"
    scaled = currency.in_major_units(entity, feed.settings.columns, feed.config.currency) if is_minor else {}
    delivered_as = derive.as_delivered(entity, feed.settings.columns)
    layers = [f"*, {', '.join(f'{sql} as {name}' for name, sql in delivered_as.items())}"]
    layers += [f"* replace ({_replaced(layer)})" for layer in (derive.completed_amounts(entity),) if layer]
    layers.append(f"*, {_control(control, feed, is_minor)} as control_amount")
    if feed.source.amounts_include_tax:
        _need_tax(feed)
        layers += [f"* replace ({_replaced(layer)})" for layer in (derive.without_tax(entity, digits),) if layer]
    rate, rate_join, rate_fault = _exchange(feed, parameters)
    final = dict(currency.converted(entity, digits))

    record_key = _record_key(len(key_parts))
    hashed = feed.hashed
    if RECORD_KEY in hashed:
        record_key = _hashed(record_key, feed, parameters)
    names = [c.name for c in entity.columns]
    source = parameters.bind(feed.source_name)
    key_space = parameters.bind(feed.key_space)
    ids = [f"{surrogate_key(key_space, '_record_key')} as record_id", "_record_key as record_key"]
    for column in entity.references():
        space = parameters.bind(feed.id_space(column.refers_to or ""))
        ids.append(f"{surrogate_key(space, quoted(column.name))} as {quoted(column.id_name)}")
    if "order_key" in entity:
        ids.append(f"{surrogate_key(parameters.bind(feed.order_space), 'order_key')} as order_id")
    if "return_of_order_key" in entity:
        ids.append(f"{surrogate_key(source, 'return_of_order_key')} as return_of_order_id")
    # a guest who orders again says nothing new by the time at which they do
    contents_of = [name for name in expressions if not (feed.is_of_guests and name == "updated_at")]
    contents = ", ".join(_hashable(quoted("m_" + name), mapped_types[name]) for name in contents_of)
    content_hash = surrogate_key(f"concat_ws(chr(31), '', {contents})" if contents else "''")
    if entity.wins_ties:
        content_hash = _ranked(content_hash, entity)
    is_faulty = " or ".join(condition for condition, _ in faults)
    listed = ", ".join(f"case when {condition} then {fault} end" for condition, fault in faults)
    all_faults = "_faults"
    if rate_fault:
        is_missing = f"_is_taken and {rate_fault[0]}"
        all_faults = f"case when {is_missing} then list_append(coalesce(_faults, []), {rate_fault[1]}) else _faults end"
    # a delivered column may bear a contract column's name: beyond the mapping it goes by its number
    kept = [f"{quoted(name)} as d_{i}" for i, name in enumerate(delivery.columns)]
    row_json = ", ".join(f"{quoted(name)} := d_{i}" for i, name in enumerate(delivery.columns))
    row_number = delivery.row_number or "cast(null as bigint)"

    extra = [f"{quoted(n)} as {quoted(n)}" for n in (f"source_{entity.source_amount}",) if entity.source_amount]
    stacked = "checked"
    ctes = []
    for i, layer in enumerate(layers):
        ctes.append(f"derived_{i} as (select {layer} from {stacked})")
        stacked = f"derived_{i}"
    replaced = {name: sql for name, sql in final.items() if name in entity}
    added = {name: sql for name, sql in final.items() if name not in entity}
    money = f"select * {f'replace ({_replaced(replaced)})' if replaced else ''}"
    money += "".join(f", {sql} as {quoted(name)}" for name, sql in added.items())
    derived = "".join(f",\n{cte}" for cte in ctes)
    return f"""
with delivered as (
    select *, {row_number} as _row from {delivery.relation}
),
mapped as (
    select {", ".join(kept)}, _row, {", ".join(mapped)}, {mapped_versions}, {is_taken} as _is_taken from delivered
),
read as (
    select *{read} from mapped
),
typed as (
    select *, {", ".join(typed_columns)}, {record_key} as _record_key from read
),
scaled as (
    select * {f"replace ({_replaced(scaled)})" if scaled else ""} from typed
),
bounded as (
    select * {f"replace ({bounded})" if bounded else ""} from scaled
),
checked as (
    select
        *,
        case when _is_taken and ({is_faulty}) then list_filter([{listed}], lambda fault: fault is not null) end as _faults
    from bounded
){derived},
rated as (
    select {stacked}.*, {rate} as exchange_rate from {stacked} {rate_join}
),
amounts as ({money} from rated)
select
    {", ".join([*ids, *(quoted(n) for n in names), *extra])}
    {", exchange_rate" if entity.source_amount else ""},
    {content_hash} as content_hash,
    {version} as version,
    {version_at} as version_at,
    {parameters.bind(file_name)} as source_file,
    _row as source_row,
    control_amount,
    {", ".join(delivered_as)},
    {_is_time_moved(feed, mapped_types, local_times, parameters)} as is_time_moved,
    {all_faults} as faults,
    not _is_taken as is_left_out,
    case when faults is not null then left(to_json(struct_pack({row_json})), {5 * LONGEST}) end as delivered_row
from amounts
"""


def _ranked(content_hash: str, entity: Entity) -> str:
    """The hash with the rank of the row's value in its highest bits: of two equally new versions the greater hash counts."""
    assert entity.wins_ties is not None
    column, ranked = entity.wins_ties
    ranks = " ".join(f"when '{value}' then {rank}" for rank, value in enumerate(reversed(ranked), 1))
    return f"(({content_hash}) >> 3) + cast(case {quoted(column)} {ranks} else 0 end as bigint) * {2**60}"


def _hashable(expression: str, delivered_type: str) -> str:
    """A mapped value as text that is cheap to make; what was not given must differ from what was left out."""
    if delivered_type.startswith("TIMESTAMP"):
        expression = f"epoch_us({expression})"
    return f"coalesce(cast({expression} as varchar), '')"


def _replaced(layer: Dict[str, str]) -> str:
    return ", ".join(f"{sql} as {quoted(name)}" for name, sql in layer.items())


def _column(where: str, name: str, delivery: Delivery) -> str:
    by_lower = {column.lower(): column for column in delivery.columns}
    if name.lower() not in by_lower:
        raise DeliveryError(_undelivered(where, name, delivery))
    return quoted(by_lower[name.lower()])


def _undelivered(where: str, name: str, delivery: Delivery) -> str:
    fault = delivery.repeated.get(name.lower()) or missing_column(name, delivery.columns, delivery.expected)
    return f"{where}: the source has {fault}"


def _expression(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    where: str,
    mapping: Mapping,
    delivery: Delivery,
    parameters: Parameters,
) -> str:
    if isinstance(mapping, str):
        return _column(where, mapping, delivery)
    if isinstance(mapping, Constant):
        return parameters.bind(mapping.value if not isinstance(mapping.value, float) else str(mapping.value))
    if isinstance(mapping, Expression):
        check_expression(
            connection, mapping.sql, list(delivery.columns), where,
            lambda at, name, _: DeliveryError(_undelivered(at, name, delivery)),
        )  # fmt: skip
        return f"(\n{mapping.sql}\n)"
    if isinstance(mapping, Translated):
        column = f"trim(cast({_column(where, mapping.column, delivery)} as varchar))"
        cases = " ".join(
            f"when {parameters.bind(delivered)} then {parameters.bind(meant)}"
            for delivered, meant in mapping.values.items()
        )
        return f"case {column} {cases} else {column} end"
    parts = [f"nullif(trim(cast({_column(where, name, delivery)} as varchar)), '')" for name in mapping]
    return _joined(parts)


def _is_taken(connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, parameters: Parameters) -> str:
    """SQL that is true for the rows that the feed's `where` takes; for all of them where it has none."""
    if feed.settings.where is None:
        return "true"
    condition = _expression(
        connection, feed, f"{feed.where}.where", Expression(sql=feed.settings.where), delivery, parameters
    )
    (kind,) = _types(connection, delivery, [condition], parameters)
    if kind != "BOOLEAN":
        raise ConfigError(f"{feed.where}.where: it must be true or false for each row, such as status = 'paid'.")
    return f"coalesce({condition}, false)"


@dataclass(frozen=True)
class _Guest:
    """SQL over a delivered row: the id of its customer, the source's own or a guest's; and whether the row describes one whose
    record is not delivered otherwise."""

    customer_key: str
    is_described: str


def _guest(
    connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, parameters: Parameters
) -> _Guest | None:
    """How a row names its customer where it may describe one itself; None where the feed maps no field of a customer."""
    settings = feed.settings
    fields = [name for name in settings.columns if name in GUEST_FIELDS]
    if not fields or not (feed.is_of_guests or feed.entity.customer_fields):
        return None

    def text(name: str, mapping: Mapping | Expression) -> str:
        sql = _expression(connection, feed, f"{feed.where}.columns.{name}", mapping, delivery, parameters)
        (kind,) = _types(connection, delivery, [sql], parameters)
        return blank_to_null(f"cast({as_text(sql, kind.split('(')[0])} as varchar)", "VARCHAR")

    row_parts = [settings.columns["order_key"]] if "order_key" in settings.columns else [*settings.key]
    given = {name: text(name, settings.columns[name]) for name in fields}
    named = guest_key(given, _joined([text("key", part) for part in row_parts]))
    hashed = _hashed(f"({named})", feed, parameters)
    if "customer_key" not in settings.columns:
        return _Guest(hashed, f"{hashed} is not null")
    own = text("customer_key", settings.columns["customer_key"])
    key = f"coalesce({own}, {hashed})"
    space = feed.config.sources.get(feed.id_space("customers"))
    has_records = space is not None and bool(space.feeds_of("customers"))
    return _Guest(key, f"{own} is null and {key} is not null" if has_records else f"({named}) is not null")


def _attributes(feed: Feed, delivery: Delivery) -> str:
    where = f"{feed.where}.attributes"
    packed = ", ".join(
        f"{quoted(name)} := {_column(where, column, delivery)}"
        for name, column in (feed.settings.attributes or {}).items()
    )
    return f"cast(to_json(struct_pack({packed})) as varchar)"


def _joined(parts: list[str]) -> str:
    """A composed key as one text; the separator is escaped, so that two keys never look alike."""
    if len(parts) == 1:
        return parts[0]
    escaped = [f"replace(replace({part}, '\\', '\\\\'), '|', '\\|')" for part in parts]
    return " || '|' || ".join(escaped)


def _record_key(count: int) -> str:
    return _joined([f"k_{i}" for i in range(count)])


def _hashed(expression: str, feed: Feed, parameters: Parameters) -> str:
    """The keyed hash in the key's stead, so that a personal key never enters raw."""
    return feed.key_hash.sql(expression, parameters.bind)


def _hashed_decision(column: Column, value: str, feed: Feed, parameters: Parameters) -> str:
    """A key that someone wrote in a decision: as its source delivers it, or as the published file shows it."""
    sources = personally_keyed_sources(feed.config)
    if feed.entity.name != "identity_decisions" or column.name not in DECISION_KEYS or not sources:
        return value
    is_clear = f"not regexp_full_match({value}, {parameters.bind(HASHED_KEY)})"
    is_personal = f"list_contains({parameters.bind(sources)}, {quoted('m_' + DECISION_KEYS[column.name])})"
    return f"case when {is_personal} and {is_clear} then {_hashed(value, feed, parameters)} else {value} end"


def _types(
    connection: duckdb.DuckDBPyConnection, delivery: Delivery, expressions: list[str], parameters: Parameters
) -> list[str]:
    listed = ", ".join(f"{sql} as c{i}" for i, sql in enumerate(expressions))
    sql = f"describe select {listed} from {delivery.relation} limit 0"
    try:
        described = connection.execute(sql, parameters.used_in(sql)).fetchall()
    except duckdb.Error as error:
        reason = without_values(str(error).splitlines()[0], delivery.expected.__contains__)
        raise DeliveryError(f"The mapping does not fit what was delivered: {reason}") from error
    return [row[1] for row in described]


def _local_times(feed: Feed, mapped_types: Dict[str, str], parameters: Parameters) -> dict[str, str]:
    """Times in text as their clock showed them, by column: read once, in a layer below the typed one."""
    local = {
        name: local_time(feed.entity[name], f"m_{name}", delivered_type, feed.style, parameters)
        for name, delivered_type in mapped_types.items()
    }
    return {name: sql for name, sql in local.items() if sql is not None}


def _day_columns(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    delivery: Delivery,
    expressions: Dict[str, str],
    mapped_types: Dict[str, str],
    parameters: Parameters,
) -> set[str]:
    """The times of events that state no time of day: at midnight they are days of the calendar, in whatever zone.

    Those are the columns of which every time is midnight. What orders versions is none of them: it must be read in the same
    way in every delivery.
    """
    style = feed.style
    found: set[str] = set()
    if style.time_zone == style.company_zone:
        return found
    for name, sql in expressions.items():
        delivered_type = mapped_types[name]
        is_local = delivered_type == "VARCHAR" or is_clock_time(delivered_type)
        if feed.entity[name].type != "timestamp" or name == VERSION_TIME or not is_local:
            continue
        if not delivery.is_midnight_a_day:
            stated_format = style.datetime_format if delivered_type == "VARCHAR" else None
            if stated_format and (states_zone(stated_format) or not states_time(stated_format)):
                continue
            value = blank_to_null(sql, delivered_type)
            local = local_time(feed.entity[name], "x", delivered_type, style, parameters) or "cast(x as timestamp)"
            probe = (
                f"select 1 from (select {local} as x from (select {value} as x from {delivery.relation})) "
                f"where not ({is_midnight('x')}) limit 1"
            )
            if connection.execute(probe, parameters.used_in(probe)).fetchall():
                continue
        found.add(name)
    return found


def _is_time_moved(
    feed: Feed, mapped_types: Dict[str, str], locals_read: Collection[str], parameters: Parameters
) -> str:
    """Whether the clock skipped the time that orders the row's versions, so that it was moved on."""
    moved = "_is_version_moved"
    delivered_type = mapped_types.get(VERSION_TIME, "")
    if VERSION_TIME in locals_read:
        local = quoted(f"l_{VERSION_TIME}")
    elif is_clock_time(delivered_type):
        local = f"cast({quoted(f'm_{VERSION_TIME}')} as timestamp)"
    else:
        return moved
    return f"{moved} or {was_skipped(local, feed.style.time_zone, parameters)}"


def _typed_columns(
    feed: Feed,
    mapped_types: Dict[str, str],
    locals_read: Collection[str],
    day_columns: Collection[str],
    parameters: Parameters,
) -> tuple[list[str], list[tuple[str, str]]]:
    """The typed columns as SQL, and per possible fault (condition, fault struct)."""
    columns: list[str] = []
    faults: list[tuple[str, str]] = []
    hashed = feed.hashed
    for column in feed.entity.columns:
        mapped = f"m_{column.name}"
        if column.name not in mapped_types:
            if feed.is_required(column):
                raise ConfigError(f"{feed.where}.columns.{column.name}: this column is required and not mapped.")
            value = f"cast(null as {column.sql_type})"
            if column.name == "currency":
                value = parameters.bind(feed.currency)
            columns.append(f"{value} as {quoted(column.name)}")
            continue
        local = f"l_{column.name}" if column.name in locals_read else None
        value = typed(
            column, mapped, mapped_types[column.name], feed.style, parameters, local,
            is_midnight_a_day=column.name in day_columns, moves_skipped=column.name == VERSION_TIME,
        )  # fmt: skip
        if column.values:
            value = f"lower({value})"
        if column.name == "currency":
            value = f"coalesce(upper({value}), {parameters.bind(feed.currency)})"
        if column.name in hashed:
            value = _hashed(f"({value})", feed, parameters)
        value = _hashed_decision(column, value, feed, parameters)
        columns.append(f"cast({value} as {column.sql_type}) as {quoted(column.name)}")
        if column.type != "text":
            unfit = f"{quoted(mapped)} is not null and {quoted(column.name)} is null"
            faults.append(_fault(unfit, column.name, quoted(mapped), fault_of(column), parameters))
        if feed.is_required(column):
            given = quoted(column.name) if column.type == "text" else quoted(mapped)
            faults.append(_fault(f"{given} is null", column.name, "null", "a value is required", parameters))
    return columns, faults


def _fault(condition: str, field: str, value: str, reason: str, parameters: Parameters) -> tuple[str, str]:
    struct = (
        f"{{'field': {parameters.bind(field)}, 'value': left(cast({value} as varchar), {LONGEST}), "
        f"'reason': {parameters.bind(reason)}}}"
    )
    return condition, struct


def _need_tax(feed: Feed) -> None:
    if feed.entity.name == "transactions" and not {"tax_amount", "tax_rate"} & set(feed.settings.columns):
        raise ConfigError(
            f"{feed.where}: amounts of {feed.source_name} include tax, so tax_amount or tax_rate must be mapped."
        )
    has_amounts = not set(derive.OF_ORDERS).isdisjoint(feed.settings.columns)
    if feed.entity.name == "orders" and has_amounts and "tax_rate" not in feed.settings.columns:
        raise ConfigError(f"{feed.where}: amounts of {feed.source_name} include tax, so tax_rate must be mapped.")


def _exchange(feed: Feed, parameters: Parameters) -> tuple[str, str, tuple[str, str] | None]:
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
    missing = _fault(
        "exchange_rate is null",
        "currency",
        "currency",
        f"no exchange rate to {feed.config.currency} on its day or the {feed.config.exchange_rate_days} days before",
        parameters,
    )
    return f"cast({rate} as {SQL_TYPES['rate']})", join, missing


def _control(name: str, feed: Feed, is_minor: bool) -> str:
    """The amount that the source's totals speak of, in the unit that it was delivered in."""
    entity = feed.entity
    if name not in entity:
        return "cast(null as decimal(18,4))"
    is_amount = is_minor and entity[name].type == "money"
    units = f" * {currency.minor_units(entity, feed.config.currency)}" if is_amount else ""
    return f"cast({quoted(name)}{units} as decimal(18,4))"


def file_date(feed: Feed, name: str) -> datetime | None:
    """The date in the file's name, where versions are ordered by it."""
    declared = feed.settings.version_by or ""
    if not declared.startswith(FILE_DATE):
        return None
    pattern = declared.removeprefix(FILE_DATE).strip()
    match = re.search(pattern, name)
    digits = re.sub(r"\D", "", "".join(match.groups("") or (match[0],))) if match else ""
    for form in ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M"):
        try:
            return datetime.strptime(digits, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise DeliveryError(f"its name holds no date where version_by looks for it ({pattern})")


def _delivered_on(feed: Feed, file_name: str, landed_at: datetime | None) -> date | None:
    """The day that the file speaks of: that in its name, or else that on which it first came, in the company's zone."""
    if (stated := file_date(feed, file_name)) is not None:
        return stated.date()
    return landed_at.astimezone(ZoneInfo(feed.config.time_zone)).date() if landed_at else None


def _versions(
    connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, parameters: Parameters
) -> tuple[str, str, str]:
    """How versions are ordered: SQL for the mapped layer's `_version, _version_at, _is_version_moved`, and the final pair.

    Null where the file's date or the batch must order them; the loader knows those.
    """
    declared = feed.settings.version_by
    not_moved = "false as _is_version_moved"
    nothing = f"cast(null as bigint) as _version, cast(null as timestamptz) as _version_at, {not_moved}"
    if declared is None or declared == "updated_at":
        if "updated_at" not in feed.settings.columns:
            own = feed.entity.version_by or ""
            if declared is None and own in feed.settings.columns and feed.settings.delivery != "snapshot":
                return nothing, f"coalesce(epoch_us({quoted(own)}), 0)", quoted(own)
            return nothing, "_version", "_version_at"
        if feed.settings.delivery == "snapshot":
            # a later snapshot wins, whatever its rows say of themselves: a record may vanish and come back as it was
            return nothing, "_version", "updated_at"
        return nothing, "coalesce(epoch_us(updated_at), 0)", "updated_at"
    if declared.startswith(FILE_DATE):
        return nothing, "_version", "_version_at"
    column = _column(f"{feed.where}.version_by", declared, delivery)
    (delivered_type,) = _types(connection, delivery, [column], parameters)
    family = delivered_type.split("(")[0]
    if family in ("DATE", "VARCHAR") or family.startswith("TIMESTAMP"):
        version, value = Column("version", "timestamp", ""), blank_to_null(column, family)
        at = typed(version, value, delivered_type, feed.style, parameters, moves_skipped=True)
        local = local_time(version, value, delivered_type, feed.style, parameters)
        if is_clock_time(delivered_type):
            local = f"cast({column} as timestamp)"
        moved = "false" if local is None else was_skipped(local, feed.style.time_zone, parameters)
        as_number = f"try_cast({column} as bigint)" if family == "VARCHAR" else "null"
        mapped = f"coalesce({as_number}, epoch_us({at}), 0) as _version, {at} as _version_at"
        return f"{mapped}, {moved} as _is_version_moved", "_version", "_version_at"
    return (
        f"coalesce(try_cast({column} as bigint), 0) as _version, cast(null as timestamptz) as _version_at, {not_moved}",
        "_version",
        "_version_at",
    )
