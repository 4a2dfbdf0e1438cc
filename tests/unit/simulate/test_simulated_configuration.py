"""The written clientela.yml fits the written files."""

import csv
import json
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest
import yaml

from clientela.config.read import load_config
from clientela.contracts import ENTITIES
from clientela.objective.columns import AREAS
from clientela.objective.definitions import kpi_of, months_between, objective_of
from clientela.simulate import SimulateSettings, write_company
from clientela.simulate.catalogue import reference_tables
from tests.unit.objective.definitions import shipped


def columns_of(path: Path, settings: dict[str, Any]) -> set[str]:
    """The columns a file offers; nested ones by path."""
    if path.suffix == ".parquet":
        return set(pl.read_parquet_schema(path))
    if path.suffix == ".xlsx":
        return {c.name for c in fastexcel.read_excel(path).load_sheet(0).available_columns()}
    if path.suffix == ".jsonl":
        first = json.loads(path.read_bytes().split(b"\n")[0])
        return set(first) | {f"{k}.{inner}" for k, v in first.items() if isinstance(v, dict) for inner in v}
    with path.open(encoding="utf-8", errors="replace") as file:
        return set(next(csv.reader(file, delimiter=settings.get("csv", {}).get("delimiter", ","))))


@pytest.mark.parametrize("loyalty_format", ["csv", "excel"])
@pytest.mark.parametrize("campaigns", [True, False])
def test_every_mapping_names_a_column_of_the_contract_and_one_of_the_file(
    loyalty_format: Any, campaigns: bool, tmp_path: Path
) -> None:
    write_company(SimulateSettings(customers=80, loyalty_format=loyalty_format, campaigns=campaigns), tmp_path)
    config = yaml.safe_load((tmp_path / "clientela.yml").read_text(encoding="utf-8"))
    seen = 0
    for source in config["sources"].values():
        for entity, settings in source["entities"].items():
            files = sorted(tmp_path.glob(settings["files"]))
            assert files, settings["files"]
            keys = settings["key"] if isinstance(settings["key"], list) else [settings["key"]]
            for path in files:
                offered = columns_of(path, settings)
                named = {
                    m if isinstance(m, str) else m["column"]
                    for m in settings["columns"].values()
                    if isinstance(m, str) or "column" in m
                }
                assert named | set(keys) <= offered, (path, (named | set(keys)) - offered)
                seen += 1
            assert set(settings["columns"]) <= {c.name for c in ENTITIES[entity].columns}
    assert seen >= (15 if campaigns else 13)


def test_clientela_reads_it(company: Path) -> None:
    config = load_config(company / "clientela.yml")
    assert list(config.sources) == ["till", "webshop", "call_centre", "loyalty"]
    for table in reference_tables(SimulateSettings()):
        header = (company / "reference" / f"{table}.csv").read_text().split("\n")[0].split(",")
        assert set(header) <= {c.name for c in ENTITIES[table].columns}
        required = {c.name for c in ENTITIES[table].columns if c.required}
        assert required <= set(header)


def test_an_objective_of_each_area_can_be_followed() -> None:
    known = {row["kpi"]: kpi_of(row) for row in shipped()}
    rows = reference_tables(SimulateSettings())["objectives"].to_dicts()
    assert [row["area"] for row in rows] == list(AREAS)
    for row in rows:
        followed = objective_of(row | {"baseline": None}, known)
        assert months_between(followed.started_on, followed.due_on) == 11
        assert followed.started_on < SimulateSettings().cut < followed.due_on


def test_a_session_costs_the_same_in_the_app_as_on_the_web() -> None:
    rates = reference_tables(SimulateSettings())["cost_rates"]
    sessions = rates.filter(pl.col("kind") == "session").select("channel", "cost_per_contact").rows()
    assert sessions == [(None, 0.01)]
