"""Starting a night when files arrive, without touching the warehouse: file listings and published/status.json are enough.

A listing that still changes is a copy under way: it is acted on when two looks find the same. What is in the files is
not read here; a night that finds nothing new in them says so and ends. Databases are not looked at: the schedule reads them.
"""

import glob
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from clientela.config.company import Config
from clientela.errors import ClientelaError, DeliveryError
from clientela.extract.inbox import look as look_for
from clientela.pipeline.status import read_status
from dagster_project.defs.schedules import NIGHT_JOB, company_tags, is_automatic

SECONDS_BETWEEN_LOOKS = 60


@dataclass(frozen=True)
class Seen:
    """The sensor's cursor: the listing it saw last, since when, and the listing that a night has taken or will take."""

    listing: str = ""
    since: str = ""
    taken: str = ""

    @classmethod
    def of(cls, cursor: str | None) -> "Seen":
        return cls(**json.loads(cursor)) if cursor else cls()

    def as_cursor(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Look:
    """What came of one look: the next cursor, and either the key of a run to ask for or the reason for none."""

    seen: Seen
    run_key: str | None = None
    reason: str = ""


def listing_of(config: Config) -> str:
    """A hash of which contents lie there to be read, by size and time of change; empty if there is none.

    Names are left out, so that a file which is only renamed or moved starts nothing. What is refused counts by its
    sentence: the run's report has it.
    """
    patterns = [
        (
            f"{source_name}.{entity_name}",
            [*entity.files, *([entity.control_totals.files] if entity.control_totals else [])],
        )
        for source_name, source in config.sources.items()
        for entity_name, entity in source.entities.items()
    ]
    if config.reference_folder is not None:
        patterns.append(("reference", [f"{glob.escape(str(config.located(config.reference_folder)))}/*.csv"]))
    lines = []
    for feed, files in patterns:
        try:
            found = look_for(config, files)
        except DeliveryError as error:
            lines.append(f"{feed} {error.sentence}")
            continue
        lines += [f"{feed} {file.seen.st_size} {file.seen.st_mtime_ns}" for file in found.files]
        lines += [f"{feed} {sentence}" for sentence in found.refused]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16] if lines else ""


def look(listing: str, seen: Seen, status: Mapping[str, Any] | None, is_waiting: bool, now: datetime) -> Look:
    """Decide what one look at the files asks for. `is_waiting`: a night is already in the queue."""
    if not listing:
        return Look(seen, reason="No file has been delivered yet.")
    if listing == seen.taken:
        return Look(seen, reason="No new file.")
    if listing != seen.listing:
        waiting = replace(seen, listing=listing, since=now.isoformat())
        return Look(waiting, reason="Files are arriving; they are taken when the next look finds them unchanged.")
    taken = replace(seen, taken=listing)
    if is_waiting:
        return Look(taken, reason="A night is already in the queue and will take the new files.")
    if status is not None and _has_taken(status, seen):
        return Look(taken, reason=f"Run {status['run_id']} has taken the new files.")
    return Look(taken, run_key=f"files-{listing}")


def _has_taken(status: Mapping[str, Any], seen: Seen) -> bool:
    is_good = status["kind"] == "night" and status["status"] in ("published", "nothing new")
    return is_good and datetime.fromisoformat(status["started_at"]) > datetime.fromisoformat(seen.since)


def arriving_files(config: Config) -> dg.SensorDefinition:
    """Asks for a night when files have arrived."""

    @dg.sensor(
        name="arriving_files",
        job_name=NIGHT_JOB,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING if is_automatic() else dg.DefaultSensorStatus.STOPPED,
        description="Starts a night when delivered files have arrived and stand still; waits in the queue like any run.",
    )
    def start(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            status = read_status(config)
        except ClientelaError:
            status = None
        queued = dg.RunsFilter(
            job_name=NIGHT_JOB, statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
        )
        is_waiting = bool(context.instance.get_runs(queued, limit=1))
        found = look(listing_of(config), Seen.of(context.cursor), status, is_waiting, datetime.now(UTC))
        if found.run_key is None:
            return dg.SensorResult(skip_reason=dg.SkipReason(found.reason), cursor=found.seen.as_cursor())
        request = dg.RunRequest(run_key=found.run_key, tags=company_tags(config))
        return dg.SensorResult(run_requests=[request], cursor=found.seen.as_cursor())

    return start
