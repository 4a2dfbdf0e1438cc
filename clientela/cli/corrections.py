"""Commands that correct what was loaded: `reload`, `unload`, `reapply`."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from clientela.cli.options import config_option, former_option, json_option
from clientela.cli.output import watcher
from clientela.config.read import load_config


@click.command()
@config_option
@json_option
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
    from clientela.pipeline import reload_batches

    config = load_config(config_path)
    _say_change(
        reload_batches.reload(config, source, entity, since.date() if since else None, watcher(as_json)), as_json
    )


@click.command()
@config_option
@json_option
@former_option("--undo", "a command of its own, clientela reapply BATCH", is_flag=True)
@click.argument("batch", type=int)
def unload(config_path: Path, as_json: bool, batch: int) -> None:
    """Unload one loaded batch, as if it had never come. BATCH is its number in operations.loads.

    Later batches that depend on it, such as those whose repeated rows were left out because this one held them, are read
    again. The batch's files are not loaded again while they lie there unchanged; `clientela reapply` does.

    \b
    Example:
      clientela sql "select batch_id, source, entity, loaded_at from operations.loads where status = 'loaded'"
      clientela unload 17
      clientela run
    """
    from clientela.pipeline import unload_batch

    _say_change(unload_batch.unload(load_config(config_path), batch, watcher(as_json)), as_json)


@click.command()
@config_option
@json_option
@click.argument("batch", type=int)
def reapply(config_path: Path, as_json: bool, batch: int) -> None:
    """Load an unloaded batch again, from its kept files, under the present mapping. BATCH is its number in operations.loads.

    It takes the sequence that it had among the batches of its source; later batches that depend on it are read again.

    \b
    Example:
      clientela sql "select batch_id, source, entity, loaded_at from operations.loads where status = 'unloaded'"
      clientela reapply 17
      clientela run
    """
    from clientela.pipeline import reapply_batch

    _say_change(reapply_batch.reapply(load_config(config_path), batch, watcher(as_json)), as_json)


def _say_change(change: Any, as_json: bool) -> None:
    if as_json:
        answer = {"kind": change.kind, "unloaded": change.retired, "loaded": change.loaded, "message": change.sentence}
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(change.sentence)
