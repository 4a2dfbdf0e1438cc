"""Who may import whom: data goes down the tree, and so do imports. The rules stand here alone.

A room may import rooms of its own level or of a lower one, never of a higher one; pure rooms see no connection. A name that
begins with an underscore belongs to its module.
"""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: from what people start to what everything rests on: a room imports rooms of its own line or a later one, without a circle
LEVELS: tuple[tuple[str, ...], ...] = (
    ("clientela.cli", "clientela.__main__", "dagster_project", "bench", "notebooks"),
    (
        "clientela.pipeline",
        "clientela.onboard",
        "clientela.query",
        "clientela.report",
        "clientela.backup",
        "clientela.privacy",
    ),
    (
        "clientela.load",
        "clientela.publish",
        "clientela.publish_upon",
        "clientela.build_models",
        "clientela.compiled_models",
        "clientela.engines",
        "clientela.transform",
        "clientela.identity.step",
        "clientela.value.step",
    ),
    ("clientela.extract",),
    ("clientela.config", "clientela.warehouse", "clientela.masking", "clientela.file_modes"),
    (
        "clientela.lifetime",
        "clientela.retention",
        "clientela.segment",
        "clientela.value",
        "clientela.relationship",
        "clientela.objective",
        "clientela.identity",
    ),
    (
        "clientela.contracts",
        "clientela.sql",
        "clientela.errors",
        "clientela.exit_codes",
        "clientela.stopping",
        "clientela.extras",
        "clientela.project_files",
        "clientela.wording",
        "clientela.places",
        "clientela.durable",
    ),
)
#: rooms that stand apart, and the rooms that each may import
APART: dict[str, tuple[str, ...]] = {
    "clientela.simulate": ("clientela.contracts", "clientela.extras"),
    "expectations": ("clientela.contracts",),
    # a Python model hands frames to a pure room; it reads the run's settings and what the last build left
    "models": (
        "clientela.lifetime",
        "clientela.retention",
        "clientela.segment",
        "clientela.value",
        "clientela.relationship",
        "clientela.objective",
        "clientela.identity",
        "clientela.identity.step",
        "clientela.value.step",
        "clientela.warehouse",
    ),
}
PURE = LEVELS[5]


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    found = {}
    for folder in ("clientela", "dagster_project", "bench", "expectations", "notebooks", "models"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """The room that a module belongs to: the longest name of a room that it begins with."""
    rooms = [name for level in LEVELS for name in level] + list(APART)
    inside = [name for name in rooms if module == name or module.startswith(f"{name}.")]
    return max(inside, key=len) if inside else ""


@cache
def imports(module: str, path: Path) -> tuple[tuple[str, str | None, int], ...]:
    """(imported module, name taken from it, line), also of imports inside functions and of `import_module("…")`."""
    return tuple(_imports(module, path))


def _imports(module: str, path: Path) -> Iterator[tuple[str, str | None, int]]:
    known = modules()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *([base] if base else [])]
                )
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield (inner, None, node.lineno) if inner in known else (base, alias.name, node.lineno)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value, None, node.lineno
            elif isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
                yield str(argument.values[0].value).rstrip("."), None, node.lineno


def _ours(module: str) -> bool:
    return module.split(".")[0] in ("clientela", "dagster_project", "bench", "expectations", "notebooks", "models")


def _level(name: str) -> int:
    return next(number for number, level in enumerate(LEVELS) if name in level)


def may_import(importer: str, imported: str) -> bool:
    """Whether a module of the one room may import the other."""
    here, there = room(importer), room(imported)
    if here == there or not there:
        return True
    if here in APART:
        return there in APART[here]
    if there in APART:
        # the gate reads the expectations, which are data to it; people start the simulation
        return (here, there) == ("clientela.load", "expectations") or (
            here in LEVELS[0] and there == "clientela.simulate"
        )
    if here == "clientela.config" and there in PURE:
        # a pure room's settings are a section of the configuration
        return imported.endswith((".settings", ".columns", ".predicates"))
    return _level(there) >= _level(here)


def test_every_module_has_a_room() -> None:
    lost = [name for name in modules() if not room(name) and name != "clientela"]
    assert not lost, f"say in LEVELS where these belong: {lost}"


def test_imports_go_down() -> None:
    wrong = [
        f"{name}:{line} imports {imported}"
        for name, path in modules().items()
        for imported, _, line in imports(name, path)
        if _ours(imported) and imported != "clientela" and not may_import(name, imported)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_private_name_leaves_its_module() -> None:
    wrong = [
        f"{name}:{line} takes {taken} from {imported}"
        for name, path in modules().items()
        for imported, taken, line in imports(name, path)
        if _ours(imported) and taken and taken.startswith("_") and not taken.startswith("__")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_room_imports_itself_by_a_detour() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in modules().items():
        here = room(name)
        for imported, _, _ in imports(name, path):
            there = room(imported) if _ours(imported) else ""
            if here and there and here != there:
                graph.setdefault(here, set()).add(there)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"rooms import each other in a circle: {' → '.join(error.args[1])}")


def test_pure_rooms_see_no_warehouse() -> None:
    """Some compute in a DuckDB of their own in memory, as Splink does; none opens a file."""
    wrong = [
        f"{name}: {ast.unparse(node)}"
        for name, path in modules().items()
        if room(name) in PURE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "duckdb.connect"
        and [ast.unparse(argument) for argument in node.args] not in ([], ["':memory:'"])
    ]
    assert not wrong, "\n".join(wrong)
