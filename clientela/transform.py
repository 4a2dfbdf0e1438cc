"""The models, built and tested against the warehouse or a scratch file: as compiled, or by dbt where a company has its own.

What the models compute is in `models/`, what dbt makes of them in `clientela.compiled_models`, how that is run in
`clientela.build_models`. This module chooses the road, and starts dbt where it is needed. Either opens the database for
itself: the caller closes theirs before, and finds it closed after.
"""

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from clientela import build_models, compiled_models, durable, stopping
from clientela.build_models import Database, NodeResult, Progress
from clientela.compiled_models import Compiled
from clientela.config.company import Config
from clientela.engines import ducklake, spark
from clientela.engines.lake import Lake
from clientela.errors import NotPublishedError
from clientela.masking import failure_without_values
from clientela.places import SCHEMAS
from clientela.project_files import PROJECT
from clientela.warehouse.last_build import GONE_ON_FROM

#: the dbt package, and the schema, of the company's own models
COMPANY_PACKAGE = "custom"
#: a run for a past day builds in a file of this name
SCRATCH_FILE = "as_of.duckdb"
_SILENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
_WHAT_DATA_CHANGES = ("config.materialized:table", "config.materialized:incremental", "resource_type:test")


def target_folder(config: Config) -> Path:
    """Where dbt keeps what it parsed and compiled for this company."""
    return config.data / "dbt"


def environment(config: Config, scratch: Path | None = None) -> dict[str, str]:
    """The environment variables that dbt/profiles.yml and dbt_project.yml read: paths and limits, all that dbt is given.

    What else a company has set is in schema `run`, see clientela.warehouse.run_settings.
    """
    variables = {"CLIENTELA_SCRATCH": str(scratch)} if scratch else {}
    if config.models is not None:
        variables["CLIENTELA_PACKAGES"] = str(_company_package(config, config.models).parent)
    return variables | {
        "CLIENTELA_WAREHOUSE": str(config.warehouse),
        "CLIENTELA_MEMORY_LIMIT": config.limits.duckdb_memory,
        "CLIENTELA_THREADS": str(config.limits.threads),
        "CLIENTELA_SPILL": str(config.data / "spill"),
        **_SILENT,
    }


def arguments(config: Config, command: str = "build", target: str = "night") -> list[str]:
    """dbt's command line for this company."""
    return _arguments(command, target, target_folder(config) / target, target_folder(config) / "logs")


def _arguments(command: str, target: str, folder: Path, logs: Path) -> list[str]:
    return [
        command,
        *("--project-dir", str(PROJECT)),
        *("--profiles-dir", str(PROJECT / "dbt")),
        *("--target", target),
        *("--target-path", str(folder)),
        *("--log-path", str(logs)),
        *("--log-level", "none"),
        *("--log-level-file", "none"),
    ]


def build(
    config: Config,
    progress: Progress | None = None,
    scratch: Path | None = None,
    *,
    is_full_refresh: bool = True,
    only: Collection[str] | None = None,
) -> list[NodeResult]:
    """Build and test the models; results in an order in which one could build them. It raises for none that failed.

    is_full_refresh: all of them, incremental ones anew. Otherwise the tables alone: seeds and views are cached, since code and
    settings are the same. On another engine every build is a full refresh; a past day is built on DuckDB. `only`: the nodes of
    these unique ids, where it is not all.
    """
    target, variables = "as_of" if scratch else "night", environment(config, scratch)
    cached: Sequence[Any]
    try:
        if config.models is not None:
            with set_environment(variables):
                results, order = _build_with_dbt(config, progress, target, is_full_refresh)
                cached = _cached_nodes(_parse(config, target))
        else:
            steps = compiled().steps
            if config.engine.kind == "spark" and scratch is None:
                is_full_refresh = True
                results = _build_on_spark(config, database(target, variables), progress, only)
            elif config.engine.kind == "ducklake" and scratch is None:
                is_full_refresh = True
                results = ducklake.build(compiled(), database(target, variables), _catalog(config), progress, only=only)
            else:
                results = build_models.build(
                    compiled(), database(target, variables), progress, is_full_refresh=is_full_refresh, only=only
                )
            order, cached = [step.unique_id for step in steps], [step for step in steps if step.is_cached]
    except NotPublishedError as error:
        return [NodeResult("dbt", "project", "dbt", "error", 0.0, error.sentence, 0)]
    if not is_full_refresh and not any(r.has_failed for r in results):
        results += [
            NodeResult(
                node.unique_id,
                "seed" if node.unique_id.startswith("seed.") else "model",
                node.name,
                "cached",
                0.0,
                "as the last build left it",
                0,
            )
            for node in cached
            if only is None or node.unique_id in only
        ]
        sequence = {key: number for number, key in enumerate(order)}
        results.sort(key=lambda r: sequence[r.unique_id])
    return results


def require_engine(config: Config) -> None:
    """Raise ConfigError if what builds this company's models is not on this machine."""
    if config.engine.kind == "spark":
        spark.require(spark.Cluster(config.engine.master, config.engine.options))
    if config.engine.kind == "ducklake":
        ducklake.require(_catalog(config), config.data)


def empty_lake(config: Config) -> None:
    """Take what the engine keeps beside the warehouse away, so that nothing of a person stays in it; the next run writes it."""
    if config.engine.kind == "ducklake":
        ducklake.empty(_catalog(config), SCHEMAS)


def found_in_lake(config: Config, values: Sequence[str]) -> dict[str, int]:
    """What the engine keeps beside the data folder → how many of the values are found in it; all of it is there."""
    if config.engine.kind != "ducklake":
        return {}
    found = ducklake.found_in_catalog(_catalog(config), values)
    return {f"lake's catalogue, {table}": number for table, number in found.items()}


def _catalog(config: Config) -> ducklake.Catalog:
    engine = config.engine
    assert engine.connection_env is not None, "the configuration says so"
    return ducklake.Catalog(engine.connection_env, engine.catalog_schema, config.lake, engine.snapshot_days)


def _build_on_spark(
    config: Config, database: Database, progress: Progress | None, only: Collection[str] | None
) -> list[NodeResult]:
    cluster = spark.Cluster(config.engine.master, config.engine.options)
    return spark.build(compiled(), compiled("spark"), database, Lake(config.lake), cluster, progress, only=only)


def database(target: str, variables: Mapping[str, str]) -> Database:
    """The database that dbt/profiles.yml describes for a target, with these variables beside those of the environment."""
    from jinja2.sandbox import SandboxedEnvironment

    jinja = SandboxedEnvironment()
    jinja.globals["env_var"] = {**os.environ, **variables}.get
    jinja.filters["as_number"] = str

    def rendered(value: Any) -> str:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return str(jinja.from_string(text).render())

    profile = yaml.safe_load((PROJECT / "dbt" / "profiles.yml").read_text(encoding="utf-8"))
    output = profile["clientela"]["outputs"][target]
    return Database(
        rendered(output["path"]),
        {name: rendered(value) for name, value in output.get("config_options", {}).items()},
        {name: rendered(value) for name, value in output.get("settings", {}).items()},
        {rendered(other["alias"]): rendered(other["path"]) for other in output.get("attach", ())},
    )


def _build_with_dbt(
    config: Config, progress: Progress | None, target: str, is_full_refresh: bool
) -> tuple[list[NodeResult], list[str]]:
    """dbt's own build, and all nodes in an order in which they can be built."""
    from dbt.cli.main import dbtRunner

    def on_event(event: Any) -> None:
        name, data = event.info.name, event.data
        if progress and name == "LogStartLine":
            progress("begin", data.node_info.node_name, f"{data.index} of {data.total}")
        elif progress and name in ("LogModelResult", "LogTestResult", "LogSeedResult"):
            node = data.node_info
            progress("node", node.node_name, f"{node.resource_type} {data.status} {float(data.execution_time):.2f}")

    parsed = _parse(config, target)
    try:
        answer = dbtRunner(manifest=parsed, callbacks=[on_event]).invoke(
            # unit tests are of the models, not of the night: `make test` runs them; exposures only say who reads
            [
                *arguments(config, "build", target),
                "--no-write-json",
                *("--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure"),
                *(["--full-refresh"] if is_full_refresh else ["--select", *_WHAT_DATA_CHANGES]),
            ]
        )
    finally:
        _close_connections()
    _heed_stop(answer)
    if answer.exception is not None and answer.result is None:
        raise NotPublishedError(str(answer.exception))
    needs = {
        key: [need for need in node.depends_on_nodes if need in parsed.nodes] for key, node in parsed.nodes.items()
    }
    return [_result(r) for r in getattr(answer.result, "results", [])], [*TopologicalSorter(needs).static_order()]


def manifest(config: Config) -> dict[str, Any]:
    """The nodes of dbt's manifest, with their columns and descriptions, to be read and not changed."""
    if config.models is None:
        return compiled().project
    with set_environment(environment(config)):
        parsed = _parse(config, "night")
    return {"nodes": {key: node.to_resource().to_dict() for key, node in parsed.nodes.items()}}


def project(config: Config) -> dict[str, Any]:
    """The whole parsed project, as dbt's documentation reads it, to be read and not changed; of macros those of this project."""
    if config.models is None:
        return compiled().project
    with set_environment(environment(config)):
        return compiled_models.documented(_parse(config, "night"))


#: the compiled project, by adapter, and by what a company's own models are, the parsed one: a process of several nights reads
#: it once
_COMPILED: dict[str, Compiled] = {}
_PARSED: dict[tuple[str, ...], Any] = {}


def compiled(adapter: str = "duckdb") -> Compiled:
    """The project without a company's own models, in the adapter's SQL. Its text is of no company and no file."""
    if adapter not in _COMPILED:
        _COMPILED[adapter] = compiled_models.read(adapter) or _compile(adapter)
    return _COMPILED[adapter]


def _compile(adapter: str) -> Compiled:
    with tempfile.TemporaryDirectory(prefix="clientela-models-") as name:
        folder = Path(name)
        elsewhere = _SILENT | {
            "CLIENTELA_WAREHOUSE": str(folder / f"{compiled_models.DATABASE}.duckdb"),
            "CLIENTELA_SPILL": str(folder / "spill"),
        }
        with set_environment(elsewhere):
            try:
                target = "night" if adapter == "duckdb" else adapter
                made = compiled_models.compile_project(_arguments("compile", target, folder, folder))
            finally:
                _close_connections()
    stopping.check()
    compiled_models.keep(made, adapter)
    return made


def _parse(config: Config, target: str) -> Any:
    """The project with the company's own models, parsed in the company's folder."""
    own = [f"{path}:{path.stat().st_mtime_ns}:{path.stat().st_size}" for path in config.model_files()]
    key = (target, str(config.models), *own)
    if key not in _PARSED:
        _PARSED[key] = _parse_anew(config, target)
    return _PARSED[key]


def _parse_anew(config: Config, target: str) -> Any:
    from dbt.cli.main import dbtRunner

    answer = dbtRunner().invoke([*arguments(config, "parse", target), "--no-write-json"])
    _heed_stop(answer)
    if not answer.success:
        cause = " ".join(line.strip() for line in str(answer.exception).splitlines() if line.strip())
        raise NotPublishedError(f"The models cannot be parsed: {cause}")
    return answer.result


def _company_package(config: Config, models: Path) -> Path:
    """The company's own models as a dbt package; dbt finds it by its path.

    Its models are a link to their folder: dbt writes what it compiles by a model's path below the package, and with a
    path from the root it would write over the company's own files.
    """
    package = target_folder(config) / "packages" / COMPANY_PACKAGE
    package.mkdir(parents=True, exist_ok=True)
    link = package / "models"
    if not link.is_symlink() or link.readlink() != models:
        aside = link.with_name(f".models.{os.getpid()}")
        aside.unlink(missing_ok=True)
        aside.symlink_to(models, target_is_directory=True)
        os.replace(aside, link)
    project = yaml.safe_dump({"name": COMPANY_PACKAGE, "models": {COMPANY_PACKAGE: {"+materialized": "table"}}})
    path = package / "dbt_project.yml"
    if not path.is_file() or path.read_text(encoding="utf-8") != project:
        durable.write(path, project.encode())
    return package


def cached_relations(config: Config) -> set[str]:
    """Schema and name of every seed and view, built once for the same code and settings, and of tables that models go on from."""
    if config.models is None:
        return {f"{step.schema}.{step.name}" for step in compiled().steps if step.is_cached} | GONE_ON_FROM
    with set_environment(environment(config)):
        return {f"{node.schema}.{node.name}" for node in _cached_nodes(_parse(config, "night"))} | GONE_ON_FROM


def _cached_nodes(parsed: Any) -> list[Any]:
    return [
        node
        for node in parsed.nodes.values()
        if node.resource_type == "seed" or (node.resource_type == "model" and node.config.materialized == "view")
    ]


def _result(result: Any) -> NodeResult:
    node = result.node
    return NodeResult(
        node.unique_id,
        str(node.resource_type),
        node.name,
        str(result.status),
        float(result.execution_time or 0),
        failure_without_values((result.message or "").strip()),
        int(result.failures or 0),
    )


def _heed_stop(answer: Any) -> None:
    """dbt catches even what asks the process to stop, and gives it back as an answer."""
    stopping.check()
    if isinstance(answer.exception, KeyboardInterrupt):
        raise answer.exception


def _close_connections() -> None:
    """dbt-duckdb keeps the database open for the next call in the process; a warehouse has one owner at a time."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
    DuckDBConnectionManager.close_all_connections()


@contextmanager
def set_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The variables in the process for as long as dbt is at work."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
