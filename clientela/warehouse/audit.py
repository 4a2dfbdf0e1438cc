"""Who did what: one line for each run and each command that touches what is kept, in `ledger.audit` and its copy.

Append-only. A command that does not open the warehouse leaves its line in `audit.jsonl` of the data folder; the next run takes
it into the ledger. A line names an action, what it was done to by number or path, the system's user, and the hash of the
configuration and the version of the code; never a personal value.
"""

import json
import os
import pwd
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from clientela import project_files
from clientela.config.company import Config
from clientela.errors import ClientelaError

WAITING = "audit.jsonl"
COLUMNS = (
    "audit_id varchar not null, done_at timestamptz not null, action varchar not null, subject varchar, "
    "system_user varchar not null, config_hash varchar, code_version varchar"
)


def record(connection: duckdb.DuckDBPyConnection, config: Config, action: str, subject: str | None = None) -> None:
    """Write a line into the open warehouse."""
    _write(connection, _line(config, action, subject))


def leave(config: Config, action: str, subject: str | None = None) -> None:
    """Leave a line for the next run: of a command that does not write to the warehouse. Readers who may not write to the data
    folder leave none."""
    audit_id, done_at, *rest = _line(config, action, subject)
    line = json.dumps([audit_id, str(done_at), *rest]) + "\n"
    with suppress(PermissionError, FileNotFoundError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(config.data / WAITING, flags, 0o600)
        try:
            os.write(handle, line.encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def take_in(connection: duckdb.DuckDBPyConnection, data: Path) -> None:
    """Take what commands have left into the ledger; a line is taken once, however often this is broken off."""
    waiting, taken = data / WAITING, data / f"{WAITING}.taken"
    if not taken.is_file():
        if not waiting.is_file():
            return
        os.replace(waiting, taken)
    for text in taken.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            line = json.loads(text)
            connection.execute(
                "insert into ledger.audit select ?, ?, ?, ?, ?, ?, ? where ? not in (select audit_id from ledger.audit)",
                [*line, line[0]],
            )
    taken.unlink()


def record_run(
    connection: duckdb.DuckDBPyConnection, config: Config, kind: str, run_id: str, code_version: str
) -> None:
    """The line of a run, and one before it where the configuration is another than the last run's."""
    take_in(connection, config.data)
    last = connection.execute(
        "select config_hash from ledger.audit where action like 'run %' order by rowid desc limit 1"
    ).fetchall()
    if last and last[0][0] != config.fingerprint():
        _write(
            connection, _line(config, "configuration changed", f"{last[0][0]} → {config.fingerprint()}", code_version)
        )
    _write(connection, _line(config, f"run {kind}", run_id, code_version))


def _write(connection: duckdb.DuckDBPyConnection, line: list[object]) -> None:
    connection.execute("insert into ledger.audit values (?, ?, ?, ?, ?, ?, ?)", line)


def _line(config: Config, action: str, subject: str | None, code_version: str | None = None) -> list[object]:
    fingerprint = None
    with suppress(ClientelaError):
        fingerprint = config.fingerprint()
    return [
        secrets.token_hex(8),
        datetime.now(UTC),
        action,
        subject,
        _user(),
        fingerprint,
        code_version or project_files.code_version(),
    ]


def _user() -> str:
    """The system's user, not what the environment says of it; who became root by sudo is named too."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = f"user {number}"
    before = os.environ.get("SUDO_USER") if number == 0 else None
    return f"{name} (sudo by {before})" if before else name
