"""What stops publication: a source that is missing or too old, and a model or test that failed.

What a batch is refused for is in `clientela.load`; what a test asks of the marts is in `models/` and `dbt/tests/`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import duckdb

from clientela.build_models import NodeResult
from clientela.config.company import Config
from clientela.errors import NotPublishedError
from clientela.extract.feeds import feeds_of
from clientela.identity import step
from clientela.load.outcome import Outcome
from clientela.pipeline.run_summary import SourceStatus


def source_states(
    connection: duckdb.DuckDBPyConnection, config: Config, outcomes: Sequence[Outcome], now: datetime
) -> list[SourceStatus]:
    """The state of every configured feed: what this run met, else what the ledger knows."""
    last = {(outcome.source, outcome.feed): outcome for outcome in outcomes}
    known = {
        (row[0], row[1]): row
        for row in connection.execute(
            """
            select source, feed,
                coalesce(
                    max_by(status, batch_id) filter (status <> 'unloaded' and (status <> 'refused' or retired_at is null)),
                    'unloaded'
                ),
                max_by(reason, batch_id), max_by(validation_report, batch_id),
                max(last_event_on) filter (status = 'loaded'), max(loaded_at) filter (status = 'loaded')
            from ledger.loads group by source, feed
            """
        ).fetchall()
    }
    today = now.astimezone(config.zone).date()
    states = []
    for feed in feeds_of(config):
        key = feed.source_name, feed.name
        outcome = last.get(key)
        _, _, status, reason, validation_report, last_event_on, loaded_at = known.get(
            key, (*key, "never delivered", None, None, None, None)
        )
        if status != "refused":
            reason = None
        if outcome and outcome.status != "nothing new":
            status = outcome.status
        if outcome and outcome.reason:
            reason = outcome.reason
        loaded_until = last_event_on or (loaded_at.astimezone(config.zone).date() if loaded_at else None)
        states.append(
            SourceStatus(
                feed.source_name,
                feed.entity.name,
                status=status,
                reason=reason or "",
                is_required=config.is_required(*key),
                is_stale=status in ("refused", "never delivered"),
                age_days=max((today - loaded_until).days, 0) if loaded_until else None,
                validation_report=validation_report,
                feed=feed.name,
            )
        )
    return states


def blocking_reason(config: Config, state: SourceStatus) -> str | None:
    """Why nothing may be published while a feed is in this state; None if it may."""
    name = f"{state.source}.{state.feed}"
    if state.is_required and state.status in ("refused", "never delivered"):
        return f"{name} is required and was {state.status}: {state.reason}"
    allowed = config.max_age(state.source, state.feed)
    if allowed is not None and state.age_days is not None and timedelta(days=state.age_days) > allowed:
        return f"{name} is {state.age_days} days old, older than its max_age allows."
    return None


def require_sources(config: Config, states: Iterable[SourceStatus]) -> None:
    """Raise NotPublishedError if a required feed was refused, never came, or is older than allowed."""
    for state in states:
        if reason := blocking_reason(config, state):
            raise NotPublishedError(reason)


def raise_on_failures(connection: duckdb.DuckDBPyConnection, results: Sequence[NodeResult]) -> None:
    """Raise NotPublishedError if a model or test failed, with the first cause."""
    failed = [result for result in results if result.has_failed]
    if not failed:
        return
    first = failed[0]
    if first.kind == "project":
        raise NotPublishedError(first.message)
    if [result.name for result in failed] == [step.RANGES_TEST]:
        raise NotPublishedError(step.out_of_range(connection))
    raise NotPublishedError(
        f"{len(failed)} of {len(results)} models and tests failed, first {first.kind} {first.name}: {first.cause}",
        "\n".join(f"{result.kind} {result.name}: {result.message}" for result in failed),
    )
