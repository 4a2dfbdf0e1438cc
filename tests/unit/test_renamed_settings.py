"""A key of `clientela.yml` that has another name now is told with it and its line."""

import pytest
import yaml

from clientela.config import renamed
from clientela.config.read import load_config
from clientela.config.renamed import RENAMED, RENAMED_COLUMNS, refuse_renamed
from clientela.errors import ConfigError
from clientela.segment.columns import RULE_COLUMNS
from tests.conftest import Company


def test_an_old_key_is_refused_with_its_new_name_and_its_line(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(excel={"day_numbers": "born"}))
    lines = shop.config_path.read_text(encoding="utf-8").splitlines()
    (line,) = (number for number, text in enumerate(lines, start=1) if "day_numbers" in text)
    with pytest.raises(ConfigError) as refused:
        load_config(shop.config_path)
    assert refused.value.sentence == (
        f"{shop.config_path}: sources.till.entities.customers.excel.day_numbers at line {line} is called serial_dates now; "
        "rename it."
    )


def test_an_old_column_in_a_rule_is_refused_with_its_new_name_and_its_line(shop: Company) -> None:
    rules = [
        {"name": "rhythm_days", "predicate": "state = 'rhythm_days'"},
        {"name": "late", "predicate": "orders > 1 and Rhythm_Days > 30"},
    ]
    shop.change(lambda s: s.update(segments={"rules": rules[:1]}))
    load_config(shop.config_path)
    shop.change(lambda s: s.update(segments={"rules": rules}))
    lines = shop.config_path.read_text(encoding="utf-8").splitlines()
    (line,) = (number for number, text in enumerate(lines, start=1) if "Rhythm_Days" in text)
    with pytest.raises(ConfigError) as refused:
        load_config(shop.config_path)
    assert refused.value.sentence == (
        f"{shop.config_path}: segments.rules.1.predicate at line {line}: the column Rhythm_Days is called "
        "expected_days_between_orders now; rename it."
    )


def test_rules_that_are_none_are_left_to_the_check_of_types(shop: Company) -> None:
    for segments in (["a"], {"rules": "a"}, {"rules": ["a", {"predicate": 3}]}):
        shop.change(lambda s, segments=segments: s.update(segments=segments))
        with pytest.raises(ConfigError, match="segments"):
            load_config(shop.config_path)


def test_a_key_that_is_gone_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "RENAMED", {"value.old": None, "*.older": None})
    with pytest.raises(ConfigError, match=r"^c\.yml: value\.old at line 7 is gone; take it out\.$"):
        refuse_renamed("c.yml", {}, {"value": 6, "value.old": 7})
    refuse_renamed("c.yml", {}, {"value.old.deeper": 7, "values.old": 8, "a.b.older": 9})


@pytest.mark.parametrize(("old", "new"), RENAMED_COLUMNS.items())
def test_a_column_is_in_the_table_once_rules_cannot_name_it_any_more(old: str, new: str) -> None:
    assert old not in RULE_COLUMNS and new in RULE_COLUMNS


@pytest.mark.parametrize("old", RENAMED)
def test_a_key_is_in_the_table_once_it_is_no_key_any_more(shop: Company, old: str) -> None:
    """Were it still one, nobody could use it."""
    from clientela.config.company import Config

    names = {"sources": "till", "entities": "customers"}
    parts = old.split(".")
    values = yaml.safe_load(shop.config_path.read_text(encoding="utf-8"))
    inner = values
    for before, part in zip(["", *parts], parts[:-1], strict=False):
        inner = inner.setdefault(names[before] if part == "*" else part, {})
    inner[parts[-1]] = "x"
    with pytest.raises(ValueError, match=parts[-1]):
        Config.model_validate(values)
