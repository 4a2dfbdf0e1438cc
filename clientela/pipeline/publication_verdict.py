"""What stops publication: a source that is missing or too old, and a model or test that failed.

What a batch is refused for is in `clientela.load`; what a test asks of the marts is in `models/` and `dbt/tests/`.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import duckdb

from clientela.build_models import NodeResult
from clientela.config.company import Config
from clientela.errors import NotPublishedError
from clientela.identity import step
from clientela.pipeline.run_summary import SourceStatus


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
