"""`status.json`: where the end of a run is written, and what `clientela status` reads of it.

Besides the last end it knows a run that never ended, and a company of which nothing was heard for too long. What the
report says is in `clientela.pipeline.run_summary`.
"""

import hashlib
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.exit_codes import SILENT
from clientela.file_modes import make_data_folder, make_shared_folder, share
from clientela.pipeline.run_summary import Report, as_dict, summarise_killed
from clientela.warehouse.lock import Holder, holder

STATUS_FILE = "status.json"


def status_paths(config: Config) -> list[Path]:
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
    """Replace the status in one step, at the first of its paths that can be written; None if there is none."""
    text = json.dumps(values, indent=2) + "\n"
    for path in status_paths(config):
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
    for path in status_paths(config):
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


def current_status(config: Config, now: datetime | None = None) -> dict[str, Any]:
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
            return killed_status(config, running)
        raise ClientelaError(f"{error.sentence} {running.sentence} is under way.") from None
    ended = datetime.fromisoformat(values["ended_at"])
    if running is not None and running.is_alive:
        values = {**values, "message": f"{values['message']} {running.sentence} is under way.".strip()}
    elif running is not None and ended < running.since:
        values = killed_status(config, running)
    silence = (now or datetime.now(UTC)) - ended
    if config.max_silence is not None and silence > config.max_silence:
        sentence = f"No run has ended since {ended.isoformat(timespec='seconds')}, longer than max_silence allows."
        values = {**values, "exit_code": SILENT, "message": f"{sentence} {values['message']}".strip()}
    return values


def killed_status(config: Config, left: Holder) -> dict[str, Any]:
    """The status of a run that never ended: the lock still bears its name, and nobody holds it."""
    with suppress(ClientelaError):
        before = read_status(config)
        if datetime.fromisoformat(before["ended_at"]) >= left.since:
            return before
    return as_dict(summarise_killed(left))
