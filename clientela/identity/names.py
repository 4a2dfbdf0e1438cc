"""Names made comparable: without accents, titles and particles, short forms written out, in one order.

Belongs here: pure functions from one name as written to the form that is compared. Does not belong here: other fields,
frames or caches (`normalise`). The result is a key for comparing, never for showing.
"""

from __future__ import annotations

import re
import unicodedata

from clientela.identity.nicknames import (
    COMPOUND_FIRST,
    LANGUAGE_OF_COUNTRY,
    NICKNAMES,
    PARTICLES,
    SUFFIXES,
    TITLES,
)

_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_NOT_A_WORD = re.compile(r"[^\w']+|_")
_NOT_A_WORD_OR_LOST = re.compile(r"[^\w'?]+|_")
LOST_LETTER = "?"
"""Stands for a letter that an encoding lost: `Pawe?`, and U+FFFD alike."""
_GENERATION_AT_THE_END = re.compile(r"[\s,]+(jr|junior|hijo|fils|sr|sen|senior)\.?$", re.IGNORECASE)
_FEMININE = re.compile(r"(s|c|dz)ka$")
_ALL_LANGUAGES = {
    short: name for language in ("en", "pl", "fr", "de", "es") for short, name in NICKNAMES[language].items()
}


_SHORT_FORMS: dict[str, list[str]] = {}
for _language in NICKNAMES.values():
    for _short, _name in _language.items():
        _SHORT_FORMS.setdefault(_name, []).append(_short)


def plain(text: str) -> str:
    """Lower case, no accents, single spaces; letters of other alphabets stay."""
    return " ".join(_NOT_A_WORD.sub(" ", _unaccented(text)).split())


def plain_with_lost_letters(text: str) -> str:
    """As `plain`, a lost letter kept as one in its word. A word that lost more than half of its letters says nothing."""
    if LOST_LETTER not in text and "\ufffd" not in text:
        return plain(text)
    words = _NOT_A_WORD_OR_LOST.sub(" ", _unaccented(text.replace("\ufffd", LOST_LETTER))).split()
    return " ".join(word for word in words if 2 * word.count(LOST_LETTER) <= len(word))


def _unaccented(text: str) -> str:
    lowered = text.lower().translate(_LETTERS)
    if not lowered.isascii():
        lowered = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return lowered


def given_key(text: str, country: str | None = None) -> str | None:
    """`Mª Pepa`, `José-María` -> `maria josefa`, `jose maria`: titles off, short forms written out by language."""
    short = _ALL_LANGUAGES
    language = LANGUAGE_OF_COUNTRY.get((country or "").upper())
    if language:
        short = NICKNAMES[language]
    words = plain_with_lost_letters(text.replace("ª", "aria ").replace("M.", "M ")).replace("'", "").split()
    if len(words) > 1 and words[0] in TITLES and len(words[0]) > 1:
        words = words[1:]
    kept = [word for word in words if word not in PARTICLES and word not in SUFFIXES] or words[:1]
    return " ".join(dict.fromkeys(short.get(word, word) for word in kept)) or None


def forms(key: str) -> list[str]:
    """The ways in which a first name may have been written that has this key: `catherine`, `kate`, `katy`."""
    return sorted({key, *_SHORT_FORMS.get(key, ())})


def initials(key: str) -> str:
    """The letters that a first name's key may begin with as written: `K.` and `C.` are both of `catherine`."""
    return "".join(sorted({form[:1] for form in forms(key.split(" ", 1)[0])}))


def family_key(text: str) -> str | None:
    """`von der Müller`, `Mueller` -> `muller`; `Kowalska` -> `kowalski`; `García de la Vega` -> `garcia vega`."""
    words = plain_with_lost_letters(text).replace("d'", "").replace("l'", "").replace("'", "").split()
    kept = [word for word in words if word not in PARTICLES and word not in SUFFIXES] or words
    folded = (word.replace("ae", "a").replace("oe", "o").replace("ue", "u") for word in kept)
    return " ".join(_FEMININE.sub(r"\1ki", word) for word in folded) or None


def generation(text: str) -> str | None:
    """`junior`, `senior`, `third` where the name says so."""
    for word in plain(text).split()[1:]:
        if word in SUFFIXES:
            return SUFFIXES[word]
    return None


def split_full_name(text: str) -> tuple[str, str]:
    """(given, family) of a name written in one field: `García López, Ana` or `Ana María García López`.

    Without a comma the first word is the given name, with the next one if the pair is commonly one name (`Ana María`)
    and a family name is left.
    """
    text = _GENERATION_AT_THE_END.sub("", text)
    if "," in text:
        family, _, given = text.partition(",")
        return given.strip(), family.strip()
    words = text.split()
    if len(words) > 1 and plain(words[0]) in TITLES:
        words = words[1:]
    count = 1
    if len(words) > 2 and plain(words[0]) in COMPOUND_FIRST and plain(words[1]) not in PARTICLES:
        count = 2 if len(words) > 3 or plain(words[1]) in COMPOUND_FIRST else 1
    return " ".join(words[:count]), " ".join(words[count:])
