"""The company's own command, called when a run ended badly or with stale sources.

Which ends are announced is in `clientela.pipeline.ending`.
"""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from clientela.config.company import Config
from clientela.exit_codes import INCOMPLETE, WELL
from clientela.pipeline.run_summary import Report, as_dict, clean
from clientela.pipeline.status import STATUS_FILE, write_status

#: how long the company's command may take: it is called while the run still holds the lock
COMMAND_SECONDS = 60


#: an environment variable of more than 128 kB keeps a command from starting at all
_MESSAGE_LENGTH = 4000


def announce(config: Config, report: Report) -> Report:
    """Write the status, call the company's command for such an end, and say what became of that."""
    report = replace(report, message=clean(report.message))
    written = write_status(config, as_dict(report))
    if written is None:
        report = replace(report, message=f"{report.message} The status could not be written anywhere.".strip())
    name = {WELL: "", INCOMPLETE: "on_stale"}.get(report.exit_code, "on_failure")
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
