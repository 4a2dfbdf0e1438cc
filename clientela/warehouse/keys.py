"""The keys of one company as its warehouse holds them: a check value of the secret, and the keys that outlive it.

The secret in the data folder masks values, and may be exchanged one day. Two keys must never change with it, or every
customer would become another: the one that takes personal record keys' place, and the one of identity's evidence. They
are in `memory.keys`, and their copy goes where memory's copy goes, which no reader of the published files can open.
"""

from pathlib import Path

import duckdb

from clientela import durable
from clientela.errors import ConfigError
from clientela.masking import NEXT_SECRET_FILE, SECRET_FILE, KeyedHash, check_value, evidence_key, read_secret
from clientela.warehouse.transactions import transaction

IDENTITY, EVIDENCE = "identity", "evidence"


def settle_rotation(connection: duckdb.DuckDBPyConnection, data_folder: Path) -> None:
    """End a rotation of the secret that was broken off: the new one takes its place if the warehouse knows it, else it goes.

    For those who hold the company's lock; while a rotation is under way the new secret must stay.
    """
    path = data_folder / NEXT_SECRET_FILE
    if path.is_file() and not _take_next(connection, data_folder):
        path.unlink()


def _take_next(connection: duckdb.DuckDBPyConnection, data_folder: Path) -> bool:
    """Give the new secret its name if it is the one that the warehouse knows."""
    path = data_folder / NEXT_SECRET_FILE
    if path.is_symlink() or not path.is_file() or not _has(connection, "ledger", "secret"):
        return False
    checks = connection.execute("select check_value from ledger.secret").fetchall()
    if checks != [(check_value(path.read_text(encoding="ascii", errors="replace").strip()),)]:
        return False
    durable.switch_in(path, data_folder / SECRET_FILE)
    return True


def confirmed_secret(connection: duckdb.DuckDBPyConnection, data_folder: Path) -> str:
    """The company's secret, if it is the one that this warehouse was made with. Raises ConfigError if not.

    A warehouse without a check value, as those of version 0.1 are, takes any whole secret for its own.
    """
    _take_next(connection, data_folder)
    secret = read_secret(data_folder)
    if _has(connection, "ledger", "secret"):
        checks = connection.execute("select check_value from ledger.secret").fetchall()
        if checks and checks[0][0] != check_value(secret):
            raise ConfigError(
                f"{data_folder / SECRET_FILE} is not the secret that this warehouse was made with; put that one back from a "
                "backup of the data folder. Nothing was touched."
            )
    return secret


def keep_keys(connection: duckdb.DuckDBPyConnection, data_folder: Path) -> None:
    """Confirm the secret, and write what the warehouse lacks: its check value, and the keys that outlive it.

    A warehouse of version 0.1 keeps the keys that its record keys and its evidence were made with.
    """
    secret = confirmed_secret(connection, data_folder)
    with transaction(connection):
        if not connection.execute("select 1 from ledger.secret").fetchall():
            connection.execute("insert into ledger.secret values (?, now())", [check_value(secret)])
        if not connection.execute("select 1 from memory.keys").fetchall():
            is_new = not connection.execute("select 1 from ledger.loads limit 1").fetchall()
            identity = KeyedHash.of_secret(secret) if is_new else KeyedHash("nested-sha256", secret)
            for name, method, key in (
                (IDENTITY, identity.method, identity.key),
                (EVIDENCE, "blake2b", evidence_key(secret)),
            ):
                connection.execute("insert into memory.keys values (?, ?, ?, now())", [name, method, key])


def identity_key(connection: duckdb.DuckDBPyConnection, secret: str) -> KeyedHash:
    """What takes personal record keys' place in this warehouse; of the secret where it holds none, as the doctor's own."""
    held = _held(connection, IDENTITY)
    return KeyedHash(held[0], held[1]) if held else KeyedHash.of_secret(secret)  # type: ignore[arg-type]


def kept_evidence_key(connection: duckdb.DuckDBPyConnection, data_folder: Path) -> str:
    """The key of this warehouse's evidence and models."""
    held = _held(connection, EVIDENCE)
    return held[1] if held else evidence_key(confirmed_secret(connection, data_folder))


def _held(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, str] | None:
    if not _has(connection, "memory", "keys"):
        return None
    rows = connection.execute("select method, key from memory.keys where name = ?", [name]).fetchall()
    return (rows[0][0], rows[0][1]) if rows else None


def _has(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether there is such a table; in a past day's scratch file it is a view."""
    found = connection.execute(
        """
        select 1 from information_schema.tables
        where table_catalog = current_database() and table_schema = ? and table_name = ?
        """,
        [schema, table],
    ).fetchall()
    return bool(found)
