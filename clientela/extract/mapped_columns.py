"""Which of a source's columns a mapping names, and how their text is read. Nothing is read here."""

import duckdb

from clientela.config.sources import EntityConfig, Expression, Translated
from clientela.extract.feed import Feed
from clientela.extract.file_date import FILE_DATE
from clientela.sql.expressions import names_in


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
