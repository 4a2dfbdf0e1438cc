"""Options that several commands take, and the exit codes that every help lists."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from clientela.config.company import CONFIG_VARIABLE, DEFAULT_CONFIG
from clientela.exit_codes import EXIT_CODES

EXITS = "\n".join(f"  {code}  {meaning}" for code, meaning in EXIT_CODES.items())


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--config`: which company."""
    return click.option(
        "--config",
        "-c",
        "config_path",
        envvar=CONFIG_VARIABLE,
        type=click.Path(path_type=Path),
        default=Path(DEFAULT_CONFIG),
        show_default=True,
        help=f"The company's configuration (or environment variable {CONFIG_VARIABLE}).",
    )(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`: an answer for a machine."""
    return click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object on standard output.")(
        function
    )


def former_option(name: str, now: str, *, is_flag: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that is gone: refused, with what to write `now`."""

    def refuse(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            raise click.UsageError(f"{name} is gone; it is now {now}.")

    return click.option(name, is_flag=is_flag, hidden=True, expose_value=False, callback=refuse)
