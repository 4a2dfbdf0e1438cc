"""What a company says of its sources: where each entity is, how it is written, and how its columns map onto the contract.

Typed settings only. The company's own settings stand in `company`, reading the file in `read`.
"""

import codecs
import re
from datetime import timedelta
from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from clientela.wording import did_you_mean


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError(f"is not a time zone of the IANA list{did_you_mean(name, _time_zones(), is_quoted=False)}")
    return name


def _currency(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise ValueError("is not an ISO 4217 code of three capital letters, such as EUR")
    return code


def _source_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError("is no name for a source: use small letters, digits and _, beginning with a letter")
    return name


def _age(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+)\s*(day|hour)s?", value.strip())):
        amount = int(match[1])
        return timedelta(days=amount) if match[2] == "day" else timedelta(hours=amount)
    raise ValueError("is no age; write for instance `2 days` or `36 hours`")


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


def _encoding(name: str) -> str:
    try:
        is_text = "a,b\n".encode(name).decode(name) == "a,b\n"
    except (LookupError, ValueError, TypeError, AttributeError):
        is_text = False
    if not is_text or not hasattr(codecs.lookup(name), "incrementaldecoder"):
        raise ValueError("is no encoding of text that Python knows, such as utf-8, cp1252, latin-1 or utf-16")
    return name


def _version_by(value: str) -> str:
    if value.startswith("file_date:"):
        try:
            re.compile(value.removeprefix("file_date:").strip())
        except re.error as error:
            raise ValueError(f"what follows `file_date:` is no regular expression: {error}") from None
    return value


def _names_of_columns(names: list[str]) -> list[str]:
    if repeated := [name for name in names if [other.lower() for other in names].count(name.lower()) > 1]:
        raise ValueError(f"{repeated[0]!r} stands twice, capital letters aside; each column needs a name of its own")
    return names


def _look_back(value: object) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _age(value)


def _place(value: object) -> object:
    if isinstance(value, list) and len(value) == 2:
        return {"start": value[0], "width": value[1]}
    return value


_SIZE = r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$"


def bytes_of(size: str) -> int:
    """Bytes of a size such as 4GB or 512 MiB."""
    amount, unit = re.fullmatch(r"([\d.]+)\s?(MB|GB|MiB|GiB)", size).groups()  # type: ignore[union-attr]
    return int(float(amount) * {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}[unit])


TimeZone = Annotated[str, AfterValidator(_time_zone)]


Currency = Annotated[str, AfterValidator(_currency)]


SourceName = Annotated[str, AfterValidator(_source_name)]


Age = Annotated[timedelta, BeforeValidator(_age, json_schema_input_type=str)]


Names = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=str | list[str]), Field(min_length=1)]


ColumnNames = Annotated[
    list[Annotated[str, Field(min_length=1)]], Field(min_length=1), AfterValidator(_names_of_columns)
]


Patterns = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]


Texts = Annotated[
    list[Annotated[str, Field(pattern=r"\S")]], BeforeValidator(_as_list, json_schema_input_type=str | list[str])
]


Encoding = Annotated[str, AfterValidator(_encoding)]


VersionBy = Annotated[str, AfterValidator(_version_by)]


LookBack = Annotated[timedelta | float, BeforeValidator(_look_back, json_schema_input_type=str | float)]


Size = Annotated[str, Field(pattern=_SIZE)]


Format = Literal["csv", "fixed", "json", "json_lines", "excel", "parquet"]


class Model(BaseModel):
    """A section of the configuration: no key but those it names, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Constant(Model):
    """A fixed value for every row."""

    value: str | int | float | bool


class Expression(Model):
    """An SQL expression over the source's columns, in DuckDB's dialect.

    `number(column)` reads the source's decimals; `delivered_on()` is the day of the delivery: the date in the file's name where
    `version_by` finds one, or else the day on which the file first came.
    """

    sql: str


class Translated(Model):
    """A column whose values are translated, such as `queja: complaint`; a value that is not listed stays as it is."""

    column: str
    values: dict[str, str]


Mapping = str | Constant | Expression | Translated | list[str]


KeyPart = str | Expression


Key = Annotated[
    list[KeyPart], BeforeValidator(_as_list, json_schema_input_type=KeyPart | list[KeyPart]), Field(min_length=1)
]


class EndOfTable(Model):
    """What stands below the records and is none, such as a line with totals."""

    skip_footer: int = Field(0, ge=0, description="How many lines or rows at the end are no records, such as totals.")
    footer_starts_with: Texts = Field(
        default_factory=list,
        description="Lines or rows at the end that begin with one of these texts are no records, such as `Total`.",
    )


class CsvFormat(EndOfTable):
    """How a text file is written, where it is not plain UTF-8 CSV with a header."""

    delimiter: str = Field(",", min_length=1, max_length=1, description="Character between fields; \\t for a tab.")
    quote: str = Field('"', max_length=1, description="Quote character; empty for none.")
    null_text: Names = Field([""], description="Texts that mean `no value`.")
    skip_lines: int = Field(0, ge=0, description="Lines above the header that are no records, such as a title.")
    header: bool = Field(True, description="Whether the first line after `skip_lines` holds the names of the columns.")
    columns: ColumnNames | None = Field(
        None, description="Names of the columns in their order, in place of the header's or where there is none."
    )

    @model_validator(mode="after")
    def _characters_differ(self) -> "CsvFormat":
        if self.delimiter in (self.quote, "\n", "\r"):
            raise ValueError(f"delimiter {self.delimiter!r} cannot part fields: it is the quote or a line break")
        if not self.header and self.columns is None:
            raise ValueError("without a header the columns need names: list them in their order as `columns`")
        return self


class Place(Model):
    """Where a column of a fixed-width file stands in its line, in characters."""

    start: int = Field(ge=1, description="Its first character; the line's first is 1.")
    width: int = Field(ge=1)


class FixedFormat(EndOfTable):
    """A text file whose columns stand at fixed places."""

    columns: dict[str, Annotated[Place, BeforeValidator(_place, json_schema_input_type=Place | list[int])]] = Field(
        min_length=1, description="Column: `[start, width]`, in characters, the line's first being 1."
    )
    header_lines: int = Field(0, ge=0, description="Lines at the top that are no records.")
    line_length: int | None = Field(
        None, ge=1, description="Characters that every line must have; a shorter or longer one is quarantined."
    )
    null_text: Names = Field([""], description="Texts that mean `no value`.")


class JsonFormat(Model):
    """A JSON document whose records do not stand at its top."""

    records: str = Field(description="Path of the list of records, such as `data.items`.")


class ExcelFormat(EndOfTable):
    """Where in a workbook the table is."""

    sheet: str | None = Field(None, description="Name of the sheet; the first where not given.")
    header_row: int = Field(
        1, ge=1, description="Row with the column names, as Excel counts; without a header the first with a record."
    )
    header: bool = Field(True, description="Whether there is a row with the names of the columns.")
    columns: ColumnNames | None = Field(
        None, description="Names of the columns in their order, in place of the header's or where there is none."
    )
    serial_dates: Patterns = Field(
        default_factory=list, description="Columns with dates that stand as Excel's serial numbers, such as 45123."
    )

    @model_validator(mode="after")
    def _has_names(self) -> "ExcelFormat":
        if not self.header and self.columns is None:
            raise ValueError("without a header the columns need names: list them in their order as `columns`")
        return self


class DatabaseSource(Model):
    """A table or query of a database: PostgreSQL, MySQL, MariaDB, SQLite, or any that SQLAlchemy has a driver for."""

    connection_env: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the connection: `postgresql://…`, `mysql://…`, `mariadb://…`, `sqlite:///path` or "
        "another URL of SQLAlchemy. Never the connection itself.",
    )
    table: str | None = Field(None, min_length=1, description="Table or view, `schema.table` where it needs a schema.")
    query: str | None = Field(None, min_length=1, description="A SELECT, in the database's own SQL.")
    watermark: str | None = Field(
        None, description="Column that only grows, a time or a number: only rows from its highest on are read again."
    )
    look_back: LookBack = Field(
        timedelta(0), description="How far below the highest rows still come late: `2 days`, or a number."
    )

    @model_validator(mode="after")
    def _one_of_each(self) -> "DatabaseSource":
        if (self.table is None) == (self.query is None):
            raise ValueError("it needs either `table` or `query`")
        if self.watermark is None and self.look_back != timedelta(0):
            raise ValueError("`look_back` says how far below `watermark` to read; name the watermark's column too")
        return self


class ControlTotals(Model):
    """What the source itself states of its files: a CSV with one line per delivered file."""

    files: str = Field(description="Path or glob of the CSV files with the totals.")
    file_column: str = Field("file", description="Its column with the name of the delivered file.")
    rows_column: str | None = Field(None, description="Its column with the number of rows.")
    sum_column: str | None = Field(None, description="Its column with the sum.")
    of: str = Field("net_amount", description="The contract's column that the sum is of, as delivered.")


class GateOverride(Model):
    """A threshold or severity of this source's own for one expectation."""

    severity: Literal["critical", "warning", "off"] | None = None
    mostly: float | None = Field(None, ge=0, le=1, description="Share of rows that must satisfy it.")
    minimum: float | None = None
    maximum: float | None = None


class EntityConfig(Model):
    """Where one entity of a source is, how it is delivered, and how its columns map onto the contract."""

    entity: str | None = Field(
        None,
        description="The entity, where this feed bears a name of its own: one entity of a source may come in several feeds, "
        "such as refunds in their own file.",
    )
    files: Patterns = Field(
        default_factory=list,
        description="Paths or globs, relative to this file; `package:NAME/path` for an installed package.",
    )
    database: DatabaseSource | None = Field(None, description="A database, in place of files.")
    format: Format | None = Field(None, description="Told from the file's ending where not given.")
    encoding: Encoding = Field("utf-8", description="Of a text file: any that Python knows, such as cp1252 or utf-16.")
    csv: CsvFormat = Field(default_factory=CsvFormat)
    fixed: FixedFormat | None = Field(None, description="The places of the columns, for format `fixed`.")
    #: `json` is a method of every pydantic model
    json_format: JsonFormat | None = Field(None, alias="json")
    excel: ExcelFormat = Field(default_factory=ExcelFormat)
    delivery: Literal["append", "upsert", "snapshot"] = Field(
        "append",
        description="`append`: new rows, late ones too; `upsert`: rows by key, newest version wins; "
        "`snapshot`: each delivery is the whole, and what is not in it has vanished.",
    )
    where: str | None = Field(
        None,
        min_length=1,
        description="An SQL expression over the source's columns: only rows for which it is true are taken. The others are "
        "counted as left out; one that was loaded before counts no longer.",
    )
    key: Key = Field(description="The source's columns, or `{sql: …}` over them, that make the record's key.")
    repeats: Literal["number", "drop", "last"] | None = Field(
        None,
        description="What rows of one file are that say the same: `number`: each counts, as two caps on one receipt; `drop`: "
        "they are duplicates. Unset, a repeated order line, contact or reward is quarantined. `last`, of customers or products "
        "that several rows describe, as lines of sales do: the last row of a file counts.",
    )
    version_by: VersionBy | None = Field(
        None,
        description="What orders the versions of a record: `updated_at` (where mapped, the default), a column with a "
        "number or time, or `file_date: REGEX` with the date in the file's name. Without it, a later batch wins.",
    )
    columns: dict[str, Mapping] = Field(
        default_factory=dict, description="Contract column: source column, constant or SQL."
    )
    amount_unit: Literal["major", "minor"] = Field(
        "major",
        description="`minor`: every mapped amount counts the smallest unit of its currency, such as cents; yen have none, "
        "a dinar has a thousand.",
    )
    attributes: dict[str, str] | None = Field(None, description="Free attributes of a customer: name: source column.")
    required: bool | None = Field(
        None,
        description="Without a fresh batch nothing is published; default for transactions of a company without contracts.",
    )
    max_age: Age | None = Field(
        None, description="Oldest that the last event may be, such as `3 days`, before publication stops."
    )
    control_totals: ControlTotals | None = None
    gate: dict[str, GateOverride] = Field(
        default_factory=dict, description="Expectation: threshold of this source's own."
    )

    not_personal: list[str] = Field(
        default_factory=list,
        description="Contract columns whose values are shown as delivered where they are quarantined or fail an expectation; "
        "`key` for the record's key. All others are masked there, since an e-mail may stand in any column.",
    )

    @model_validator(mode="after")
    def _is_somewhere(self) -> "EntityConfig":
        if bool(self.files) == (self.database is not None):
            raise ValueError("it needs either `files` or `database`")
        if self.format == "fixed" and self.fixed is None:
            raise ValueError("format `fixed` needs `fixed.columns`, the place of each column in its line")
        if self.database is not None and self.format is not None:
            raise ValueError("`format` is for files; a database has none")
        if self.database is not None and self.database.watermark and self.delivery == "snapshot":
            raise ValueError("a snapshot is the whole each time; leave `database.watermark` out, or deliver by upsert")
        if self.delivery == "snapshot" and self.version_by and not self.version_by.startswith("file_date:"):
            raise ValueError(
                "the later snapshot wins; leave `version_by` out, or say `file_date: REGEX` where it comes late"
            )
        return self


class SourceConfig(Model):
    """One system of the company, with one id space."""

    time_zone: TimeZone | None = Field(None, description="For times without a zone; default: the company's.")
    decimal_style: Literal["point", "comma"] = Field("point", description="`1,234.50` or `1.234,50` in text.")
    date_format: str | None = Field(None, description="strptime format of dates in text; default ISO.")
    datetime_format: str | None = Field(
        None, description="strptime format of times in text; default ISO. Without hours it reads days."
    )
    currency: Currency | None = Field(None, description="For amounts without a currency; default: the company's.")
    amounts_include_tax: bool = False
    personal_keys: bool = Field(
        False,
        description="Its customer ids are personal (an e-mail, say): they are replaced by a keyed hash on the way in.",
    )
    ids_from: dict[str, SourceName] = Field(
        default_factory=dict, description="Entity: the source whose ids this one uses, such as `products: erp`."
    )
    entities: dict[str, EntityConfig]

    def feeds_of(self, entity: str) -> dict[str, EntityConfig]:
        """The feeds of an entity, by their names."""
        return {name: feed for name, feed in self.entities.items() if (feed.entity or name) == entity}
