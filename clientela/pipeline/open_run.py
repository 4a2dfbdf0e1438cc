"""How a run begins, and the frame around its steps: the company's lock, a warehouse made ready, an end that is always written."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import duckdb

from clientela import file_modes, project_files, stopping, transform
from clientela.config.company import Config
from clientela.errors import ClientelaError, InternalError, NotPublishedError, RunningError
from clientela.extract.readers.database import require_drivers
from clientela.load import renew
from clientela.load.ledger import drop_staged
from clientela.masking import NEXT_SECRET_FILE, read_secret
from clientela.pipeline import audience_writes
from clientela.pipeline.ending import end_run
from clientela.pipeline.leftovers import remove_leftovers
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.progress import Watcher, silent
from clientela.pipeline.run_summary import Report
from clientela.pipeline.status import killed_status, write_status
from clientela.privacy.forget import is_unproven, settle
from clientela.warehouse import audit, keys, schema_version, tables
from clientela.warehouse.faults import damaged, first_line, is_damage
from clientela.warehouse.ledger_copy import has_copies
from clientela.warehouse.lock import RUN_OF, hold_lock


@contextmanager
def open_run(
    config: Config, kind: str = "night", watch: Watcher = silent, now: datetime | None = None
) -> Iterator[PipelineRun]:
    """Hold the company's lock, make the warehouse ready, and open the run in the ledger. However it ends, its end is written.

    What goes wrong is raised as a ClientelaError that bears the run's report; a fault of the program itself as it is.
    Raises RunningError, and says nothing else, if another run holds the lock.
    """
    run = PipelineRun(config, kind, now or datetime.now(UTC), watch)
    with ExitStack() as held:
        try:
            held.enter_context(stopping.interrupting(run.session.interrupt))
            require_drivers(config)
            transform.require_engine(config)
            notice = held.enter_context(file_modes.closed(config))
            left = held.enter_context(hold_lock(config.data, f"{RUN_OF}{kind}"))
            if notice:
                run.notices.append(notice)
                watch("notice", "data folder", notice)
            if left is not None:
                write_status(config, killed_status(config, left))
            remove_leftovers(config)
            begin(run)
            stopping.check()
            yield run
            if not run.is_done:
                stopping.check()
        except RunningError:
            raise
        except BaseException as fault:
            # a caller that leaves early has said in `failure` why
            is_left = isinstance(fault, GeneratorExit) and (run.is_done or not stopping.asked_by())
            error = end_run(run, None if is_left else fault).error
            if (
                error is None
                or isinstance(error, InternalError)
                or not isinstance(fault, Exception | KeyboardInterrupt)
            ):
                raise
            raise error from fault
        ending = end_run(run, None)
        if ending.internal_error is not None:
            raise ending.internal_error
        if ending.error is not None and ending.error is not run.failure:
            raise ending.error


# an error that a signal raises amid this would keep the end from being written
stopping.undisturbed(open_run.__wrapped__.__code__)  # type: ignore[attr-defined]


def take_steps(
    config: Config, kind: str, watch: Watcher, now: datetime | None, steps: Callable[[PipelineRun], None]
) -> Report:
    """Take these steps as one run; gives its report. Raises only what is a fault of the program itself, and RunningError."""
    try:
        with open_run(config, kind, watch, now) as run:
            steps(run)
    except ClientelaError as error:
        if not isinstance(error.report, Report):
            raise
        return error.report
    assert run.report is not None, "a run that ended has a report"
    return run.report


def begin(run: PipelineRun) -> None:
    """Make the warehouse ready, without what a killed run left there, and open the run in the ledger."""
    config = run.config
    require_no_loss(config)
    if (config.data / NEXT_SECRET_FILE).exists():
        keys.settle_rotation(run.connection, config.data)
    # before there is a warehouse: beside one a secret is never made anew
    read_secret(config.data)
    try:
        schema_version.require_present(run.connection, config.warehouse, config.memory)
        tables.prepare(run.connection)
        drop_staged(run.connection)
    except (duckdb.Error, OSError) as error:
        raise _unopened(config, error) from error
    keys.keep_keys(run.connection, config.data)
    renew.renew(run.connection, config)
    audience_writes.settle(run.connection, config, run.now)
    if is_unproven(config):
        settle(run.connection, config)
    run.connection.execute(
        "update ledger.runs set status = 'killed', message = 'ended without a word' where status = 'running'"
    )
    same = run.connection.execute(
        "select count(*) from ledger.runs where starts_with(run_id, ?)", [run.run_id]
    ).fetchall()[0][0]
    run.run_id += f"-{same + 1}" if same else ""
    code = project_files.code_version()
    run.connection.execute(
        "insert into ledger.runs values (?, ?, ?, null, 'running', null, ?, ?, ?, null, null, null)",
        [run.run_id, run.kind, run.now, run.known_at, config.fingerprint(), code],
    )
    audit.record_run(run.connection, config, run.kind, run.run_id, code)
    run.has_begun = True


def require_no_loss(config: Config) -> None:
    """Raise NotPublishedError where the copies of memory and ledger are there and the warehouse is not: a new one would hand
    out other ids, and write over them."""
    if config.warehouse.exists() or not has_copies(config):
        return
    raise NotPublishedError(
        f"{config.warehouse} is gone, and {config.memory} holds the copies of its memory: `clientela rebuild` makes it again "
        "from them and the kept files, with the same ids; `clientela restore` brings it back from a backup. Nothing was touched."
    )


def _unopened(config: Config, error: Exception) -> ClientelaError:
    if isinstance(error, duckdb.Error) and is_damage(error):
        return NotPublishedError(damaged(config.warehouse, error, "Put a backup of it in its place."))
    return NotPublishedError(f"The warehouse cannot be opened: {first_line(error)}")
