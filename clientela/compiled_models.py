"""The dbt project as dbt compiled it, kept between runs of all companies of a user: compiling costs seconds, reading hundredths.

What is compiled depends on the code alone, never on a company, so that one file serves them all. A wheel may bring it, where
whoever built it could compile (`hatch_build.py`). Else it lies in the user's cache folder, which may be emptied at any time:
without it, or where it cannot be read, dbt compiles. Its text runs in the warehouse, so that a file which others could have
written is not read. How it is run is in `clientela.build_models`.
"""

import gzip
import hashlib
import json
import os
import platform
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clientela import durable
from clientela.errors import NotPublishedError
from clientela.project_files import PACKAGE, PROJECT, code_version

#: what a wheel brings, as much the user's own as the code beside it
SHIPPED = PACKAGE / "project" / "compiled.json.gz"
#: files kept: of a few versions and checkouts
KEPT = 6
#: the database that dbt compiles for. Its name is in no statement that is kept: those are of whatever file is built in
DATABASE = "whatever_file_is_built_in"
#: what of a node nobody reads here: what dbt compiled is in its step, and the project lies elsewhere on each machine
_LEFT_OUT = ("compiled", "compiled_code", "compiled_path", "extra_ctes", "extra_ctes_injected", "root_path")


@dataclass(frozen=True)
class Step:
    """One seed, model or test, ready to run.

    `sql` builds it from nothing, `sql_upon` upon what is there (incremental models), where its rows take the place of those of
    the same `unique_key`, or are added. `before`, or then `before_upon`, come before, `after` after. `columns` are those of a
    seed, or that the model's contract states, with their types. `needs` are the nodes that must have succeeded before,
    `sources` the tables that no node makes, as SCHEMA.NAME.
    """

    unique_id: str
    kind: str
    name: str
    schema: str
    relation: str
    path: str
    materialized: str
    language: str
    sql: str
    sql_upon: str
    unique_key: str
    columns: tuple[tuple[str, str], ...]
    before: tuple[str, ...]
    before_upon: tuple[str, ...]
    after: tuple[str, ...]
    is_warning: bool
    needs: tuple[str, ...]
    sources: tuple[str, ...] = ()

    @property
    def is_cached(self) -> bool:
        """Built once for the same code and settings: no data change it."""
        return self.kind == "seed" or (self.kind == "model" and self.materialized == "view")


@dataclass(frozen=True)
class Compiled:
    """The whole project: its steps in an order in which they can be taken, and as dbt's documentation reads it."""

    steps: tuple[Step, ...]
    project: dict[str, Any]


def _made_by(adapter: str) -> list[str]:
    """The code, and the libraries that made what is kept of it."""
    return [code_version(), *(version(name) for name in ("dbt-core", f"dbt-{adapter}", "duckdb"))]


def path(adapter: str = "duckdb") -> Path:
    """Where the project is kept as compiled by this code and these libraries for the adapter's SQL."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made_by = (*_made_by(adapter), platform.python_version(), str(PROJECT))
    return folder / "clientela" / f"models-{hashlib.sha256('|'.join(made_by).encode()).hexdigest()[:16]}.json"


def read(adapter: str = "duckdb") -> Compiled | None:
    """The project as it was brought or is kept; None if it is not, belongs to somebody else or cannot be read."""
    return _brought(adapter) or _kept(adapter)


def _brought(adapter: str) -> Compiled | None:
    """The project as the wheel brings it, if it was made of this code by these libraries."""
    with suppress(Exception):
        held = json.loads(gzip.decompress(SHIPPED.read_bytes()))
        if held["made_by"] == _made_by(adapter):
            return _compiled_from(held)
    return None


def _kept(adapter: str) -> Compiled | None:
    kept = path(adapter)
    try:
        with kept.open("rb") as file:
            for state in (os.fstat(file.fileno()), kept.parent.stat()):
                if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o022:
                    return None
            compiled = _compiled_from(json.load(file))
        with suppress(OSError):
            # what is in use is not what goes when others are kept
            os.utime(kept)
        return compiled
    except Exception:  # what another version, or a crash, left there is as good as nothing
        return None


def keep(compiled: Compiled, adapter: str = "duckdb") -> None:
    """Keep it for the next run, in one step. A folder that cannot be written is no mistake of the run's."""
    kept = path(adapter)
    with suppress(OSError):
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write(kept, json.dumps(_held(compiled)).encode())
        for old in sorted(kept.parent.glob("models-*"), key=lambda found: found.stat().st_mtime_ns)[:-KEPT]:
            old.unlink(missing_ok=True)


def write_for_wheel(compiled: Compiled, target: Path) -> None:
    """Write it as a wheel brings it."""
    text = json.dumps({"made_by": _made_by("duckdb"), **_held(compiled)})
    # without an instant, so that the same code gives the same bytes
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


def _held(compiled: Compiled) -> dict[str, Any]:
    return {"steps": [asdict(step) for step in compiled.steps], "project": compiled.project}


def _compiled_from(held: Mapping[str, Any]) -> Compiled:
    steps = (Step(**{name: _frozen(value) for name, value in step.items()}) for step in held["steps"])
    return Compiled(tuple(steps), held["project"])


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


# ------------------------------------------------------------------- dbt


def compile_project(arguments: Sequence[str]) -> Compiled:
    """Let dbt parse and compile the project; `arguments` are those of dbt's command, in the environment that it reads.

    Raises NotPublishedError with dbt's words if it cannot.
    """
    import click
    from dbt.cli.main import cli

    command = [*arguments, "--no-write-json", "--no-partial-parse", "--no-populate-cache"]
    context = cli.make_context("dbt", command)
    context.obj = {"manifest": None, "callbacks": [], "dbt_runner_command_args": command}
    try:
        answer, _ = cli.invoke(context)
        failed = [result.message or "" for result in answer.results if str(result.status) == "error"]
        if failed:
            raise ValueError(failed[0])
        return _compiled(context.obj["manifest"], context.obj["runtime_config"])
    except (Exception, click.exceptions.Exit) as error:
        cause = error.__cause__ if isinstance(error, click.exceptions.Exit) else None
        words = str(getattr(error, "exception", None) or cause or error)
        raise NotPublishedError(
            f"The models cannot be parsed: {' '.join(line.strip() for line in words.splitlines() if line.strip())}"
        ) from error


def _compiled(manifest: Any, runtime: Any) -> Compiled:
    """The steps out of what dbt compiled, in its order: what comes after a tested model waits for its tests."""
    from graphlib import TopologicalSorter

    from dbt.compilation import Linker

    linker = Linker()
    linker.link_graph(manifest)
    manifest.build_parent_and_child_maps()
    linker.add_test_edges(manifest)
    nodes = {key: node for key, node in manifest.nodes.items() if node.resource_type in ("seed", "model", "test")}
    needs = {key: tuple(need for need in linker.graph.predecessors(key) if need in nodes) for key in nodes}
    return Compiled(
        tuple(_step(nodes[key], needs[key], manifest, runtime) for key in TopologicalSorter(needs).static_order()),
        json.loads(json.dumps(documented(manifest), default=str).replace(DATABASE, "warehouse")),
    )


def documented(manifest: Any) -> dict[str, Any]:
    """The whole project as dbt's documentation reads it; of macros those of this project, of nodes what was parsed."""
    manifest.build_parent_and_child_maps()
    kinds: dict[str, Any] = {
        kind: {
            key: {name: value for name, value in node.to_resource().to_dict().items() if name not in _LEFT_OUT}
            for key, node in getattr(manifest, kind).items()
        }
        for kind in (
            "nodes", "sources", "exposures", "groups", "macros", "docs", "metrics", "semantic_models", "unit_tests",
        )
    }  # fmt: skip
    kinds["macros"] = {key: macro for key, macro in kinds["macros"].items() if macro["package_name"] == "clientela"}
    return kinds | {
        "saved_queries": {},
        "disabled": {},
        "selectors": {},
        "parent_map": manifest.parent_map,
        "child_map": manifest.child_map,
    }


def declared_personal(column: Mapping[str, Any]) -> bool | None:
    """What a column's YAML declares by `meta: {personal: …}`; None where it declares nothing."""
    for meta in (column.get("meta", {}), column.get("config", {}).get("meta", {})):
        if "personal" in meta:
            return bool(meta["personal"])
    return None


def _require_known(node: Any) -> None:
    """Raise ValueError if the node asks for something that `build_models` does not do."""
    config, kind = node.config, str(node.resource_type)
    asked: dict[str, Any] = {"materialized": config.materialized}
    if kind == "test":
        asked |= {
            name: getattr(config, name) for name in ("limit", "fail_calc", "warn_if", "error_if", "store_failures")
        }
    if kind == "model":
        asked |= {
            "alias": None if node.alias == node.name else node.alias,
            "grants": config.grants or None,
            "persist_docs": config.persist_docs or None,
            "constraints": list(node.constraints) + [c for column in node.columns.values() for c in column.constraints],
            "indexes": config.get("indexes") or None,
            "sql_header": config.get("sql_header"),
        }
    if config.materialized == "incremental":
        asked |= {"incremental_strategy": config.incremental_strategy, "on_schema_change": config.on_schema_change}
    known: dict[str, list[Any]] = {
        "materialized": {"seed": ["seed"], "test": ["test"], "model": ["table", "view", "incremental"]}[kind],
        "limit": [None], "fail_calc": ["count(*)"], "warn_if": ["!= 0"], "error_if": ["!= 0"],
        "store_failures": [None, False], "alias": [None], "grants": [None], "persist_docs": [None], "constraints": [[]],
        "indexes": [None], "sql_header": [None], "incremental_strategy": ["merge", "append"],
        "on_schema_change": ["ignore", "fail"],
    }  # fmt: skip
    for name, value in asked.items():
        if value not in known[name]:
            raise ValueError(
                f"{kind} {node.name} ({node.original_file_path}) asks for {name} {value}, which no run does."
            )


def _step(node: Any, needs: tuple[str, ...], manifest: Any, runtime: Any) -> Step:
    _require_known(node)
    kind, config = str(node.resource_type), node.config
    before: tuple[str, ...] = ()
    before_upon: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    sql_upon = ""
    columns: tuple[tuple[str, str], ...] = ()
    if kind == "seed":
        columns = _columns_of_seed(node, manifest, runtime)
    elif kind == "model":
        before, after = (_hooks(hooks, node, manifest, runtime) for hooks in (config.pre_hook, config.post_hook))
        if config.materialized == "incremental":
            upon = {"is_incremental": lambda: True}
            sql_upon = _rendered(node, node.raw_code, manifest, runtime, **upon)
            before_upon = _hooks(config.pre_hook, node, manifest, runtime, **upon)
        if config.contract.enforced:
            columns = tuple((column.name, column.data_type) for column in node.columns.values())
    return Step(
        unique_id=node.unique_id,
        kind=kind,
        name=node.name,
        schema=node.schema,
        relation=_of_any_file(str(node.relation_name)),
        path=node.original_file_path,
        materialized=str(config.materialized),
        language=str(node.language or ""),
        sql=_of_any_file(getattr(node, "compiled_code", None) or ""),
        sql_upon=sql_upon,
        unique_key=(getattr(config, "unique_key", None) or "") if kind == "model" else "",
        columns=columns,
        before=before,
        before_upon=before_upon,
        after=after,
        is_warning=kind == "test" and config.severity.lower() == "warn",
        needs=needs,
        sources=tuple(
            f"{manifest.sources[key].schema}.{manifest.sources[key].identifier}"
            for key in dict.fromkeys(node.depends_on_nodes)
            if key in manifest.sources
        ),
    )


def _rendered(node: Any, text: str, manifest: Any, runtime: Any, **also: Any) -> str:
    from dbt.clients.jinja import get_rendered
    from dbt.context.providers import generate_runtime_model_context

    context = generate_runtime_model_context(node, runtime, manifest)
    return _of_any_file(str(get_rendered(text, {**context, **also}, node)))


def _of_any_file(text: str) -> str:
    for quotation in ('"', '\\"'):
        text = text.replace(f"{quotation}{DATABASE}{quotation}.", "")
    return text.replace(f'database = "{DATABASE}"', "database = None")


def _hooks(hooks: Sequence[Any], node: Any, manifest: Any, runtime: Any, **also: Any) -> tuple[str, ...]:
    """What they say; one that has nothing to say is none."""
    rendered = (_rendered(node, hook.sql, manifest, runtime, **also).strip() for hook in hooks)
    return tuple(text for text in rendered if text)


def _columns_of_seed(node: Any, manifest: Any, runtime: Any) -> tuple[tuple[str, str], ...]:
    """Its columns with the types that its YAML states, and where it states none, those that dbt infers."""
    from dbt.adapters.factory import get_adapter
    from dbt.context.providers import generate_runtime_model_context

    table = generate_runtime_model_context(node, runtime, manifest)["load_agate_table"]()
    stated = node.config.column_types
    return tuple(
        (name, stated.get(name) or get_adapter(runtime).convert_type(table, number))
        for number, name in enumerate(table.column_names)
    )
