"""The night of one company: its steps, in their order. Dagster's assets take the same ones.

What a step does is in the module it is named after; what frames them, in `clientela.pipeline.open_run`.
"""

from datetime import datetime
from functools import partial

from clientela.config.company import Config
from clientela.pipeline.open_run import take_steps
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.progress import Watcher, silent
from clientela.pipeline.run_summary import NOTHING_NEW, Report
from clientela.privacy.person import by_customer, by_request


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
    return take_steps(config, "forget", watch, now, partial(_forget, customer_id=customer_id, request=request))


def _forget(run: PipelineRun, *, customer_id: int | None, request: str | None) -> None:
    if request is not None:
        person = by_request(run.connection, request)
        if person.customer_id is None:
            run.identify()
            person = by_request(run.connection, request)
    else:
        assert customer_id is not None
        person = by_customer(run.connection, customer_id)
    run.forget([person])
    run.set_context()
    run.transform()
    run.publish()
    run.write_report()


def publish_again(config: Config, watch: Watcher = silent) -> Report:
    """Publish the marts that the last run built, without loading or building."""
    return take_steps(config, "publish", watch, None, _publish)


def _publish(run: PipelineRun) -> None:
    run.publish()
    run.write_report()
