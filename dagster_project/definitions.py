"""What Dagster loads: this module only assembles; what it assembles is in `dagster_project.defs`."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from clientela.config.company import Config
from clientela.errors import ConfigError
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
    ours = dg.Definitions(
        assets=[
            *ingestion.source_specs(config),
            *ingestion.raw_assets(config),
            *transformation.input_specs(config, manifest),
            transformation.run_context(config),
            transformation.model_assets(manifest),
            publication.published_marts(config, manifest),
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
    theirs = own_definitions(config)
    return ours if theirs is None else dg.Definitions.merge(ours, theirs)


def own_definitions(config: Config) -> dg.Definitions | None:
    """What the team defines in the module that `dagster_module` names: its `defs`. Raises ConfigError where it has none.

    The module is looked for beside clientela.yml, and where Python finds modules.
    """
    if config.dagster_module is None:
        return None
    beside = str(config.path.resolve().parent)
    if beside not in sys.path:
        sys.path.append(beside)
    try:
        module = importlib.import_module(config.dagster_module)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"dagster_module = {config.dagster_module}: {error.name} is neither beside {config.path.name} nor installed."
        ) from error
    found = getattr(module, "defs", None)
    if not isinstance(found, dg.Definitions):
        raise ConfigError(
            f"dagster_module = {config.dagster_module}: the module has no `defs` that is dagster.Definitions."
        )
    return found


@dg.definitions
def defs() -> dg.Definitions:
    """The company that CLIENTELA_CONFIG names."""
    return build_defs()
