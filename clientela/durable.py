"""Files that outlast a power loss: on the disk, whole, before they bear their name."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have the bytes of a file, or the names in a folder, outlast a power loss."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def switch_in(aside: Path, path: Path) -> None:
    """Give a file that is written the name of the one whose place it takes, in one step."""
    sync(aside)
    os.replace(aside, path)
    sync(path.parent)


def write(path: Path, content: bytes) -> None:
    """Write a private file in one step: the old content or the new, never half of it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        switch_in(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
