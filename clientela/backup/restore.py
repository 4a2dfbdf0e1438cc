"""`clientela restore`: a company comes back from a backup, into an empty data folder, whole or not at all.

Everything is written aside, beside the data folder, and checked piece by piece; then it takes its name in one step. A file
that is there outside the data folder (the configuration, reference tables, own models) is never written over.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientela import durable, stopping
from clientela.backup.make import CONFIGURATION, DATA, MODELS, REFERENCE
from clientela.backup.sealing import Opener
from clientela.backup.store import KeptFile, Listed, Store, open_store
from clientela.config.company import Config
from clientela.config.read import load_config
from clientela.errors import ClientelaError, ConfigError, RunningError
from clientela.file_modes import private_files
from clientela.masking import SECRET_FILE
from clientela.warehouse import audit, keys
from clientela.warehouse.lock import hold_lock, holder


@dataclass(frozen=True)
class Restored:
    """What came back. `notices`: what was left as it is, in sentences; `has_warehouse`: it needs no rebuild."""

    backup_id: str
    data: Path
    files: int
    has_warehouse: bool
    notices: tuple[str, ...]

    @property
    def sentence(self) -> str:
        then = "`clientela rebuild` makes the warehouse, then `clientela run` publishes"
        if self.has_warehouse:
            then = "`clientela run` builds and publishes"
        return f"Restored backup {self.backup_id} into {self.data}: {self.files:,} files. {then}."


def restore(
    config_path: Path,
    folder: Path,
    opener: Opener | None = None,
    backup_id: str | None = None,
    watch: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Bring a backup back, by default the newest, for the company whose configuration is, or will be, at that path.

    Raises ConfigError where the data folder holds anything, ClientelaError for what is no whole backup or is damaged.
    """
    with private_files():
        return _restore(config_path.absolute(), folder, opener, backup_id, watch)


def _restore(
    config_path: Path, folder: Path, opener: Opener | None, backup_id: str | None, watch: Callable[[str], None]
) -> Restored:
    store = open_store(folder, opener)
    listed = store.listed(backup_id)
    aside_config = config_path.with_name(f".{config_path.name}.restoring")
    is_known = config_path.is_file()
    if not is_known:
        config_path.parent.mkdir(parents=True, exist_ok=True)
        aside_config.unlink(missing_ok=True)
        _write(store, _required(listed, f"{CONFIGURATION}/clientela.yml"), aside_config)
    try:
        config = load_config(config_path if is_known else aside_config)
        _need_empty(config)
        notices = [] if not is_known else [f"{config_path} is there and stays as it is."]
        aside = config.data.with_name(f".{config.data.name}.restoring")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700, parents=True)
        try:
            files = [file for name, file in listed.files.items() if name.startswith(f"{DATA}/")]
            for file in files:
                stopping.check()
                watch(file.path)
                _write(store, file, aside / file.path.removeprefix(f"{DATA}/"))
            for path in aside.rglob("*"):
                if path.is_dir():
                    durable.sync(path)
            durable.sync(aside)
            with stopping.deferred():
                notices += _restore_outside(store, listed, config, is_known=is_known)
                if not is_known:
                    os.replace(aside_config, config_path)
                    durable.sync(config_path.parent)
                _take_name(aside, config)
                audit.leave(config, "restore", f"{listed.backup_id} from {folder}")
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    finally:
        aside_config.unlink(missing_ok=True)
    has_warehouse = f"{DATA}/warehouse.duckdb" in listed.files
    return Restored(listed.backup_id, config.data, len(files), has_warehouse, tuple(notices))


def restore_secret(config: Config, folder: Path, opener: Opener | None = None, backup_id: str | None = None) -> str:
    """Bring back the secret alone; gives a sentence. Raises ClientelaError where there is one, and where the backup's is not
    the one that the warehouse was made with."""
    path = config.data / SECRET_FILE
    store = open_store(folder, opener)
    listed = store.listed(backup_id)
    with hold_lock(config.data, "Restore"):
        if path.exists() or path.is_symlink():
            raise ConfigError(f"{path} is there and stays as it is; move it away first if it is damaged.")
        _write(store, _required(listed, f"{DATA}/{SECRET_FILE}"), path)
        try:
            if config.warehouse.is_file():
                with duckdb.connect(str(config.warehouse), read_only=True) as connection:
                    keys.confirmed_secret(connection, config.data)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        audit.leave(config, "restore", f"the secret, {listed.backup_id} from {folder}")
    return f"The secret of backup {listed.backup_id} is back in its place: masked values are as they were."


def _required(listed: Listed, name: str) -> KeptFile:
    if name not in listed.files:
        raise ClientelaError(f"The backup {listed.backup_id} holds no {name}.")
    return listed.files[name]


def _need_empty(config: Config) -> None:
    """Raise ConfigError unless the data folder is absent or empty; a lock that nobody holds is nothing."""
    if not config.data.is_dir():
        return
    held = sorted(path.name for path in config.data.iterdir() if path.name != "lock")
    if held:
        raise ConfigError(
            f"{config.data} holds {held[0]}{' and more' if len(held) > 1 else ''}: a backup is restored into an empty data "
            "folder. Move it away first, or bring back the secret alone with --only secret."
        )
    found = holder(config.data)
    if found is not None and found.is_alive:
        raise RunningError(f"{found.sentence} is under way for this company; nothing was done.")


def _take_name(aside: Path, config: Config) -> None:
    (config.data / "lock").unlink(missing_ok=True)
    try:
        aside.rename(config.data)
    except OSError as error:
        raise ClientelaError(
            f"{config.data} is not empty any more ({error.strerror}); nothing was restored into it."
        ) from error
    durable.sync(config.data.parent)


def _restore_outside(store: Store, listed: Listed, config: Config, *, is_known: bool) -> list[str]:
    """Reference tables and own models, where they are not there; gives what is to be said of them."""
    notices = []
    for name, configured in ((REFERENCE, config.reference_folder), (MODELS, config.models_path)):
        files = [file for path, file in listed.files.items() if path.startswith(f"{name}/")]
        if not files:
            continue
        target = config.located(configured) if configured else config.located(f"restored_{name}")
        # a configuration out of a backup must not choose any folder of the machine to be written to
        if not is_known and not target.is_relative_to(config.path.parent.resolve()):
            target = config.located(f"restored_{name}")
            notices.append(
                f"{name}: restored into {target}; move it to {configured}, where the configuration looks for it."
            )
        if target.exists():
            notices.append(f"{target} is there and stays as it is.")
            continue
        aside = target.with_name(f".{target.name}.restoring")
        shutil.rmtree(aside, ignore_errors=True)
        for file in files:
            _write(store, file, aside / file.path.removeprefix(f"{name}/"))
        aside.rename(target)
    return notices


def _write(store: Store, file: KeptFile, path: Path) -> None:
    """Write one file out of its pieces, with its time, for its owner alone; nothing that is there is followed or written over."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as target:
            for piece in file.pieces:
                target.write(store.piece(piece))
            target.flush()
            os.fsync(target.fileno())
        if path.stat().st_size != file.size:
            raise ClientelaError(f"The backup's {file.path} has another size than its list says; it is damaged.")
        os.utime(path, ns=(file.modified_ns, file.modified_ns))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
