"""The `clientela` command: reads what a person asked, calls the one function that does it, and says what came of it.

No rule of the domain stands here. Every command takes --config, says --help that teaches, and ends with an exit code that
a scheduler can act on.
"""

import atexit
import json
import math
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientela import stopping
from clientela.config import CONFIG_VARIABLE, DEFAULT_CONFIG, Config, json_schema, load_config
from clientela.errors import EXIT_CODES, ClientelaError, ConfigError, StoppedError

_EXITS = "\n".join(f"  {code}  {meaning}" for code, meaning in EXIT_CODES.items())


def _config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--config",
        "-c",
        "config_path",
        envvar=CONFIG_VARIABLE,
        type=click.Path(path_type=Path),
        default=Path(DEFAULT_CONFIG),
        show_default=True,
        help=f"The company's configuration (or environment variable {CONFIG_VARIABLE}).",
    )(function)


def _json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object on standard output.")(
        function
    )


def plain_console(**options: Any) -> Console:
    """A console that shows every text as it is: names, messages and values are data, and no markup is ever made of them.

    What is to have a style is handed over as rich.text.Text.
    """
    return Console(markup=False, emoji=False, highlight=False, **options)


class _Group(click.Group):
    """Says a known fault in one sentence, its details after, and ends with its code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except ClientelaError as error:
            console = plain_console(stderr=True, soft_wrap=True)
            console.print(Text("Busy:" if error.exit_code == 5 else "Error:", "red"), error.sentence)
            if error.details:
                console.print(error.details, style="dim")
            sys.exit(error.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BaseException as error:
            # a library may have caught the signal and raised an error of its own
            if stopping.asked_by() is None and not isinstance(error, KeyboardInterrupt):
                raise
            if isinstance(error, ClientelaError | SystemExit):
                raise
            raise StoppedError(f"Stopped{f' by {name}' if (name := stopping.asked_by()) else ''}.") from None


@click.group(
    cls=_Group,
    epilog="\b\nExit codes:\n" + _EXITS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="clientela")
def main() -> None:
    """One trusted DuckDB file about a company's customers, built every night from the exports it already has.

    \b
    Begin with a clientela.yml (README shows a small one), then:
      clientela doctor     what would be read, mapped and refused; nothing is loaded
      clientela run        load, check, build and publish
      clientela status     how the last run ended and where each source stands
      clientela sql "..."  ask the published marts
    """


@main.command(epilog="\b\nExit codes:\n" + _EXITS)
@_config_option
@_json_option
@click.option(
    "--as-of",
    "as_of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Build the marts as of a past day, beside the published ones.",
)
@click.option(
    "--known-at",
    "known_at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="With --as-of: use only what was loaded by then (UTC).",
)
@click.option("--quiet", "-q", is_flag=True, help="Say only how it ended.")
@click.option(
    "--accept-identity",
    is_flag=True,
    help="Publish though more customers than expected change their id; for this night only.",
)
def run(
    config_path: Path,
    as_json: bool,
    as_of: datetime | None,
    known_at: datetime | None,
    quiet: bool,
    accept_identity: bool,
) -> None:
    """Run the night: load what is new, build all marts, publish.

    Safe to run again, to interrupt and to schedule: files already loaded are not loaded twice, a refused batch changes
    nothing that was loaded, and readers of the published file are never disturbed.
    """
    from clientela import night
    from clientela.run_summary import as_dict

    config = load_config(config_path)
    watch = night.silent if quiet or as_json else Progress().watch
    if known_at and not as_of:
        raise click.UsageError("--known-at goes with --as-of.")
    if as_of:
        report = night.run_as_of(config, as_of.date(), known_at.replace(tzinfo=UTC) if known_at else None, watch)
    else:
        report = night.run(config, watch, is_identity_accepted=accept_identity)
    say_report(config, as_dict(report), as_json)
    sys.exit(report.exit_code)


@main.command()
@_config_option
@_json_option
def status(config_path: Path, as_json: bool) -> None:
    """Say how the last run ended, and where each source stands.

    Reads published/status.json and the lock's file only, so it may be asked at any time, also while a run is under way. A
    run that was killed is told (4), and a company whose last run ended longer ago than `max_silence` allows (6): asked by
    cron or a timer, it is the heartbeat.
    """
    from clientela.run_summary import standing

    config = load_config(config_path)
    told = standing(config)
    say_report(config, told, as_json)
    sys.exit(told["exit_code"])


@main.command()
@_config_option
@_json_option
def publish(config_path: Path, as_json: bool) -> None:
    """Publish again the marts that the last run built, for instance after changing `publish:`.

    Nothing is loaded or built.
    """
    from clientela import night
    from clientela.run_summary import as_dict

    config = load_config(config_path)
    report = night.publish_again(config)
    say_report(config, as_dict(report), as_json)
    sys.exit(report.exit_code)


@main.command()
@_config_option
@_json_option
@click.option("--source", help="Look at this source only.")
@click.option(
    "--propose",
    metavar="FOLDER",
    help="Write a first clientela.yml for a folder never seen before, or for the database whose connection an "
    "environment variable of that name holds.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="With --propose: the file to write; it must not exist yet."
)
def doctor(config_path: Path, as_json: bool, source: str | None, propose: str | None, out: Path | None) -> None:
    """Check the configuration and every source without loading anything.

    For each entity: the files found, how the columns map, which delivered columns are not used, and what would be
    quarantined, with examples. Ends with 0 if all would load, 3 if something would be refused or quarantined.

    \b
    There is no configuration yet? Let one be proposed, with the evidence for each line, and correct it:
      clientela doctor --propose exports --out clientela.yml
    """
    from clientela import doctor as examination

    if out and not propose:
        raise click.UsageError("--out goes with --propose.")
    if propose:
        _propose(propose, out, as_json)
        return
    config = load_config(config_path)
    findings = examination.examine(config, source)
    if as_json:
        click.echo(json.dumps([f.__dict__ for f in findings], indent=2, default=str))
    else:
        _say_findings(findings)
    sys.exit(3 if any(f.is_ill for f in findings) else 0)


def _propose(place: str, out: Path | None, as_json: bool) -> None:
    from clientela.propose import propose

    if out and out.exists():
        raise ConfigError(f"--out {out}: the file is there already; name another, or move it away.")
    proposal = propose(place, (out or Path(DEFAULT_CONFIG)).resolve().parent)
    if out:
        with out.open("x", encoding="utf-8") as file:
            file.write(proposal.text)
    if as_json:
        told = {"written": str(out) if out else None, "not_recognised": proposal.unknown, "text": proposal.text}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif out:
        found = sum(len(source.tables) for source in proposal.sources)
        left = f", {len(proposal.unknown)} not recognised" if proposal.unknown else ""
        click.echo(
            f"{out}: {found} tables mapped{left}. Read its comments, correct it, then: clientela doctor -c {out}"
        )
    else:
        click.echo(proposal.text, nl=False)


@main.command()
@_config_option
@_json_option
@click.option("--limit", default=50, show_default=True, help="Rows shown; 0 for all.")
@click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Ask the marts published for a past day.")
@click.argument("query", required=False)
def sql(config_path: Path, as_json: bool, limit: int, as_of: datetime | None, query: str | None) -> None:
    """Ask the published marts in SQL, read-only. Without QUERY, lists the tables; `-` reads it from standard input.

    \b
    Examples:
      clientela sql
      clientela sql "select * from value.customer_value order by net_revenue desc limit 10"
      clientela sql "from operations.sources" --json
    """
    from clientela.ask import ask

    config = load_config(config_path)
    text = sys.stdin.read() if query == "-" else query
    columns, rows = ask(config, text, as_of.date() if as_of else None, limit)
    width = None if sys.stdout.isatty() else 10_000
    if as_json:
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2, default=str))
        return
    table = Table(*columns, show_lines=False)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    plain_console(width=width).print(table)
    if limit and len(rows) == limit:
        plain_console(stderr=True).print(f"The first {limit} rows; --limit 0 shows all.", style="dim")


@main.group()
def explain() -> None:
    """Say in plain words why a customer, or a figure, is as it is."""


@explain.command("value")
@_config_option
@_json_option
@click.argument("customer_id", type=int)
def explain_value(config_path: Path, as_json: bool, customer_id: int) -> None:
    """Say where the value of one customer comes from: each part realised with its rule, what is expected and by which model.

    \b
    Example:
      clientela sql "select customer_id, vin from value.customer_value order by vin desc nulls last limit 3"
      clientela explain value 17
    """
    from clientela.ask import ask
    from clientela.value.explain import explain_value as told_of

    config = load_config(config_path)

    def rows(query: str) -> list[dict[str, Any]]:
        columns, found = ask(config, query)
        return [dict(zip(columns, row, strict=True)) for row in found]

    lines = told_of(rows, customer_id, config.currency)
    click.echo(json.dumps({"customer_id": customer_id, "lines": lines}, indent=2) if as_json else "\n".join(lines))


@main.command()
@_config_option
@_json_option
@click.option("--count", default=10, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Ask the marts published for a past day.")
@click.argument("customer_id", type=int)
def nearest(config_path: Path, as_json: bool, count: int, as_of: datetime | None, customer_id: int) -> None:
    """Show the customers who behave most like CUSTOMER_ID: what suits one of them may suit the others.

    Compared is what micro-segments are made of: recency, tenure, orders, revenue, breadth and discounts. Distances are in
    standard deviations of all customers; rank 0 is the customer himself.

    \b
    Example:
      clientela nearest 42 --count 5
    """
    from clientela.segment.nearest import nearest as nearest_to

    found = nearest_to(load_config(config_path), customer_id, count, as_of.date() if as_of else None)
    if as_json:
        click.echo(json.dumps(found.to_dicts(), indent=2, default=str))
        return
    table = Table(*found.columns, box=None)
    for row in found.iter_rows():
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row))
    plain_console(width=None if sys.stdout.isatty() else 200).print(table)


@main.command()
@click.option("--customers", type=click.IntRange(1), default=2000, show_default=True, help="People who buy.")
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed gives the same bytes."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write; an earlier simulation there is replaced, unless it has a warehouse.",
)
@click.option(
    "--process",
    type=click.Choice(["pareto_nbd", "mbg_nbd", "bg_nbd"]),
    default="pareto_nbd",
    show_default=True,
    help="Process that purchases are drawn from.",
)
@click.option("--seasonality", type=click.FloatRange(0, 1), default=0.0, help="0 even, 1 a strong December.")
@click.option("--dirt", type=click.FloatRange(0, 0.2), default=0.002, show_default=True, help="Share of damaged rows.")
@click.option("--nights", type=click.IntRange(1), default=1, help="Nightly batches that the rows are delivered in.")
@click.option(
    "--report",
    "report_on",
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="Score linking on this folder; without one, on that of --out.",
)
def simulate(out: Path | None, report_on: str | None, **wanted: Any) -> None:
    """Write what an invented company would export, with a truth to measure against.

    OUT gets the files of four systems, a clientela.yml that maps them, reference tables, and truth/, which no run reads.
    With --report, prints how well exact keys and plain Splink find the people behind the records of such a folder.

    \b
    Examples:
      clientela simulate --customers 2000 --out invented
      clientela run -c invented/clientela.yml
      clientela simulate --customers 2000 --out invented --report
      clientela simulate --report invented
    """
    from clientela.simulate import SimulateSettings, report, write_company

    console = plain_console(soft_wrap=True)
    scored = Path(report_on) if report_on else out
    if scored is None:
        raise click.UsageError("Say where with --out, or which folder to score with --report.")
    if out is not None:
        try:
            summary = write_company(SimulateSettings(**wanted), out)
        except (FileExistsError, ValueError) as error:
            raise ConfigError(str(error)) from error
        except OSError as error:
            raise ConfigError(f"{out} cannot be written: {error.strerror}.") from error
        console.print(
            f"{summary.files} files with {summary.rows:,} rows, {summary.order_lines:,} of them order lines and "
            f"{summary.dirty_rows:,} damaged on purpose, in {summary.folder}"
        )
    if report_on is not None:
        if not (scored / "truth").is_dir():
            raise ConfigError(f"{scored} holds no simulated company: it has no folder truth.")
        table = Table("linking by", "precision", "recall", "F1", box=None)
        for score in report(scored):
            figures = (score.precision, score.recall, score.f1)
            table.add_row(score.name, *("–" if math.isnan(figure) else f"{figure:.3f}" for figure in figures))
        console.print(table)


@main.command()
@_config_option
@_json_option
@click.option("--source", required=True, help="The source whose files are read again.")
@click.option("--entity", help="Only this entity of it.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Only what was first loaded on that day or later; default: all."
)
def reload(config_path: Path, as_json: bool, source: str, entity: str | None, since: datetime | None) -> None:
    """Read delivered files again under the present mapping, after a mistake in the mapping was mended.

    The files are those kept in the data folder's landing/. The new batches take the place of the old in one step; if
    one of them would be refused, nothing changes. Runs with a --known-at from before still see the old rows.

    \b
    Example:
      clientela reload --source till --entity transactions --since 2026-01-01
      clientela run
    """
    from clientela.second_thoughts import reload as read_again

    config = load_config(config_path)
    _say_change(read_again(config, source, entity, since.date() if since else None, _watch(as_json)), as_json)


@main.command()
@_config_option
@_json_option
@click.option("--undo", is_flag=True, help="Bring back a batch that was taken back, from its kept files.")
@click.argument("batch", type=int)
def unload(config_path: Path, as_json: bool, undo: bool, batch: int) -> None:
    """Take back one loaded batch, as if it had never come. BATCH is its number in operations.loads.

    Later batches that were read in its light, such as rows left out because this one held them, are read again. The
    batch's files are not loaded again while they lie there unchanged; with --undo they are, at the place they had.

    \b
    Example:
      clientela sql "select batch_id, source, entity, loaded_at from operations.loads where status = 'loaded'"
      clientela unload 17
      clientela run
    """
    from clientela.second_thoughts import bring_back
    from clientela.second_thoughts import unload as take_back

    config = load_config(config_path)
    _say_change((bring_back if undo else take_back)(config, batch, _watch(as_json)), as_json)


def _watch(as_json: bool) -> Callable[[str, str, str], None]:
    from clientela.night import silent

    return silent if as_json else Progress().watch


def _say_change(change: Any, as_json: bool) -> None:
    if as_json:
        told = {"kind": change.kind, "unloaded": change.retired, "loaded": change.loaded, "message": change.sentence}
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo(change.sentence)


@explain.command()
@_config_option
@_json_option
@click.argument("customer_id", type=int)
def customer(config_path: Path, as_json: bool, customer_id: int) -> None:
    """Say why the records of a customer are one, why near ones are not, and where each value comes from.

    \b
    Example:
      clientela explain customer 17
    """
    from clientela.identity_questions import explain_customer

    told = explain_customer(load_config(config_path), customer_id)
    click.echo(json.dumps({"customer_id": customer_id, "sentences": told}, indent=2) if as_json else "\n".join(told))


@main.group()
def identity() -> None:
    """Look at what other rules, or a new model, would make of the customers, before anything is accepted."""


@identity.command()
@_config_option
@_json_option
@click.option("--limit", default=20, show_default=True, help="Changes shown; 0 for all.")
@click.option("--with", "new_path", type=click.Path(path_type=Path), help="The changed configuration to look at.")
def diff(config_path: Path, as_json: bool, limit: int, new_path: Path | None) -> None:
    """Show what the `identity:` section of a configuration would merge and split, and the net revenue that moves.

    Compares with the customers of the last publication. Only the section `identity:` of the new file counts, and nothing
    is changed. Without --with, CONFIG itself is looked at, which its last run may not have seen yet.

    \b
    Examples:
      clientela identity diff --config changed.yml
      clientela identity diff --config clientela.yml --with changed.yml
    """
    from clientela.identity_questions import preview

    config = load_config(config_path)
    settings = load_config(new_path).identity if new_path else config.identity
    _say_preview(preview(config, settings), limit, as_json)


@identity.command()
@_config_option
@_json_option
@click.option("--limit", default=20, show_default=True, help="Changes shown; 0 for all.")
@click.option("--accept", is_flag=True, help="Use the new model from the next night on.")
def train(config_path: Path, as_json: bool, limit: int, accept: bool) -> None:
    """Train the matching anew on the records of the last run, and show what that would merge and split.

    Nothing is kept without --accept: the model in force stays until then, so that customers change for reasons of their own.
    """
    from clientela.identity_questions import retrain

    found = retrain(load_config(config_path), accept=accept)
    _say_preview(found, limit, as_json)
    if found.model and not as_json:
        state = "is in force from the next night on" if accept else "was not kept; --accept keeps it"
        click.echo(f"Model {found.model.id}, trained on {found.model.node_count:,} distinct records, {state}.")


def _say_preview(preview: Any, limit: int, as_json: bool) -> None:
    changes = preview.changes
    if as_json:
        click.echo(json.dumps({"records": preview.records, "changes": changes.to_dicts()}, indent=2, default=str))
        return
    by_kind = {kind: changes.filter(changes["change"] == kind) for kind in ("merge", "split")}
    told = [
        f"{rows.height:,} {kind}{'s' if rows.height != 1 else ''}, which move {int(rows['moved_record_count'].sum()):,} records "
        f"and {rows['moved_value'].sum():,.2f} of net revenue"
        for kind, rows in by_kind.items()
    ]
    click.echo(f"Of {preview.records:,} records: {'; '.join(told)}.")
    if changes.is_empty():
        return
    table = Table("change", "customer", "parts", "records", "value", "moved", box=None)
    for row in (changes.head(limit) if limit else changes).iter_rows(named=True):
        table.add_row(
            row["change"], str(row["customer_id"]), str(row["part_count"]), str(row["record_count"]),
            f"{row['value']:,.2f}", f"{row['moved_value']:,.2f}",
        )  # fmt: skip
    plain_console(width=None if sys.stdout.isatty() else 120).print(table)


@main.command()
def schema() -> None:
    """Print the JSON schema of clientela.yml, from which editors complete and check it."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def entry() -> None:
    """The command as installed. Leaves without the interpreter's farewell, in which DuckDB 2.0 reports leaks of its own."""
    stopping.heed()
    code: Any = 0
    for stream in (sys.stdout, sys.stderr):
        # a file's name may hold bytes that are no text
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        main()
    except SystemExit as end:
        code = end.code
    leave(code if isinstance(code, int) else 0 if code is None else 1)


def leave(code: int) -> None:
    """End the process with this code once all that was said is out."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Progress:
    """Says each step as it begins and ends."""

    def __init__(self) -> None:
        self.console = plain_console(stderr=True)
        self.started = datetime.now(UTC)
        self.nodes = 0

    def watch(self, step: str, subject: str, sentence: str) -> None:
        seconds = (datetime.now(UTC) - self.started).total_seconds()
        stamp = Text(f"{seconds:6.1f} s", "dim")
        if step == "loaded":
            style = "red" if sentence.startswith("refused") else "green"
            self.console.print(stamp, Text(subject, style), sentence, sep="  ")
        elif step == "notice":
            self.console.print(stamp, sentence, sep="  ")
        elif step == "transform":
            self.console.print(stamp, "building and testing the models", sep="  ")
        elif step == "node":
            self.nodes += 1
            if self.nodes % 20 == 0:
                self.console.print(stamp, f"{self.nodes} models and tests done", sep="  ")
        elif step == "publish":
            self.console.print(stamp, f"publishing {subject}", sep="  ")


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
    arrived = {(o["source"], o["entity"]): o for o in report["outcomes"]}
    table = Table("source", "entity", "status", box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for heading in ("age", "delivered", "loaded", "unchanged", "quarantined"):
        table.add_column(heading, justify="right")
    reasons = []
    for source in report["sources"]:
        name = source["source"], source["entity"]
        age = "" if source["age_days"] is None else f"{source['age_days']} d"
        outcome = arrived.get(name, {})
        counts = [f"{outcome.get(kind, 0):,}" for kind in ("delivered", "loaded", "unchanged", "quarantined")]
        table.add_row(*name, "stale: " * source["is_stale"] + source["status"], age, *counts)
        if outcome.get("deleted"):
            reasons.append(f"{'.'.join(name)}: {outcome['deleted']:,} records vanished with the snapshot")
        if source["reason"]:
            reasons.append(f"{'.'.join(name)}: {source['reason']}")
    for outcome in report["outcomes"]:
        where = f"{outcome['source']}.{outcome['entity']}"
        reasons += [f"{where}: left alone: {sentence}" for sentence in outcome.get("ignored", ())]
    console.print(table)
    for reason in reasons:
        console.print(reason)
    if report["published"]:
        console.print(f"Published: {report['published']}")


def _say_findings(findings: list[Any]) -> None:
    console = plain_console(soft_wrap=True)
    for finding in findings:
        style = "red" if finding.is_ill else "green"
        console.print(Text(f"{finding.source}.{finding.entity}", style), finding.sentence, sep="  ")
        for line in finding.notes:
            console.print(f"    {line}", style="dim")
