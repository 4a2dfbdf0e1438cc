"""docs/contract.md says what the contract says, and its examples are loaded as they stand there."""

import re

import pytest
import yaml

from clientela.contracts import COMPANY_ENTITIES, ENTITIES, Column, Entity
from clientela.contracts.page import page, unit
from tests.conftest import ROOT
from tests.unit.load.loading import Loading

PAGE = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE))


def _files() -> dict[str, str]:
    return dict(re.findall(r"```csv (\S+)\n(.*?)```", PAGE, re.DOTALL))


def test_the_page_is_as_the_contract_makes_it() -> None:
    assert page() == PAGE, "run `make docs`"


def test_every_entity_and_column_stands_there_with_what_it_is() -> None:
    assert list(SECTIONS) == list(ENTITIES)
    for entity in ENTITIES.values():
        for column in entity.columns:
            (row,) = re.findall(rf"^\| `{column.name}` \|.*$", SECTIONS[entity.name], re.MULTILINE)
            assert column.description in row
            notes = row.removesuffix(" |").rpartition(" | ")[2].split("; ")
            assert ("**required**" in notes, "personal" in notes) == (column.required, column.personal), row
            assert all(f"`{value}`" in row for value in column.values)


def test_every_number_has_a_unit() -> None:
    for entity in ENTITIES.values():
        for column in entity.columns:
            assert bool(unit(entity, column)) == (column.type in ("integer", "decimal", "money", "rate")), column.name
    with pytest.raises(KeyError):
        unit(Entity("x", "", ()), Column("length", "decimal", ""))


def test_the_examples_are_loaded(tmp_path) -> None:
    mappings = yaml.safe_load("".join(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)))
    assert list(mappings) == [entity.name for entity in COMPANY_ENTITIES]
    company = Loading(tmp_path, {"shop": {"entities": mappings}}, reference_folder="reference")
    (tmp_path / "reference").mkdir()
    for name, text in _files().items():
        company.write(f"reference/{name}" if ENTITIES[name.removesuffix(".csv")].is_reference else name, text)
    company.load()
    assert company.reasons() == {}
    for entity in ENTITIES:
        ((rows,),) = company.rows(f"select count(*) from raw.{entity}")
        assert rows == 1, entity
    assert company.current("orders", "cast(shipping_amount as varchar), coupon") == [("4.9500", "WELCOME")]
    assert company.current("campaign_contacts", "role, channel") == [("contacted", "email")]
    assert company.current("consents", "purpose, status") == [("marketing", "granted")]
