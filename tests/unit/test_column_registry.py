"""models/marts/columns.md is the registry of columns: a name that several marts have means one thing and says it in one text."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

MARTS = Path(__file__).parents[2] / "models" / "marts"
REGISTRY = re.findall(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", (MARTS / "columns.md").read_text("utf-8"), re.DOTALL)
MEANINGS = dict(REGISTRY)
CALL = re.compile(r"{{ doc\('(\w+)'\) }}")

#: (mart, column) → description, as it stands in the YAML
DESCRIPTIONS = {
    (mart["name"], column["name"]): column["description"]
    for path in sorted(MARTS.glob("*/**/*.yml"))
    for mart in yaml.safe_load(path.read_text("utf-8")).get("models", [])
    for column in mart["columns"]
}


def marts_by_column() -> dict[str, list[str]]:
    found = defaultdict(list)
    for mart, column in DESCRIPTIONS:
        found[column].append(mart)
    return dict(found)


MARTS_BY_COLUMN = marts_by_column()
SHARED = sorted(column for column, marts in MARTS_BY_COLUMN.items() if len(marts) > 1)


def published(description: str) -> str:
    """The comment that the column has in the published file."""
    return CALL.sub(lambda call: MEANINGS[call[1]], description)


@pytest.mark.parametrize("column", SHARED)
def test_a_name_that_several_marts_have_means_one_thing(column: str) -> None:
    """Its meaning stands in the registry; a mart begins with it and may add what is particular there."""
    assert column in MEANINGS, f"put its meaning into columns.md: {', '.join(MARTS_BY_COLUMN[column])} have it"
    for mart in MARTS_BY_COLUMN[column]:
        begins, _, particular = DESCRIPTIONS[mart, column].partition(" }}")
        assert begins + " }}" == f"{{{{ doc('{column}') }}}}", f"{mart}.{column} says something else of its own"
        assert not particular or re.fullmatch(r" \S.*\.", particular), f"{mart}.{column}: add a sentence, or nothing"


def test_a_meaning_is_called_only_by_the_columns_of_its_name() -> None:
    calls = {(mart, column): CALL.findall(text) for (mart, column), text in DESCRIPTIONS.items()}
    assert [(*key, *called) for key, called in calls.items() if called not in ([], [key[1]])] == []


def test_every_meaning_is_in_the_registry_once_and_is_used() -> None:
    names = [name for name, _ in REGISTRY]
    assert sorted(set(names)) == sorted(names)
    assert set(names) - {name for text in DESCRIPTIONS.values() for name in CALL.findall(text)} == set()


def test_a_meaning_is_a_sentence_on_one_line() -> None:
    assert [name for name, text in REGISTRY if not re.fullmatch(r"[A-Z0-9].*\.", text)] == []


def test_comments_of_published_columns_read_as_sentences() -> None:
    texts = {f"{mart}.{column}": published(text) for (mart, column), text in DESCRIPTIONS.items()}
    assert {name: text for name, text in texts.items() if not text.endswith(".")} == {}
    assert {name: text for name, text in texts.items() if "  " in text or ".." in text or "\n" in text} == {}
