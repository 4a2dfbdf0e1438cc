"""Delivered files: telling new from known by their content, and keeping a copy. Finding them stands in `inbox`.

A file is what its bytes are: renamed or sent again it is the same file. The copy in `landing/` is what is read, so that
a file which changes while a night runs cannot be read half old, half new.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import duckdb

from clientela.errors import DeliveryError
from clientela.extract.inbox import InboxFile

_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True)
class DeliveredFile:
    """One file that a source delivered and that no loaded batch of the feed holds yet."""

    path: Path
    name: str
    content_sha256: str
    bytes: int
    landed: Path
    #: its number among all files of its feed; None for a new one, which comes last
    sequence: int | None = None
    #: when its content first came; no event of it can be later. None: not known, and nothing is judged by it
    landed_at: datetime | None = None


def content_sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_content(connection: duckdb.DuckDBPyConnection, file: InboxFile) -> str | None:
    """The content's hash if this path was read before and has neither changed its size nor its time since."""
    rows = connection.execute(
        "select content_sha256 from ledger.seen_files where path = ? and bytes = ? and modified_ns = ?",
        [str(file.path), file.seen.st_size, file.seen.st_mtime_ns],
    ).fetchall()
    return rows[0][0] if rows else None


def remember_content(connection: duckdb.DuckDBPyConnection, path: Path, stat: os.stat_result, sha256: str) -> None:
    """Remember what a path held, so that an unchanged file is not read again to be recognised."""
    connection.execute("delete from ledger.seen_files where path = ?", [str(path)])
    connection.execute(
        "insert into ledger.seen_files values (?, ?, ?, ?)", [str(path), stat.st_size, stat.st_mtime_ns, sha256]
    )


def land(source: BinaryIO, path: Path, folder: Path) -> DeliveredFile:
    """Copy the opened file into `folder` under its content's name. DeliveryError if it changed meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    source.seek(0)
    before = os.fstat(source.fileno())
    aside = folder / f".{os.getpid()}.part"
    digest = hashlib.sha256()
    try:
        with aside.open("wb") as target:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (
        after.st_size,
        after.st_mtime_ns,
    ) or aside.stat().st_size != after.st_size:
        aside.unlink()
        raise DeliveryError(f"{path.name} changed while it was read; it is taken when it is whole")
    landed = folder / f"{digest.hexdigest()[:16]}-{path.name}"
    os.replace(aside, landed)
    return DeliveredFile(path, path.name, digest.hexdigest(), after.st_size, landed)


def stamp(landed: Path, landed_at: datetime) -> None:
    """Keep with the landed copy when it came: a warehouse that is built again from the kept files reads it there."""
    os.utime(landed, (landed_at.timestamp(), landed_at.timestamp()))


def stamped(landed: Path) -> datetime:
    """When the landed copy came."""
    return datetime.fromtimestamp(landed.stat().st_mtime, UTC)


def expire(folder: Path, keep_days: int | None, now: datetime) -> int:
    """Delete landed files older than the retention; gives how many went."""
    if keep_days is None or not folder.is_dir():
        return 0
    oldest = (now - timedelta(days=keep_days)).timestamp()
    old = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime < oldest]
    for path in old:
        path.unlink()
    return len(old)
