"""From what the company's systems deliver to the raw tables: one factory for every entity, one check for every feed.

A source's delivery is an asset of its own that Dagster only watches; a raw table is loaded from all the sources that
deliver its entity. The gate and the load are in `clientela.load`; here is how Dagster shows their outcome.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from clientela.config.company import REFERENCE_SOURCE, Config
from clientela.contracts import ENTITIES
from clientela.errors import NotPublishedError
from clientela.extract.feed import Feed
from clientela.extract.feeds import feeds_of
from clientela.load.outcome import Outcome
from clientela.pipeline.publication_verdict import blocking_reason
from clientela.pipeline.run_summary import SourceStatus
from dagster_project.defs.resources import PipelineRunResource

RATES = "exchange_rates"
#: a disk or a network that fails for a moment; a refused batch is not tried again, the file must be corrected
RETRIES = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL)


def source_key(source: str, feed: str) -> dg.AssetKey:
    """The asset that stands for what a source delivers in one feed."""
    return dg.AssetKey(["sources", source, feed])


def raw_key(entity: str) -> dg.AssetKey:
    """The asset that stands for an entity's raw table; models/staging/sources.yml names the same one."""
    return dg.AssetKey(["raw", entity])


def check_name(source: str, feed: str, entity: str) -> str:
    """The name of a raw table's check on what one feed delivered."""
    return f"{source}_gate" if feed == entity else f"{source}_{feed}_gate"


def feeds_by_entity(config: Config) -> dict[str, list[Feed]]:
    """Entity → its feeds, in the order in which they are loaded."""
    grouped: dict[str, list[Feed]] = {}
    for feed in feeds_of(config):
        grouped.setdefault(feed.entity.name, []).append(feed)
    return grouped


def source_specs(config: Config) -> list[dg.AssetSpec]:
    """What the company's systems deliver; nothing here can make it, so it is only watched."""
    specs = []
    for feed in feeds_of(config):
        source, name = feed.source_name, feed.name
        specs.append(
            dg.AssetSpec(
                source_key(source, name),
                group_name="sources",
                description=f"What {source} delivers of {name}. {feed.entity.description}",
                metadata={
                    "files": dg.MetadataValue.text(", ".join(feed.settings.files)),
                    "delivery": feed.settings.delivery,
                    "required": config.is_required(source, name),
                },
            )
        )
    return specs


def raw_assets(config: Config) -> list[dg.AssetsDefinition]:
    """One asset per entity that any source delivers."""
    grouped = feeds_by_entity(config)
    return [
        _raw_asset(config, entity, feeds, after_rates=RATES in grouped and entity != RATES, sequence=sequence)
        for sequence, (entity, feeds) in enumerate(grouped.items())
    ]


def _raw_asset(
    config: Config, entity: str, feeds: Sequence[Feed], *, after_rates: bool, sequence: int
) -> dg.AssetsDefinition:
    key = raw_key(entity)
    # amounts in another currency are read with the rates, so those are loaded before
    rates = [raw_key(RATES)] if after_rates and feeds[0].source_name != REFERENCE_SOURCE else []

    @dg.asset(
        key=key,
        deps=[*(source_key(feed.source_name, feed.name) for feed in feeds), *rates],
        check_specs=[
            dg.AssetCheckSpec(
                check_name(feed.source_name, feed.name, entity),
                asset=key,
                description=f"Whether the gate accepted what {feed.source_name} last delivered of {feed.name}.",
                blocking=config.is_required(feed.source_name, feed.name)
                or config.max_age(feed.source_name, feed.name) is not None,
            )
            for feed in feeds
        ],
        group_name="raw",
        kinds={"duckdb"},
        description=ENTITIES[entity].description,
        freshness_policy=_freshness(config, feeds),
        retry_policy=RETRIES,
        # entities are loaded in the order of the configuration, as `clientela run` does
        op_tags={"dagster/priority": str(-sequence)},
    )
    def load(context: dg.AssetExecutionContext, pipeline_run: PipelineRunResource) -> Iterator[Any]:
        with pipeline_run.step(f"raw.{entity}") as run:
            for feed in feeds_by_entity(run.config)[entity]:
                # a retry goes on where the last attempt stopped
                if not _outcomes(run.outcomes, feed.source_name, feed.name):
                    run.load(feed)
            outcomes = [o for o in run.outcomes if o.entity == entity]
            states = [s for s in run.source_states() if s.entity == entity]
            reasons = {(state.source, state.feed): blocking_reason(run.config, state) for state in states}
        for state in states:
            reason = reasons[state.source, state.feed]
            if reason:
                pipeline_run.record_failure(f"{state.source}.{state.feed}", NotPublishedError(reason))
            delivered = _outcomes(outcomes, state.source, state.feed)
            context.log_event(dg.AssetObservation(source_key(state.source, state.feed), metadata=counts(delivered)))
            yield check_result(key, state, delivered, reason)
        yield dg.MaterializeResult(asset_key=key, metadata=counts(outcomes))

    return load


def _freshness(config: Config, feeds: Sequence[Feed]) -> dg.FreshnessPolicy | None:
    """How long the table may stand without being loaded: what the strictest of its feeds allows its last event."""
    ages = [age for feed in feeds if (age := config.max_age(feed.source_name, feed.name)) is not None]
    return dg.FreshnessPolicy.time_window(fail_window=min(ages)) if ages else None


def _outcomes(outcomes: Sequence[Outcome], source: str, feed: str) -> list[Outcome]:
    return [o for o in outcomes if (o.source, o.feed) == (source, feed)]


def counts(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Rows of some batches by what became of them, and the files they came in."""
    files = [name for outcome in outcomes for name in outcome.files]
    return {
        "status": ", ".join(dict.fromkeys(outcome.status for outcome in outcomes)),
        "files": dg.MetadataValue.text(", ".join(files) or "none new"),
        "rows_delivered": sum(outcome.delivered for outcome in outcomes),
        "rows_loaded": sum(outcome.loaded for outcome in outcomes),
        "rows_unchanged": sum(outcome.unchanged for outcome in outcomes),
        "rows_quarantined": sum(outcome.quarantined for outcome in outcomes),
        "rows_left_out": sum(outcome.left_out for outcome in outcomes),
    }


def check_result(
    key: dg.AssetKey, state: SourceStatus, outcomes: Sequence[Outcome], blocked_by: str | None
) -> dg.AssetCheckResult:
    """The state of one feed: not passed if its last batch was refused or never came, or if it keeps the night from publishing."""
    metadata: dict[str, Any] = {"source": state.source, "status": state.status, "required": state.is_required}
    if blocked_by or state.reason:
        metadata["reason"] = dg.MetadataValue.text(blocked_by or state.reason)
    if state.age_days is not None:
        metadata["age_days"] = state.age_days
    failed = [
        dg.TableRecord(
            {
                "expectation": check.expect.name,
                "severity": check.expect.severity,
                "column": check.expect.column or "",
                "meaning": check.expect.description,
                "found": check.observed,
                "rows": check.unexpected_count or 0,
            }
        )
        for outcome in outcomes
        for check in outcome.checks
        if not check.is_met
    ]
    if failed:
        metadata["failed_expectations"] = dg.MetadataValue.table(failed)
    reports = [outcome.validation_report for outcome in outcomes if outcome.validation_report]
    if reports:
        metadata["validation_report"] = dg.MetadataValue.path(reports[-1])
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=check_name(state.source, state.feed, state.entity),
        # what was met only with a warning is loaded, and not green
        passed=blocked_by is None and not state.is_stale and not failed,
        severity=dg.AssetCheckSeverity.ERROR if blocked_by else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )
