"""The errors that a person reads: one sentence first (what, where, what to do), details after.

Whatever is not one of these is an internal error and keeps its stack trace.
"""

import errno
import os
from pathlib import Path
from typing import Any

import duckdb

from clientela import exit_codes

#: what the machine has no more of, or does not let us write
_RUN_OUT = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
#: folders below a company's data that only clientela writes
_OWN = ("landing", "scratch", "spill")


class ClientelaError(Exception):
    """A fault outside the program, said in one sentence. `exit_code` is what a scheduler sees."""

    exit_code = exit_codes.NOT_PUBLISHED

    def __init__(self, sentence: str, details: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details
        #: the `run_summary.Report` of the run that ended with it, once its end is written
        self.report: Any = None


class ConfigError(ClientelaError):
    """The configuration cannot be used; nothing was touched."""

    exit_code = exit_codes.UNUSABLE


class QueryError(ClientelaError):
    """A question to the published file cannot be answered as it was typed."""

    exit_code = exit_codes.UNUSABLE


class DeliveryError(ClientelaError):
    """What a source delivered cannot be read as its configuration says; it refuses the batch, not the run."""


class RunningError(ClientelaError):
    """Another run holds the company's lock."""

    exit_code = exit_codes.BUSY


class NotPublishedError(ClientelaError):
    """The night ended without a publication; the published file is as it was."""


class StoppedError(ClientelaError):
    """A signal asked the run to stop before it had published."""

    exit_code = exit_codes.STOPPED


class InternalError(ClientelaError):
    """A fault of the program itself, for the report of the night; the exception that caused it follows."""

    exit_code = exit_codes.INTERNAL_ERROR


def is_resource_error(error: duckdb.Error | OSError, data: Path | None = None) -> bool:
    """Memory, disk or open files ran out, or what clientela keeps below `data` fails: no fault of what was delivered, and no
    reason to refuse it."""
    if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in str(error):
        return True
    if not isinstance(error, OSError):
        return False
    path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    is_own = data is not None and path is not None and any(path.is_relative_to(data / name) for name in _OWN)
    return error.errno in _RUN_OUT or is_own


def unreadable(error: OSError, called: str) -> str:
    """The sentence about a delivered file, or the folder it lies in, that cannot be had; `called` where the error names none."""
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else called
    return f"{path} cannot be read: {error.strerror or str(error).splitlines()[0]}"
