"""The languages' words as flat tables with offsets, so that a column of indices becomes a column of names in one gather.

The words themselves stand in `languages`; who gets which is decided in `people`.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
import polars as pl

from clientela.simulate.languages import english, french, german, polish, spanish
from clientela.simulate.streams import Ints

LANGUAGES = ("es", "en", "de", "fr", "pl")
COUNTRIES = ("ES", "GB", "DE", "FR", "PL")
ES, EN, DE, FR, PL = range(5)
MODULES: tuple[ModuleType, ...] = (spanish, english, german, french, polish)

_FEMININE = {"ski": "ska", "cki": "cka", "dzki": "dzka", "ński": "ńska"}
_UNACCENTED = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "æ": "ae"})


def plain(text: str) -> str:
    """Without accents, as someone types who does not look for them."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_UNACCENTED))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def slug(text: str) -> str:
    """As it stands before the @ of an address."""
    return "".join(c for c in plain(text).lower() if c.isascii() and c.isalnum())


@dataclass(frozen=True)
class Table:
    """Words of all languages in one column; those of group g are `start[g]` … `start[g] + count[g] - 1`."""

    values: pl.Series
    plain: pl.Series
    slugs: pl.Series
    start: Ints
    count: Ints

    @classmethod
    def of(cls, groups: list[list[str]]) -> "Table":
        flat = [word for group in groups for word in group]
        count = np.array([len(g) for g in groups], dtype=np.int64)
        return cls(
            pl.Series(flat), pl.Series([plain(w) for w in flat]), pl.Series([slug(w) for w in flat]),
            np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64), count,
        )  # fmt: skip


@dataclass(frozen=True)
class Words:
    """All tables, of all languages."""

    #: groups are 2 * language + (1 for women)
    given: Table
    nicknames: pl.Series
    #: groups are the languages
    family: Table
    family_feminine: Table
    streets: Table
    towns: Table
    town_prefixes: pl.Series
    town_weights: tuple[tuple[int, ...], ...]
    domains: Table


def _words(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


def _feminine(name: str) -> str:
    for masculine, feminine in _FEMININE.items():
        if name.endswith(masculine):
            return name.removesuffix(masculine) + feminine
    return name


@cache
def words() -> Words:
    """The tables, made once a process."""
    given = [_words(text) for m in MODULES for text in (m.MALE, m.FEMALE)]
    nicknames = [
        m.NICKNAMES.get(name.replace(" ", "_")) for m in MODULES for text in (m.MALE, m.FEMALE) for name in _words(text)
    ]
    family = [_words(m.FAMILY) for m in MODULES]
    feminine = [[_feminine(n) if i == PL else n for n in names] for i, names in enumerate(family)]
    return Words(
        given=Table.of(given),
        nicknames=pl.Series(nicknames, dtype=pl.String),
        family=Table.of(family),
        family_feminine=Table.of(feminine),
        streets=Table.of([_words(m.STREETS) for m in MODULES]),
        towns=Table.of([[town for town, _, _ in m.TOWNS] for m in MODULES]),
        town_prefixes=pl.Series([prefix for m in MODULES for _, prefix, _ in m.TOWNS]),
        town_weights=tuple(tuple(weight for _, _, weight in m.TOWNS) for m in MODULES),
        domains=Table.of([list(m.DOMAINS) for m in MODULES]),
    )
