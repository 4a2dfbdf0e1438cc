"""Who a person is in the warehouse: their records in every source, and the values that tell them from others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from clientela.contracts import ENTITIES
from clientela.errors import ClientelaError

#: personal columns of a customer that many share, and that name nobody
_SHARED = ("birth_date", "postal_code", "city", "attributes", "given_name", "family_name")
#: shorter texts are found anywhere, and prove nothing
SHORTEST = 5


@dataclass(frozen=True)
class Record:
    """A record of a customer in one source."""

    record_id: int
    source: str
    key: str


@dataclass(frozen=True)
class Person:
    """`values`: what no other record bears. `request`: the number of the erasure's record, where one asked for it."""

    customer_id: int | None
    records: tuple[Record, ...]
    values: tuple[str, ...] = field(repr=False, default=())
    request: int | None = None

    @property
    def record_ids(self) -> list[int]:
        return [record.record_id for record in self.records]


def by_customer(connection: duckdb.DuckDBPyConnection, customer_id: int) -> Person:
    """The person behind a customer's number. Raises ClientelaError where there is none such."""
    records = _records_of(connection, customer_id) if customer_id > 0 else []
    if not records:
        raise ClientelaError(
            f'There is no customer {customer_id}; `clientela sql "from customer.customer_records"` lists them with their '
            "records. Nothing was touched."
        )
    return Person(customer_id, tuple(records), tuple(_values_of(connection, [record.record_id for record in records])))


def by_request(connection: duckdb.DuckDBPyConnection, request: str) -> Person:
    """The person of a request among the erasures. Raises ClientelaError where there is none such."""
    found = connection.execute(
        "select distinct record_id, customer_record_id from raw.erasures where record_key = ? and not is_deleted",
        [request],
    ).fetchall()
    if not found:
        raise ClientelaError(
            f"No erasure with the key {request!r} is loaded: it is among no delivery yet, or has been carried out, as "
            "`clientela audit` says. Nothing was touched."
        )
    return _of_record(connection, found[0][1], found[0][0])


def due(connection: duckdb.DuckDBPyConnection, by: date, zone: str) -> list[Person]:
    """Those whose request for erasure was made on that day or before, in the company's calendar, and stands; each once."""
    rows = connection.execute(
        """
        select record_id, customer_record_id from raw.erasures
        where batch_id in (select batch_id from ledger.loads where status = 'loaded')
        qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
            and not is_deleted and cast(timezone($zone, requested_at) as date) <= $day and customer_record_id is not null
        order by record_id
        """,
        {"zone": zone, "day": by},
    ).fetchall()
    persons = [_of_record(connection, record_id, request) for request, record_id in rows]
    return list({person.records: person for person in persons}.values())


def _of_record(connection: duckdb.DuckDBPyConnection, record_id: int, request: int) -> Person:
    customer = None
    if _is_built(connection):
        found = connection.execute(
            "select customer_id from customer.customer_records where customer_record_id = ?", [record_id]
        ).fetchall()
        customer = found[0][0] if found else None
    records = _records_of(connection, customer) if customer else _alone(connection, record_id)
    ids = [record.record_id for record in records]
    return Person(customer, tuple(records), tuple(_values_of(connection, ids)), request)


def _alone(connection: duckdb.DuckDBPyConnection, record_id: int) -> list[Record]:
    """A record that the last build does not know, by what was delivered of it or by who names it."""
    rows = connection.execute(
        """
        select source, record_key from raw.customers where record_id = $id
        union
        select source, customer_key from raw.erasures where customer_record_id = $id
        limit 1
        """,
        {"id": record_id},
    ).fetchall()
    return [Record(record_id, *rows[0])] if rows else []


def _records_of(connection: duckdb.DuckDBPyConnection, customer_id: int) -> list[Record]:
    if not _is_built(connection):
        raise ClientelaError("Nothing is built, so who is who is not known; `clientela run` first.")
    rows = connection.execute(
        "select customer_record_id, source, customer_key from customer.customer_records where customer_id = ? order by 2, 3",
        [customer_id],
    ).fetchall()
    return [Record(*row) for row in rows]


def _is_built(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(
        connection.execute(
            """
            select 1 from information_schema.tables
            where table_schema = 'customer' and table_name = 'customer_records' and table_catalog = current_database()
            """
        ).fetchall()
    )


def _values_of(connection: duckdb.DuckDBPyConnection, record_ids: Sequence[int]) -> list[str]:
    """The texts that their records bear in any version, and no other record does."""
    columns = [
        column.name for column in ENTITIES["customers"].columns if column.personal and column.name not in _SHARED
    ]
    texts = " union all ".join(
        f"select record_id, cast({name} as varchar) as text from raw.customers" for name in columns
    )
    texts += " union all select record_id, given_name || ' ' || family_name from raw.customers"
    rows = connection.execute(
        f"""
        with texts as ({texts})
        select distinct trim(text) from texts
        where record_id in (select unnest($ids)) and length(trim(text)) >= {SHORTEST} and text not in (
            select text from texts where text is not null and record_id not in (select unnest($ids))
        )
        """,
        {"ids": list(record_ids)},
    ).fetchall()
    return sorted(text for (text,) in rows)
