"""The `clientela` command: reads what a person asked, calls the one function that does it, and says what came of it.

No rule of the domain is here. Every command takes --config, says --help that teaches, and ends with an exit code that
a scheduler can act on.
"""

import sys
from typing import Any

import click
from rich.text import Text

from clientela import stopping
from clientela.cli import (
    audiences,
    campaigns,
    corrections,
    identities,
    onboarding,
    pages,
    privacy,
    queries,
    runs,
    simulation,
    upkeep,
)
from clientela.cli.options import EXITS
from clientela.cli.output import leave, plain_console
from clientela.errors import ClientelaError, StoppedError
from clientela.exit_codes import BUSY


class _Group(click.Group):
    """Says a known fault in one sentence, its details after, and ends with its code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except ClientelaError as error:
            console = plain_console(stderr=True, soft_wrap=True)
            console.print(Text("Busy:" if error.exit_code == BUSY else "Error:", "red"), error.sentence)
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
    epilog="\b\nExit codes:\n" + EXITS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="clientela")
def main() -> None:
    """One trusted DuckDB file about a company's customers, built every night from the exports it already has.

    \b
    Begin with a folder of exports: `clientela init FOLDER` writes a first clientela.yml. Then:
      clientela doctor     what would be read, mapped and refused; nothing is loaded
      clientela run        load, check, build and publish
      clientela status     how the last run ended and the state of each source
      clientela open       the morning report, and what the gates found, in the browser
      clientela sql "..."  ask the published marts
    """


for command in (
    runs.run,
    runs.refit,
    runs.status,
    runs.publish,
    onboarding.init,
    onboarding.doctor,
    pages.report,
    pages.open_page,
    pages.notebook,
    queries.sql,
    queries.export,
    queries.explain,
    queries.nearest,
    corrections.reload,
    corrections.unload,
    corrections.reapply,
    identities.identity,
    campaigns.campaign,
    audiences.audience,
    privacy.forget,
    privacy.disclose,
    upkeep.upgrade,
    upkeep.rebuild,
    upkeep.backup,
    upkeep.restore,
    upkeep.rotate_secret,
    upkeep.audit,
    simulation.simulate,
    onboarding.schema,
):
    main.add_command(command)


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
