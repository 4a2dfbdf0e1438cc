"""`clientela upgrade`: a company that an earlier version ran goes on with its ids and its history.

Here is when it may be done and what is said of it. How it is done is in `clientela.warehouse.upgrade`, and what
each step changes in `clientela.warehouse.upgrade_steps`.
"""

from contextlib import suppress
from dataclasses import dataclass

import duckdb

from clientela import file_modes, stopping
from clientela.config.company import Config
from clientela.errors import ClientelaError, InternalError
from clientela.pipeline.leftovers import remove_leftovers
from clientela.pipeline.progress import Watcher, silent
from clientela.warehouse import upgrade as steps
from clientela.warehouse.faults import explained, is_full
from clientela.warehouse.lock import hold_lock
from clientela.warehouse.schema_version import SCHEMA_VERSION


@dataclass(frozen=True)
class Upgraded:
    """What was done, or would be. `changes`: a sentence for each thing that changes."""

    from_version: int
    to_version: int
    is_done: bool
    changes: list[str]
    message: str


def upgrade(config: Config, watch: Watcher = silent, *, is_dry_run: bool = False) -> Upgraded:
    """Bring warehouse and memory's copy to the present version, or say what that would change.

    Raises RunningError while a run is under way, and ClientelaError, with everything as it was, for a company that has
    neither warehouse nor copy, for what a later version made, and for a step that fails.
    """
    if not config.warehouse.is_file() and not steps.copy_of_memory(config).is_dir():
        raise ClientelaError(
            f"{config.company} has no warehouse yet; `clientela run` makes it, of the present version."
        )
    with file_modes.closed(config) as notice, hold_lock(config.data, "Upgrade"):
        if notice:
            watch("notice", "data folder", notice)
        if not is_dry_run:
            remove_leftovers(config)
        try:
            planned = steps.plan(config)
        except (duckdb.Error, OSError) as error:
            raise explained(error, config) from error
        version = SCHEMA_VERSION if planned.version is None else planned.version
        if not planned.is_needed:
            message = f"The warehouse has schema version {version}, the present one; there is nothing to upgrade."
            return Upgraded(version, SCHEMA_VERSION, False, [], message)
        if is_dry_run:
            message = (
                f"Nothing was changed; `clientela upgrade` goes from schema version {version} to {SCHEMA_VERSION}."
            )
            return Upgraded(version, SCHEMA_VERSION, False, planned.sentences, message)
        try:
            steps.carry_out(config, planned, lambda sentence: watch("notice", "upgrade", sentence))
        except BaseException as error:
            raise _failed(config, planned, error) from error
    message = f"Schema version {SCHEMA_VERSION}, with all ids and history; `clientela run` builds and publishes anew."
    kept = config.data / steps.KEPT
    if kept.is_dir():
        message += f" The files from before are in {kept}: remove them once that run is as it should be."
    return Upgraded(version, SCHEMA_VERSION, True, planned.sentences, message)


def _failed(config: Config, planned: steps.Plan, error: BaseException) -> BaseException:
    """The error as a sentence that says what became of the warehouse."""
    if stopping.asked_by() or not isinstance(error, Exception):
        return error
    known = explained(error, config)
    cause = f"{config.data} is full, and needs room for a second warehouse." if is_full(error) else known.sentence
    if planned.is_rewritten and _is_switched(config):
        sentence = f"The warehouse is upgraded, but memory's copy could not be written; upgrade once more: {cause}"
    else:
        sentence = f"The upgrade failed, and everything is as it was: {cause}"
    return (InternalError if isinstance(known, InternalError) else ClientelaError)(sentence, known.details)


def _is_switched(config: Config) -> bool:
    with suppress(ClientelaError, duckdb.Error, OSError):
        return not steps.plan(config).is_rewritten
    return False
