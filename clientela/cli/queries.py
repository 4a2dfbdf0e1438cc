"""Commands that query the published file, or hand it on: `sql`, `export`, `explain`, `nearest`."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click
from rich.table import Table

from clientela.cli.options import config_option, json_option
from clientela.cli.output import plain_console
from clientela.config.read import load_config
from clientela.extract.currency import minor_digits
from clientela.wording import counted

#: rows that are shown unless more are asked for
SHOWN = 50


@click.command()
@config_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Answer as CSV on standard output.")
@click.option("--parquet", "parquet", type=click.Path(path_type=Path), metavar="FILE", help="Write a Parquet file.")
@click.option("--limit", type=click.IntRange(0), help="Rows given; 0 for all. Default: 50 are shown, and all exported.")
@click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Ask the marts published for a past day.")
@click.argument("query", required=False)
def sql(
    config_path: Path,
    as_json: bool,
    as_csv: bool,
    parquet: Path | None,
    limit: int | None,
    as_of: datetime | None,
    query: str | None,
) -> None:
    """Query the published marts in SQL, read-only. Without QUERY, lists the tables; `-` reads it from standard input.

    An answer that is too wide for a line is shown one record under another. A query that is wrong ends with 2.

    \b
    Examples:
      clientela sql
      clientela sql "select * from value.customer_value order by net_revenue desc limit 10"
      clientela sql "from operations.sources" --json
      clientela sql "from value.customer_value" --parquet value.parquet
    """
    from clientela.cli import answers
    from clientela.query.sql import answer_of, write_parquet

    if sum((as_json, as_csv, parquet is not None)) > 1:
        raise click.UsageError("--json, --csv and --parquet are three ways to hand on one answer: choose one.")
    if parquet is not None and limit:
        raise click.UsageError("--parquet writes the whole answer: put the limit into the query.")
    config = load_config(config_path)
    text = sys.stdin.read() if query == "-" else query
    day = as_of.date() if as_of else None
    if parquet is not None:
        rows = write_parquet(config, text, parquet, day)
        click.echo(f"{parquet}: {counted(rows, 'row')}.")
        return
    # the list of marts, which is asked for without a query, is given whole
    shown = SHOWN if text and not (as_json or as_csv) else 0
    answer = answer_of(config, text, day, shown if limit is None else limit)
    if as_json:
        answers.say_json(answer)
    elif as_csv:
        answers.write_csv(answer, sys.stdout)
    else:
        answers.say(answer, minor_digits(config.currency))


@click.command()
@config_option
@click.option("--all", "is_all", is_flag=True, help="Every table of the published file.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="A folder that is not there yet.",
)
@click.option("--portfolio", metavar="NAME", help="With `actions` alone: the week's list of this portfolio.")
@click.option("--format", "file_format", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True)
@click.option("--replace", "is_replacing", is_flag=True, help="Write FOLDER anew if an earlier export is there.")
@click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Export the marts published for a past day.")
@click.argument("marts", metavar="[MART]...", nargs=-1)
def export(
    config_path: Path,
    is_all: bool,
    folder: Path | None,
    portfolio: str | None,
    file_format: Literal["parquet", "csv"],
    is_replacing: bool,
    as_of: datetime | None,
    marts: tuple[str, ...],
) -> None:
    """Hand on published tables as files of FOLDER, with a manifest.json of rows, columns, meanings and checksums.

    All are of one publication. FOLDER is there whole or not at all; personal columns are as in the published file.

    \b
    Examples:
      clientela export value.customer_value --to for_excel --format csv
      clientela export --all --to lake/clientela --replace
      clientela export actions --portfolio north

    The last writes what is to be done this week with the customers of a portfolio, and how to reach them, to the folder `actions`
    of the data folder; permission, frequency and quiet hours are looked at again at that instant.
    """
    from clientela.query.export import export as export_marts

    if portfolio is not None:
        if marts != ("actions",) or is_all or folder is not None:
            raise click.UsageError("--portfolio goes with `actions` alone: clientela export actions --portfolio NAME.")
        _export_actions(config_path, portfolio)
        return
    if folder is None:
        raise click.UsageError("Missing option '--to': the folder to write.")
    if bool(marts) == is_all:
        raise click.UsageError("Name the marts to export, or say --all.")
    day = as_of.date() if as_of else None
    manifest = export_marts(load_config(config_path), marts, folder, file_format, day, is_replacing=is_replacing)
    tables = manifest["tables"]
    rows = sum(table["rows"] for table in tables)
    click.echo(f"{folder}: {counted(len(tables), 'table')}, {counted(rows, 'row')}, as of {manifest['as_of_on']}.")


def _export_actions(config_path: Path, portfolio: str) -> None:
    from clientela.pipeline.action_list import export_actions

    made = export_actions(load_config(config_path), portfolio)
    left_out = "".join(f" {counted(count, 'customer')} left out: {reason}." for reason, count in made.left_out.items())
    click.echo(f"{made.path}: {counted(made.rows, 'customer')} this week.{left_out}")


@click.group()
def explain() -> None:
    """Say in plain words why a customer, or a figure, is as it is."""


@explain.command("value")
@config_option
@json_option
@click.argument("customer_id", type=int)
def explain_value(config_path: Path, as_json: bool, customer_id: int) -> None:
    """Say where the value of one customer comes from: each part realised with its rule, what is expected and by which model.

    \b
    Example:
      clientela sql "select customer_id, vin from value.customer_value order by vin desc nulls last limit 3"
      clientela explain value 17
    """
    from clientela.query import explain_value
    from clientela.query.sql import query_published

    config = load_config(config_path)

    def rows(query: str) -> list[dict[str, Any]]:
        columns, found = query_published(config, query)
        return [dict(zip(columns, row, strict=True)) for row in found]

    lines = explain_value.explain_value(rows, customer_id, config.currency)
    click.echo(json.dumps({"customer_id": customer_id, "lines": lines}, indent=2) if as_json else "\n".join(lines))


@click.command()
@config_option
@json_option
@click.option("--count", default=10, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Ask the marts published for a past day.")
@click.argument("customer_id", type=int)
def nearest(config_path: Path, as_json: bool, count: int, as_of: datetime | None, customer_id: int) -> None:
    """Show the customers who behave most like CUSTOMER_ID: what suits one of them may suit the others.

    Compared is what micro-segments are made of: recency, tenure, orders, revenue, breadth and discounts. Distances are in
    standard deviations of all customers; rank 0 is the customer themselves.

    \b
    Example:
      clientela nearest 42 --count 5
    """
    from clientela.query.nearest import nearest as nearest_to

    found = nearest_to(load_config(config_path), customer_id, count, as_of.date() if as_of else None)
    if as_json:
        click.echo(json.dumps(found.to_dicts(), indent=2, default=str))
        return
    table = Table(*found.columns, box=None)
    for row in found.iter_rows():
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row))
    plain_console(width=None if sys.stdout.isatty() else 200).print(table)


@explain.command()
@config_option
@json_option
@click.option("--html", "as_page", is_flag=True, help="Write a page of all that is known of them, and say where it is.")
@click.argument("customer_id", type=int)
def customer(config_path: Path, as_json: bool, as_page: bool, customer_id: int) -> None:
    """Say why the records of a customer are one, why near ones are not, and where each value comes from.

    With --html a page in the company's language: who they are, state and segments, value by component, what is expected and
    why, timeline, permissions and campaigns. It lies in published/customers/ until the next report is written.

    \b
    Examples:
      clientela explain customer 17
      clientela explain customer 17 --html
    """
    config = load_config(config_path)
    if as_page:
        from clientela.report.customer.page import write_customer

        if as_json:
            raise click.UsageError("--json and --html are two ways to hand on one answer: choose one.")
        click.echo(write_customer(config, customer_id))
        return
    from clientela.query.explain_customer import explain_customer

    found = explain_customer(config, customer_id)
    click.echo(json.dumps({"customer_id": customer_id, "sentences": found}, indent=2) if as_json else "\n".join(found))
