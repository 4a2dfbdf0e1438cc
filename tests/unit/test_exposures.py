"""Who reads the marts is written down whole: each exposure names the marts that its queries ask, and each area an owner."""

import re
from pathlib import Path
from typing import Any

import yaml

from clientela.report.notebook import names, queries

ROOT = Path(__file__).parents[2]
MARTS = {path.stem: path.parent.name for path in (ROOT / "models" / "marts").rglob("*.sql")}
QUERIES = ROOT / "clientela" / "report" / "queries"


def listed(file: str, kind: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((ROOT / "models" / file).read_text(encoding="utf-8"))[kind])


def asked(text: str) -> set[str]:
    """The marts that a query names."""
    return {mart for schema, mart in re.findall(r"\b([a-z]+)\.([a-z_]+)\b", text) if MARTS.get(mart) == schema}


def test_each_exposure_names_the_marts_that_it_asks() -> None:
    found = {
        entry["name"]: {re.sub(r"ref\('(\w+)'\)", r"\1", ref) for ref in entry["depends_on"]}
        for entry in listed("exposures.yml", "exposures")
    }
    of_customers = [path for path in QUERIES.glob("*.sql") if path.stem.startswith("customer_")]
    of_the_report = [path for path in QUERIES.glob("*.sql") if path not in of_customers]
    expected = {
        "morning_report": asked("".join(path.read_text() for path in of_the_report)),
        "customer_page": asked("".join(path.read_text() for path in [*of_customers, QUERIES / "publication.sql"])),
    }
    for name in names():
        path = ROOT / "notebooks" / f"{name}.py"
        expected[f"notebook_{name}"] = asked("\n".join(queries(path)) + path.read_text()) or {"publication"}
    assert found == expected


def test_every_area_of_marts_is_a_group_with_an_owner() -> None:
    groups = {group["name"]: group["owner"]["name"] for group in listed("groups.yml", "groups")}
    assert groups.keys() == set(MARTS.values()) and all(groups.values())
    areas = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["models"]["clientela"]["marts"]
    assert {area: areas[area]["+group"] for area in groups} == {area: area for area in groups}
    assert all(
        entry["owner"]["name"] in groups.values() or entry["owner"]["name"] == "Analysis"
        for entry in listed("exposures.yml", "exposures")
    )
