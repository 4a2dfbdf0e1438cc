"""The recipes of CONTRIBUTING.md, followed in a copy of the checkout: what they say to write is what the checks accept."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

from tests.conftest import Company

ROOT = Path(__file__).parents[2]
#: a block that bears a file's name, below the heading of its recipe
_BLOCK = re.compile(r"^ *```\w+ (?P<path>\S+)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)


def recipe(title: str) -> dict[str, str]:
    """The files that a recipe says to write, by path."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split(f"### {title}\n", 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]
    files = {block["path"]: dedent(block["text"]) for block in _BLOCK.finditer(section)}
    assert files, f"{title} shows nothing to write"
    return files


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with every recipe followed."""
    copy = tmp_path_factory.mktemp("checkout")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in tracked:
        if (ROOT / name).is_file() and not name.startswith((".ci", "bench", "deploy")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    for title in ("Add an expectation", "Add a mart"):
        for name, text in recipe(title).items():
            (copy / name).write_text(text, encoding="utf-8")
    return copy


def python(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(folder), "PATH": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_mart_of_the_recipe_passes_the_checks_and_stands_on_the_page(followed: Path) -> None:
    python(followed, "dbt/marts_page.py")
    assert "| `store_months` | One row per store and month of the order. | What does each store sell? |" in (
        followed / "docs/marts.md"
    ).read_text(encoding="utf-8")
    checks = (
        "tests/unit/test_layers.py",
        "tests/unit/test_models_are_documented.py",
        "tests/unit/test_models_are_portable.py",
    )
    python(followed, "-m", "pytest", "-q", "-p", "no:cacheprovider", *checks)


def test_a_night_publishes_the_mart_and_asks_the_expectation(followed: Path, shop: Company) -> None:
    shop.write(
        "exports/points.csv", "id,card,what,points,at\n1,7,earned,10,2026-02-01 10:00\n2,7,,5,2026-02-02 10:00\n"
    )

    def with_points(settings: dict[str, object]) -> None:
        columns = {"customer_key": "card", "kind": "what", "points": "points", "rewarded_at": "at"}
        entities = {"rewards": {"files": "exports/points.csv", "key": "id", "columns": columns}}
        settings["sources"]["loyalty"] = {"entities": entities}  # type: ignore[index]

    shop.change(with_points)
    python(followed, "-m", "clientela", "run", "--quiet", "-c", str(shop.config_path))
    with duckdb.connect(str(shop.config.published / "marts.duckdb"), read_only=True) as marts:
        assert (
            marts.execute("select sum(net_amount) from value.store_months").fetchall()
            == marts.execute("select sum(net_amount) from value.orders").fetchall()
        )
    checks = shop.published(
        "select is_met from operations.load_checks where description like 'What happened to the points%'"
    )
    assert checks == [(True,)]
