"""From raw to marts: the run's context, then dbt's models and tests, built in this process by `clientela.transform`.

dagster-dbt makes the assets and checks out of dbt's manifest. Its own runner starts dbt as a second process with options
of its own; the night has one process, one DuckDB file and one owner of it, so our body lets `PipelineRun` build and tells
Dagster what came of each node. What a model computes is in `models/`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets

from clientela.build_models import NodeResult
from clientela.config.company import Config
from clientela.contracts import ENTITIES
from clientela.pipeline.run_summary import NOTHING_NEW
from dagster_project.defs.ingestion import feeds_by_entity, raw_key
from dagster_project.defs.resources import PipelineRunResource

CONTEXT = dg.AssetKey(["run", "context"])
#: under what Dagster shows where an asset is stored
_NAMES_OF_TABLES = ("dagster/table_name", "dagster/relation_identifier")
_DONE = ("pass", "warn", "fail", "error")


class Translator(DagsterDbtTranslator):
    """dbt's nodes in this project's words: one group per layer, and per area of marts, with the owners that dbt's groups have."""

    def __init__(self, manifest: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        groups = (manifest or {}).get("groups", {}).values()
        self._owners = {group["name"]: str(group["owner"]["name"]) for group in groups}

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """The team that answers for the model's group, in the letters that Dagster allows."""
        owner = self._owners.get(dbt_resource_props.get("config", {}).get("group") or "")
        return [f"team:{re.sub(r'[^A-Za-z0-9]+', '_', owner)}"] if owner else None

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """What dagster-dbt says, with the table's name as it is in the warehouse: dbt parses without one, in `memory`."""
        told = dict(super().get_metadata(dbt_resource_props))
        name = f"warehouse.{dbt_resource_props['schema']}.{dbt_resource_props['name']}"
        return told | {key: name for key in _NAMES_OF_TABLES if key in told}

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """`staging`, `intermediate`, `seeds`, or `marts_` and the area."""
        if dbt_resource_props["resource_type"] == "seed":
            return "seeds"
        layer, *inside = dbt_resource_props["fqn"][1:-1] or ["models"]
        return "_".join([layer, *inside[:1]]) if layer == "marts" else str(layer)

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the model's YAML says of it."""
        return str(dbt_resource_props.get("description", ""))

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """dagster-dbt gives a singular test of several models to none of them: it is a check of the first that it names."""
        node = manifest["nodes"][unique_id]
        models = [parent for parent in node["depends_on"]["nodes"] if parent.startswith("model.")]
        if node.get("attached_node") or len(node["depends_on"]["nodes"]) == 1 or not models:
            return super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        home, *others = [self.get_asset_key(manifest["nodes"][model]) for model in models]
        if home != asset_spec.key:
            return None
        return dg.AssetCheckSpec(
            node["name"],
            asset=home,
            description=node.get("description"),
            additional_deps=others,
            blocking=node["config"].get("severity", "error").lower() == "error",
        )


def input_specs(config: Config, manifest: Mapping[str, Any]) -> list[dg.AssetSpec]:
    """What models read and no asset makes: entities that no source of this company delivers, the ledger, memory."""
    made = {CONTEXT, *(raw_key(entity) for entity in feeds_by_entity(config))}
    specs = []
    for source in manifest["sources"].values():
        key = Translator().get_asset_key(source)
        if key in made:
            continue
        description = source["description"] or source["source_description"]
        if source["source_name"] == "raw":
            description = (
                f"No source of this company delivers it; the table is empty. {ENTITIES[source['name']].description}"
            )
        specs.append(dg.AssetSpec(key, group_name=source["source_name"], description=description, kinds={"duckdb"}))
    return specs


def run_context(config: Config) -> dg.AssetsDefinition:
    """The asset between loading and building: is there anything to build, and as of which day?"""

    @dg.asset(
        key=CONTEXT,
        deps=[raw_key(entity) for entity in feeds_by_entity(config)],
        group_name="run",
        kinds={"duckdb"},
        description="The run's two instants and settings, which every model reads. Not made when a required feed is "
        "missing (the run fails) or nothing new arrived (the rest of the run is skipped).",
        output_required=False,
    )
    def context_of_the_run(
        context: dg.AssetExecutionContext, pipeline_run: PipelineRunResource
    ) -> Iterator[dg.Output[None]]:
        with pipeline_run.step("run.context") as run:
            run.expire_landing()
            run.identify_due()
            run.forget_due()
            run.expire_due()
            run.require_sources()
            has_no_changes = run.has_no_changes()
            if not has_no_changes:
                run.set_context()
        if has_no_changes:
            pipeline_run.mark_skipped()
            pipeline_run.run.renew_report()
            context.log.info(NOTHING_NEW)
            return
        yield dg.Output(None, metadata={"run": run.run_id, "as_of": str(run.as_of_on)})

    return context_of_the_run


def model_assets(manifest: dict[str, Any]) -> dg.AssetsDefinition:
    """Every model and seed as an asset, every test as a check, built together by one step."""
    translator = Translator(manifest)
    keys = {
        unique_id: translator.get_asset_key(node)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="models")
    def models(context: dg.AssetExecutionContext, pipeline_run: PipelineRunResource) -> Iterator[Any]:
        failure: dg.Failure | None = None
        run = pipeline_run.run
        try:
            with pipeline_run.step("models"):
                if run.as_of_on is None:
                    # a run that was started again from here: all marts bear this run's id or none is published
                    run.require_sources()
                    run.set_context()
                run.transform()
        except dg.Failure as error:
            failure = error
        checks = {key.name: key for key in context.selected_asset_check_keys}
        rows = row_counts(run.connection) if failure is None else {}
        yield from dagster_events(run.results, keys, context.selected_asset_keys, checks, rows)
        if failure is not None:
            raise failure

    return models


def dagster_events(
    results: Sequence[NodeResult],
    keys: Mapping[str, dg.AssetKey],
    selected: set[dg.AssetKey] | frozenset[dg.AssetKey] | Any,
    checks: Mapping[str, dg.AssetCheckKey],
    rows: Mapping[str, int] | None = None,
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """dbt's results in Dagster's words: a model that is up to date, a test that was made. Nothing for what was skipped.

    `rows`: of each table by its asset key, as Dagster plots it from night to night beside the seconds.
    """
    for result in results:
        key = keys.get(result.unique_id)
        if key in selected and result.is_up_to_date:
            metadata: dict[str, Any] = {"seconds": round(result.seconds, 3)}
            count = (rows or {}).get(key.to_user_string()) if key is not None else None
            if count is not None:
                metadata["dagster/row_count"] = count
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        check = checks.get(result.name) if result.kind == "test" else None
        if check is not None and result.status in _DONE:
            yield dg.AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=result.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata={
                    "rows_found": result.failures,
                    "message": result.message,
                    "seconds": round(result.seconds, 3),
                },
            )


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Schema and name of every table that was built → its rows."""
    tables = connection.execute(
        "select schema_name, table_name, estimated_size from duckdb_tables() where database_name = current_database()"
    ).fetchall()
    return {f"{schema}/{name}": rows for schema, name, rows in tables}
