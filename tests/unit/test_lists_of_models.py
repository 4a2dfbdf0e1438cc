"""A list that several models write out is everywhere the list of the one place that owns it.

dbt's Jinja can take no list from elsewhere that the SQL lint could follow too, so that models repeat some; none may drift.
"""

import ast
import re
from pathlib import Path

import pytest

from clientela.contracts.reference import ENGAGEMENT_PARTS
from clientela.identity.settings import GOLDEN_FIELDS
from clientela.report.catalogue import catalogue

MODELS = sorted((Path(__file__).parents[2] / "models").rglob("*.sql"))
_LIST = re.compile(r"\{%-?\s*set (?P<name>\w+) = (?P<list>\[.*?\]|\{.*?\})\s*-?%\}", re.DOTALL)
#: of one day's birth there is no text to choose by, and what others see of a customer without a name is not personal
NOT_CHOSEN = {"birth_date"}
NOT_PERSONAL = {"region", "country", "language"}


def lists(name: str) -> dict[str, tuple[str, ...]]:
    """The list of that name in each model that has one."""
    return {
        path.stem: tuple(ast.literal_eval(match["list"]))
        for path in MODELS
        for match in _LIST.finditer(path.read_text(encoding="utf-8"))
        if match["name"] == name
    }


def test_the_parts_of_engagement_are_those_of_the_contract() -> None:
    found = lists("parts")
    assert len(found) >= 3
    assert set(found.values()) == {ENGAGEMENT_PARTS}, found


def test_the_fields_of_the_golden_record_are_those_that_identity_lists() -> None:
    chosen = tuple(field for field in GOLDEN_FIELDS if field not in NOT_CHOSEN)
    assert lists("chosen_fields")["int_golden_records_chosen"] == chosen
    assert lists("fields")["int_customer_field_values"] == chosen
    personal = tuple(field for field in GOLDEN_FIELDS if field not in NOT_PERSONAL)
    assert lists("personal_fields")["customers"] == (*personal, "attributes")


@pytest.mark.parametrize("language", ["es", "en"])
def test_whatever_may_set_a_segment_apart_has_its_words(language: str) -> None:
    traits = lists("traits")["int_segments_compared"]
    assert lists("portrait_traits") == {"int_segment_portraits": traits}
    words = {key: text for key, text in catalogue(language).items() if key.startswith("portrait.")}
    frames = {"portrait.feature", "portrait.average", "portrait.decimal_point"}
    assert set(words) == frames | {f"portrait.{trait}{end}" for trait in traits for end in ("", ".high", ".low")}
    assert len(set(words.values())) == len(words) and all(words.values())
    assert re.findall(r"\{(\w+)\}", words["portrait.feature"]) == ["label", "mean", "all"]


@pytest.mark.parametrize("name", ["segmentations", "traits"])
def test_lists_of_one_name_begin_alike(name: str) -> None:
    """A model may leave out the last of a list that it has no use for, and nothing else."""
    found = lists(name)
    longest = max(found.values(), key=len)
    assert {model: items for model, items in found.items() if not is_part(items, longest)} == {}


def is_part(items: tuple[str, ...], of: tuple[str, ...]) -> bool:
    """The items stand in the longer list, in its order."""
    rest = iter(of)
    return all(item in rest for item in items)
