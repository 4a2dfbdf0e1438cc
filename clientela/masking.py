"""One way to hide personal values, wherever they would be seen: published tables, quarantine, gate pages, evidence.

A masked value is a keyed hash: equal values stay equal, so that they can be counted and joined, and nobody without the
company's secret can tell or guess them. The secret is a file of the data folder that only its owner may read.
"""

import hashlib
import os
import secrets
from pathlib import Path

#: hexadecimal digits of a masked value
DIGITS = 12


def read_secret(data_folder: Path) -> str:
    """The company's secret, made at the first call; 256 bits as text."""
    path = data_folder / "secret"
    if not path.exists():
        data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_hex(32), encoding="ascii")
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text(encoding="ascii").strip()


def evidence_key(secret: str) -> str:
    """The key under which evidence between records, and names in a model, are hashed: it reveals nothing of the secret."""
    return hashlib.sha256(f"{secret}identity".encode()).hexdigest()


def masked(value: str, secret: str) -> str:
    """The value as it is shown to those who may not see it."""
    digest = hashlib.sha256((secret + hashlib.sha256((secret + value).encode()).hexdigest()).encode()).hexdigest()
    return f"masked:{digest[:DIGITS]}"


def masked_sql(expression: str, sql_type: str, secret_parameter: str) -> str:
    """The same in DuckDB, for a column of that type: text becomes a keyed hash, anything else null."""
    if sql_type.upper() not in ("VARCHAR", "TEXT"):
        return f"cast(null as {sql_type})"
    return f"'masked:' || left({keyed_hash_sql(expression, secret_parameter)}, {DIGITS})"


def keyed_hash_sql(expression: str, secret_parameter: str) -> str:
    """The keyed hash itself in DuckDB: the hash of the secret and the hash of secret and value, in hexadecimal."""
    return f"sha256({secret_parameter} || sha256({secret_parameter} || {expression}))"
