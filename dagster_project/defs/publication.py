"""The last steps of a night: the published file, downstream of every mart, and the report of it.

A failed dbt test does not keep Dagster from running a Python asset behind it, so nothing here relies on that: the step
that builds the models fails when anything failed, and this one refuses marts that its own run did not build and test.
How the file is written and switched in is in `clientela.publish`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from clientela.config.company import Config
from clientela.errors import NotPublishedError
from clientela.publish import marts_of
from dagster_project.defs.resources import PipelineRunResource
from dagster_project.defs.transformation import Translator

PUBLISHED = dg.AssetKey(["published", "marts"])
REPORT = dg.AssetKey(["published", "report"])


def mart_keys(manifest: dict[str, Any]) -> list[dg.AssetKey]:
    """The assets of all models that are published."""
    nodes = {(node["schema"], node["name"]): node for node in manifest["nodes"].values()}
    return [Translator().get_asset_key(nodes[mart.schema, mart.name]) for mart in marts_of(manifest)]


def published_marts(config: Config, manifest: dict[str, Any]) -> dg.AssetsDefinition:
    """The asset that is published/marts.duckdb."""

    @dg.asset(
        key=PUBLISHED,
        deps=mart_keys(manifest),
        group_name="published",
        kinds={"duckdb"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=config.max_silence) if config.max_silence else None,
        description="The read-only DuckDB file that analysts and BI tools open: published/marts.duckdb, switched in atomically.",
    )
    def publish(pipeline_run: PipelineRunResource) -> dg.MaterializeResult[None]:
        with pipeline_run.step("published.marts") as run:
            if not run.results:
                raise NotPublishedError(
                    "This run has not built the models, so it cannot vouch for them; run the whole night, "
                    "or `clientela publish` for the marts of the last one."
                )
            published = run.publish()
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(published.path),
                "run": run.run_id,
                "as_of": str(run.as_of_on),
                "tables": published.tables,
                "dagster/row_count": published.rows,
                "bytes": published.bytes,
            }
        )

    return publish


def morning_report() -> dg.AssetsDefinition:
    """The asset that is published/report.html: what fails of it is a warning, since the figures are published already."""

    @dg.asset(
        key=REPORT,
        deps=[PUBLISHED],
        group_name="published",
        kinds={"html"},
        check_specs=[
            dg.AssetCheckSpec("is_whole", asset=REPORT, description="Every part of the report could be made.")
        ],
        description="The morning report, for a manager: published/report.html, one file that opens offline.",
    )
    def report(pipeline_run: PipelineRunResource) -> Iterator[Any]:
        with pipeline_run.step("published.report") as run:
            if run.published is None:
                raise NotPublishedError(
                    "This run has not published, so there is nothing to report; `clientela report` writes the "
                    "report of what is published."
                )
            path = run.write_report()
        check = dg.AssetCheckResult(
            passed=not run.warnings, severity=dg.AssetCheckSeverity.WARN, metadata={"warnings": run.warnings}
        )
        yield dg.MaterializeResult(
            metadata={"path": dg.MetadataValue.path(path)} if path else {}, check_results=[check]
        )

    return report
