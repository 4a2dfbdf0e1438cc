"""Every mart says its grain and every column's meaning and type, and personal columns bear the contract's mark."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from clientela.contracts import COMPANY_ENTITIES, REFERENCE_TABLES, Column

ROOT = Path(__file__).parents[2]
MARTS = sorted((ROOT / "models" / "marts").rglob("*.sql"))
OTHERS = sorted({*(ROOT / "models").rglob("*.sql"), *(ROOT / "models").rglob("*.py")} - set(MARTS))
PERSONAL = {column.name for entity in COMPANY_ENTITIES for column in entity.columns if column.personal}
#: what is kept of delivered values, whatever column they stood in, is as personal as they are
PERSONAL_WHEREVER = {
    "quarantined_rows": {"personal_value", "delivered_row"},
    "customer_field_values": {"value"},
    "identity_placeholders": {"value"},
}


def described(mart: Path) -> dict[str, Any]:
    """The mart's entry in the YAML that stands beside it."""
    (entry,) = yaml.safe_load(mart.with_suffix(".yml").read_text())["models"]
    assert entry["name"] == mart.stem
    return dict(entry)


def is_personal(column: dict[str, Any]) -> bool:
    return bool(column.get("config", {}).get("meta", {}).get("personal", False))


@pytest.mark.parametrize("mart", MARTS, ids=lambda path: path.stem)
def test_a_mart_says_its_grain_and_every_columns_meaning_and_type(mart: Path) -> None:
    entry = described(mart)
    assert entry["description"].startswith("One row")
    assert entry["columns"]
    for column in entry["columns"]:
        assert column.get("data_type"), column["name"]
        assert len(column.get("description", "")) > 3, column["name"]


@pytest.mark.parametrize("mart", MARTS, ids=lambda path: path.stem)
def test_the_grain_of_every_mart_is_tested(mart: Path) -> None:
    """By a test of dbt's, or by publication, which reads `key`: never by both, and by none is no mart."""
    entry = described(mart)
    tests = [test["one_row_per"] for test in entry.get("data_tests", []) if "one_row_per" in test]
    meta = entry["config"]["meta"]
    keys = [test["arguments"]["columns"] for test in tests] + ([meta["key"]] if "key" in meta else [])
    assert len(keys) == 1, "a mart says once, by one_row_per or by `key`, what it has one row of"
    columns = {column["name"] for column in entry["columns"]}
    assert set(keys[0]) <= columns and set(meta.get("key_may_be_null", ())) <= set(keys[0])


def test_the_contract_of_every_mart_is_enforced() -> None:
    marts = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["models"]["clientela"]["marts"]
    assert marts["+contract"] == {"enforced": True}
    areas = {name for name in marts if not name.startswith("+")}
    assert areas == {mart.parent.name for mart in MARTS}
    assert all(marts[area]["+schema"] == area for area in areas)
    for mart in MARTS:
        assert "contract=" not in mart.read_text().replace(" ", "").split("with", 1)[0], mart.stem
        assert "contract" not in described(mart), mart.stem


@pytest.mark.parametrize("mart", MARTS, ids=lambda path: path.stem)
def test_personal_columns_are_marked_and_no_others(mart: Path) -> None:
    columns = described(mart)["columns"]
    expected = PERSONAL_WHEREVER.get(mart.stem, set()) | (PERSONAL & {column["name"] for column in columns})
    assert {column["name"] for column in columns if is_personal(column)} == expected


def test_every_other_model_says_its_grain() -> None:
    entries = [
        entry
        for file in (ROOT / "models").rglob("*.yml")
        for entry in yaml.safe_load(file.read_text()).get("models", [])
    ]
    descriptions = {entry["name"]: entry.get("description", "") for entry in entries}
    for model in OTHERS:
        assert descriptions[model.stem].startswith("One row"), model.stem


@pytest.mark.parametrize("table", REFERENCE_TABLES, ids=lambda table: table.name)
def test_every_reference_table_has_a_default_of_the_contracts_columns(table: Any) -> None:
    header, *_ = (ROOT / "seeds" / f"default_{table.name}.csv").read_text().splitlines()
    assert header.split(",") == [column.name for column in table.columns]
    seeds = yaml.safe_load((ROOT / "seeds" / "seeds.yml").read_text())["seeds"]
    types = {seed["name"]: seed["config"]["column_types"] for seed in seeds}[f"default_{table.name}"]
    assert types == {column.name: seed_type(column) for column in table.columns}


def seed_type(column: Column) -> str:
    """The contract's type as a seed declares it: text has no length on Spark."""
    return "string" if column.type == "text" else column.sql_type


def test_every_entry_of_the_registry_of_columns_ends_where_the_next_begins() -> None:
    text = (ROOT / "models" / "marts" / "columns.md").read_text(encoding="utf-8")
    marks = re.findall(r"{% (docs|enddocs)\b", text)
    assert marks and marks == ["docs", "enddocs"] * (len(marks) // 2)
