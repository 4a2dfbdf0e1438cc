"""One run at a time for one company: a lock of the operating system's, which a killed run cannot leave behind."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from clientela.errors import ClientelaError, RunningError
from clientela.file_modes import make_data_folder


@contextmanager
def hold_lock(data_folder: Path, what: str) -> Iterator[None]:
    """Hold the company's lock. Raises RunningError at once, naming the run that holds it."""
    make_data_folder(data_folder)
    path = data_folder / "lock"
    try:
        # others could keep every run away by a lock of their own on a file that they may open
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ClientelaError(
            f"The lock {path} cannot be opened ({error.strerror}); it must be a file of the user that runs clientela."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunningError(
                f"{_holder(path)} is under way for this company; nothing was done. Wait for it, or stop it."
            ) from None
        os.ftruncate(handle, 0)
        told = {"what": what, "process": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        os.write(handle, json.dumps(told).encode())
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _holder(path: Path) -> str:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return f"{told['what']} (process {told['process']}, since {told['since']})"
    except (OSError, ValueError, KeyError):
        return "Another run"
