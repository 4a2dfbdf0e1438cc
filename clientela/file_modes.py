"""Who may read what on disk: the data folder is its owner's alone, `published/` is for the group of `publish.group`.

    data/                       0700, or 0710 of the group, so that its members can pass to published/
    data/published/ and below   folders 0750, files 0640, of the group
    everything else in data/    folders 0700, files 0600

What a run writes is closed from its first byte, by the process's umask; a published file is given to the group before it
is switched in. A data folder that was wider is closed when the next run opens it.
"""

import grp
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clientela.config.company import Config
from clientela.errors import ClientelaError, ConfigError

PRIVATE_UMASK = 0o077
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_SHARED_FOLDER, _SHARED_FILE = 0o750, 0o640
#: members of the group may pass through, and see nothing
_PASSAGE = 0o710


def make_data_folder(folder: Path) -> None:
    """The data folder, or one directly in it, closed to others from the start; one that is there stays as it is."""
    folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)


def make_shared_folder(folder: Path) -> None:
    """A folder of published/, of the same group as the folder that it is in."""
    if not folder.is_dir():
        if not folder.parent.is_dir():
            make_shared_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _set(folder, _SHARED_FOLDER, folder.parent.stat().st_gid)


def share(path: Path) -> None:
    """Let the group of its folder read a file of published/: done before others see it."""
    _set(path, _SHARED_FILE, path.parent.stat().st_gid)


def close_export(config: Config, folder: Path) -> None:
    """Let those read an export, and nobody else, who may read what is published: the group of `publish.group`, or its owner."""
    group = _group(config.publish.group)
    for path in folder.iterdir():
        _set(path, _PRIVATE_FILE if group is None else _SHARED_FILE, group)
    _set(folder, _PRIVATE_FOLDER if group is None else _SHARED_FOLDER, group)


def give_to(folder: Path, file: Path, group: str | None) -> None:
    """Let a group, and nobody else, read a folder and a file in it; its owner alone where no group is named."""
    number = _group(group)
    _set(file, _PRIVATE_FILE if number is None else _SHARED_FILE, number)
    _set(folder, _PRIVATE_FOLDER if number is None else _SHARED_FOLDER, number)


@contextmanager
def private_files() -> Iterator[None]:
    """While it lasts, what this process writes is its owner's alone."""
    before = os.umask(PRIVATE_UMASK)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def closed(config: Config) -> Iterator[str | None]:
    """While it lasts, what this process writes is its owner's alone. Gives a sentence if the data folder was wider.

    Raises ConfigError, with nothing touched, for a group that is not there or that the runner cannot give files to, and
    for a data folder that holds more than what clientela writes.
    """
    _need_folder_of_its_own(config)
    group = _group(config.publish.group)
    for name, profile in config.publish.profiles.items():
        _group(profile.group, f"publish.profiles.{name}.group")
        if profile.group is not None and config.profile_folder(name).is_relative_to(config.data):
            raise ConfigError(
                f"publish.profiles.{name}: the data folder is closed to the group {profile.group!r}; name a folder outside of it."
            )
    with private_files():
        try:
            make_data_folder(config.data)
        except OSError as error:
            raise ClientelaError(
                f"{config.data} cannot be the data folder: {error.strerror}; it must be a folder that the user who runs "
                "clientela can make and write."
            ) from error
        yield _close(config, group)


def too_wide(config: Config) -> list[str]:
    """A sentence for each thing in the data folder that others may reach and should not."""
    try:
        next(config.data.iterdir(), None)
    except OSError:
        return []
    wide = [
        path for path, wanted, group in _wanted(config, _group(config.publish.group)) if _is_wider(path, wanted, group)
    ]
    return [
        f"{path} has mode {stat.S_IMODE(path.lstat().st_mode):04o} and belongs to {_owner(path)}: others of this machine "
        "can reach it; the next run closes what belongs to the user that it runs as"
        for path in wide[:5]
    ] + ([f"and {len(wide) - 5:,} more"] if len(wide) > 5 else [])


def _close(config: Config, group: int | None) -> str | None:
    """Give everything its mode; the data folder first, so that nobody can reach in meanwhile."""
    changed = 0
    was_wide = _is_wider(config.data, *_of_data(group))
    _set(config.data, *_of_data(group))
    # what cannot be read or written here is said by whoever needs it
    with suppress(OSError):
        make_shared_folder(config.published)
        for path, wanted, gid in _wanted(config, group):
            is_wider = _is_wider(path, wanted, gid)
            if is_wider or (wanted in (_SHARED_FOLDER, _SHARED_FILE) and _differs(path, wanted, gid)):
                changed += is_wider
                _set(path, wanted, gid)
    if not (was_wide or changed):
        return None
    with suppress(OSError):
        _close_below(config)
    left = too_wide(config)
    if left:
        return f"The data folder is open to others: {left[0]}."
    return (
        "The data folder could be reached by others of this machine; now it is its owner's alone"
        + (f", and published/ is for the group {config.publish.group}." if config.publish.group else ".")
        + ("" if config.publish.group else " `publish: {group: …}` lets a group read published/.")
    )


def _close_below(config: Config) -> None:
    """Take from others what they could do below the closed folders too: a folder may be opened, or moved, some day."""
    for folder, folders, files in os.walk(config.data):
        if Path(folder) == config.published:
            folders.clear()
            continue
        for path in (Path(folder) / name for name in (*folders, *files)):
            if path != config.published and not path.is_symlink():
                mode = stat.S_IMODE(path.lstat().st_mode)
                if mode & 0o077:
                    path.chmod(mode & 0o700)


def _wanted(config: Config, group: int | None) -> Iterator[tuple[Path, int, int | None]]:
    """(path, mode, group) of the data folder and what lies in it. A closed folder closes what is below it."""
    yield (config.data, *_of_data(group))
    for path in sorted(config.data.iterdir()):
        if path.is_symlink():
            continue
        if path == config.published:
            yield path, _SHARED_FOLDER, group
            for folder, _, files in os.walk(path):
                if Path(folder) != path:
                    yield Path(folder), _SHARED_FOLDER, group
                for name in files:
                    if not (Path(folder) / name).is_symlink():
                        yield Path(folder) / name, _SHARED_FILE, group
        else:
            yield path, _PRIVATE_FOLDER if path.is_dir() else _PRIVATE_FILE, None


def _of_data(group: int | None) -> tuple[int, int | None]:
    return (_PRIVATE_FOLDER, None) if group is None else (_PASSAGE, group)


def _is_wider(path: Path, wanted: int, group: int | None) -> bool:
    """Whether others may do more with it than they should, be it as members of another group."""
    with suppress(FileNotFoundError):
        seen = path.lstat()
        open_to = stat.S_IMODE(seen.st_mode) & 0o077
        is_others = group is not None and seen.st_gid != group and bool(open_to & 0o070)
        return bool(open_to & ~wanted) or is_others
    return False


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.lstat().st_uid}"


def _differs(path: Path, wanted: int, group: int | None) -> bool:
    with suppress(FileNotFoundError):
        seen = path.lstat()
        return stat.S_IMODE(seen.st_mode) != wanted or (group is not None and seen.st_gid != group)
    return False


def _set(path: Path, mode: int, group: int | None) -> None:
    """Set mode and group, as far as the path is ours and the file system knows such."""
    with suppress(OSError):
        if group is not None and path.stat().st_gid != group:
            # first the mode: the new group gets nothing that it should not
            path.chmod(mode & 0o700)
            os.chown(path, -1, group)
        path.chmod(mode)


def _group(name: str | None, setting: str = "publish.group") -> int | None:
    """The number of a group that a setting names. Raises ConfigError if the runner is not in it, or there is none such."""
    if name is None:
        return None
    try:
        group = grp.getgrnam(name).gr_gid
    except KeyError:
        raise ConfigError(
            f"{setting} = {name!r}: there is no such group on this machine; `groupadd` makes it."
        ) from None
    if os.geteuid() != 0 and group not in (os.getegid(), *os.getgroups()):
        raise ConfigError(
            f"{setting} = {name!r}: the user that runs clientela is not a member, so cannot give files to it; "
            "`usermod --append --groups` makes it one, from its next session on."
        )
    return group


def _need_folder_of_its_own(config: Config) -> None:
    """Raise ConfigError if something of the company's lies in the data folder: it would be closed with it."""
    inside = {"clientela.yml": config.path}
    if config.reference_folder is not None:
        inside["reference_folder"] = config.located(config.reference_folder)
    if config.models is not None:
        inside["models_path"] = config.models
    for name, path in inside.items():
        if path.is_relative_to(config.data):
            raise ConfigError(
                f"data_folder = {config.data_folder}: {name} lies in it, and what clientela writes is closed to others; "
                "name a folder of its own, such as data."
            )
