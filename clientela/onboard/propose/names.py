"""How near a column's or a table's name is to the words that companies use. What the words are stands in `words`."""

import difflib
import re
import unicodedata
from functools import lru_cache

#: words that say of which entity a column is, and not what it is
_ENTITY_WORDS = frozenset(
    "customer customers cliente clientes product products producto productos articulo campaign campaigns campana order "
    "orders pedido sale sales venta transaction contract contrato interaction contact household client lineitem item "
    "items mailing billing default dim fact".split()
)
#: of longer names one letter otherwise is a slip
_LEAST_LETTERS, _LEAST_RATIO = 5, 0.87


@lru_cache(maxsize=100_000)
def normalised(name: str) -> str:
    """`NumCliente`, `Nº cliente` and `num-cliente` alike: small letters without accents, parts joined by _."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


@lru_cache(maxsize=100_000)
def nearness(name: str, synonyms: tuple[str, ...]) -> float:
    """How near a column's name is to any of the words, 0 to 1."""
    plain = normalised(name)
    parts = plain.split("_")
    named = frozenset(parts)
    bare = "_".join(p for p in parts if p not in _ENTITY_WORDS)
    best = 0.0
    for place, synonym in enumerate(synonyms):
        words = synonym.split("_")
        if plain == synonym:
            score = 1.0
        elif bare and bare == synonym:
            score = 0.9
        elif named.issuperset(words):
            score = 0.5 + 0.3 * len(words) / len(parts)
        elif is_slip(plain, synonym):
            score = 0.7
        else:
            continue
        best = max(best, score - 0.008 * min(place, 12))
    return best


@lru_cache(maxsize=200_000)
def is_slip(one: str, other: str) -> bool:
    """Whether two longer names differ by a letter or so."""
    if len(one) < _LEAST_LETTERS or 2 * min(len(one), len(other)) <= _LEAST_RATIO * (len(one) + len(other)):
        return False
    matcher = difflib.SequenceMatcher(None, one, other)
    return matcher.quick_ratio() > _LEAST_RATIO and matcher.ratio() > _LEAST_RATIO


def has_word(name: str, words: frozenset[str] | tuple[str, ...]) -> bool:
    """Whether one of the words is a part of the name, in singular or plural."""
    parts = normalised(name).split("_")
    return any(part in words or part.removesuffix("s") in words or part.removesuffix("es") in words for part in parts)
