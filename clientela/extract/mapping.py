"""From a source's columns to the contract's: one SELECT that types, derives, keys and checks every delivered row.

The result has a row for each delivered row. A row that does not fit is there too, with the list of its faults and
itself as JSON; the caller parts the good from the quarantined. Nothing is read or written here but the types of the
mapped expressions. Each topic of its own has its own module: the file's date, tax, currencies, versions, guests.
"""

from collections.abc import Collection
from collections.abc import Mapping as Dict
from dataclasses import replace
from datetime import datetime

import duckdb

from clientela.config.sources import Expression
from clientela.contracts import Column, Entity
from clientela.errors import ConfigError
from clientela.extract import currency
from clientela.extract.amounts import as_delivered, completed_amounts
from clientela.extract.casting import as_text, blank_to_null, fault_of, local_time, sensible, typed
from clientela.extract.days_without_time import days_without_time
from clientela.extract.decimal_style import number
from clientela.extract.delivery import Delivery
from clientela.extract.exchange_rates import exchange_rate
from clientela.extract.feed import Feed
from clientela.extract.file_date import delivered_on
from clientela.extract.future_rows import future_fault
from clientela.extract.guests import guest_of
from clientela.extract.mapped_columns import named_columns
from clientela.extract.mapped_expression import column_sql, joined_key, mapped_sql, types_of
from clientela.extract.parameters import Parameters
from clientela.extract.personal_keys import DECISION_KEYS, RECORD_KEY, personally_keyed_sources
from clientela.extract.record_versions import VERSION_TIME, is_time_moved, version_order
from clientela.extract.row_faults import LONGEST, row_fault
from clientela.extract.tax import need_tax, without_tax
from clientela.masking import HASHED_KEY
from clientela.sql.quoting import quoted
from clientela.sql.surrogate_key import surrogate_key


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
    day = delivered_on(feed, file_name, landed_at)
    stated = f"date '{day}'" if day else "cast(null as date)"
    connection.execute(f"create or replace temp macro delivered_on() as {stated}")
    expressions = {
        name: mapped_sql(connection, feed, f"{feed.where}.columns.{name}", mapping, delivery, parameters)
        for name, mapping in feed.settings.columns.items()
        if name in entity
    }
    if feed.settings.attributes is not None:
        expressions["attributes"] = _attributes(feed, delivery)
    key_parts = [
        mapped_sql(connection, feed, f"{feed.where}.key", part, delivery, parameters) for part in feed.settings.key
    ]
    is_taken = _is_taken(connection, feed, delivery, parameters)
    if guest := guest_of(connection, feed, delivery, parameters):
        if feed.is_of_guests:
            key_parts, is_taken = [guest.customer_key], f"{is_taken} and {guest.is_described}"
        else:
            expressions["customer_key"] = guest.customer_key
    mapped_versions, version, version_at = version_order(connection, feed, delivery, parameters)
    types = types_of(connection, delivery, [*expressions.values(), *key_parts], parameters)
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
    day_columns = days_without_time(connection, feed, delivery, expressions, mapped_types, parameters)
    typed_columns, faults = _typed_columns(feed, mapped_types, local_times, day_columns, parameters)
    read = "".join(f", {sql} as {quoted('l_' + name)}" for name, sql in local_times.items())
    # a company's own tables and its campaigns may state sums of a year
    may_state_sums = entity.is_reference or entity.name == "campaigns"
    limited = ("date", "timestamp") if may_state_sums else ("date", "timestamp", "decimal", "money")
    bounded = ", ".join(sensible(entity[name]) for name in expressions if entity[name].type in limited)
    for i, part in enumerate(feed.settings.key[: len(key_parts)]):
        name = part if isinstance(part, str) else "key"
        faults.append(row_fault(f"k_{i} is null", name, "null", "the key is empty", parameters))
    if landed_at is not None and (event := entity.event_time) in expressions and not entity.is_announced_ahead:
        faults.append(future_fault(event, landed_at, parameters))

    control = feed.settings.control_totals.of if feed.settings.control_totals else (entity.source_amount or "")
    digits = currency.minor_digits(feed.config.currency)
    is_minor = feed.settings.amount_unit == "minor"
    scaled = currency.in_major_units(entity, feed.settings.columns, feed.config.currency) if is_minor else {}
    delivered_as = as_delivered(entity, feed.settings.columns)
    layers = [f"*, {', '.join(f'{sql} as {name}' for name, sql in delivered_as.items())}"]
    layers += [f"* replace ({_replaced(layer)})" for layer in (completed_amounts(entity),) if layer]
    layers.append(f"*, {_control(control, feed, is_minor)} as control_amount")
    if feed.source.amounts_include_tax:
        need_tax(feed)
        layers += [f"* replace ({_replaced(layer)})" for layer in (without_tax(entity, digits),) if layer]
    rate, rate_join, rate_fault = exchange_rate(feed, parameters)
    final = dict(currency.converted(entity, digits, is_exchanged=bool(rate_join)))

    record_key = _record_key(len(key_parts))
    hashed = feed.hashed
    if RECORD_KEY in hashed:
        record_key = feed.hashed_sql(record_key, parameters)
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
    {is_time_moved(feed, mapped_types, local_times, parameters)} as is_time_moved,
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


def _is_taken(connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, parameters: Parameters) -> str:
    """SQL that is true for the rows that the feed's `where` takes; for all of them where it has none."""
    if feed.settings.where is None:
        return "true"
    condition = mapped_sql(
        connection, feed, f"{feed.where}.where", Expression(sql=feed.settings.where), delivery, parameters
    )
    (kind,) = types_of(connection, delivery, [condition], parameters)
    if kind != "BOOLEAN":
        raise ConfigError(f"{feed.where}.where: it must be true or false for each row, such as status = 'paid'.")
    return f"coalesce({condition}, false)"


def _attributes(feed: Feed, delivery: Delivery) -> str:
    where = f"{feed.where}.attributes"
    packed = ", ".join(
        f"{quoted(name)} := {column_sql(where, column, delivery)}"
        for name, column in (feed.settings.attributes or {}).items()
    )
    return f"cast(to_json(struct_pack({packed})) as varchar)"


def _record_key(count: int) -> str:
    return joined_key([f"k_{i}" for i in range(count)])


def _hashed_decision(column: Column, value: str, feed: Feed, parameters: Parameters) -> str:
    """A key that someone wrote in a decision: as its source delivers it, or as the published file shows it."""
    sources = personally_keyed_sources(feed.config)
    if feed.entity.name != "identity_decisions" or column.name not in DECISION_KEYS or not sources:
        return value
    is_clear = f"not regexp_full_match({value}, {parameters.bind(HASHED_KEY)})"
    is_personal = f"list_contains({parameters.bind(sources)}, {quoted('m_' + DECISION_KEYS[column.name])})"
    return f"case when {is_personal} and {is_clear} then {feed.hashed_sql(value, parameters)} else {value} end"


def _local_times(feed: Feed, mapped_types: Dict[str, str], parameters: Parameters) -> dict[str, str]:
    """Times in text as their clock showed them, by column: read once, in a layer below the typed one."""
    local = {
        name: local_time(feed.entity[name], f"m_{name}", delivered_type, feed.style, parameters)
        for name, delivered_type in mapped_types.items()
    }
    return {name: sql for name, sql in local.items() if sql is not None}


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
            value = feed.hashed_sql(f"({value})", parameters)
        value = _hashed_decision(column, value, feed, parameters)
        columns.append(f"cast({value} as {column.sql_type}) as {quoted(column.name)}")
        if column.type != "text":
            unfit = f"{quoted(mapped)} is not null and {quoted(column.name)} is null"
            faults.append(row_fault(unfit, column.name, quoted(mapped), fault_of(column), parameters))
        if feed.is_required(column):
            given = quoted(column.name) if column.type == "text" else quoted(mapped)
            faults.append(row_fault(f"{given} is null", column.name, "null", "a value is required", parameters))
    return columns, faults


def _control(name: str, feed: Feed, is_minor: bool) -> str:
    """The amount that the source's totals speak of, in the unit that it was delivered in."""
    entity = feed.entity
    if name not in entity:
        return "cast(null as decimal(18,4))"
    is_amount = is_minor and entity[name].type == "money"
    units = f" * {currency.minor_units(entity, feed.config.currency)}" if is_amount else ""
    return f"cast({quoted(name)}{units} as decimal(18,4))"
