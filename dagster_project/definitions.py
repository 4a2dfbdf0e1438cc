"""What Dagster loads: this module only assembles; what it assembles is in `dagster_project.defs`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.company import chosen_company
from dagster_project.defs import backfill, ingestion, publication, schedules, sensors, transformation
from dagster_project.defs.manifest import read_manifest
from dagster_project.defs.resources import RUN_RESOURCE, PipelineRunResource


def build_defs(
    config_path: Path | str | None = None, resource_overrides: Mapping[str, Any] | None = None
) -> dg.Definitions:
    """Everything of one company: `config_path`, else the one that CLIENTELA_CONFIG names, else the example."""
    config = chosen_company(config_path)
    manifest = read_manifest(config)
    as_of = backfill.as_of_assets(config)
    return dg.Definitions(
        assets=[
            *ingestion.source_specs(config),
            *ingestion.raw_assets(config),
            *transformation.input_specs(config, manifest),
            transformation.run_context(config),
            transformation.model_assets(manifest),
            publication.published_marts(manifest),
            publication.morning_report(),
            as_of,
        ],
        jobs=[schedules.night_job(config, apart_from=as_of), backfill.as_of_job(config, as_of)],
        schedules=[schedules.nightly(config)],
        sensors=[sensors.arriving_files(config)],
        resources={RUN_RESOURCE: PipelineRunResource(config_path=str(config.path)), **(resource_overrides or {})},
        # DuckDB has one writing process anyway, and a process per step would pay every import again
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The company that CLIENTELA_CONFIG names."""
    return build_defs()
