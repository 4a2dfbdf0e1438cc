"""What came of a run, as a value: its report, and the sentences of what it loaded. Reports are made here and nowhere else.

Where a report is written is in `clientela.pipeline.status`, whom it alarms in `clientela.pipeline.alarm`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from clientela.errors import ClientelaError, NotPublishedError, StoppedError
from clientela.exit_codes import INCOMPLETE, WELL
from clientela.load.outcome import Outcome
from clientela.warehouse.lock import Holder
from clientela.wording import counted, listed

if TYPE_CHECKING:
    from clientela.pipeline.pipeline_run import PipelineRun

NOTHING_NEW = "Nothing new arrived; the published file is as it was."


#: kinds of run that a person asked for, and that do not publish
REQUESTED_KINDS = ("reload", "unload", "reapply", "train", "plan", "audience")


_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class SourceStatus:
    """The state of one feed after a run. `age_days` counts from the end of its last event's day to the run."""

    source: str
    entity: str
    status: str
    reason: str
    is_required: bool
    is_stale: bool
    age_days: int | None
    validation_report: str | None
    feed: str = ""


@dataclass(frozen=True)
class Report:
    """What a run did, as `status.json` holds it. `alarm`: what went wrong with the company's command, if anything."""

    run_id: str
    kind: str
    status: str
    message: str
    exit_code: int
    started_at: str
    ended_at: str
    as_of: str | None
    known_at: str | None
    published: str | None
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    sources: list[SourceStatus] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    #: what the run did besides, such as closing a data folder that was open to others
    notices: list[str] = field(default_factory=list)
    alarm: str = ""
    #: the page of the morning report, if this run wrote it
    report: str | None = None


def summarise(run: PipelineRun, error: ClientelaError | None, states: Sequence[SourceStatus]) -> Report:
    """The report of a run that ends now, with this error or none, and its sources in these states."""
    is_incomplete = bool(run.warnings) or any(state.is_stale for state in states)
    message, exit_code = run.message, INCOMPLETE if is_incomplete else WELL
    if error is not None:
        status = "stopped" if isinstance(error, StoppedError) else "failed"
        message, exit_code = error.sentence, error.exit_code
    elif run.published is not None:
        status = "published"
    elif run.kind in REQUESTED_KINDS:
        status, exit_code = "done", WELL
    else:
        status = "nothing new"
    return Report(
        run_id=run.run_id,
        kind=run.kind,
        status=status,
        message=clean(message),
        exit_code=exit_code,
        started_at=run.now.isoformat(timespec="seconds"),
        ended_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        as_of=run.as_of_on.isoformat() if run.as_of_on else None,
        known_at=run.known_at.isoformat(timespec="seconds"),
        published=str(run.published.path) if run.published else None,
        outcomes=[_outcome_as_dict(outcome) for outcome in run.outcomes],
        sources=list(states),
        failures=error.details.splitlines() if error else [],
        notices=[*run.notices, *run.warnings],
        report=str(run.report_path) if run.report_path else None,
    )


def summarise_killed(left: Holder) -> Report:
    """The report of a run that never ended, by what the lock's file still says of it."""
    since = left.since.isoformat(timespec="seconds")
    sentence = (
        f"{left.sentence} never ended: it was killed, or the machine went down. The published file is whole; "
        "the next run takes up what is left."
    )
    return Report("", left.kind, "killed", sentence, NotPublishedError.exit_code, since, since, None, None, None)


def as_dict(report: Report) -> dict[str, Any]:
    """The report as `status.json` holds it."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(report), default=str))
    return plain


def clean(text: str) -> str:
    """The text without what a terminal, an environment variable or UTF-8 cannot hold."""
    return _UNPRINTABLE.sub("�", text)


def outcome_sentence(outcome: Outcome) -> str:
    """What came of one batch, with the files that were left alone."""
    return "; ".join((_counts_sentence(outcome), *(f"left alone: {sentence}" for sentence in outcome.ignored)))


def _counts_sentence(outcome: Outcome) -> str:
    if outcome.status != "loaded":
        return f"{outcome.status}{f': {outcome.reason}' if outcome.reason else ''}"
    sentence = f"{outcome.loaded:,} of {counted(outcome.delivered, 'row')} loaded"
    if outcome.unchanged:
        sentence += f", {outcome.unchanged:,} unchanged"
    if outcome.quarantined:
        sentence += f", {outcome.quarantined:,} quarantined"
    if outcome.left_out:
        sentence += f", {outcome.left_out:,} left out"
    if outcome.forgotten:
        sentence += f", {outcome.forgotten:,} forgotten"
    if outcome.expired:
        sentence += f", {outcome.expired:,} expired"
    if outcome.deleted:
        sentence += f", {outcome.deleted:,} vanished"
    if outcome.new_columns:
        sentence += f", new columns not used: {', '.join(outcome.new_columns)}"
    names = listed([check.expect.name for check in outcome.warnings])
    return sentence + (f", {counted(len(outcome.warnings), 'warning')}: {names}" if names else "")


def _outcome_as_dict(outcome: Outcome) -> dict[str, Any]:
    values = {
        name: value
        for name, value in outcome.__dict__.items()
        if name not in ("checks", "validation_report", "feed_name")
    }
    values["feed"] = outcome.feed
    values["warnings"] = [f"{c.expect.name}: {c.expect.description} Found: {c.observed}" for c in outcome.warnings]
    values["validation_report"] = outcome.validation_report.name if outcome.validation_report else None
    return values
