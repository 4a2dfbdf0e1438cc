"""What went wrong, as a sentence for a person: the true cause behind an error of DuckDB or of the machine.

Which runs say it, and where, is in `clientela.pipeline.run_summary`.
"""

import errno
import os
import re
from pathlib import Path

import duckdb

from clientela import stopping
from clientela.config.company import Config
from clientela.errors import ClientelaError, InternalError, NotPublishedError, StoppedError
from clientela.masking import failure_without_values

_FULL = "No space left on device"


#: what DuckDB says of a file whose bytes are not those it wrote
_DAMAGE = ("Corrupt database file", "not a valid DuckDB database file", "Serialization Error", "INTERNAL Error")


def explained(error: BaseException, config: Config) -> ClientelaError:
    """The error as a sentence for a person: its true cause, where, and what to do. A fault of our own is a InternalError."""
    if (name := stopping.asked_by()) or not isinstance(error, Exception):
        by = f" by {name}" if name else ""
        return StoppedError(f"The run was stopped{by}; nothing was published. The next run takes up what is left.")
    if isinstance(error, ClientelaError):
        return error
    line = failure_without_values(first_line(error))
    if is_full(error):
        return NotPublishedError(
            f"{_FULL} in {_folder_of(error, config)}: make room there, and the next run takes up what is left. ({line})"
        )
    if isinstance(error, MemoryError):
        return NotPublishedError("The machine's memory ran out; give it more, or let limits.memory be less.")
    if isinstance(error, duckdb.Error):
        if is_damage(error):
            return NotPublishedError(damaged(config.warehouse, error, "Put a backup of it in its place."))
        return NotPublishedError(f"The warehouse could not go on: {line}")
    if isinstance(error, OSError):
        return NotPublishedError(f"The machine could not go on: {error}")
    return InternalError(f"An internal error ended the run: {type(error).__name__}: {line}")


def is_full(error: BaseException) -> bool:
    """Whether a disk had no room left."""
    return _FULL in str(error) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def first_line(error: BaseException) -> str:
    """The first line of what an error says."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def is_damage(error: duckdb.Error) -> bool:
    """Whether DuckDB says that the bytes of a file are not those it wrote."""
    return isinstance(error, duckdb.FatalException) or any(sign in str(error) for sign in _DAMAGE)


def damaged(path: Path, error: BaseException, remedy: str) -> str:
    """The sentence for a file that cannot be read."""
    return f"{path} cannot be read: {first_line(error).rstrip('.')}. {remedy}"


def _folder_of(error: BaseException, config: Config) -> Path:
    named = getattr(error, "filename", None) or next(iter(re.findall(r'file "([^"]+)"', str(error))), None)
    return Path(os.fsdecode(named)).parent if named and Path(os.fsdecode(named)).is_absolute() else config.data
