"""One way to hide personal values, wherever they would be seen: published tables, quarantine, validation reports, evidence.

A masked value is a keyed hash: equal values stay equal, so that they can be counted and joined, and nobody without the
company's secret can tell or guess them. The secret is a file of the data folder that only its owner may read. What the
warehouse holds of keys, and the check that the secret is still the same one, are in `clientela.warehouse.keys`.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unicodedata import category

from clientela.errors import ConfigError

SECRET_FILE = "secret"
#: the one that a rotation puts in its place
NEXT_SECRET_FILE = "secret.next"
#: hexadecimal digits of a masked value, and of a hashed key
DIGITS, KEY_DIGITS = 12, 24
#: what a hashed key looks like, as a regular expression of Python and of DuckDB
HASHED_KEY = f"p_[0-9a-f]{{{KEY_DIGITS}}}"
#: bytes of one block of SHA-256, to which HMAC fills up its key
_BLOCK = 64
#: characters of a shape that are shown, and of what a database or a library says
LONGEST_SHAPE, LONGEST_SENTENCE = 60, 500
#: characters of it that are looked at
LONGEST_READ = 20_000
#: what no terminal and no page shows, or what is half a character
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def read_secret(data_folder: Path) -> str:
    """The company's secret, 256 bits as 64 hexadecimal digits; made at the first call, before there is a warehouse.

    Raises ConfigError for a file that holds anything else, and for none where there is a warehouse: a new secret would mask
    every value in another way, and what was masked before could no longer be compared.
    """
    path = data_folder / SECRET_FILE
    if not path.is_symlink() and not path.exists():
        if (data_folder / "warehouse.duckdb").exists():
            raise ConfigError(
                f"{path} is gone, and the warehouse beside it was made with it; `clientela restore FROM --only "
                "secret` brings it back from a backup; without one `clientela rotate-secret` makes another: customers keep their "
                "ids, masked values change. Nothing was touched."
            )
        _write_secret(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}); mend that, or put the file back from a backup of the data folder. "
            "Nothing was touched."
        ) from None
    if not re.fullmatch(rb"[0-9a-f]{64}\r?\n?", text):
        raise ConfigError(
            f"{path} is damaged: it must hold 64 hexadecimal digits, the key that personal values are masked with; put the "
            "file back from a backup of the data folder. Nothing was touched."
        )
    return text.decode("ascii").strip()


def _write_secret(path: Path) -> None:
    """Write a new secret, unless someone was faster; it is on the disk, whole, before it bears its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_hex(32).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def check_value(secret: str) -> str:
    """What tells a secret from another and nothing else of it: an HMAC of a fixed text."""
    return hmac.new(secret.encode(), b"clientela: check value of the secret", "sha256").hexdigest()


def evidence_key(secret: str) -> str:
    """The key under which evidence between records, and names in a model, are hashed: it reveals nothing of the secret."""
    return hashlib.sha256(f"{secret}identity".encode()).hexdigest()


@dataclass(frozen=True)
class KeyedHash:
    """How record keys that are personal are replaced: by HMAC-SHA256, in warehouses of version 0.1 by a nested hash.

    The nested hash is SHA-256 of key and the hexadecimal SHA-256 of key and value. It is HMAC without the two paddings of
    the key, which HMAC's proof rests on, so it is kept only where record keys were made with it.
    """

    method: Literal["hmac-sha256", "nested-sha256"]
    key: str

    @classmethod
    def of_secret(cls, secret: str) -> "KeyedHash":
        """The one that a new warehouse begins with: of the secret at that moment, and a stranger to it afterwards."""
        return cls("hmac-sha256", hmac.new(secret.encode(), b"clientela: identity key", "sha256").hexdigest())

    def of(self, value: str) -> str:
        """The key that takes the value's place."""
        if self.method == "nested-sha256":
            digest = _nested(self.key, value)
        else:
            digest = hmac.new(bytes.fromhex(self.key), value.encode(), "sha256").hexdigest()
        return f"p_{digest[:KEY_DIGITS]}"

    def sql(self, expression: str, bind: Callable[[object], str]) -> str:
        """The same in DuckDB, null for null; `bind` gives a value its place in the statement."""
        if self.method == "nested-sha256":
            digest = keyed_hash_sql(expression, bind(self.key))
        else:
            key = bytes.fromhex(self.key).ljust(_BLOCK, b"\0")
            inner, outer = (bind(bytes(byte ^ padding for byte in key)) for padding in (0x36, 0x5C))
            digest = f"sha256({outer} || unhex(sha256({inner} || encode({expression}))))"
        return f"('p_' || left({digest}, {KEY_DIGITS}))"


def masked(value: str, secret: str) -> str:
    """The value as it is shown to those who may not see it."""
    return f"masked:{_nested(secret, value)[:DIGITS]}"


def _nested(key: str, value: str) -> str:
    return hashlib.sha256((key + hashlib.sha256((key + value).encode()).hexdigest()).encode()).hexdigest()


def masked_sql(expression: str, sql_type: str, secret_parameter: str) -> str:
    """The same in DuckDB, for a column of that type: text becomes a keyed hash, anything else null."""
    if sql_type.upper() not in ("VARCHAR", "TEXT"):
        return f"cast(null as {sql_type})"
    return f"'masked:' || left({keyed_hash_sql(expression, secret_parameter)}, {DIGITS})"


def keyed_hash_sql(expression: str, secret_parameter: str) -> str:
    """The keyed hash itself in DuckDB: the hash of the secret and the hash of secret and value, in hexadecimal."""
    return f"sha256({secret_parameter} || sha256({secret_parameter} || {expression}))"


def shape(value: str) -> str:
    """What a value looks like without saying it: each letter a or A, each digit 9, so `ana@b.es 12` is `aaa@a.aa 99`."""
    marks = {"N": "9", "Lu": "A", "L": "a"}
    seen = "".join(
        marks.get(kind) or marks.get(kind[0]) or (c if " " <= c <= "~" else "?")
        for c, kind in ((c, category(c)) for c in value[: LONGEST_SHAPE + 1])
    )
    return seen if len(seen) <= LONGEST_SHAPE else f"{seen[:LONGEST_SHAPE]}…"


def shape_sql(expression: str) -> str:
    """The same in DuckDB."""
    seen = f"left({expression}, {LONGEST_SHAPE + 1})"
    for pattern, mark in ((r"\p{N}", "9"), (r"\p{Lu}", "A"), (r"[^A9\P{L}]", "a"), (r"[^ -~]", "?")):
        seen = f"regexp_replace({seen}, '{pattern}', '{mark}', 'g')"
    return f"case when length({expression}) > {LONGEST_SHAPE} then left({seen}, {LONGEST_SHAPE}) || '…' else {seen} end"


#: how failures begin or go on that are about a value, not about names
_OF_A_VALUE = re.compile(
    r"(Conversion|Constraint|Invalid Input|Out of Range|Invalid) Error|could not convert|invalid literal|conversion from"
)


def failure_without_values(message: str) -> str:
    """What a step of ours failed with: names of columns stay, unless the failure is one over a value."""
    return without_values(message) if _OF_A_VALUE.search(message) else re.sub(r"\S*@\S*", "…", message)


def without_values(sentence: str, known: Callable[[str], bool] = lambda _: False) -> str:
    """The sentence of a database or a library without what it may quote of the data: quoted pieces that are not `known`,
    addresses and long numbers become `…`."""

    def kept(found: re.Match[str]) -> str:
        return found[0] if known(found[0][1:-1]) else f"{found[0][0]}…{found[0][-1]}"

    # what a driver says may be a megabyte, and hold the bytes of a cell; a quote that is cut ends where it is cut
    sentence = _UNPRINTABLE.sub("�", f"{sentence[:LONGEST_READ]}'" if len(sentence) > LONGEST_READ else sentence)
    sentence = re.sub(r"\"[^\"]*\"?|(?<!\w)'[^\n]*?'(?!\w)", kept, sentence)
    sentence = re.sub(r"=\([^()]*\)", "=(…)", sentence)
    sentence = re.sub(r"\S*@\S*|\+?\d[\d .-]{4,}\d", "…", sentence)
    return sentence if len(sentence) <= LONGEST_SENTENCE else f"{sentence[:LONGEST_SENTENCE]}…"
