"""The folder of backups: pieces of files by their content, each kept once, and a list for each backup.

    clientela-backup.json   what it is, and how it is encrypted
    pieces/ab/…             pieces of files, of at most 4 MB
    lists/ID                which pieces make which files: written last, so that a backup that was cut off is none
    begun/ID                while one is under way

Whoever opens a folder trusts nothing in it: names, sizes and contents are checked.
"""

import fcntl
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from clientela import durable
from clientela.backup.sealing import Opener, Sealing, new_header, opened_header
from clientela.errors import ClientelaError, ConfigError, RunningError

HEADER = "clientela-backup.json"
FORMAT = 1
PIECE_BYTES = 4 * 1024**2
#: what a list may be long, unpacked: two million pieces
_LONGEST_LIST = 512 * 1024**2
_ID = re.compile(r"[0-9]{8}T[0-9]{6}[0-9]{3}(-[0-9]+)?")
_PIECE = re.compile(r"[0-9a-f]{64}")
_PLAIN, _PACKED = b"\0", b"\1"


@dataclass(frozen=True)
class KeptFile:
    """A file of a backup: its path in it, size and time, and its pieces in their order."""

    path: str
    size: int
    modified_ns: int
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """One backup: when and of whom it was made, and its files by path."""

    backup_id: str
    made_at: str
    company: str
    code_version: str
    files: dict[str, KeptFile]


class Store:
    """An opened folder."""

    def __init__(self, folder: Path, sealing: Sealing) -> None:
        self.folder = folder
        self.sealing = sealing

    # ---------------------------------------------------------------- pieces

    def has_piece(self, name: str) -> bool:
        return self._path(name).is_file()

    def add_piece(self, content: bytes) -> tuple[str, bool]:
        """Keep the piece unless it is there; gives its name and whether it is new. A new one is read back."""
        name = self.sealing.name_of(content)
        path = self._path(name)
        if path.is_file():
            return name, False
        packed = zlib.compress(content, 1)
        kept = _PACKED + packed if len(packed) < len(content) else _PLAIN + content
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write(path, self.sealing.seal(name, kept))
        if self.piece(name) != content:
            raise ClientelaError(f"{path} holds something else than was written; the disk may be at fault.")
        return name, True

    def piece(self, name: str) -> bytes:
        """The content of a piece. Raises ClientelaError if it is gone, or not what was kept."""
        path = self._path(name)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                sealed = file.read(2 * PIECE_BYTES)
        except OSError as error:
            raise ClientelaError(f"The backup lacks the piece {name}: {error.strerror}.") from None
        content = _unpacked(self.sealing.unseal(name, sealed), PIECE_BYTES)
        if content is None or self.sealing.name_of(content) != name:
            raise ClientelaError(f"The piece {name} of the backup is damaged, or was changed.")
        return content

    def _path(self, name: str) -> Path:
        if not _PIECE.fullmatch(name):
            raise ClientelaError("A list of the backup names a piece in a way that none is named.")
        return self.folder / "pieces" / name[:2] / name

    # ----------------------------------------------------------------- lists

    def ids(self) -> list[str]:
        """The whole backups, the newest last."""
        lists = self.folder / "lists"
        return sorted(path.name for path in lists.iterdir() if _ID.fullmatch(path.name)) if lists.is_dir() else []

    def begun(self) -> list[str]:
        """Those that were begun, and never ended."""
        begun = self.folder / "begun"
        return sorted(path.name for path in begun.iterdir()) if begun.is_dir() else []

    def begin(self, backup_id: str) -> None:
        for name in ("pieces", "lists", "begun"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        durable.write(self.folder / "begun" / backup_id, b"")

    def end(self, listed: Listed) -> None:
        """Write the list: from here on it is a backup."""
        values = asdict(listed)
        values["files"] = list(values["files"].values())
        text = json.dumps(values, ensure_ascii=False).encode()
        name = f"list {listed.backup_id}"
        path = self.folder / "lists" / listed.backup_id
        durable.write(path, self.sealing.seal(name, _PACKED + zlib.compress(text)))
        for begun in self.begun():
            (self.folder / "begun" / begun).unlink(missing_ok=True)

    def listed(self, backup_id: str | None = None) -> Listed:
        """A backup, by default the newest. Raises ClientelaError if there is none such, or its list is damaged."""
        ids = self.ids()
        if not ids:
            cut = self.begun()
            raise ClientelaError(
                f"{self.folder} holds no backup"
                + (f": one was begun ({cut[-1]}) and cut off before it was whole." if cut else ".")
            )
        wanted = backup_id or ids[-1]
        if wanted not in ids:
            if wanted in self.begun():
                raise ClientelaError(f"The backup {wanted} was cut off before it was whole: it is none.")
            raise ClientelaError(f"{self.folder} holds no backup {wanted}; there are: {', '.join(ids[-8:])}.")
        try:
            sealed = (self.folder / "lists" / wanted).read_bytes()
            text = _unpacked(self.sealing.unseal(f"list {wanted}", sealed), _LONGEST_LIST)
            return _read_list(json.loads(text or b""), wanted)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ClientelaError(f"The list of the backup {wanted} is damaged, or was changed.") from error

    def forget_before(self, keep: int) -> int:
        """Let all but the newest `keep` backups go, and the pieces that none of those has; gives the backups that went."""
        gone = self.ids()[:-keep]
        if not gone:
            return 0
        kept = {
            name
            for backup_id in self.ids()[-keep:]
            for file in self.listed(backup_id).files.values()
            for name in file.pieces
        }
        for backup_id in gone:
            (self.folder / "lists" / backup_id).unlink()
        durable.sync(self.folder / "lists")
        for path in (self.folder / "pieces").glob("*/*"):
            if path.name not in kept:
                path.unlink()
        return len(gone)


def open_store(folder: Path, opener: Opener | None) -> Store:
    """The folder of backups that is there. Raises ClientelaError if it is none, or is not opened by what was given."""
    try:
        header = json.loads((folder / HEADER).read_bytes()[:100_000])
        if header["format"] != FORMAT:
            raise ClientelaError(f"{folder} has format {header['format']!r}, which this clientela does not know.")
    except (FileNotFoundError, NotADirectoryError):
        raise ClientelaError(f"{folder} is no folder of backups: it holds no {HEADER}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClientelaError(f"{folder / HEADER} is damaged, or cannot be read.") from error
    return Store(folder, opened_header(header["encryption"], opener))


@contextmanager
def writable_store(folder: Path, opener: Opener | None) -> Iterator[Store]:
    """The folder of backups, made where it is not there, for nobody else while this lasts. Raises ConfigError for a folder that
    holds anything else."""
    try:
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder} is a file; name a folder for the backups.")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / HEADER).exists():
            if any(path.name != "lock" and not path.name.startswith(f".{HEADER}.") for path in folder.iterdir()):
                raise ConfigError(f"{folder} holds something else than backups; name a folder of its own.")
            header, _ = new_header(opener)
            durable.write(folder / HEADER, json.dumps({"format": FORMAT, "encryption": header}, indent=2).encode())
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ClientelaError(
            f"{folder} cannot be written: {error.strerror}. Name a folder that you may write to."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunningError(f"Another backup into {folder} is under way; nothing was done.") from None
        yield open_store(folder, opener)
    finally:
        os.close(handle)


def _unpacked(kept: bytes, longest: int) -> bytes | None:
    """What was packed, if it is not longer than that; None for what cannot be unpacked."""
    if kept[:1] == _PLAIN:
        return kept[1:] if len(kept) - 1 <= longest else None
    if kept[:1] != _PACKED:
        return None
    with suppress(zlib.error):
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(kept[1:], longest)
        return content if unpacking.eof else None
    return None


def _read_list(values: dict[str, Any], backup_id: str) -> Listed:
    files = {}
    for entry in values["files"]:
        file = KeptFile(
            str(entry["path"]), int(entry["size"]), int(entry["modified_ns"]), tuple(map(str, entry["pieces"]))
        )
        need_safe(file.path)
        files[file.path] = file
    if values["backup_id"] != backup_id:
        raise ValueError("the list of another backup")
    return Listed(backup_id, str(values["made_at"]), str(values["company"]), str(values["code_version"]), files)


def need_safe(path: str) -> None:
    """Raise ClientelaError for a path that could lead out of the folder that it is restored into."""
    parts = PurePosixPath(path).parts
    is_safe = (
        bool(parts)
        and not path.startswith("/")
        and path == "/".join(parts)
        and not any(part in ("..", ".") or "\\" in part or any(ord(c) < 32 for c in part) for part in parts)
    )
    if not is_safe:
        raise ClientelaError(
            "The backup names a file that would lie outside the folder it is restored into; it was not made by clientela."
        )
