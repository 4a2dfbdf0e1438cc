"""Commands about pages that people look at: `report`, `open`, `notebook`."""

import webbrowser
from datetime import datetime
from pathlib import Path

import click

from clientela.cli.options import EXITS, config_option
from clientela.config.read import load_config
from clientela.errors import ClientelaError, ConfigError


@click.command(epilog="\b\nExit codes:\n" + EXITS)
@config_option
@click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Of the marts published for a past day.")
def report(config_path: Path, as_of: datetime | None) -> None:
    """Write the morning report of what is published, for instance in another language; the night writes it by itself.

    Nothing is loaded, built or published.

    \b
    Examples:
      clientela report
      clientela report --as-of 2026-01-31
    """
    from clientela.pipeline.pages import write_pages

    written = write_pages(load_config(config_path), as_of.date() if as_of else None)
    for warning in written.warnings:
        click.echo(warning, err=True)
    if written.path:
        click.echo(written.path)
    if written.warnings:
        raise SystemExit(3)


@click.command("open")
@config_option
def open_page(config_path: Path) -> None:
    """Open the index of reports and checks in the browser, and say where it is.

    \b
    Example:
      clientela open
    """
    from clientela.report.places import INDEX_FILE

    config = load_config(config_path)
    page = config.published / INDEX_FILE
    if not page.is_file():
        raise ClientelaError(f"There is no page yet at {page}; `clientela run` writes it.")
    click.echo(page)
    webbrowser.open(page.as_uri())


@click.command()
@config_option
@click.option(
    "--html", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write it as a page that opens offline."
)
@click.argument("name", required=False)
def notebook(config_path: Path, file: Path | None, name: str | None) -> None:
    """List the notebooks, or write one as a single HTML file that needs no network and runs nothing.

    To work in one: `marimo edit` on a copy of its file.

    \b
    Examples:
      clientela notebook
      clientela notebook leaving --html leaving.html
    """
    from clientela.report.notebook import NOTEBOOKS, names, notebook_page

    if name is None:
        for found in names():
            click.echo(NOTEBOOKS / f"{found}.py")
        return
    if file is None:
        raise click.UsageError("Say where the page goes: --html FILE.")
    page = notebook_page(load_config(config_path), name)
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(file)
