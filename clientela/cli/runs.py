"""Commands of the nightly run: `run`, `refit`, `status`, `publish`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from clientela.cli.options import EXITS, config_option, json_option
from clientela.cli.output import Progress, say_report
from clientela.config.read import load_config


@click.command(epilog="\b\nExit codes:\n" + EXITS)
@config_option
@json_option
@click.option(
    "--as-of",
    "as_of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Build the marts as of a past day, beside the published ones.",
)
@click.option(
    "--known-at",
    "known_at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="With --as-of: use only what was loaded by then (UTC).",
)
@click.option("--quiet", "-q", is_flag=True, help="Say only how it ended.")
@click.option(
    "--accept-identity",
    is_flag=True,
    help="Publish though more customers than expected change their id; for this night only.",
)
def run(
    config_path: Path,
    as_json: bool,
    as_of: datetime | None,
    known_at: datetime | None,
    quiet: bool,
    accept_identity: bool,
) -> None:
    """Run the night: load what is new, build all marts, publish.

    Safe to run again, to interrupt and to schedule: files already loaded are not loaded twice, a refused batch changes
    nothing that was loaded, and readers of the published file are never disturbed.
    """
    from clientela.pipeline import nightly
    from clientela.pipeline.past_day import run_as_of
    from clientela.pipeline.progress import silent
    from clientela.pipeline.run_summary import as_dict

    config = load_config(config_path)
    watch = silent if quiet or as_json else Progress().watch
    if known_at and not as_of:
        raise click.UsageError("--known-at goes with --as-of.")
    if as_of:
        report = run_as_of(config, as_of.date(), known_at.replace(tzinfo=UTC) if known_at else None, watch)
    else:
        report = nightly.run(config, watch, is_identity_accepted=accept_identity)
    say_report(config, as_dict(report), as_json)
    sys.exit(report.exit_code)


@click.command(epilog="\b\nExit codes:\n" + EXITS)
@config_option
@json_option
@click.option("--all", "everything", is_flag=True, help="All closed month-ends, instead of those named.")
@click.option("--quiet", "-q", is_flag=True, help="Say only how it ended.")
@click.argument("months", nargs=-1, type=click.DateTime(["%Y-%m"]), metavar="[MONTH]...")
def refit(config_path: Path, as_json: bool, everything: bool, quiet: bool, months: tuple[datetime, ...]) -> None:
    """Make the forecasts of closed months anew: fit the models again to the data as they are now, and publish.

    What was learnt at a month's end - parameters of the models, the choice between them, corrections and intervals - stands, so
    that last March's expected value is the same tomorrow. A night makes a month-end anew by itself once more than 2 % of the
    data up to it has changed (`value.refit_share` in clientela.yml). This command does so at once: for the months named,
    written as 2026-03; without any for the last closed month; with --all for every one. Money and counts that were
    measured are not touched. operations.settled_month_ends says which month-end was made anew by which run, and why.

    \b
    Example:
      clientela refit 2026-03
      clientela refit --all
      clientela sql "select month_end, run_id, reason from operations.settled_month_ends"
    """
    from clientela.pipeline import nightly
    from clientela.pipeline.progress import silent
    from clientela.pipeline.run_summary import as_dict

    config = load_config(config_path)
    if everything and months:
        raise click.UsageError("Name months, or give --all; both say different things.")
    watch = silent if quiet or as_json else Progress().watch
    report = nightly.refit(config, [month.date() for month in months], watch, everything=everything)
    say_report(config, as_dict(report), as_json)
    sys.exit(report.exit_code)


@click.command()
@config_option
@json_option
def status(config_path: Path, as_json: bool) -> None:
    """Say how the last run ended, and the state of each source.

    Reads published/status.json and the lock's file only, so it may be asked at any time, also while a run is under way. A
    run that was killed ends with 4, and a company whose last run ended longer ago than `max_silence` allows with 6: asked by
    cron or a timer, it is the heartbeat.
    """
    from clientela.pipeline.status import current_status

    config = load_config(config_path)
    values = current_status(config)
    say_report(config, values, as_json)
    sys.exit(values["exit_code"])


@click.command()
@config_option
@json_option
def publish(config_path: Path, as_json: bool) -> None:
    """Publish again the marts that the last run built, for instance after changing `publish:`.

    Nothing is loaded or built.
    """
    from clientela.pipeline import nightly
    from clientela.pipeline.run_summary import as_dict

    config = load_config(config_path)
    report = nightly.publish_again(config)
    say_report(config, as_dict(report), as_json)
    sys.exit(report.exit_code)
