"""Commands that keep a company's files usable: `upgrade`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from clientela.cli.options import config_option, json_option
from clientela.cli.output import plain_console, watcher
from clientela.config.read import load_config


@click.command()
@config_option
@json_option
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
def upgrade(config_path: Path, as_json: bool, dry_run: bool) -> None:
    """Bring the warehouse that an earlier version made to the present one. Every customer keeps their id.

    It works on a copy, which takes the warehouse's place in one step: if anything fails, or the machine goes down,
    everything is as it was. The files from before stay in the data folder's before_upgrade/. What can be built anew is,
    by the next run; the published file is not touched until then.

    \b
    Example:
      clientela upgrade --dry-run
      clientela upgrade
      clientela run
    """
    from clientela.pipeline.upgrade import upgrade as bring_forward

    config = load_config(config_path)
    upgraded = bring_forward(config, watcher(as_json), is_dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(asdict(upgraded), indent=2))
        return
    console = plain_console(soft_wrap=True)
    if dry_run:
        for sentence in upgraded.changes:
            console.print(f"  {sentence}")
    console.print(f"{config.company}: {upgraded.message}")
