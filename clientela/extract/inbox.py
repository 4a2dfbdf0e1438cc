"""The inbox: what the patterns of a feed name, whether it may be read, and opening it.

Below a configured folder anything may lie: whoever delivers there is not the user who reads it. Read are regular files
alone, with one name each, which nobody could have written but the runner, root and `inbox.trusted_owners`. The folder
itself may be a link; below it none is followed, and what is read is judged by its open descriptor, so that nothing can be
put in its place in between. What is new among the files is not decided here.
"""

import errno
import fnmatch
import glob
import grp
import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from clientela.config.company import Config
from clientela.config.read import package_path
from clientela.errors import ConfigError, DeliveryError

PACKAGE = "package:"
#: what the operating system says of a file that is not there, or not for us: no fault of the machine
_NOT_READABLE = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ODD = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
_ACCESS_LIST = "system.posix_acl_access"
_TOLD = 3


@dataclass(frozen=True)
class InboxFile:
    """A file that may be read, as it stood when it was seen. `below`: its path from the configured folder on."""

    root: Path
    below: tuple[str, ...]
    seen: os.stat_result
    #: users whose files are read; None for a file of an installed package, which is as trusted as our own code
    owners: frozenset[int] | None

    @property
    def path(self) -> Path:
        return self.root.joinpath(*self.below)

    @property
    def name(self) -> str:
        return self.below[-1]


@dataclass(frozen=True)
class Found:
    """What the patterns name: files that may be read, and a sentence for each that is refused or left alone."""

    files: tuple[InboxFile, ...] = ()
    refused: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def trusted(self) -> tuple[InboxFile, ...]:
        """The files. Raises DeliveryError if one of what was delivered is refused: a delivery is read whole or not at all."""
        if self.refused:
            more = len(self.refused) - _TOLD
            raise DeliveryError("; ".join(self.refused[:_TOLD]) + (f"; and {more:,} more" if more > 0 else ""))
        return self.files


def trusted_owners(config: Config) -> frozenset[int]:
    """The users whose files are read. A name that this machine does not know owns nothing here."""
    owners = {0, os.geteuid()}
    for owner in config.inbox.trusted_owners:
        if isinstance(owner, int):
            owners.add(owner)
        else:
            try:
                owners.add(pwd.getpwnam(owner).pw_uid)
            except KeyError:
                continue
    return frozenset(owners)


def look(config: Config, patterns: Sequence[str]) -> Found:
    """What the patterns name now, sorted by name; no folders, hidden files, or what Excel leaves beside an open one.

    Raises DeliveryError for a folder that cannot be read, or a configured one inside the data folder.
    """
    owners = trusted_owners(config)
    files: dict[Path, InboxFile] = {}
    refused: dict[Path, str] = {}
    ignored: dict[Path, str] = {}
    own = 0
    for pattern in patterns:
        if pattern.startswith(PACKAGE):
            files |= {file.path: file for file in _of_package(pattern)}
            continue
        root, parts = _parted(config.path.parent, os.path.expandvars(pattern))
        if root.is_relative_to(config.data):
            raise DeliveryError(
                f"{pattern} lies in the data folder, which holds what clientela writes and is closed to others; deliver "
                "into a folder of its own"
            )
        for below, is_on_the_way in _matches(root, parts):
            path = root.joinpath(*below)
            if path.name.startswith((".", "~$")):
                continue
            if path.is_relative_to(config.data):
                own += 1
                continue
            shown = _shown("/".join(below))
            try:
                seen = path.lstat()
            except PermissionError:
                refused[path] = f"{shown} cannot be read: Permission denied"
                continue
            except OSError:
                continue
            if stat.S_ISLNK(seen.st_mode):
                leads_to = _kind(path, is_followed=True)
                if _is_circle(path):
                    ignored[path] = f"{shown} is a link in a circle"
                elif leads_to == stat.S_IFREG or (is_on_the_way and leads_to == stat.S_IFDIR):
                    refused[path] = (
                        f"{shown} is a link, and below the configured folder none is followed: deliver the file itself, "
                        "or name the folder that it leads to in `files`"
                    )
                else:
                    ignored[path] = f"{shown} is a link that leads to no file"
            elif kind := _ODD.get(stat.S_IFMT(seen.st_mode)):
                ignored[path] = f"{shown} is {kind}, not a file"
            elif stat.S_ISREG(seen.st_mode):
                file = InboxFile(root, below, seen, owners)
                if fault := _fault(file, seen):
                    refused[path] = fault
                else:
                    files[path] = file
    sentences = list(ignored.values())
    if own:
        sentences.append(
            f"{own:,} file{'s' * (own != 1)} in the data folder, where clientela writes, are no deliveries"
        )
    return Found(
        tuple(sorted(files.values(), key=lambda file: (file.name, str(file.path)))),
        tuple(refused.values()),
        tuple(sentences),
    )


def need_folders(config: Config, patterns: Sequence[str]) -> None:
    """Raise OSError if the folder that a pattern begins with is not there, or may not be looked into: a share that is not
    mounted looks empty otherwise."""
    for pattern in patterns:
        if not pattern.startswith(PACKAGE):
            root, _ = _parted(config.path.parent, os.path.expandvars(pattern))
            with os.scandir(root):
                pass


@contextmanager
def opened(file: InboxFile) -> Iterator[BufferedReader]:
    """The file's bytes, once what was opened is known to be what may be read. Raises DeliveryError otherwise."""
    if file.owners is None:
        with file.path.open("rb") as source:
            yield source
        return
    try:
        handle = _opened(file)
    except OSError as error:
        if error.errno not in _NOT_READABLE:
            raise
        raise DeliveryError(f"{_shown('/'.join(file.below))} cannot be read: {error.strerror}") from None
    with os.fdopen(handle, "rb") as source:
        is_file = stat.S_ISREG((now := os.fstat(handle)).st_mode)
        if fault := _fault(file, now, handle) if is_file else f"{_shown(file.name)} is no file any more":
            raise DeliveryError(fault)
        yield source


def _opened(file: InboxFile) -> int:
    """A descriptor of the file, gone to folder by folder, none of which may be a link."""
    folder = os.open(file.root, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for name in file.below[:-1]:
            inner = os.open(name, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(file.name, _FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _fault(file: InboxFile, seen: os.stat_result, handle: int | None = None) -> str | None:
    """Why a regular file may not be read; None if it may."""
    shown = _shown("/".join(file.below))
    owners = file.owners or frozenset()
    try:
        file.name.encode("utf-8")
    except UnicodeEncodeError:
        return f"{shown}: its name is not written in UTF-8; rename it"
    if seen.st_nlink > 1:
        return f"{shown} has {seen.st_nlink} hard links, so it may be another file under this name; deliver a copy"
    if seen.st_uid not in owners:
        owner = _user(seen.st_uid)
        return (
            f"{shown} belongs to {owner}, who is not trusted to deliver; if it should be so, say "
            f"`inbox: {{trusted_owners: [{owner}]}}`"
        )
    if seen.st_mode & stat.S_IWOTH:
        return (
            f"{shown} can be written by everybody on this machine; take that away where it is delivered (`chmod o-w`)"
        )
    if seen.st_mode & stat.S_IWGRP and (writers := _writers(seen, owners, handle if handle is not None else file.path)):
        return (
            f"{shown} can be written by {writers}, not trusted to deliver; take that away where it is delivered "
            "(`chmod g-w`), or name them in `inbox: {trusted_owners: …}`"
        )
    return None


def _writers(seen: os.stat_result, owners: frozenset[int], file: int | Path) -> str:
    """Who may write a file through its group besides those trusted; empty if there is nobody.

    A user's private group, as many systems give each user, has no one else in it.
    """
    if hasattr(os, "getxattr") and _has_access_list(file):
        return "others by an access list"
    if seen.st_gid == 0:
        return ""
    try:
        group = grp.getgrgid(seen.st_gid)
    except KeyError:
        return "" if seen.st_gid == seen.st_uid else f"the group {seen.st_gid}"
    users = pwd.getpwall()
    known = {user.pw_name: user.pw_uid for user in users}
    members = {known.get(name, -1) for name in group.gr_mem}
    members |= {user.pw_uid for user in users if user.pw_gid == seen.st_gid}
    return "" if members <= owners else f"the group {group.gr_name}"


def _has_access_list(file: int | Path) -> bool:
    try:
        return bool(os.getxattr(file, _ACCESS_LIST, follow_symlinks=isinstance(file, int)))
    except OSError:
        return False


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _of_package(pattern: str) -> Iterator[InboxFile]:
    """The files of an installed package: package managers link them from their cache, and they are code, not deliveries."""
    for match in glob.glob(os.path.expandvars(package_path(pattern)), recursive=True):
        path = Path(match)
        if path.is_file() and not path.name.startswith((".", "~$")):
            yield InboxFile(path.parent, (path.name,), path.stat(), None)


def _parted(folder: Path, pattern: str) -> tuple[Path, tuple[str, ...]]:
    """The configured folder of a pattern, any links resolved, and what is looked for below it: its part without wildcards
    and the rest; of a pattern without any, the file's folder and its name."""
    parts = Path(pattern).parts
    fixed = 0
    while fixed < len(parts) - 1 and not glob.has_magic(parts[fixed]):
        fixed += 1
    if ".." in parts[fixed:]:
        raise ConfigError(f"files = {pattern}: `..` cannot stand behind a wildcard; begin at the folder itself.")
    return folder.joinpath(*parts[:fixed]).resolve(), parts[fixed:]


def _matches(root: Path, parts: tuple[str, ...], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Paths below the root that match, whatever they are, and whether it is a link on the way to what is looked for: no
    link is entered."""
    if not parts:
        return
    here, rest = parts[0], parts[1:]
    folder = root.joinpath(*above)
    if here == "**":
        yield from _matches(root, rest or ("*",), above)
        for name in _names(folder):
            path = folder / name
            kind = _kind(path)
            if kind == stat.S_IFLNK and _kind(path, is_followed=True) == stat.S_IFDIR:
                yield (*above, name), True
            elif kind == stat.S_IFDIR and not name.startswith("."):
                yield from _matches(root, parts, (*above, name))
        return
    if glob.has_magic(here):
        is_hidden = here.startswith(".")
        names = [name for name in fnmatch.filter(_names(folder), here) if is_hidden or not name.startswith(".")]
    else:
        names = [here]
    for name in names:
        path = folder / name
        kind = _kind(path)
        if not rest:
            if os.path.lexists(path):
                yield (*above, name), False
        elif kind == stat.S_IFLNK and _kind(path, is_followed=True) == stat.S_IFDIR:
            yield (*above, name), True
        elif kind == stat.S_IFDIR:
            yield from _matches(root, rest, (*above, name))


def _kind(path: Path, *, is_followed: bool = False) -> int:
    """The type bits of its mode; 0 for what is not there, leads nowhere or may not be seen."""
    try:
        return stat.S_IFMT(path.stat(follow_symlinks=is_followed).st_mode)
    except OSError:
        return 0


def _is_circle(link: Path) -> bool:
    """Whether a link leads to a folder that it lies in, or to itself: nothing is behind it that is not here."""
    try:
        return link.parent.resolve().is_relative_to(link.resolve(strict=True))
    except FileNotFoundError:
        return False
    except (OSError, RuntimeError):
        return True


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        raise DeliveryError(f"the folder {_shown(folder.name)} cannot be read: Permission denied") from None
