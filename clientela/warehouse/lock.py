"""One run at a time for one company: a lock of the operating system's, which a killed run cannot leave behind.

What it leaves is its name in the file, by which `holder` tells a run that is under way from one that never ended.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clientela.errors import ClientelaError, RunningError
from clientela.file_modes import make_data_folder

#: what a run of the pipeline is called, and its kind after it; others only look
RUN_OF = "Run of "
#: `holder` tries the lock for an instant: that is not a run
_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, or held it until it was killed."""

    what: str
    process: int
    since: datetime
    is_alive: bool

    @property
    def is_run(self) -> bool:
        """It was to publish, load or unload something."""
        return self.what.startswith(RUN_OF)

    @property
    def kind(self) -> str:
        return self.what.removeprefix(RUN_OF)

    @property
    def sentence(self) -> str:
        return f"{self.what} (process {self.process}, since {self.since.isoformat(timespec='seconds')})"


@contextmanager
def hold_lock(data_folder: Path, what: str) -> Iterator[Holder | None]:
    """Hold the company's lock; gives the run that held it last and never ended, if there is one.

    Raises RunningError at once, naming the run that holds it, and ClientelaError if the lock's file cannot be written.
    """
    path = data_folder / "lock"
    with _opened(path) as handle:
        if not _taken(handle):
            running = _named(path, is_alive=True)
            raise RunningError(
                f"{running.sentence if running else 'Another run'} is under way for this company; nothing was done. "
                "Wait for it, or stop it."
            )
        left = _named(path, is_alive=False)
        left = left if left is not None and left.is_run else None
        before = os.pread(handle, 4096, 0) if left else b""
        values = {"what": what, "process": os.getpid(), "since": datetime.now(UTC).isoformat()}
        _write(handle, path, json.dumps(values).encode())
        try:
            yield left
        finally:
            # one who only looked has not ended what was left
            with suppress(ClientelaError):
                _write(handle, path, b"" if what.startswith(RUN_OF) else before)


def holder(data_folder: Path) -> Holder | None:
    """Who holds the lock now, or held it last and never ended; None if nobody, or if this user may not look."""
    path = data_folder / "lock"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named(path, is_alive=True)
    except OSError:
        return None
    else:
        return _named(path, is_alive=False)
    finally:
        os.close(handle)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        make_data_folder(path.parent)
        # others could keep every run away by a lock of their own on a file that they may open
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield handle
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        else:
            return True


def _write(handle: int, path: Path, text: bytes) -> None:
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, text, 0)
        # the name must outlast a power loss: it is all that tells of the run
        os.fsync(handle)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> ClientelaError:
    return ClientelaError(f"{path} cannot be written, so no run can begin: {error.strerror} in {path.parent}.")


def _named(path: Path, *, is_alive: bool) -> Holder | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Holder(values["what"], int(values["process"]), datetime.fromisoformat(values["since"]), is_alive)
    except (OSError, ValueError, KeyError, TypeError):
        return None
