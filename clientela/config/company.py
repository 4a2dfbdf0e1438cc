"""One company's settings, and the places on disk that follow from them.

What stands in `clientela.yml` at its top. Sources stand in `sources`, reading the file in `read`.
"""

import hashlib
import json
import os
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    PrivateAttr,
    model_validator,
)

from clientela.config.sources import Age, Currency, Model, Size, SourceConfig, SourceName, TimeZone, bytes_of
from clientela.contracts import COMPANY_ENTITIES, ENTITIES
from clientela.errors import ConfigError
from clientela.identity.settings import IdentitySettings
from clientela.relationship.settings import (
    CONTACT_COLUMNS,
    FILE_NAME,
    ActionSettings,
    AudienceSettings,
    CampaignSettings,
    OfferSettings,
    PermissionSettings,
    PortfolioSettings,
    ProgrammeSettings,
)
from clientela.retention.settings import RetentionSettings
from clientela.segment.settings import SegmentSettings
from clientela.value.settings import ValueSettings
from clientela.wording import did_you_mean

CONFIG_VARIABLE = "CLIENTELA_CONFIG"


DEFAULT_CONFIG = "clientela.yml"


#: entities whose facts expire; what they came to stays as monthly totals. Headers of orders go with their lines
EXPIRING_ENTITIES = ("transactions", "interactions", "contracts", "campaign_contacts", "rewards")
#: why the rows of the others do not
_ROWS_STAY = {
    "customers": "a record is whom facts are of: let its personal columns expire, or forget the person",
    "products": "an article is nobody's",
    "orders": "orders go with the lines that they are of; name transactions",
    "campaigns": "a campaign is nobody's; whom it contacted goes with campaign_contacts",
    "consents": "what somebody decided about contact is to be known as long as they are; it goes when they are forgotten",
    "erasures": "a request goes when it is carried out",
}


#: the source that the reference folder is
REFERENCE_SOURCE = "reference"
#: the source that campaigns bear which clientela itself wrote out
OWN_SOURCE = "clientela"


#: bytes to which any packed file may unpack, however small it is
_UNPACKED_AT_LEAST = 256 * 1024**2


class ProfileConfig(Model):
    """One more published file from the same marts, for readers who may see more; docs/privacy.md."""

    personal_columns: list[str] = Field(
        min_length=1, description="Personal columns that it shows; the others are masked."
    )
    purpose: str = Field(
        min_length=1,
        description="Tables that show one hold the rows of customers alone whom `contact_permissions` permits to be contacted "
        "for this purpose.",
    )
    channel: str | None = Field(None, min_length=1, description="And by this channel; any of them where not given.")
    folder: Path | None = Field(
        None,
        description="Where it is written, relative to this file; `published_NAME` of the data folder where not given.",
    )
    group: str | None = Field(
        None,
        min_length=1,
        description="The system's group whose members may read it, in a `folder` outside the data folder; nobody but the owner "
        "where not given.",
    )


class PublishConfig(Model):
    """What the published file shows, to whom, and how many of them are kept."""

    personal_data: Literal["masked", "full"] = "masked"
    keep: int = Field(7, ge=1, description="Published files kept, the newest included.")
    group: str | None = Field(
        None,
        min_length=1,
        description="The system's group whose members may read `published/`; nobody but the owner where not given.",
    )
    profiles: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ProfileConfig] = Field(
        default_factory=dict,
        description="Name → one more file, `marts_NAME.duckdb`, for whom it is for.",
    )
    storage_version: str = Field(
        "v1.4.0", pattern=r"^v\d+\.\d+\.\d+$", description="The oldest DuckDB that must open the published file."
    )


class InboxConfig(Model):
    """Whose deliveries are read, and how large they may become; docs/sources.md."""

    trusted_owners: list[str | int] = Field(
        default_factory=list,
        description="Users of this machine, by name or number, whose files are read besides those of the user that runs "
        "clientela and of root.",
    )
    max_unpacked: Size = Field("50GB", description="Size that one delivered file may have once it is unpacked.")
    max_unpacked_ratio: int = Field(
        100, ge=1, description="How often its packed size a file may be unpacked, beyond its first 256 MB."
    )

    def allowed_bytes(self, packed: int) -> int:
        """Bytes that a file of that packed size may have once it is unpacked."""
        return min(bytes_of(self.max_unpacked), max(_UNPACKED_AT_LEAST, self.max_unpacked_ratio * packed))


class LandingConfig(Model):
    """How long delivered files are kept."""

    keep_days: int | None = Field(None, ge=1, description="Days a delivered file is kept; for ever where not given.")


class PrivacyConfig(Model):
    """What becomes of persons who ask to be forgotten; docs/privacy.md."""

    grace_days: int = Field(
        30, ge=0, description="Days from a request among the erasures to the night that carries it out."
    )
    keep_facts: bool = Field(
        True,
        description="Sales and other facts of the forgotten stay under an anonymous customer, so that books add up.",
    )
    retention_days: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="Days after which something goes, by whole months: `transactions` (with their orders), `interactions`, "
        "`rewards` and `campaign_contacts`, of which monthly totals stay; `contracts` that are over; or a personal column, such "
        "as `interactions.note` or `customers.birth_date`. What is not named stays.",
    )

    @model_validator(mode="after")
    def _can_expire(self) -> "PrivacyConfig":
        known = expirable()
        for name in self.retention_days:
            if name in known:
                continue
            if reason := _why_not(name):
                raise ValueError(f"retention_days: {name!r} cannot expire: {reason}. Allowed: {', '.join(known)}")
            raise ValueError(
                f"retention_days: {name!r} cannot expire{did_you_mean(name, known, is_quoted=False) or '.'} "
                f"Allowed: {', '.join(known)}"
            )
        return self


def expirable() -> list[str]:
    """What `privacy.retention_days` may name: entities whose facts expire, and personal columns."""
    columns = [f"{e.name}.{c.name}" for e in COMPANY_ENTITIES for c in e.columns if c.personal]
    return [*EXPIRING_ENTITIES, *columns]


def _why_not(name: str) -> str:
    """Why an entity, or a column of one, that there is does not expire; nothing for a name that there is not."""
    entity, _, column = name.partition(".")
    if entity not in ENTITIES or (column and column not in ENTITIES[entity]):
        return ""
    if ENTITIES[entity].is_reference:
        return "a reference table is the company's own, and says no more than its file does: take the rows out there"
    return f"{name} is not personal" if column else _ROWS_STAY.get(entity, "")


class LimitsConfig(Model):
    """What a run may use of the machine."""

    memory: Size = Field(
        "4GB",
        description="Memory for the whole process: DuckDB gets it less what the Python steps need beside it, a quarter and at "
        "least 1 GB (half, where it is less than 2 GB).",
    )
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)

    @property
    def duckdb_memory(self) -> str:
        """DuckDB's share of the memory, as it takes a size."""
        whole = bytes_of(self.memory)
        beside = max(whole // 4, min(10**9, whole // 2))
        return f"{(whole - beside) // 10**6}MB"


class EngineConfig(Model):
    """Where the models are built; docs/scale.md."""

    kind: Literal["duckdb", "spark", "ducklake"] = Field(
        "duckdb",
        description="`duckdb`: in the warehouse itself. `spark`: on a cluster. `ducklake`: in a lake that several writers share.",
    )
    master: str = Field(
        "local[*]",
        min_length=1,
        description="Of Spark: the cluster's master, `spark://HOST:7077`, or this machine's cores, `local[*]`.",
    )
    lake: Path | None = Field(
        None,
        description="Folder of the other engine's tables. Of Spark, where they pass, under the same path for every worker; "
        "`lake` of the data folder where not given. Of DuckLake, where they stay, under one path for all who write and read, "
        "outside the data folder. Relative to this file.",
    )
    options: dict[Annotated[str, Field(pattern=r"^spark\.\w[\w.]*$")], str] = Field(
        default_factory=dict, description="Spark's own settings, such as `spark.executor.memory: 2g`."
    )
    connection_env: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Of DuckLake: the environment variable with the connection to the catalogue, `postgresql://…`. Never the "
        "connection itself.",
    )
    catalog_schema: str = Field(
        "clientela",
        pattern=r"^[a-z_][a-z0-9_]*$",
        description="Of DuckLake: the catalogue's schema in PostgreSQL, and the folder below `lake`: one for each company.",
    )
    snapshot_days: int = Field(
        7,
        ge=1,
        description="Of DuckLake: days that an earlier state of the lake can be read; what it alone needs goes after.",
    )

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "EngineConfig":
        if self.kind != "spark" and (self.options or self.master != "local[*]"):
            raise ValueError("master and options are Spark's: say kind: spark, or leave them out")
        if self.kind == "duckdb" and self.lake:
            raise ValueError("lake is Spark's and DuckLake's: say kind: spark or kind: ducklake, or leave it out")
        if self.kind != "ducklake" and self.model_fields_set & {"connection_env", "catalog_schema", "snapshot_days"}:
            raise ValueError(
                "connection_env, catalog_schema and snapshot_days are DuckLake's: say kind: ducklake, or leave them out"
            )
        if self.kind == "ducklake" and (self.lake is None or self.connection_env is None):
            raise ValueError(
                "kind: ducklake needs `connection_env`, the environment variable with the connection to its catalogue, and "
                "`lake`, the folder of its files"
            )
        return self


class Config(Model):
    """One company."""

    company: str = Field(min_length=1, description="The company's name, as reports show it.")
    currency: Currency = Field(description="ISO 4217 code of the currency that all figures are in.")
    time_zone: TimeZone = Field(description="The zone whose calendar days count.")
    language: Literal["en", "es"] = Field(
        "en", description="The language of the report, of the pages around it and of the timeline's sentences."
    )
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
    dagster_module: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$",
        description="Python module, beside this file or installed, whose `defs` (dagster.Definitions) join ours: a team's own "
        "assets, checks, jobs. Only Dagster reads it.",
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
    permissions: PermissionSettings = Field(
        default_factory=PermissionSettings,
        description="Whom one may contact beside what customers decided themselves; docs/relationship.md.",
    )
    campaigns: CampaignSettings = Field(
        default_factory=CampaignSettings, description="How campaigns are watched; docs/relationship.md."
    )
    programmes: ProgrammeSettings = Field(
        default_factory=ProgrammeSettings,
        description="When relational activities go on, are changed or stopped; docs/relationship.md.",
    )
    portfolios: PortfolioSettings = Field(
        default_factory=PortfolioSettings,
        description="When a customer changes portfolio, and the hours that each takes; docs/relationship.md.",
    )
    actions: ActionSettings = Field(
        default_factory=ActionSettings,
        description="What is to be done with each customer, by which ways; docs/relationship.md.",
    )
    audiences: dict[Annotated[str, Field(pattern=FILE_NAME)], AudienceSettings] = Field(
        default_factory=dict,
        description="Name → whom a campaign is for, and what of them is written out; docs/relationship.md.",
    )
    offers: OfferSettings = Field(
        default_factory=OfferSettings,
        description="How many offers a customer is proposed, for how many days ahead; docs/relationship.md.",
    )
    publish: PublishConfig = Field(default_factory=PublishConfig)
    inbox: InboxConfig = Field(default_factory=InboxConfig)
    landing: LandingConfig = Field(default_factory=LandingConfig)
    privacy: PrivacyConfig = Field(default_factory=PrivacyConfig, description="Erasure; docs/privacy.md.")
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    engine: EngineConfig = Field(default_factory=EngineConfig, description="Where the models are built; docs/scale.md.")
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
            if source_name == OWN_SOURCE:
                raise ValueError("sources.clientela: this name is taken by what clientela writes out; choose another")
            for feed, settings in _mapping(source, "entities").items():
                where = f"sources.{source_name}.entities.{feed}"
                name = _entity_name(where, feed, settings)
                mapped = [*_mapping(settings, "columns")]
                for column in mapped:
                    _known(
                        f"{where}.columns.{column}",
                        column,
                        [*(c.name for c in ENTITIES[name].columns), *ENTITIES[name].customer_fields],
                        "a column of the contract",
                    )
                if ENTITIES[name].is_counted and isinstance(settings, dict) and settings.get("repeats") == "last":
                    raise ValueError(
                        f"{where}.repeats = 'last': each row of {name} is an event of its own; choose number or drop"
                    )
                shown = [c.name for c in ENTITIES[name].columns if not c.personal]
                for column in settings.get("not_personal") or [] if isinstance(settings, dict) else []:
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
    def _what_expires_describes_nobody(self) -> "Config":
        """A feed of orders or contacts that describes its customers is where they are known from: with its rows they would go."""
        expiring = {name.partition(".")[0] for name in self.privacy.retention_days}
        describing = ("transactions", "orders", "interactions")
        for source_name, source in self.sources.items():
            for feed, settings in source.entities.items():
                entity = ENTITIES[settings.entity or feed]
                mapped = [name for name in settings.columns if name in entity.customer_fields]
                wanted = {"transactions" if entity.name == "orders" else entity.name, "customers"} & expiring
                if entity.name in describing and mapped and wanted:
                    raise ValueError(
                        f"privacy.retention_days: {sorted(wanted)[0]} cannot expire, since customers are described in "
                        f"sources.{source_name}.entities.{feed} ({mapped[0]}); deliver them as `customers`, or leave this out"
                    )
        return self

    @model_validator(mode="after")
    def _engine_builds_all(self) -> "Config":
        if self.engine.kind != "duckdb" and self.models_path is not None:
            raise ValueError(
                "engine.kind: the company's own models in models_path are built by dbt on DuckDB; leave out one of the two"
            )
        return self

    @model_validator(mode="after")
    def _rules_are_predicates(self) -> "Config":
        if self.segments.rules or self.audiences:
            from clientela.segment.columns import RULE_COLUMNS
            from clientela.segment.predicates import check_segments
            from clientela.segment.settings import RuleSegment

            try:
                check_segments(self.segments.rules, RULE_COLUMNS, "segments.rules")
                for name, audience in self.audiences.items():
                    rule = RuleSegment(name="rule", predicate=audience.rule)
                    check_segments([rule], RULE_COLUMNS, f"audiences.{name}")
                    for column in audience.columns:
                        _known(
                            f"audiences.{name}.columns",
                            column,
                            [*CONTACT_COLUMNS, *RULE_COLUMNS],
                            "a column of a customer",
                        )
                    if audience.keys_of is not None:
                        _known(f"audiences.{name}.keys_of", audience.keys_of, [*self.sources], "a source")
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

    def profile_folder(self, name: str) -> Path:
        """Where the file of a profile is published."""
        folder = self.publish.profiles[name].folder
        return self.located(folder) if folder else self.data / f"published_{name}"

    @property
    def published(self) -> Path:
        return self.data / "published"

    @property
    def memory(self) -> Path:
        """The copy of memory: nobody's but the operator's, since the keys of identity are in it."""
        return self.data / "memory"

    @property
    def lake(self) -> Path:
        """Where the tables of another engine are: a folder of this company's own, which Spark's run removes at its end."""
        folder = self.located(self.engine.lake) if self.engine.lake else self.data / "lake"
        if self.engine.kind == "ducklake":
            return folder / self.engine.catalog_schema
        name = hashlib.sha256(str(self.warehouse).encode()).hexdigest()[:12]
        return folder / f"clientela-{name}"

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

    def is_required(self, source: str, feed: str) -> bool:
        """Whether nothing is published while this feed was refused or never came."""
        settings = self.sources[source].entities.get(feed) if source in self.sources else None
        if settings is None:
            return False
        if settings.required is None and feed in ENTITIES and ENTITIES[feed].required:
            # a company that sells by contract is whole without an order line
            return not any(other.feeds_of("contracts") for other in self.sources.values())
        return bool(settings.required)

    def max_age(self, source: str, feed: str) -> timedelta | None:
        settings = self.sources[source].entities.get(feed) if source in self.sources else None
        return settings.max_age if settings else None

    def fingerprint(self) -> str:
        """Hash of everything that can change a figure: a different hash means that marts must be built anew.

        The day is compared for itself: another one is a reason to build, upon what is there.
        """
        left_out = {
            "audiences",
            "on_failure",
            "on_stale",
            "max_silence",
            "limits",
            "landing",
            "inbox",
            "privacy",
            "as_of",
        }
        values = self.model_dump(mode="json", exclude=left_out)
        del values["publish"]["group"]
        for profile in values["publish"]["profiles"].values():
            del profile["group"]
        # of the engine its kind alone: figures that are no money may differ in their tenth digit
        values["engine"] = self.engine.kind
        for resource in ("memory_limit", "threads", "temp_directory"):
            del values["identity"][resource]
        values["models"] = (
            {str(path.relative_to(self.models)): _sha256(path) for path in self.model_files()} if self.models else None
        )
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _entity_name(where: str, feed: str, settings: Any) -> str:
    """The entity of a feed, told by `entity` or else by the feed's own name."""
    company = [name for name, entity in ENTITIES.items() if not entity.is_reference]
    stated = settings.get("entity") if isinstance(settings, dict) else None
    if stated is None or stated == feed:
        _known(where, feed, company, "an entity")
        return feed
    _known(f"{where}.entity", str(stated), company, "an entity")
    if feed in ENTITIES:
        raise ValueError(f"{where}.entity: {feed} is the name of an entity; give this feed of {stated} another name")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", feed):
        raise ValueError(f"{where}: is no name for a feed: use small letters, digits and _, beginning with a letter")
    return str(stated)


def _mapping(values: Any, key: str) -> dict[str, Any]:
    inner = values.get(key) if isinstance(values, dict) else None
    return {str(k): v for k, v in inner.items()} if isinstance(inner, dict) else {}


def _known(where: str, name: str, known: list[str], what: str) -> None:
    if name not in known:
        hint = did_you_mean(name, known, is_quoted=False) or "."
        raise ValueError(f"{where}: {name!r} is not {what}{hint} Allowed: {', '.join(known)}")
