"""How the answer to a query is shown or handed on: a table, one record under another where it is wide, CSV, JSON."""

import csv
import json
import os
import sys
from decimal import Decimal
from typing import Any, TextIO

import click
from rich.cells import cell_len
from rich.table import Table

from clientela.cli.output import plain_console
from clientela.query.sql import Answer

#: characters of a line where nobody says how many there are, and those of a cell that a table must give room to
WIDTH, CELL = 160, 30
HOW_TO_EXPORT = "--csv, --parquet FILE and --json hand on the whole answer."
#: the scale of measured money in the marts
_MONEY_SCALE = 4


def say(answer: Answer, digits: int) -> None:
    """Show the answer to a person; amounts with so many digits after the point."""
    cells = [
        [_shown(value, kind, digits) for value, kind in zip(row, answer.types, strict=True)] for row in answer.rows
    ]
    is_terminal = sys.stdout.isatty()
    console = plain_console(width=None if is_terminal else 10_000)
    width = console.width if is_terminal else int(os.environ.get("COLUMNS") or WIDTH)
    needed = sum(
        3 + min(CELL, max(cell_len(text) for text in (name, *(row[place] for row in cells))))
        for place, name in enumerate(answer.columns)
    )
    is_wide = needed > width
    if is_wide:
        _say_records(answer.columns, cells)
    else:
        table = Table(show_lines=False)
        for name, kind in zip(answer.columns, answer.types, strict=True):
            table.add_column(name, justify="right" if _is_number(kind) else "left")
        for row in cells:
            table.add_row(*row)
        console.print(table)
    notes = []
    if is_wide:
        notes.append(f"{len(answer.columns)} columns are too wide for a line: name those that you want.")
    if answer.is_cut:
        notes.append(f"The first {len(answer.rows)} rows; --limit 0 shows all.")
    if notes:
        plain_console(stderr=True, soft_wrap=True).print(" ".join([*notes, HOW_TO_EXPORT]), style="dim")


def _say_records(columns: list[str], cells: list[list[str]]) -> None:
    """One record under another, a line a column."""
    longest = max(cell_len(name) for name in columns)
    for number, row in enumerate(cells, 1):
        click.echo(f"--- row {number} " + "-" * max(0, longest - len(str(number)) - 8))
        for name, text in zip(columns, row, strict=True):
            click.echo(f"{name}{' ' * (longest - cell_len(name))}  {text}".rstrip())


def say_json(answer: Answer) -> None:
    """The answer as a list of objects."""
    click.echo(json.dumps([dict(zip(answer.columns, row, strict=True)) for row in answer.rows], indent=2, default=str))


def write_csv(answer: Answer, out: TextIO) -> None:
    """The answer as CSV with a header, values as they are."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows([_plain(value) for value in row] for row in answer.rows)


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _is_number(kind: str) -> bool:
    return kind.startswith("DECIMAL") or "INT" in kind or kind in ("DOUBLE", "FLOAT", "NUMBER")


def _shown(value: Any, kind: str, digits: int) -> str:
    """A value as a person reads it: amounts to the smallest unit, other numbers to four digits after the point."""
    if value is None:
        return ""
    if isinstance(value, Decimal) and kind.endswith(f",{_MONEY_SCALE})"):
        return f"{value:.{digits}f}"
    if isinstance(value, float):
        is_small = value != 0 and abs(value) < 0.0001
        return f"{value:.3g}" if is_small else f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)
