"""The night of one company: its steps, in their order. Dagster's assets take the same ones.

What a step does is in the module it is named after; what frames them, in `clientela.pipeline.open_run`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.pipeline.open_run import take_steps
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.progress import Watcher, silent
from clientela.pipeline.run_summary import NOTHING_NEW, Report
from clientela.privacy.person import by_customer, by_request
from clientela.retention.calendar import month_end
from clientela.value.settled import ALL
from clientela.warehouse import audit
from clientela.warehouse.ledger_copy import has_copies


def run(
    config: Config, watch: Watcher = silent, now: datetime | None = None, *, is_identity_accepted: bool = False
) -> Report:
    """The nightly job. Never raises for what a source or a model did wrong; the report's exit code tells.

    `is_identity_accepted`: someone has looked, and more customers than expected may change their id this once.
    """

    return take_steps(config, "night", watch, now, partial(_take_night, is_identity_accepted=is_identity_accepted))


def _take_night(run: PipelineRun, *, is_identity_accepted: bool) -> None:
    run.is_identity_accepted = is_identity_accepted
    run.load_all()
    run.identify_due()
    run.forget_due()
    run.expire_due()
    run.require_sources()
    if run.has_no_changes():
        run.message = NOTHING_NEW
        run.note_rows_after()
        run.note_waiting_lines()
        run.renew_report()
        return
    run.set_context()
    run.transform()
    run.publish()
    run.write_report()


def forget(
    config: Config,
    customer_id: int | None = None,
    request: str | None = None,
    watch: Watcher = silent,
    now: datetime | None = None,
) -> Report:
    """Forget a person now, by their number or their request, and publish the marts without them. Nothing is loaded."""
    if not config.warehouse.is_file() and not has_copies(config):
        raise ClientelaError(f"{config.company} has no warehouse yet, so nobody is known; `clientela run` makes it.")
    return take_steps(config, "forget", watch, now, partial(_forget, customer_id=customer_id, request=request))


def _forget(run: PipelineRun, *, customer_id: int | None, request: str | None) -> None:
    run.is_asking = True
    if request is not None:
        person = by_request(run.connection, request)
        run.is_asking = False
        if person.customer_id is None:
            run.identify()
            person = by_request(run.connection, request)
    else:
        assert customer_id is not None
        person = by_customer(run.connection, customer_id)
    run.is_asking = False
    run.forget([person])
    run.set_context()
    run.transform()
    run.publish()
    run.write_report()


def refit(
    config: Config,
    months: Sequence[date] = (),
    watch: Watcher = silent,
    now: datetime | None = None,
    *,
    everything: bool = False,
) -> Report:
    """Make what was learnt for the forecasts at closed month-ends anew, and publish. Nothing is loaded.

    months: a day of each month; none: the last closed one. everything: all of them.
    """
    return take_steps(config, "refit", watch, now, partial(_refit, months=months, everything=everything))


def _refit(run: PipelineRun, *, months: Sequence[date], everything: bool) -> None:
    run.refit = ALL if everything else ",".join(day.isoformat() for day in _month_ends(run, months))
    audit.record(run.connection, run.config, "refit", run.refit)
    run.set_context()
    run.transform()
    run.publish()
    run.write_report()


def _month_ends(run: PipelineRun, months: Sequence[date]) -> list[date]:
    """The month-ends asked for, which must be settled; the last one where none was named."""
    rows = run.connection.execute(
        "select distinct month_end from memory.settled_month_ends where month_end < ? order by 1", [run.day]
    ).fetchall()
    settled = [month_end for (month_end,) in rows]
    if not settled:
        raise ClientelaError(
            "No month-end is settled yet, so there is nothing to make anew; `clientela run` settles them."
        )
    wanted = sorted({month_end(day) for day in months}) or settled[-1:]
    if unknown := [f"{day:%Y-%m}" for day in wanted if day not in settled]:
        raise ClientelaError(
            f"The end of {', '.join(unknown)} is not settled; settled are {settled[0]:%Y-%m} to {settled[-1]:%Y-%m}, as "
            "operations.settled_month_ends says. Nothing was changed."
        )
    return wanted


def publish_again(config: Config, watch: Watcher = silent) -> Report:
    """Publish the marts that the last run built, without loading or building."""
    return take_steps(config, "publish", watch, None, _publish)


def _publish(run: PipelineRun) -> None:
    run.publish()
    run.write_report()
