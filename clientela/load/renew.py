"""What an earlier version, or an earlier configuration, left in the warehouse in another way than it is kept now.

Each change is made once, in one transaction, when a run opens the warehouse; `ledger.renewals` tells which were made.
Belongs here: rewriting keys that have turned out to be personal, and values that quarantine once showed. Does not belong
here: adding tables and columns, which `clientela.warehouse.tables` does.
"""

from collections.abc import Iterator

import duckdb

from clientela.config.company import Config
from clientela.contracts import ENTITIES
from clientela.extract.column_names import shown_names
from clientela.extract.feeds import feeds_of
from clientela.extract.parameters import Parameters
from clientela.extract.personal_keys import DECISION_KEYS, RECORD_KEY, hashed_columns, personally_keyed_sources
from clientela.masking import HASHED_KEY, KeyedHash, shape_sql
from clientela.sql.quoting import quoted
from clientela.sql.surrogate_key import surrogate_key
from clientela.warehouse.expiries import TOTALS
from clientela.warehouse.keys import confirmed_secret, identity_key
from clientela.warehouse.memory import BY_RECORD
from clientela.warehouse.transactions import transaction

#: a delivered value, or a header, that sentences of version 0.1 quoted
_QUOTING = r" It has: .*| more than once.*|; it has: .*|; did you mean '[^']*'\?"


def renew(connection: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Bring what was loaded before in line with how it would be loaded now."""
    made = {what for (what,) in connection.execute("select what from ledger.renewals").fetchall()}
    wanted = {"values in the ledger", *(".".join(key) for key in _hashed_keys(config))}
    if wanted <= made:
        return
    key_hash = identity_key(connection, confirmed_secret(connection, config.data))
    with transaction(connection):
        if "values in the ledger" not in made:
            _hide_values(connection)
        connection.execute("create or replace temp table rekeyed (old_id bigint, new_id bigint)")
        for source, feed, column in _hashed_keys(config):
            if f"{source}.{feed}.{column}" not in made:
                _hash_key(connection, config, source, feed, column, key_hash)
        _follow(connection)
        for what in sorted(wanted - made):
            connection.execute("insert into ledger.renewals values (?, now())", [what])


def _hashed_keys(config: Config) -> Iterator[tuple[str, str, str]]:
    """(source, feed, column) of every key that is personal under this configuration."""
    for source_name, source in config.sources.items():
        for feed_name in source.entities:
            for column in sorted(hashed_columns(config, source_name, feed_name)):
                yield source_name, feed_name, column
    for source_name in personally_keyed_sources(config):
        for column in DECISION_KEYS:
            yield source_name, "identity_decisions", column


def _hash_key(
    connection: duckdb.DuckDBPyConnection, config: Config, source: str, feed: str, column: str, key_hash: KeyedHash
) -> None:
    """Put the keyed hash in the place of a key that was loaded in clear, and make anew the number made of it."""
    is_decision = feed == "identity_decisions"
    entity = feed if is_decision else config.sources[source].entities[feed].entity or feed
    table, name = f"raw.{quoted(entity)}", quoted(column)
    owner = DECISION_KEYS[column] if is_decision else "source"
    parameters = Parameters()
    changes = {column: key_hash.sql(name, parameters.bind)}
    number = _number_of(entity, column)
    if number is not None:
        space = source
        if number in ("record_id", "order_id"):
            (own,) = (f for f in feeds_of(config) if (f.source_name, f.name) == (source, feed))
            space = own.key_space if number == "record_id" else own.order_space
        elif refers_to := ENTITIES[entity][column].refers_to:
            space = config.sources[source].ids_from.get(refers_to, source)
        changes[number] = surrogate_key(parameters.bind(space), changes[column])
    is_clear = (
        f"{quoted(owner)} = {parameters.bind(source)} and not regexp_full_match({name}, {parameters.bind(HASHED_KEY)})"
    )
    if not is_decision:
        is_clear += f" and batch_id in (select batch_id from ledger.loads where feed = {parameters.bind(feed)})"
    if number is not None:
        found = f"insert into rekeyed select distinct {quoted(number)}, {changes[number]} from {table} where {is_clear}"
        connection.execute(found, parameters.used_in(found))
    update = f"update {table} set {', '.join(f'{quoted(n)} = {sql}' for n, sql in changes.items())} where {is_clear}"
    connection.execute(update, parameters.used_in(update))


def _number_of(entity: str, column: str) -> str | None:
    """The integer made of a key, where there is one."""
    if column == RECORD_KEY:
        return "record_id"
    if column in ("order_key", "return_of_order_key") and entity in ("transactions", "orders"):
        return column.removesuffix("_key") + "_id"
    held = ENTITIES[entity][column]
    return held.id_name if held.refers_to else None


def _follow(connection: duckdb.DuckDBPyConnection) -> None:
    """Memory knows records by the number of their key: customers stay who they are."""
    for table in BY_RECORD:
        connection.execute(
            f"""
            update memory.{table} as held set record_id = found.new_id
            from (select old_id, any_value(new_id) as new_id from rekeyed group by old_id) as found
            where held.record_id = found.old_id
            """
        )
    for table in TOTALS:
        connection.execute(
            f"""
            update ledger.{table} as held set customer_record_id = found.new_id
            from (select old_id, any_value(new_id) as new_id from rekeyed group by old_id) as found
            where held.customer_record_id = found.old_id
            """
        )
    connection.execute("drop table rekeyed")


def _hide_values(connection: duckdb.DuckDBPyConnection) -> None:
    """What quarantine and gate showed in clear, and headers that sentences quoted, may be personal."""
    shape = shape_sql("coalesce(personal_value, value)")
    connection.execute(
        f"""
        update ledger.quarantined_rows
        set shape = {shape}, personal_value = coalesce(personal_value, value), value = null where shape is null
        """
    )
    connection.execute("update ledger.load_checks set examples = null where examples is not null")
    for table, column in (("loads", "reason"), ("runs", "message")):
        connection.execute(
            f"update ledger.{table} set {column} = regexp_replace({column}, $quoting, '', 'g') "
            f"where regexp_matches({column}, $quoting)",
            {"quoting": _QUOTING},
        )
    batches = connection.execute(
        "select batch_id, columns, new_columns from ledger.loads where columns is not null or new_columns is not null"
    ).fetchall()
    for batch_id, *lists in batches:
        shown = [", ".join(shown_names(names.split(", "))) if names else None for names in lists]
        connection.execute(
            "update ledger.loads set columns = ?, new_columns = ? where batch_id = ?", [*shown, batch_id]
        )
