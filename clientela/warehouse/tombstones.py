"""Who was forgotten, so that they stay so: a keyed hash of each record's number, and the key that stands for them.

The key of the hash is `tombstone` of `memory.keys`. It never rotates: else the forgotten would come back with the next delivery.
Rows of the forgotten that are delivered again are told by it in `clientela.load.forgotten`; who is forgotten, and what goes, is
in `clientela.privacy`.
"""

import hmac
import secrets

import duckdb

from clientela.contracts import Entity
from clientela.sql.quoting import quoted

COLUMNS = (
    "record_hash varchar not null, anonymous_key varchar not null, anonymous_id bigint not null, "
    "forgotten_at timestamptz not null"
)
KEY_NAME = "tombstone"
#: entities whose rows say of a person what no book needs: they go, whatever `privacy.keep_facts` says
SAID_BY_PERSONS = ("customers", "consents", "erasures")
#: entities that may be keyed by the customer among others
KEYED_BY_CUSTOMER = ("campaign_contacts", "rewards")
#: characters of an anonymous key behind its first word
_DIGITS = 20
ANONYMOUS = "forgotten-"


def tombstone_key(connection: duckdb.DuckDBPyConnection) -> str:
    """The key of the hashes, made at its first use."""
    rows = connection.execute("select key from memory.keys where name = ?", [KEY_NAME]).fetchall()
    if rows:
        return str(rows[0][0])
    key = secrets.token_hex(32)
    connection.execute("insert into memory.keys values (?, 'hmac-sha256', ?, now())", [KEY_NAME, key])
    return key


def are_there(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether anybody was ever forgotten."""
    return bool(connection.execute("select 1 from ledger.tombstones limit 1").fetchall())


def record_hash(key: str, record_id: int) -> str:
    """What a tombstone knows of a record's number."""
    return _hmac(key, f"record {record_id}")


def anonymous_key(key: str, record_id: int) -> str:
    """The key that stands for a forgotten record: the same whenever it is delivered again, and nobody's."""
    return f"{ANONYMOUS}{_hmac(key, f'anonymous {record_id}')[:_DIGITS]}"


def find_forgotten(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> int:
    """Make the temporary table `forgotten_records` (record_id, anonymous_key, anonymous_id): those of the forgotten whose numbers
    are in the columns of the table; gives how many."""
    numbers = " union ".join(
        f"select {quoted(name)} as record_id from {table} where {quoted(name)} is not null" for name in columns
    )
    found = connection.execute(f"select distinct record_id from ({numbers})").fetchall()
    key = tombstone_key(connection)
    known = {
        row[0]: row[1:]
        for row in connection.execute(
            "select record_hash, anonymous_key, anonymous_id from ledger.tombstones"
        ).fetchall()
    }
    connection.execute(
        "create or replace temp table forgotten_records (record_id bigint, anonymous_key varchar, anonymous_id bigint)"
    )
    rows = [(number, *known[digest]) for (number,) in found if (digest := record_hash(key, number)) in known]
    if rows:
        connection.executemany("insert into forgotten_records values (?, ?, ?)", rows)
    return len(rows)


def anonymised(entity: Entity, digest_parameter: str, space: str, forgotten: str = "forgotten") -> dict[str, str]:
    """Column → SQL of what a fact's row holds once its customer is forgotten; `forgotten` is the row of `forgotten_records`.

    `digest_parameter` binds the key of the hash, `space` is SQL for the id space of the row's own key.
    """
    values = {column.name: f"cast(null as {column.sql_type})" for column in entity.columns if column.personal}
    values |= {
        "customer_key": f"{forgotten}.anonymous_key",
        "customer_record_id": f"{forgotten}.anonymous_id",
        # the hash of the values as delivered would tell who it was to whoever tries all
        "content_hash": number_sql(f"{digest_parameter} || '|' || cast(content_hash as varchar)"),
    }
    if entity.name in KEYED_BY_CUSTOMER:
        renamed = (
            "array_to_string(list_transform(string_split(record_key, '|'), lambda part: "
            f"case when part = customer_key then {forgotten}.anonymous_key else part end), '|')"
        )
        values |= {"record_key": renamed, "record_id": number_sql(f"{space} || '|' || {renamed}")}
    return values


def number_sql(text: str) -> str:
    """The number of a key's text, as `clientela.sql.surrogate_key` makes it of a record's."""
    return f"cast(cast('0x' || substr(md5({text}), 1, 16) as ubigint) >> 1 as bigint)"


def _hmac(key: str, text: str) -> str:
    return hmac.new(bytes.fromhex(key), text.encode(), "sha256").hexdigest()
