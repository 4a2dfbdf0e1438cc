"""The settings of the run under way as typed tables in schema `run`: one per section, of one row, made from its pydantic model.

This is the only road on which settings reach the models. SQL reads a field by its name, `settings.rfm.orders` where it is
nested; a Python model takes the whole back with `read_settings`. dbt is handed nothing of the company's configuration but
paths: whatever is in it is data, and never a template. Whatever is the same for every section is here; which keys
there are is in the settings models, the company itself (currency, time zone) in run.context.
"""

from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import duckdb
from pydantic import BaseModel

from clientela.config.company import Config
from clientela.identity.settings import IdentitySettings
from clientela.relationship.settings import (
    ActionSettings,
    CampaignSettings,
    OfferSettings,
    PermissionSettings,
    PortfolioSettings,
    ProgrammeSettings,
    TimelineSettings,
)
from clientela.retention.settings import RetentionSettings
from clientela.segment.settings import SegmentSettings
from clientela.sql.quoting import quoted
from clientela.value.settings import ValueSettings

Settings = TypeVar("Settings", bound=BaseModel)

_TYPES = {bool: "boolean", int: "bigint", float: "double", str: "varchar", date: "date"}


def write_settings(connection: duckdb.DuckDBPyConnection, *sections: BaseModel) -> None:
    """Put the settings where the models read them; a section that is not given has its defaults."""
    given = {type(section): section for section in sections}
    for table, model in (
        ("value_settings", ValueSettings),
        ("retention_settings", RetentionSettings),
        ("segment_settings", SegmentSettings),
        ("identity_settings", IdentitySettings),
        ("permission_settings", PermissionSettings),
        ("campaign_settings", CampaignSettings),
        ("programme_settings", ProgrammeSettings),
        ("portfolio_settings", PortfolioSettings),
        ("offer_settings", OfferSettings),
        ("action_settings", ActionSettings),
        ("timeline_settings", TimelineSettings),
    ):
        section = given.get(model) or model()
        connection.execute(f"create or replace table run.{table} ({_columns(model)})")
        bound: list[str] = []
        values: list[Any] = []
        for name, value in section.model_dump(mode="json").items():
            sql_type = _sql_type(model.model_fields[name].annotation)
            # a dictionary as a parameter would be a struct, whose keys are part of its type
            parts = [list(value), list(value.values())] if sql_type.startswith("map(") else [value]
            bound.append(f"cast({'map(?, ?)' if len(parts) == 2 else '?'} as {sql_type})")
            values += parts
        connection.execute(f"insert into run.{table} values ({', '.join(bound)})", values)


def sections_of(config: Config) -> tuple[BaseModel, ...]:
    """What of the configuration the models read."""
    timeline = TimelineSettings(language=config.language)
    return (
        config.value,
        config.retention,
        config.segments,
        config.identity,
        config.permissions,
        config.campaigns,
        config.programmes,
        config.portfolios,
        config.offers,
        config.actions,
        timeline,
    )


def read_settings(table: duckdb.DuckDBPyRelation, model: type[Settings]) -> Settings:
    """The settings that are in the relation, one of the tables that `write_settings` made."""
    [row] = table.fetchall()
    return model.model_validate(dict(zip(table.columns, row, strict=True)))


def _columns(model: type[BaseModel]) -> str:
    return ", ".join(f"{quoted(name)} {_sql_type(field.annotation)}" for name, field in model.model_fields.items())


def _sql_type(annotation: Any) -> str:
    """The DuckDB type of a field: what is nested becomes a struct, a sequence a list, a dictionary a map."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _sql_type(inner[0])
    if origin is Literal:
        return _sql_type(type(inner[0]))
    if origin in (Union, UnionType):
        (some,) = (kind for kind in inner if kind is not NoneType)
        return _sql_type(some)
    if origin is dict:
        return f"map({_sql_type(inner[0])}, {_sql_type(inner[1])})"
    if origin in (list, tuple):
        return f"{_sql_type(inner[0])}[]"
    if issubclass(annotation, BaseModel):
        return f"struct({_columns(annotation)})"
    return _TYPES[annotation]
