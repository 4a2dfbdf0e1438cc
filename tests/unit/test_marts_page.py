"""docs/marts.md says what the marts' YAML says: it names every mart, with its grain and the question that it answers."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
MARTS = sorted((ROOT / "models" / "marts").rglob("*.sql"))


def generator() -> Any:
    """dbt/marts_page.py; the folder is no package."""
    spec = importlib.util.spec_from_file_location("marts_page", ROOT / "dbt" / "marts_page.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_of_marts_is_as_their_yaml_makes_it() -> None:
    made = generator()
    assert made.PAGE.read_text() == made.page(made.marts()), "run `make docs`"


def test_the_page_names_every_mart_under_its_schema() -> None:
    made = generator()
    assert sorted((mart.schema, mart.name) for mart in made.marts()) == sorted((m.parent.name, m.stem) for m in MARTS)
    assert set(made.SCHEMAS) == {mart.parent.name for mart in MARTS}
    page = made.page(made.marts())
    assert all(page.count(f"| `{mart.stem}` |") == 1 for mart in MARTS)


def test_every_mart_answers_a_question_of_its_own() -> None:
    questions = []
    for mart in MARTS:
        (entry,) = yaml.safe_load(mart.with_suffix(".yml").read_text())["models"]
        questions.append(entry["config"]["meta"]["question"])
        assert questions[-1].endswith("?"), mart.stem
    assert len(set(questions)) == len(MARTS)
