"""Commands about who is who: `identity diff`, `identity train`."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from clientela.cli.options import config_option, former_option, json_option
from clientela.cli.output import plain_console
from clientela.config.read import load_config
from clientela.wording import counted


@click.group()
def identity() -> None:
    """Look at what other rules, or a new model, would make of the customers, before anything is accepted."""


@identity.command()
@config_option
@json_option
@click.option("--limit", default=20, show_default=True, help="Changes shown; 0 for all.")
@click.option("--against", "new_path", type=click.Path(path_type=Path), help="The changed configuration to look at.")
@former_option("--with", "--against")
def diff(config_path: Path, as_json: bool, limit: int, new_path: Path | None) -> None:
    """Show what the `identity:` section of a configuration would merge and split, and the net revenue that moves.

    Compares with the customers of the last publication. Only the section `identity:` of the new file counts, and nothing
    is changed. Without --against, CONFIG itself is looked at, which its last run may not have seen yet.

    \b
    Examples:
      clientela identity diff --config changed.yml
      clientela identity diff --config clientela.yml --against changed.yml
    """
    from clientela.pipeline.identity_review import preview

    config = load_config(config_path)
    settings = load_config(new_path).identity if new_path else config.identity
    _say_preview(preview(config, settings), limit, as_json)


@identity.command()
@config_option
@json_option
@click.option("--limit", default=20, show_default=True, help="Changes shown; 0 for all.")
@click.option("--accept", is_flag=True, help="Use the new model from the next night on.")
def train(config_path: Path, as_json: bool, limit: int, accept: bool) -> None:
    """Train the matching anew on the records of the last run, and show what that would merge and split.

    Nothing is kept without --accept: the active model stays until then, so that customers change for reasons of their own.
    """
    from clientela.pipeline.identity_review import retrain

    found = retrain(load_config(config_path), accept=accept)
    _say_preview(found, limit, as_json)
    if found.model and not as_json:
        state = "is active from the next night on" if accept else "was not kept; --accept keeps it"
        click.echo(f"Model {found.model.id}, trained on {found.model.node_count:,} distinct records, {state}.")


def _say_preview(preview: Any, limit: int, as_json: bool) -> None:
    changes = preview.changes
    if as_json:
        click.echo(json.dumps({"records": preview.records, "changes": changes.to_dicts()}, indent=2, default=str))
        return
    by_kind = {kind: changes.filter(changes["change"] == kind) for kind in ("merge", "split")}
    answer = [
        f"{counted(rows.height, kind)}, which move{'s' * (rows.height == 1)} "
        f"{counted(int(rows['moved_record_count'].sum()), 'record')} and {rows['moved_value'].sum():,.2f} of net revenue"
        for kind, rows in by_kind.items()
    ]
    click.echo(f"Of {counted(preview.records, 'record')}: {'; '.join(answer)}.")
    if changes.is_empty():
        return
    table = Table("change", "customer", "parts", "records", "value", "moved", box=None)
    for row in (changes.head(limit) if limit else changes).iter_rows(named=True):
        table.add_row(
            row["change"], str(row["customer_id"]), str(row["part_count"]), str(row["record_count"]),
            f"{row['value']:,.2f}", f"{row['moved_value']:,.2f}",
        )  # fmt: skip
    plain_console(width=None if sys.stdout.isatty() else 120).print(table)
