"""The feeds of a company: every entity of every source, and its reference tables."""

import glob
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from clientela.config.company import REFERENCE_SOURCE, Config
from clientela.config.sources import EntityConfig, SourceConfig
from clientela.contracts import COMPANY_ENTITIES, ENTITIES, Entity
from clientela.errors import (
    ConfigError,
    DeliveryError,
)
from clientela.extract.feed import Feed
from clientela.extract.guests import guest_fields, guest_settings
from clientela.extract.inbox import look, opened
from clientela.extract.readers.csv_header import LONGEST_HEADER
from clientela.masking import read_secret


def feeds_of(config: Config) -> list[Feed]:
    """Every feed of the company: reference tables first, since exchange rates are needed to read the rest."""
    secret = read_secret(config.data)
    feeds = []
    if config.reference_folder is not None:
        folder = config.located(config.reference_folder)
        landed = config.data / "landing" / REFERENCE_SOURCE
        is_there = _is_open(folder)
        # a folder that gave tables before is away, and its feeds tell so; one that never did is a mistake
        if not is_there and not landed.is_dir():
            raise ConfigError(f"reference_folder = {config.reference_folder}: there is no such folder at {folder}.")
        for entity in (e for e in ENTITIES.values() if e.is_reference):
            path = folder / f"{entity.name}.csv"
            is_known = os.path.lexists(path) and not path.is_dir() if is_there else (landed / entity.name).is_dir()
            if is_known:
                settings = _reference(config, entity, path)
                feeds.append(Feed(config, REFERENCE_SOURCE, SourceConfig(entities={}), entity, settings, secret))
    for source_name, source in config.sources.items():
        for name, settings in source.entities.items():
            entity = ENTITIES[settings.entity or name]
            feeds.append(Feed(config, source_name, source, entity, settings, secret, feed_name=name))
            if guest_fields(entity, settings):
                feeds.append(_of_guests(feeds[-1]))
    return feeds


def _of_guests(feed: Feed) -> Feed:
    """The feed of the customers whom a feed of orders or contacts describes."""
    return replace(
        feed,
        entity=ENTITIES["customers"],
        settings=guest_settings(feed.entity, feed.settings),
        feed_name=f"{feed.name}_customers",
        is_of_guests=True,
        # a database is asked by each feed for itself, from its own watermark on
        guests_of=feed.name if feed.settings.files else "",
    )


def _is_open(folder: Path) -> bool:
    """Whether the folder is there and may be looked into."""
    try:
        with os.scandir(folder):
            return True
    except OSError:
        return False


def _reference(config: Config, entity: Entity, path: Path) -> EntityConfig:
    """A reference table's feed: its header is the contract's, and each delivery is the whole table."""
    files = [glob.escape(str(path))]
    # what cannot be read is refused when the feed is loaded
    header = [column.name for column in entity.columns]
    with suppress(DeliveryError, OSError):
        for file in look(config, files).trusted():
            with opened(file) as source:
                line = source.readline(LONGEST_HEADER).decode("utf-8-sig", "replace")
            header = [name.strip() for name in line.rstrip("\r\n").split(",")]
    columns: dict[str, Any] = {column.name: column.name for column in entity.columns if column.name in header}
    return EntityConfig(files=files, key=[*entity.key], columns=columns, delivery="snapshot")


def entities_without_source(config: Config) -> list[str]:
    """What the marts cannot say, by name: the entities that no source of the company delivers."""
    delivered: set[str] = set()
    for source in config.sources.values():
        for name, settings in source.entities.items():
            entity = settings.entity or name
            delivered |= {entity, "customers"} if guest_fields(ENTITIES[entity], settings) else {entity}
    return [entity.name for entity in COMPANY_ENTITIES if entity.name not in delivered]
