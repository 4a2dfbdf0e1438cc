"""`clientela backup`: what cannot be made again goes into a folder elsewhere, and of that only what is new.

Kept are the delivered files or the warehouse, or both; memory's copy and the ledger's; quarantine and validation reports; the
secret; and, from outside the data folder, the configuration, reference tables and own models. What a run makes anew is not
kept. It holds the company's lock, so all of it is of one moment.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from clientela import file_modes, project_files, stopping
from clientela.backup.sealing import Opener
from clientela.backup.store import PIECE_BYTES, KeptFile, Listed, Store, writable_store
from clientela.config.company import Config
from clientela.errors import ClientelaError, ConfigError
from clientela.places import Kind, files_of
from clientela.warehouse import audit
from clientela.warehouse.lock import hold_lock
from clientela.wording import counted

Choice = Literal["landing", "warehouse", "both"]
#: where the files of a backup come from, as their paths begin
DATA, CONFIGURATION, REFERENCE, MODELS = "data", "configuration", "reference", "models"
_WAREHOUSE = ("warehouse.duckdb", "warehouse.duckdb.wal")


@dataclass(frozen=True)
class BackedUp:
    """What was kept: files by path, bytes of all, and of those that are new in the folder."""

    backup_id: str
    folder: Path
    files: tuple[str, ...]
    bytes: int
    new_bytes: int
    gone: int
    is_encrypted: bool

    @property
    def sentence(self) -> str:
        let_go = f"; {counted(self.gone, 'older one')} let go" if self.gone else ""
        return (
            f"Backup {self.backup_id} in {self.folder}: {counted(len(self.files), 'file')}, {self.bytes / 1e6:,.1f} MB, of which "
            f"{self.new_bytes / 1e6:,.1f} MB are new; {'encrypted, ' if self.is_encrypted else ''}written and read back{let_go}."
        )


def back_up(
    config: Config,
    folder: Path,
    choice: Choice = "both",
    opener: Opener | None = None,
    *,
    keep: int | None = None,
    is_verifying: bool = False,
    watch: Callable[[str], None] = lambda _: None,
    now: datetime | None = None,
) -> BackedUp:
    """Make a backup into the folder. New pieces are read back; all of them if `is_verifying`. `keep`: backups that stay.

    Raises RunningError while a run is under way, ConfigError for a folder that cannot hold backups; until its list is written,
    last of all, there is no backup.
    """
    folder = folder.absolute()
    if folder.resolve().is_relative_to(config.data):
        raise ConfigError(f"{folder} lies in the data folder, and would be lost with it; name a folder elsewhere.")
    if not config.data.is_dir():
        raise ClientelaError(f"{config.company} has no data folder yet at {config.data}; there is nothing to keep.")
    now = now or datetime.now(UTC)
    with (
        file_modes.closed(config),
        hold_lock(config.data, "Backup"),
        writable_store(folder, opener) as store,
    ):
        if opener is not None and not store.sealing.is_encrypting:
            raise ConfigError(
                f"{folder} was begun without encryption, and stays so; name another folder for encrypted backups."
            )
        backup_id = _new_id(store, now)
        before = store.listed().files if store.ids() else {}
        store.begin(backup_id)
        files: dict[str, KeptFile] = {}
        new_bytes = 0
        for name, path in _chosen(config, choice):
            stopping.check()
            watch(name)
            files[name], added = _keep(store, name, path, before.get(name))
            new_bytes += added
        _verify(store, files, is_verifying=is_verifying)
        with stopping.deferred():
            store.end(Listed(backup_id, now.isoformat(), config.company, project_files.code_version(), files))
            audit.leave(config, "backup", f"{backup_id} in {folder}")
        gone = store.forget_before(keep) if keep else 0
    size = sum(file.size for file in files.values())
    return BackedUp(backup_id, folder, tuple(files), size, new_bytes, gone, store.sealing.is_encrypting)


def _new_id(store: Store, now: datetime) -> str:
    """The moment, later than every backup that is there."""
    stem = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}"
    taken = {*store.ids(), *store.begun()}
    wanted, number = stem, 2
    while wanted in taken:
        wanted, number = f"{stem}-{number}", number + 1
    return wanted


def _chosen(config: Config, choice: Choice) -> Iterator[tuple[str, Path]]:
    """(path in the backup, path) of every file that is kept."""
    for path, place in files_of(config.data):
        name = path.relative_to(config.data).as_posix()
        if place is None or place.kind is not Kind.KEPT or any(part.startswith(".") for part in Path(name).parts):
            continue
        if (choice == "landing" and name in _WAREHOUSE) or (choice == "warehouse" and name.startswith("landing/")):
            continue
        yield f"{DATA}/{name}", path
    yield f"{CONFIGURATION}/clientela.yml", config.path
    outside = {REFERENCE: config.reference_folder and config.located(config.reference_folder), MODELS: config.models}
    for name, root in outside.items():
        if root is not None and root.is_dir():
            for path in sorted(root.rglob("*")):
                if path.is_file():
                    yield f"{name}/{path.relative_to(root).as_posix()}", path


def _keep(store: Store, name: str, path: Path, before: KeptFile | None) -> tuple[KeptFile, int]:
    """Keep a file; gives its entry and the bytes that are new. One of the same size and time as before is not read again."""
    with path.open("rb") as file:
        stat = path.stat()
        is_same = before is not None and (before.size, before.modified_ns) == (stat.st_size, stat.st_mtime_ns)
        if before is not None and is_same and all(store.has_piece(piece) for piece in before.pieces):
            return before, 0
        pieces, size, new_bytes = [], 0, 0
        while content := file.read(PIECE_BYTES):
            stopping.check()
            piece, is_new = store.add_piece(content)
            pieces.append(piece)
            size += len(content)
            new_bytes += len(content) * is_new
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (stat.st_size, stat.st_mtime_ns) or size != after.st_size:
        raise ClientelaError(f"{path} changed while it was kept; this is no backup. Make it again.")
    return KeptFile(name, size, stat.st_mtime_ns, tuple(pieces)), new_bytes


def _verify(store: Store, files: dict[str, KeptFile], *, is_verifying: bool) -> None:
    """Every piece is there; read, each of them, where that is asked for."""
    for name in {piece for file in files.values() for piece in file.pieces}:
        if is_verifying:
            store.piece(name)
        elif not store.has_piece(name):
            raise ClientelaError(
                f"The piece {name} went from {store.folder} meanwhile; this is no backup. Make it again."
            )
