"""How a run ends, whatever ended it: in the ledger, `operations.duckdb` and `status.json`, and by the company's command.

Every end of every kind of run passes through `end_run`, so that none is silent. The sentence of an error is in
`clientela.warehouse.faults`, the report in `clientela.pipeline.run_summary`.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from clientela import stopping
from clientela.errors import ClientelaError, InternalError, NotPublishedError
from clientela.exit_codes import INCOMPLETE, WELL
from clientela.load.ledger import drop_staged
from clientela.pipeline.alarm import announce
from clientela.pipeline.build_cache import loads_state
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.run_summary import REQUESTED_KINDS, Report, SourceStatus, summarise
from clientela.publish import publish_operations
from clientela.report.index import write_index
from clientela.warehouse import ledger_copy, memory
from clientela.warehouse.faults import explained, first_line

#: these publish, so `status.json` tells of each; of the others only when they went wrong
_PUBLISHING_KINDS = ("night", "publish", "forget")


@dataclass(frozen=True)
class Ending:
    """How a run ended. `error`: why it did not do what it was to, if so. `internal_error`: what of our own kept its end from
    being written."""

    error: ClientelaError | None
    internal_error: Exception | None = None


def end_run(run: PipelineRun, fault: BaseException | None) -> Ending:
    """Write the run's end, and call the company's command; `fault` ended it, if anything did.

    Where a part of that cannot be written, as on a full disk, the rest is all the same; the next run takes a run whose
    end is not in the ledger for killed.
    """
    with stopping.deferred():
        error = explained(fault, run.config) if fault is not None else run.failure
        internal_error = None
        try:
            # of a run that never began there is nothing in the ledger
            report = _recorded(run, error) if run.has_begun else summarise(run, error, [])
        except Exception as unwritten:
            known = _explained_at_the_end(unwritten, run)
            internal_error = unwritten if isinstance(known, InternalError) else None
            report = _unrecorded(run, error, known)
        finally:
            with suppress(Exception):
                run.session.close()
        is_requested = run.kind in REQUESTED_KINDS or run.is_asking
        is_refused_request = is_requested and run.has_begun and error is fault
        if not is_refused_request and (run.kind in _PUBLISHING_KINDS or report.exit_code not in (WELL, INCOMPLETE)):
            report = announce(run.config, report)
        run.report = report
        if error is None and report.status == "failed":
            error = NotPublishedError(report.message)
        if error is not None:
            error.report = report
        stopping.settle()
        run.watch("end", "", report.status)
        return Ending(error, internal_error)


def _recorded(run: PipelineRun, error: ClientelaError | None) -> Report:
    if error is not None or run.kind not in _PUBLISHING_KINDS:
        # whatever transaction it broke off in is not to be gone on with, nor are its temporary views
        run.session.build_in(run.config.warehouse)
    states: list[SourceStatus] = []
    if error is None:
        states = run.source_states()
    else:
        drop_staged(run.connection)
        with suppress(ClientelaError):
            states = run.source_states()
    report = summarise(run, error, states)
    run.connection.execute(
        """
        update ledger.runs
        set ended_at = ?, status = ?, message = ?, as_of_on = ?, published_path = ?, loads_state = ?
        where run_id = ?
        """,
        [
            datetime.fromisoformat(report.ended_at),
            report.status,
            report.message or None,
            run.as_of_on,
            run.published.path.name if run.published else None,
            loads_state(run.connection),
            run.run_id,
        ],
    )
    if run.kind in REQUESTED_KINDS or not memory.is_exported(run.config.memory):
        # what a person decided between two publications, and the keys of a company that has none yet
        memory.export(run.connection, run.config.memory)
    ledger_copy.export(run.connection, run.config.memory)
    publish_operations(run.connection, run.config)
    return _indexed(run, report)


def _indexed(run: PipelineRun, report: Report) -> Report:
    """The report, once the index leads to what the run left; if that fails, it says so."""
    try:
        write_index(run.config)
    except Exception as error:
        warning = f"The index of published pages could not be written: {first_line(error)}"
        return replace(report, notices=[*report.notices, warning], exit_code=report.exit_code or INCOMPLETE)
    return report


def _explained_at_the_end(fault: Exception, run: PipelineRun) -> ClientelaError:
    """The sentence for what kept the end from being written: a stop that was asked for is not to blame for it."""
    return NotPublishedError(first_line(fault)) if stopping.asked_by() else explained(fault, run.config)


def _unrecorded(run: PipelineRun, error: ClientelaError | None, known: ClientelaError) -> Report:
    report = summarise(run, error, [])
    unwritten = f"The end of the run could not be written: {known.sentence}"
    if error is not None:
        return report if known.sentence == error.sentence else replace(report, message=f"{error.sentence} {unwritten}")
    if run.published is None:
        return replace(report, status="failed", message=unwritten, exit_code=known.exit_code)
    return replace(report, message=f"{report.message} {unwritten}".strip(), exit_code=INCOMPLETE)
