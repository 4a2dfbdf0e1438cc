"""Commands for a company's files before anything is loaded: `init`, `doctor`, `schema`."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from clientela.cli.options import config_option, json_option
from clientela.cli.output import plain_console
from clientela.config.company import DEFAULT_CONFIG
from clientela.config.read import json_schema, load_config
from clientela.errors import ConfigError


@click.command()
@config_option
@json_option
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

    For each entity: the files found, how the columns map, which delivered columns are not used, what would be quarantined,
    with examples, and what the gate would say. Ends with the exit code that a first night would have: 0 if it would publish,
    3 if it would without something that is refused or stale, 4 if it would publish nothing, 2 if the configuration is wrong.

    \b
    There is no configuration yet? Let one be proposed, with the evidence for each line, and correct it:
      clientela doctor --propose exports --out clientela.yml
    """
    if out and not propose:
        raise click.UsageError("--out goes with --propose.")
    if propose:
        _propose(propose, out, as_json)
        return
    sys.exit(_examine(config_path, source, as_json))


def _examine(config_path: Path, source: str | None, as_json: bool) -> int:
    """Say what a first night would find; gives the exit code that it would have."""
    from clientela.onboard import doctor

    seen = doctor.foretell(load_config(config_path), source)
    if as_json:
        answer = {
            "exit_code": seen.exit_code,
            "sentence": seen.sentence,
            "findings": [finding.__dict__ for finding in seen.findings],
        }
        click.echo(json.dumps(answer, indent=2, default=str))
    else:
        _say_findings(seen.findings)
        _say_ending(seen)
    return seen.exit_code


def _ending(code: int) -> str:
    return {
        0: "A night would load this and build the marts.",
        3: "A night would publish, but not all of this (exit code 3).",
    }.get(code, f"A night would publish nothing (exit code {code}):")


def _propose(source: str, out: Path | None, as_json: bool) -> None:
    from clientela.onboard.propose import propose

    if out and out.exists():
        raise ConfigError(f"--out {out}: the file is there already; name another, or move it away.")
    proposal = propose(source, (out or Path(DEFAULT_CONFIG)).resolve().parent)
    if proposal.refusal:
        raise ConfigError(proposal.refusal)
    if out:
        with out.open("x", encoding="utf-8") as file:
            file.write(proposal.text)
    if as_json:
        answer = {"written": str(out) if out else None, "not_recognised": proposal.unknown, "text": proposal.text}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif out:
        found = sum(len(source.tables) for source in proposal.sources)
        left = f", {len(proposal.unknown)} not recognised" if proposal.unknown else ""
        click.echo(
            f"{out}: {found} tables mapped{left}. Read its comments, correct it, then: clientela doctor -c {out}"
        )
    else:
        click.echo(proposal.text, nl=False)


@click.command()
@json_option
@click.option("--overwrite", is_flag=True, help="Write clientela.yml anew where there is one already.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def init(as_json: bool, overwrite: bool, folder: Path) -> None:
    """Begin with a FOLDER of exports: write its clientela.yml, say what is missing, and try it.

    Looks at every file, guesses what it is, writes the configuration beside the files with the evidence for each line, and
    ends like `clientela doctor` does: 0 if a night would publish. Nothing is loaded; a clientela.yml that is there stays.

    \b
    Example:
      clientela init exports
      clientela run -c exports/clientela.yml
    """
    from clientela.onboard.init import start

    begun = start(folder, overwrite=overwrite)
    seen = begun.examination
    if as_json:
        answer = {
            "written": str(begun.path),
            "sentences": begun.sentences,
            "exit_code": seen.exit_code,
            "sentence": seen.sentence,
            "next": begun.next_command,
        }
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for sentence in begun.sentences:
            click.echo(sentence)
        click.echo()
        _say_findings([replace(finding, notes=[]) for finding in seen.findings])
        _say_ending(seen)
        click.echo(f"Written: {begun.path}")
        click.echo(f"Next: {'correct it, then ' * (seen.exit_code != 0)}{begun.next_command}")
    sys.exit(seen.exit_code)


@click.command()
def schema() -> None:
    """Print the JSON schema of clientela.yml, from which editors complete and check it."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _say_ending(seen: Any) -> None:
    style = "green" if seen.exit_code == 0 else "red"
    plain_console(soft_wrap=True).print(Text(_ending(seen.exit_code), style), seen.sentence)


def _say_findings(findings: list[Any]) -> None:
    console = plain_console(soft_wrap=True)
    for finding in findings:
        style = "red" if finding.is_ill else "green"
        console.print(Text(f"{finding.source}.{finding.entity}", style), finding.sentence, sep="  ")
        for line in finding.notes:
            console.print(f"    {line}", style="dim")
