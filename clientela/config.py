"""`clientela.yml` as typed settings: everything of one company, checked before anything is touched.

The models below are the only description of the file: the JSON schema that editors complete from is exported from them.
How a mapping's expressions are checked against a delivered file stands in `clientela.extract.mapping`.
"""

import codecs
import difflib
import hashlib
import importlib.util
import json
import os
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from clientela.config_file import read_yaml
from clientela.contracts import ENTITIES
from clientela.errors import ConfigError
from clientela.identity.settings import IdentitySettings
from clientela.retention.settings import RetentionSettings
from clientela.segment.settings import SegmentSettings
from clientela.value.settings import ValueSettings

CONFIG_VARIABLE = "CLIENTELA_CONFIG"
DEFAULT_CONFIG = "clientela.yml"
#: the source that the reference folder is
REFERENCE_SOURCE = "reference"


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        near = difflib.get_close_matches(name, available_timezones(), 1)
        raise ValueError(f"is not a time zone of the IANA list{f'; did you mean {near[0]}?' if near else ''}")
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
    return [value] if isinstance(value, str) else value


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


def _look_back(value: object) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _age(value)


def _place(value: object) -> object:
    if isinstance(value, list) and len(value) == 2:
        return {"start": value[0], "width": value[1]}
    return value


#: bytes to which any packed file may unpack, however small it is
_UNPACKED_AT_LEAST = 256 * 1024**2
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
Patterns = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
Encoding = Annotated[str, AfterValidator(_encoding)]
VersionBy = Annotated[str, AfterValidator(_version_by)]
LookBack = Annotated[timedelta | float, BeforeValidator(_look_back, json_schema_input_type=str | float)]
Size = Annotated[str, Field(pattern=_SIZE)]
Format = Literal["csv", "fixed", "json", "json_lines", "excel", "parquet"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Constant(_Model):
    """A fixed value for every row."""

    value: str | int | float | bool


class Expression(_Model):
    """An SQL expression over the source's columns, in DuckDB's dialect; `number(column)` reads the source's decimals."""

    sql: str


class Translated(_Model):
    """A column whose values are translated, such as `queja: complaint`; a value that is not listed stays as it is."""

    column: str
    values: dict[str, str]


Mapping = str | Constant | Expression | Translated | list[str]


class CsvFormat(_Model):
    """How a text file is written, where it is not plain UTF-8 CSV with a header."""

    delimiter: str = Field(",", min_length=1, max_length=1, description="Character between fields; \\t for a tab.")
    quote: str = Field('"', max_length=1, description="Quote character; empty for none.")
    null_text: Names = Field([""], description="Texts that mean `no value`.")

    @model_validator(mode="after")
    def _characters_differ(self) -> "CsvFormat":
        if self.delimiter in (self.quote, "\n", "\r"):
            raise ValueError(f"delimiter {self.delimiter!r} cannot part fields: it is the quote or a line break")
        return self


class Place(_Model):
    """Where a column of a fixed-width file stands in its line, in characters."""

    start: int = Field(ge=1, description="Its first character; the line's first is 1.")
    width: int = Field(ge=1)


class FixedFormat(_Model):
    """A text file whose columns stand at fixed places."""

    columns: dict[str, Annotated[Place, BeforeValidator(_place, json_schema_input_type=Place | list[int])]] = Field(
        min_length=1, description="Column: `[start, width]`, in characters, the line's first being 1."
    )
    header_lines: int = Field(0, ge=0, description="Lines at the top that are no records.")
    line_length: int | None = Field(
        None, ge=1, description="Characters that every line must have; a shorter or longer one is quarantined."
    )
    null_text: Names = Field([""], description="Texts that mean `no value`.")


class JsonFormat(_Model):
    """A JSON document whose records do not stand at its top."""

    records: str = Field(description="Path of the list of records, such as `data.items`.")


class ExcelFormat(_Model):
    """Where in a workbook the table is."""

    sheet: str | None = Field(None, description="Name of the sheet; the first where not given.")
    header_row: int = Field(1, ge=1, description="Row with the column names, as Excel counts.")
    day_numbers: Patterns = Field(
        default_factory=list, description="Columns with dates that stand as Excel's day numbers, such as 45123."
    )


class DatabaseSource(_Model):
    """A table or query of a PostgreSQL or SQLite database."""

    connection_env: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the connection: `postgresql://…`, or `sqlite:///path`. Never the "
        "connection itself.",
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


class ControlTotals(_Model):
    """What the source itself states of its files: a CSV with one line per delivered file."""

    files: str = Field(description="Path or glob of the CSV files with the totals.")
    file_column: str = Field("file", description="Its column with the name of the delivered file.")
    rows_column: str | None = Field(None, description="Its column with the number of rows.")
    sum_column: str | None = Field(None, description="Its column with the sum.")
    of: str = Field("net_amount", description="The contract's column that the sum is of, as delivered.")


class GateOverride(_Model):
    """A threshold or severity of this source's own for one expectation."""

    severity: Literal["critical", "warning", "off"] | None = None
    mostly: float | None = Field(None, ge=0, le=1, description="Share of rows that must satisfy it.")
    minimum: float | None = None
    maximum: float | None = None


class EntityConfig(_Model):
    """Where one entity of a source is, how it is delivered, and how its columns map onto the contract."""

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
    key: Names = Field(description="The source's columns that make the record's key.")
    version_by: VersionBy | None = Field(
        None,
        description="What orders the versions of a record: `updated_at` (where mapped, the default), a column with a "
        "number or time, or `file_date: REGEX` with the date in the file's name. Without it, a later batch wins.",
    )
    columns: dict[str, Mapping] = Field(
        default_factory=dict, description="Contract column: source column, constant or SQL."
    )
    attributes: dict[str, str] | None = Field(None, description="Free attributes of a customer: name: source column.")
    required: bool | None = Field(
        None, description="Without a fresh batch nothing is published; default for transactions."
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


class SourceConfig(_Model):
    """One system of the company, with one id space."""

    time_zone: TimeZone | None = Field(None, description="For times without a zone; default: the company's.")
    decimal_style: Literal["point", "comma"] = Field("point", description="`1,234.50` or `1.234,50` in text.")
    date_format: str | None = Field(None, description="strptime format of dates in text; default ISO.")
    datetime_format: str | None = Field(None, description="strptime format of times in text; default ISO.")
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


class PublishConfig(_Model):
    """What the published file shows, to whom, and how many of them are kept."""

    personal_data: Literal["masked", "full"] = "masked"
    keep: int = Field(7, ge=1, description="Published files kept, the newest included.")
    group: str | None = Field(
        None,
        min_length=1,
        description="The system's group whose members may read `published/`; nobody but the owner where not given.",
    )
    storage_version: str = Field(
        "v1.4.0", pattern=r"^v\d+\.\d+\.\d+$", description="The oldest DuckDB that must open the published file."
    )


class InboxConfig(_Model):
    """Whose deliveries are read, and how large they may become; docs/sources.md."""

    trusted_owners: list[str | int] = Field(
        default_factory=list,
        description="Users of this machine, by name or number, whose files are read besides those of the user that runs "
        "clientela and of root.",
    )
    max_unpacked: Size = Field("50GB", description="Size that one delivered file may have once it is unpacked.")
    max_unpacked_ratio: int = Field(
        200, ge=1, description="How often its packed size a file may be unpacked, beyond its first 256 MB."
    )

    def allowed_bytes(self, packed: int) -> int:
        """Bytes that a file of that packed size may have once it is unpacked."""
        return min(bytes_of(self.max_unpacked), max(_UNPACKED_AT_LEAST, self.max_unpacked_ratio * packed))


class LandingConfig(_Model):
    """How long delivered files are kept."""

    keep_days: int | None = Field(None, ge=1, description="Days a delivered file is kept; for ever where not given.")


class LimitsConfig(_Model):
    """What DuckDB may use of the machine."""

    memory: Size = Field("4GB", description="Memory DuckDB may use.")
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)


class Config(_Model):
    """One company."""

    company: str = Field(min_length=1, description="The company's name, as reports show it.")
    currency: Currency = Field(description="ISO 4217 code of the currency that all figures are in.")
    time_zone: TimeZone = Field(description="The zone whose calendar days count.")
    data_folder: Path = Field(
        Path("data"), description="Where warehouse, landing and published files go; relative to this file."
    )
    reference_folder: Path | None = Field(
        None, description="CSV files named after reference tables; relative to this file."
    )
    models_path: Path | None = Field(
        None,
        description="Folder with dbt models of the company's own, built on ours by `ref` and published in schema `custom`; "
        "relative to this file.",
    )
    as_of: date | Literal["latest"] = Field(
        "latest", description="Last day that exists for a run; `latest`: the last day with transactions."
    )
    left_censored_days: int = Field(
        90, ge=0, description="Customers first seen in the data's first days are not new customers."
    )
    exchange_rate_days: int = Field(31, ge=0, description="Days an exchange rate stays good after its first.")
    sources: dict[SourceName, SourceConfig] = Field(min_length=1)
    value: ValueSettings = Field(default_factory=ValueSettings, description="How customers are valued.")
    identity: IdentitySettings = Field(
        default_factory=IdentitySettings,
        description="How records of one customer are recognised, and whose values win.",
    )
    retention: RetentionSettings = Field(
        default_factory=RetentionSettings,
        description="When a customer is slowing, at risk or lapsed; docs/retention.md.",
    )
    segments: SegmentSettings = Field(
        default_factory=SegmentSettings, description="Rule segments, thresholds, micro-segments; docs/segments.md."
    )
    publish: PublishConfig = Field(default_factory=PublishConfig)
    inbox: InboxConfig = Field(default_factory=InboxConfig)
    landing: LandingConfig = Field(default_factory=LandingConfig)
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    on_failure: str | None = Field(None, description="Command run when a night ends without publication.")
    max_silence: Age | None = Field(
        None,
        description="How long may pass without the end of a run before `clientela status` ends with 6; docs/operations.md.",
    )
    on_stale: str | None = Field(
        None, description="Command run when a night is published with a refused batch or a stale source."
    )

    _path: Path = PrivateAttr(default=Path(DEFAULT_CONFIG))

    @model_validator(mode="before")
    @classmethod
    def _names_are_known(cls, values: Any) -> Any:
        for source_name, source in _mapping(values, "sources").items():
            if source_name == REFERENCE_SOURCE:
                raise ValueError("sources.reference: this name is taken by the reference folder; choose another")
            entities = _mapping(source, "entities")
            for name, entity in entities.items():
                where = f"sources.{source_name}.entities.{name}"
                company = [n for n, e in ENTITIES.items() if not e.is_reference]
                _known(where, name, company, "an entity")
                mapped = [*_mapping(entity, "columns")]
                for column in mapped:
                    _known(
                        f"{where}.columns.{column}",
                        column,
                        [c.name for c in ENTITIES[name].columns],
                        "a column of the contract",
                    )
                shown = [c.name for c in ENTITIES[name].columns if not c.personal]
                for column in entity.get("not_personal") or [] if isinstance(entity, dict) else []:
                    _known(f"{where}.not_personal", str(column), ["key", *shown], "a column that may be shown")
            for name in _mapping(source, "ids_from"):
                _known(
                    f"sources.{source_name}.ids_from.{name}",
                    name,
                    ["customers", "products", "campaigns"],
                    "an entity with ids",
                )
        return values

    @model_validator(mode="after")
    def _references_hold(self) -> "Config":
        for name, source in self.sources.items():
            for entity, space in source.ids_from.items():
                if space not in self.sources:
                    raise ValueError(
                        f"sources.{name}.ids_from.{entity}: {space!r} is not a source; there are: {', '.join(self.sources)}"
                    )
        for name in self.identity.trusted_sources:
            if name not in self.sources:
                raise ValueError(
                    f"identity.trusted_sources: {name!r} is not a source; there are: {', '.join(self.sources)}"
                )
        return self

    @model_validator(mode="after")
    def _rules_are_predicates(self) -> "Config":
        if self.segments.rules:
            from clientela.segment.columns import RULE_COLUMNS
            from clientela.segment.predicates import check_segments

            try:
                check_segments(self.segments.rules, RULE_COLUMNS, "segments.rules")
            except ConfigError as error:
                raise ValueError(error.sentence.removesuffix(".")) from error
        return self

    @property
    def path(self) -> Path:
        return self._path

    def located(self, path: Path | str) -> Path:
        """The path, relative paths counted from the configuration's folder."""
        return (self._path.parent / path).resolve()

    @property
    def data(self) -> Path:
        return self.located(self.data_folder)

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.data / "published"

    @property
    def memory(self) -> Path:
        """The copy of memory: nobody's but the operator's, since the keys of identity are in it."""
        return self.data / "memory"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def models(self) -> Path | None:
        """The folder of the company's own models."""
        return self.located(self.models_path) if self.models_path else None

    def model_files(self) -> list[Path]:
        """The files of the company's own models. Raises ConfigError if their folder is not there."""
        if self.models is None:
            return []
        if not self.models.is_dir():
            raise ConfigError(f"models_path = {self.models_path}: there is no such folder at {self.models}.")
        return sorted(path for path in self.models.rglob("*") if path.suffix in (".sql", ".yml", ".yaml", ".md", ".py"))

    def is_required(self, source: str, entity: str) -> bool:
        stated = self.sources[source].entities[entity].required if source in self.sources else None
        return ENTITIES[entity].required if stated is None else stated

    def max_age(self, source: str, entity: str) -> timedelta | None:
        return self.sources[source].entities[entity].max_age if source in self.sources else None

    def fingerprint(self) -> str:
        """Hash of everything that can change a figure: a different hash means that marts must be built anew."""
        left_out = {"on_failure", "on_stale", "max_silence", "limits", "landing", "inbox"}
        told = self.model_dump(mode="json", exclude=left_out)
        del told["publish"]["group"]
        for resource in ("memory_limit", "threads", "temp_directory"):
            del told["identity"][resource]
        told["models"] = (
            {str(path.relative_to(self.models)): _sha256(path) for path in self.model_files()} if self.models else None
        )
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _mapping(values: Any, key: str) -> dict[str, Any]:
    inner = values.get(key) if isinstance(values, dict) else None
    return {str(k): v for k, v in inner.items()} if isinstance(inner, dict) else {}


def _known(where: str, name: str, known: list[str], what: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise ValueError(f"{where}: {name!r} is not {what}{hint} Allowed: {', '.join(known)}")


def package_path(reference: str) -> str:
    """`package:NAME/path` → the path inside the installed package NAME."""
    name, _, inside = reference.removeprefix("package:").partition("/")
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ConfigError(f"files: {reference!r} names package {name}, which is not installed; `pip install` it first.")
    return str(Path(found.submodule_search_locations[0]) / inside)


def load_config(path: Path | str | None = None) -> Config:
    """Read and check one company's file. Raises ConfigError with one sentence: key path, value, what is allowed."""
    chosen = Path(path or os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)
    if not chosen.is_file():
        raise ConfigError(
            f"There is no configuration at {chosen}; name one with --config or {CONFIG_VARIABLE}, "
            "or write one after README's example."
        )
    values = read_yaml(chosen)
    if not isinstance(values, dict):
        raise ConfigError(f"{chosen} holds no settings; it begins with `company:`, see README's example.")
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        sentences = [_sentence(dict(problem)) for problem in error.errors()]
        raise ConfigError(f"{chosen}: {sentences[0]}", "\n".join(sentences[1:])) from None
    config._path = chosen.resolve()
    return config


_UNION_TAGS = {"str", "Constant", "Expression", "Translated", "list[str]", "date", "literal['latest']"}


def _sentence(problem: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"] if str(part) not in _UNION_TAGS)
    if (inside := re.match(r"(.*(?<!\.fixed)\.columns\.\w+)", where)) and problem["type"] != "value_error":
        return (
            f"{inside[1]}: a column is mapped by the name of a source column, `{{value: …}}`, `{{sql: …}}`, "
            "`{column: …, values: {…}}` or a list of columns that make a key."
        )
    if where.endswith(".connection_env"):
        # what stands there by mistake may be the connection itself
        return f"{where}: write the name of an environment variable, such as CRM_DATABASE, which holds the connection."
    if problem["type"] == "value_error":
        message = str(problem["ctx"]["error"])
        if where and isinstance(problem["input"], dict):
            return f"{where}: {message}."
        return f"{where} = {problem['input']!r}: {message}." if where else f"{message}."
    if problem["type"] == "missing":
        return f"{where}: this key is missing."
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no such key here."
    return f"{where} = {problem['input']!r}: {problem['msg'].removeprefix('Input ')}."


def json_schema() -> dict[str, Any]:
    """The JSON schema of `clientela.yml`, with each entity's own columns, for editors to complete from."""
    schema = Config.model_json_schema()
    schema["title"] = "clientela.yml"
    definitions = schema["$defs"]
    mapping = definitions["EntityConfig"]["properties"]["columns"]["additionalProperties"]
    entities: dict[str, Any] = {}
    for name, entity in ENTITIES.items():
        if entity.is_reference:
            continue
        properties = {c.name: {**mapping, "description": c.description} for c in entity.columns if c.type != "json"}
        columns = {"type": "object", "properties": properties, "additionalProperties": False}
        entities[name] = {
            "description": entity.description,
            "allOf": [{"$ref": "#/$defs/EntityConfig"}],
            "properties": {"columns": columns},
        }
    definitions["SourceConfig"]["properties"]["entities"] = {
        "type": "object",
        "properties": entities,
        "additionalProperties": False,
    }
    return schema
