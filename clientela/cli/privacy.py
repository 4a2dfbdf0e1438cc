"""Commands about one person: `forget`, `disclose`."""

import json
import sys
from pathlib import Path

import click

from clientela.cli.options import config_option, json_option
from clientela.cli.output import say_report, watcher
from clientela.config.read import load_config
from clientela.wording import counted


@click.command()
@config_option
@json_option
@click.option("--request", metavar="KEY", help="The key of a request among the erasures, in place of a customer.")
@click.argument("customer_id", type=int, required=False)
def forget(config_path: Path, as_json: bool, request: str | None, customer_id: int | None) -> None:
    """Forget a person now: their values go from every file and table, and from what is published. It cannot be undone.

    Sales and other facts stay under an anonymous customer, unless `privacy.keep_facts` is false. Delivered again, the person
    stays forgotten. The night carries out requests among the erasures that are older than `privacy.grace_days` by itself. A
    proof in forgotten/ lists every place looked at; backups, exports and the inbox are yours to see to, and it names them.

    \b
    Examples:
      clientela forget 17
      clientela forget --request R-2026-004
    """
    from clientela.pipeline import nightly
    from clientela.pipeline.run_summary import as_dict

    if (request is None) == (customer_id is None):
        raise click.UsageError("Name a customer by their number, or a request with --request.")
    config = load_config(config_path)
    report = nightly.forget(config, customer_id, request, watcher(as_json))
    say_report(config, as_dict(report), as_json)
    sys.exit(report.exit_code)


@click.command()
@config_option
@json_option
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="A folder that is not there yet.",
)
@click.argument("customer_id", type=int)
def disclose(config_path: Path, as_json: bool, folder: Path, customer_id: int) -> None:
    """Write everything that is held of CUSTOMER_ID: in JSON, and as a page that a person can read.

    Every version of every row, from which source it came and for which purpose it is kept, the totals of what expired, what
    quarantine and refused deliveries hold of them, and what was computed. Values are in clear; the folder is closed to others.
    Give it to nobody but the person.

    \b
    Example:
      clientela disclose 17 --to for_customer_17
    """
    from dataclasses import asdict

    from clientela.pipeline.built_warehouse import built_warehouse
    from clientela.privacy.disclose import disclose as write_disclosure

    config = load_config(config_path)
    with built_warehouse(config) as connection:
        disclosed = write_disclosure(connection, config, customer_id, folder.absolute())
    if as_json:
        click.echo(json.dumps(asdict(disclosed), indent=2, default=str))
    else:
        click.echo(f"{disclosed.page}: {counted(disclosed.rows, 'row')}; the same as data in {disclosed.json_file}.")
