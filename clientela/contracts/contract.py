"""What a contract is: the typed definition of one entity, the same for every source.

Here stand the shapes only. Which entities exist, and their columns, stand in `entities` and `reference`;
how a delivered value becomes a typed one stands in `clientela.extract`; what a batch must satisfy before it is
loaded stands in `expectations/`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

CONTRACT_VERSION = 1

ColumnType = Literal["text", "integer", "decimal", "money", "rate", "boolean", "date", "timestamp", "json"]

#: The exact DuckDB type of each contract type; `money` is in the currency the source states, `rate` the price of a currency.
SQL_TYPES: dict[ColumnType, str] = {
    "text": "varchar",
    "integer": "bigint",
    "decimal": "decimal(18,6)",
    "money": "decimal(18,4)",
    "rate": "decimal(18,10)",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
    "json": "varchar",
}


@dataclass(frozen=True)
class Column:
    """One field of an entity: its name, type, unit and meaning, and whether it is personal."""

    name: str
    type: ColumnType
    description: str
    required: bool = False
    personal: bool = False
    #: the only values allowed, if the set is closed; compared in lower case
    values: tuple[str, ...] = ()
    #: the entity whose key this column holds, resolved within the source's id space
    refers_to: str | None = None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]

    @property
    def id_name(self) -> str:
        """The name of the integer key that stands beside a reference (`customer_key` → `customer_record_id`)."""
        return self.name.removesuffix("_key") + "_record_id"


@dataclass(frozen=True)
class Entity:
    """One canonical record type. `columns` are what a source may map; raw adds the columns of `META_COLUMNS`."""

    name: str
    description: str
    columns: tuple[Column, ...]
    #: when the event happened; rows after a run's as-of do not exist for it. None: a state, dated by its version
    event_time: str | None = None
    #: an event may be announced before it happens, as a contract that begins next month; of the others no row is dated
    #: after its delivery
    is_announced_ahead: bool = False
    #: the money column whose amount in the source's own currency raw keeps beside the converted one
    source_amount: str | None = None
    #: the columns that make the key, for reference tables only: everything else is keyed by its source's own columns
    key: tuple[str, ...] = ()
    is_reference: bool = False
    #: fields of a customer that its rows may give, for customers without an id: they make records of customers
    customer_fields: tuple[str, ...] = ()
    #: every row is an event of its own, so that two equal rows may be two; of the others a row said twice is one
    is_counted: bool = False
    #: the time that orders the versions of a record, where its feed names nothing that does
    version_by: str | None = None
    #: (column, values): of two versions that are equally new the one with the earlier of the values counts
    wins_ties: tuple[str, tuple[str, ...]] | None = None
    #: other entities name its records by their key
    is_referred_to: bool = False
    #: a batch of this entity that cannot be loaded, or is too old, stops publication
    required: bool = False
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update({c.name: c for c in self.columns})

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def references(self) -> Iterator[Column]:
        """The columns that hold another entity's key."""
        return (c for c in self.columns if c.refers_to)


#: What every raw row carries beside the contract's columns, in table order.
META_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("record_id", "bigint", "First 63 bits of md5 over source and record_key; the integer form of the key."),
    ("source", "varchar", "The source (one system with one id space) that delivered the row."),
    ("record_key", "varchar", "The source's own key, as text; the parts of a composed key are joined by |."),
    ("batch_id", "bigint", "The batch that loaded the row; see ledger.loads."),
    ("source_file", "varchar", "Name of the delivered file or table."),
    ("source_row", "bigint", "Row number in the delivered file: the physical line for CSV (the header is line 1)."),
    ("loaded_at", "timestamptz", "When the batch was loaded: the row's known-at."),
    ("version", "bigint", "Orders the versions of one record; the greatest wins, ties by content_hash."),
    ("version_at", "timestamptz", "The instant the version speaks of, where version_by is a time; else null."),
    ("content_hash", "bigint", "First 63 bits of md5 over the mapped values as delivered."),
    ("is_revision", "boolean", "The record has, or had when this row was loaded, another version in raw."),
    ("is_deleted", "boolean", "A tombstone: the record vanished from a snapshot, or its source says deleted."),
)
