"""Past days: the marts as they are for the end of a month, published beside the newest (`published/as_of/<date>/`).

A backfill over months is one run per month, each with a lock of its own. Any other day: `clientela run --as-of`.
"""

from datetime import timedelta
from typing import Any

import dagster as dg

from clientela.config.company import Config
from clientela.config.read import load_config
from clientela.pipeline.past_day import run_as_of
from dagster_project.defs.ingestion import feeds_by_entity, raw_key
from dagster_project.defs.schedules import company_tags

AS_OF = dg.AssetKey(["published", "as_of"])
FIRST_MONTH = "2000-01"


def as_of_assets(config: Config) -> dg.AssetsDefinition:
    """The partitioned asset of all past month-ends; a partition's key is the month, its as-of day the month's last."""
    path = config.path

    @dg.asset(
        key=AS_OF,
        deps=[raw_key(entity) for entity in feeds_by_entity(config)],
        partitions_def=dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, fmt="%Y-%m", timezone=config.time_zone),
        group_name="published",
        kinds={"duckdb"},
        description="The marts as of the last day of a past month, a full refresh in a scratch file, remembering nothing.",
    )
    def publish_as_of(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        as_of = (context.partition_time_window.end - timedelta(days=1)).date()

        def watch(step: str, subject: str, sentence: str) -> None:
            context.log.info(f"{step} {subject} {sentence}".rstrip())

        report = run_as_of(load_config(path), as_of, watch=watch)
        if report.published is None:
            raise dg.Failure(report.message, allow_retries=False)
        metadata = {"path": dg.MetadataValue.path(report.published), "as_of": as_of.isoformat(), "run": report.run_id}
        return dg.MaterializeResult(metadata=metadata)

    return publish_as_of


def as_of_job(config: Config, as_of: dg.AssetsDefinition) -> Any:
    """The job to backfill."""
    return dg.define_asset_job(
        "as_of",
        selection=dg.AssetSelection.assets(as_of),
        tags=company_tags(config),
        description="Publish the marts as of the end of a past month, beside the newest.",
    )
