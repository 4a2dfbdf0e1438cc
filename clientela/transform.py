"""Running the dbt project, in this process, against the warehouse or a scratch file.

What the models compute is in `models/`; this module only starts dbt, hands on its progress and gathers its results.
dbt keeps a connection open of its own: the caller closes theirs before, and finds dbt's closed after.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from clientela import parsed_models, stopping
from clientela.config.company import Config
from clientela.errors import NotPublishedError
from clientela.masking import failure_without_values
from clientela.project_files import PROJECT

#: the dbt package, and the schema, of the company's own models
COMPANY_PACKAGE = "custom"
#: called where a node begins and where it ends: `begin` or `node`, its name, and what there is to say
Progress = Callable[[str, str, str], None]
_WHAT_DATA_CHANGES = ("config.materialized:table", "config.materialized:incremental", "resource_type:test")
_FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class NodeResult:
    """How one model, seed or test came out. `failures` are rows that a test found."""

    unique_id: str
    kind: str
    name: str
    status: str
    seconds: float
    message: str
    failures: int

    @property
    def has_failed(self) -> bool:
        """It stops publication."""
        return self.status in _FAILED

    @property
    def cause(self) -> str:
        """What went wrong, in a line: dbt's heading comes before it, and of a Python model the traceback."""
        lines = [line.strip() for line in self.message.splitlines() if line.strip()] or [self.status]
        return lines[-1] if "Python model failed:" in lines else lines[min(1, len(lines) - 1)]

    @property
    def is_up_to_date(self) -> bool:
        """It was built, or is cached: as it would be built."""
        return self.status in ("success", "cached")


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
        "CLIENTELA_MEMORY_LIMIT": config.limits.memory.replace(" ", ""),
        "CLIENTELA_THREADS": str(config.limits.threads),
        "CLIENTELA_SPILL": str(config.data / "spill"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def arguments(config: Config, command: str = "build", target: str = "night") -> list[str]:
    """dbt's command line for this company."""
    return [
        command,
        *("--project-dir", str(PROJECT)),
        *("--profiles-dir", str(PROJECT / "dbt")),
        *("--target", target),
        *("--target-path", str(target_folder(config) / target)),
        *("--log-path", str(target_folder(config) / "logs")),
        *("--log-level", "none"),
        *("--log-level-file", "none"),
    ]


def build(
    config: Config, progress: Progress | None = None, scratch: Path | None = None, *, is_full_refresh: bool = True
) -> list[NodeResult]:
    """Build and test the models; results in an order in which one could build them. It raises for none that failed.

    is_full_refresh: all of them, incremental ones anew. Otherwise the tables alone: seeds and views are cached, since code and
    settings are the same.
    """
    from dbt.cli.main import dbtRunner

    def on_event(event: Any) -> None:
        name, data = event.info.name, event.data
        if progress and name == "LogStartLine":
            progress("begin", data.node_info.node_name, f"{data.index} of {data.total}")
        elif progress and name in ("LogModelResult", "LogTestResult", "LogSeedResult"):
            node = data.node_info
            progress("node", node.node_name, f"{node.resource_type} {data.status} {float(data.execution_time):.2f}")

    target = "as_of" if scratch else "night"
    with set_environment(environment(config, scratch)):
        try:
            parsed = _parse(config, target)
        except NotPublishedError as error:
            return [NodeResult("dbt", "project", "dbt", "error", 0.0, error.sentence, 0)]
        try:
            answer = dbtRunner(manifest=parsed, callbacks=[on_event]).invoke(
                # unit tests are of the models, not of the night: `make test` runs them
                [
                    *arguments(config, "build", target),
                    "--no-write-json",
                    *("--exclude-resource-type", "unit_test"),
                    *(["--full-refresh"] if is_full_refresh else ["--select", *_WHAT_DATA_CHANGES]),
                ]
            )
        finally:
            _close_connections()
    _heed_stop(answer)
    if answer.exception is not None and answer.result is None:
        return [NodeResult("dbt", "project", "dbt", "error", 0.0, str(answer.exception), 0)]
    results = [_result(r) for r in getattr(answer.result, "results", [])]
    if not is_full_refresh and not any(r.has_failed for r in results):
        results += [
            NodeResult(
                node.unique_id, str(node.resource_type), node.name, "cached", 0.0, "as the last build left it", 0
            )
            for node in _cached_nodes(parsed)
        ]
        needs = {
            key: [need for need in node.depends_on_nodes if need in parsed.nodes] for key, node in parsed.nodes.items()
        }
        sequence = {key: number for number, key in enumerate(TopologicalSorter(needs).static_order())}
        results.sort(key=lambda r: sequence[r.unique_id])
    return results


def manifest(config: Config, target: str = "night") -> dict[str, Any]:
    """The nodes of dbt's manifest, with their columns and descriptions."""
    with set_environment(environment(config)):
        parsed = _parse(config, target)
    return {"nodes": {key: node.to_resource().to_dict() for key, node in parsed.nodes.items()}}


def project(config: Config) -> dict[str, Any]:
    """The whole parsed project, as dbt's documentation reads it; of macros those of this project."""
    with set_environment(environment(config)):
        parsed = _parse(config, "night")
        parsed.build_parent_and_child_maps()
    kinds = {
        kind: {key: node.to_resource().to_dict() for key, node in getattr(parsed, kind).items()}
        for kind in (
            "nodes",
            "sources",
            "exposures",
            "groups",
            "macros",
            "docs",
            "metrics",
            "semantic_models",
            "unit_tests",
        )
    }
    kinds["macros"] = {key: macro for key, macro in kinds["macros"].items() if macro["package_name"] == "clientela"}
    return kinds | {
        "saved_queries": {},
        "disabled": {},
        "selectors": {},
        "parent_map": parsed.parent_map,
        "child_map": parsed.child_map,
    }


#: the parsed project by what its parsing depends on; a process that serves several nights parses once
_PARSED: dict[tuple[str, ...], Any] = {}


def _parse(config: Config, target: str) -> Any:
    """The project, parsed. Its relations bear no path, so that the same manifest serves every file.

    Other runs find it where parsed_models keeps it; a company's own models are parsed beside it, in its own folder.
    """
    own = [f"{path}:{path.stat().st_mtime_ns}:{path.stat().st_size}" for path in config.model_files()]
    key = (target, str(config.models), *own)
    if key not in _PARSED:
        kept = parsed_models.read(target) if config.models is None else None
        _PARSED[key] = kept or _parse_anew(config, target)
    return _PARSED[key]


def _parse_anew(config: Config, target: str) -> Any:
    from dbt.cli.main import dbtRunner

    answer = dbtRunner().invoke([*arguments(config, "parse", target), "--no-write-json"])
    _heed_stop(answer)
    if not answer.success:
        cause = " ".join(line.strip() for line in str(answer.exception).splitlines() if line.strip())
        raise NotPublishedError(f"The models cannot be parsed: {cause}")
    if config.models is None:
        parsed_models.keep(target, answer.result)
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
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_text(project, encoding="utf-8")
        os.replace(aside, path)
    return package


def cached_relations(config: Config) -> set[str]:
    """Schema and name of every seed and view: they are built once for the same code and settings."""
    with set_environment(environment(config)):
        return {f"{node.schema}.{node.name}" for node in _cached_nodes(_parse(config, "night"))}


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
