"""Merged and parted over nights: all of it anew gives the same marts and changes no id, and a past day says who was who then."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from clientela.pipeline.past_day import run_as_of
from tests.conftest import Company, marts
from tests.integration.test_identity_nights import EVENTS, merges_and_splits, night, two_doors

pytestmark = pytest.mark.prove
BUILT = (
    "staging",
    "intermediate",
    "customer",
    "value",
    "retention",
    "segment",
    "relationship",
    "objective",
    "quality",
    "operations",
    "identity",
)


def from_nothing(company: Company, folder: Path, day: int) -> Company:
    """A copy of the company that has what was delivered and memory, and builds all the rest anew."""
    shutil.copytree(company.folder, folder)
    copy = Company(folder)
    shutil.rmtree(copy.config.published)
    with duckdb.connect(str(copy.config.warehouse)) as connection:
        for schema in BUILT:
            connection.execute(f"drop schema if exists {schema} cascade")
    night(copy, day)
    return copy


def test_marts_of_customers_merged_and_parted_are_those_of_a_build_from_nothing(tmp_path: Path) -> None:
    two = two_doors(tmp_path / "two")
    night(two, 1)
    first, first_events = marts(two), two.published(EVENTS)
    merges_and_splits(two)
    again = from_nothing(two, tmp_path / "parted", 5)
    assert marts(two) == marts(again)
    kept = "select * from memory.customer_registry order by all"
    assert again.warehouse(kept) == two.warehouse(kept), "a rerun changes no id"
    report = run_as_of(two.config, date(2026, 1, 20))
    assert report.exit_code == 0, report.failures
    then = marts(two, "as_of/2026-01-20/marts.duckdb")
    assert then["customer.customers"] == first["customer.customers"]
    assert two.published(EVENTS, "as_of/2026-01-20/marts.duckdb") == first_events
