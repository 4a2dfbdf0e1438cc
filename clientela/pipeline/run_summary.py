"""What is said after a run, whatever ended it: the sentence for its error, `status.json`, the company's command.

Every end of every kind of run passes through here, from `clientela.pipeline.nightly.open_run`, so that none is silent.
Here also stands what `clientela status` makes of it: a run that never ended, and a company of which nothing was heard for
too long.
What a run does, and what it writes into the ledger, stands in `clientela.pipeline.nightly`.
"""

import hashlib
import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clientela.config.company import Config
from clientela.errors import ClientelaError, NotPublishedError
from clientela.file_modes import make_data_folder, make_shared_folder, share
from clientela.warehouse.lock import Holder, holder

STATUS_FILE = "status.json"


#: exit code of `status` when no run has ended within `max_silence`
SILENT = 6


#: how long the company's command may take: it is called while the run still holds the lock
COMMAND_SECONDS = 60


#: an environment variable of more than 128 kB keeps a command from starting at all
_MESSAGE_LENGTH = 4000


_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class SourceStatus:
    """Where one feed stands after a run. `age_days` counts from the end of its last event's day to the run."""

    source: str
    entity: str
    status: str
    reason: str
    is_required: bool
    is_stale: bool
    age_days: int | None
    validation_report: str | None


@dataclass(frozen=True)
class Report:
    """What a run did, as `status.json` tells it. `alarm`: what went wrong with the company's command, if anything."""

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


def as_dict(report: Report) -> dict[str, Any]:
    """The report as `status.json` holds it."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(report), default=str))
    return plain


def clean(text: str) -> str:
    """The text without what a terminal, an environment variable or UTF-8 cannot hold."""
    return _UNPRINTABLE.sub("�", text)


def places(config: Config) -> list[Path]:
    """Where a run's end is written, the first that can be: where the published file is, beside the configuration, and in
    the user's state folder."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    company = hashlib.sha256(str(config.path).encode()).hexdigest()[:12]
    return [
        config.published / STATUS_FILE,
        config.path.with_name(f".{config.path.name}.{STATUS_FILE}"),
        folder / "clientela" / f"{company}.{STATUS_FILE}",
    ]


def write_status(config: Config, values: dict[str, Any]) -> Path | None:
    """Replace the status in one step, at the first of its places that can be written; None if there is none."""
    text = json.dumps(values, indent=2) + "\n"
    for path in places(config):
        if path.parent == config.published and not config.data.is_dir():
            # a run that ended before there was anything makes no data folder
            continue
        try:
            _replace(path, text, is_shared=path.parent == config.published)
        except OSError:
            continue
        return path
    return None


def _replace(path: Path, text: str, *, is_shared: bool) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if is_shared:
            make_shared_folder(path.parent)
        else:
            make_data_folder(path.parent)
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if is_shared:
            share(aside)
        os.replace(aside, path)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def read_status(config: Config) -> dict[str, Any]:
    """What the last run said that ended. Raises ClientelaError if there was none, or its status is torn."""
    found: list[tuple[datetime, dict[str, Any]]] = []
    torn = None
    for path in places(config):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            Report(**values)
            found.append((datetime.fromisoformat(values["ended_at"]), values))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            torn = f"{path} cannot be read: {error.strerror}."
        except (OSError, ValueError, TypeError, KeyError):
            torn = f"{path} is torn, or not a status; the next run writes it anew."
    if found:
        _, newest = max(found, key=lambda pair: pair[0])
        return newest
    raise ClientelaError(torn or f"No run has ended yet for {config.company}; start one with `clientela run`.")


def standing(config: Config, now: datetime | None = None) -> dict[str, Any]:
    """What `clientela status` says: how the last run ended, unless one was killed since, or none has ended for too long.

    A run that is under way is named in the message. Raises ClientelaError if no run has ended yet.
    """
    running = holder(config.data)
    if running is not None and not running.is_run:
        running = None
    try:
        values = read_status(config)
    except ClientelaError as error:
        if running is None:
            raise
        if not running.is_alive:
            return killed(config, running)
        raise ClientelaError(f"{error.sentence} {running.sentence} is under way.") from None
    ended = datetime.fromisoformat(values["ended_at"])
    if running is not None and running.is_alive:
        values = {**values, "message": f"{values['message']} {running.sentence} is under way.".strip()}
    elif running is not None and ended < running.since:
        values = killed(config, running)
    silence = (now or datetime.now(UTC)) - ended
    if config.max_silence is not None and silence > config.max_silence:
        sentence = f"No run has ended since {ended.isoformat(timespec='seconds')}, longer than max_silence allows."
        values = {**values, "exit_code": SILENT, "message": f"{sentence} {values['message']}".strip()}
    return values


def killed(config: Config, left: Holder) -> dict[str, Any]:
    """The status of a run that never ended: the lock still bears its name, and nobody holds it."""
    with suppress(ClientelaError):
        before = read_status(config)
        if datetime.fromisoformat(before["ended_at"]) >= left.since:
            return before
    since = left.since.isoformat(timespec="seconds")
    sentence = (
        f"{left.sentence} never ended: it was killed, or the machine went down. The published file is whole; "
        "the next run takes up what is left."
    )
    return as_dict(
        Report("", left.kind, "killed", sentence, NotPublishedError.exit_code, since, since, None, None, None)
    )


def announce(config: Config, report: Report) -> Report:
    """Write the status, call the company's command for such an end, and say what became of that."""
    report = replace(report, message=clean(report.message))
    written = write_status(config, as_dict(report))
    if written is None:
        report = replace(report, message=f"{report.message} The status could not be written anywhere.".strip())
    name = {0: "", 3: "on_stale"}.get(report.exit_code, "on_failure")
    command = getattr(config, name) if name else None
    if command and (trouble := _call(config, command, report, written)):
        report = replace(report, alarm=f"{name} {trouble}")
        write_status(config, as_dict(report))
    return report


def _call(config: Config, command: str, report: Report, written: Path | None) -> str:
    """Run the company's command with the report beside it; gives what went wrong with it. What it prints goes to standard
    error, since standard output may be a JSON answer."""
    message = report.message
    if len(message) > _MESSAGE_LENGTH:
        message = f"{message[: _MESSAGE_LENGTH - 1]}…"
    variables = {
        "CLIENTELA_STATUS": report.status,
        "CLIENTELA_MESSAGE": message,
        "CLIENTELA_STATUS_FILE": str(written or config.published / STATUS_FILE),
    }
    try:
        process = subprocess.Popen(
            command,
            shell=True,
            cwd=config.path.parent,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=2,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"could not be started: {error}."
    try:
        code = process.wait(COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"did not end within {COMMAND_SECONDS} seconds and was ended."
    return f"ended with code {code}." if code else ""
