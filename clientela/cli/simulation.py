"""The command `simulate`: the files of an invented company."""

import math
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from clientela.cli.output import plain_console
from clientela.errors import ConfigError
from clientela.wording import counted


@click.command()
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
            f"{counted(summary.files, 'file')} with {counted(summary.rows, 'row')}, {summary.order_lines:,} of them order lines "
            f"and {summary.dirty_rows:,} damaged on purpose, in {summary.folder}"
        )
    if report_on is not None:
        if not (scored / "truth").is_dir():
            raise ConfigError(f"{scored} holds no simulated company: it has no folder truth.")
        table = Table("linking by", "precision", "recall", "F1", box=None)
        for score in report(scored):
            figures = (score.precision, score.recall, score.f1)
            table.add_row(score.name, *("–" if math.isnan(figure) else f"{figure:.3f}" for figure in figures))
        console.print(table)
