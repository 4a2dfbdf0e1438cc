"""How the command line shows things: consoles, the progress of a run, a run's report. Nothing is decided here."""

import atexit
import json
import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientela.config.company import Config
from clientela.wording import counted

#: how long a run may be silent before it says what it is at
PATIENCE_SECONDS = 10.0


def plain_console(**options: Any) -> Console:
    """A console that shows every text as it is: names, messages and values are data, and no markup is ever made of them.

    What is to have a style is handed over as rich.text.Text.
    """
    return Console(markup=False, emoji=False, highlight=False, **options)


def watcher(as_json: bool) -> Callable[[str, str, str], None]:
    """What is shown of a run under way: each step, or nothing where a machine reads the answer."""
    from clientela.pipeline.progress import silent

    return silent if as_json else Progress().watch


def leave(code: int) -> None:
    """End the process with this code once all that was said is out."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Progress:
    """Says each step as it begins and ends, and, where one takes long, what it still is: until the run, or the command, ends."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.console = plain_console(stderr=True, soft_wrap=True)
        self.started = datetime.now(UTC)
        self.patience = patience
        #: what is under way; empty before the first step and after the last
        self.under_way = ""
        self._is_heard = threading.Event()
        if context := click.get_current_context(silent=True):
            context.call_on_close(self.close)

    def close(self) -> None:
        """Say nothing more of what is under way."""
        self.under_way = ""
        self._is_heard.set()

    def watch(self, step: str, subject: str, sentence: str) -> None:
        """The watcher of a run."""
        if step in ("load", "transform", "begin", "publish", "report", "end"):
            began = {"load": "loading", "begin": "building or testing", "publish": "publishing", "report": "writing"}
            place = f", {sentence}" if step == "begin" else ""
            is_first = not self.under_way
            self.under_way = "" if step == "end" else f"{began.get(step, 'building')} {subject}{place}"
            if is_first and self.under_way:
                threading.Thread(target=self._break_silence, name="progress", daemon=True).start()
        self._say(step, subject, sentence)

    def _stamp(self) -> Text:
        return Text(f"{(datetime.now(UTC) - self.started).total_seconds():6.1f} s", "dim")

    def _break_silence(self) -> None:
        while self.under_way:
            self._is_heard.clear()
            if not self._is_heard.wait(self.patience) and (under_way := self.under_way):
                self.console.print(self._stamp(), Text(f"still {under_way}", "dim"), sep="  ")

    def _say(self, step: str, subject: str, sentence: str) -> None:
        """Print what there is to say of a step; most nodes pass unsaid."""
        stamp = self._stamp()
        if step == "loaded":
            style = "red" if sentence.startswith("refused") else "green"
            self.console.print(stamp, Text(subject, style), sentence, sep="  ")
        elif step == "notice":
            self.console.print(stamp, sentence, sep="  ")
        elif step == "transform":
            self.console.print(stamp, "building and testing the models", sep="  ")
        elif step == "begin":
            index, _, total = sentence.partition(" of ")
            if int(index) % 20 != 0:
                return
            self.console.print(stamp, f"{index} of {total} models and tests, at {subject}", sep="  ")
        elif step in ("load", "node", "end"):
            return
        elif step == "report":
            self.console.print(stamp, f"writing {subject}", sep="  ")
        elif step == "publish":
            self.console.print(stamp, f"publishing {subject}", sep="  ")
        self._is_heard.set()


def say_report(config: Config, report: dict[str, Any], as_json: bool) -> None:
    """Tell a run's report, as `status.json` holds it, to a person or a machine."""
    if as_json:
        if report.get("alarm"):
            click.echo(report["alarm"], err=True)
        click.echo(json.dumps(report, indent=2, default=str))
        return
    console = plain_console(soft_wrap=True, width=None if sys.stdout.isatty() else 160)
    style = {"published": "green", "nothing new": "green"}.get(report["status"], "red")
    as_of = f", as of {report['as_of']}" if report["as_of"] else ""
    console.print(Text.assemble((config.company, "bold"), ": ", (report["status"], style), as_of))
    if report["message"]:
        console.print(report["message"])
    if report.get("alarm"):
        plain_console(stderr=True, soft_wrap=True).print(report["alarm"], style="red")
    for line in report["failures"][:20]:
        console.print(f"  {line}", style="dim")
    for notice in report.get("notices", ()):
        console.print(notice)
    # what 0.1 wrote knows one feed per entity
    arrived = {(o["source"], o.get("feed", o["entity"])): o for o in report["outcomes"]}
    table = Table("source", "feed", "status", box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for heading in ("age", "delivered", "loaded", "unchanged", "quarantined", "left out"):
        table.add_column(heading, justify="right")
    reasons = []
    for source in report["sources"]:
        name = source["source"], source.get("feed", source["entity"])
        age = "" if source["age_days"] is None else f"{source['age_days']} d"
        outcome = arrived.get(name, {})
        kinds = ("delivered", "loaded", "unchanged", "quarantined", "left_out")
        counts = [f"{outcome.get(kind, 0):,}" for kind in kinds]
        table.add_row(*name, "stale: " * source["is_stale"] + source["status"], age, *counts)
        if outcome.get("deleted"):
            reasons.append(f"{'.'.join(name)}: {counted(outcome['deleted'], 'record')} vanished")
        if source["reason"]:
            reasons.append(f"{'.'.join(name)}: {source['reason']}")
    for outcome in report["outcomes"]:
        where = f"{outcome['source']}.{outcome.get('feed', outcome['entity'])}"
        reasons += [f"{where}: left alone: {sentence}" for sentence in outcome.get("ignored", ())]
        reasons += [f"{where}: warning {sentence}" for sentence in outcome.get("warnings", ())]
        page = outcome.get("validation_report")
        if page and (outcome.get("warnings") or outcome.get("quarantined") or outcome["status"] == "refused"):
            reasons.append(f"{where}: see {config.published / 'gate' / page}")
    console.print(table)
    for reason in reasons:
        console.print(reason)
    if report["published"]:
        console.print(f"Published: {report['published']}")
    if report.get("report"):
        console.print(f"Report: {report['report']}")
