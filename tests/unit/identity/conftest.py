"""What the tests of identity share: the invented company of the bench, and small records written by hand."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from clientela.identity.normalise import RECORD_SCHEMA


def load_bench() -> ModuleType:
    path = Path(__file__).parents[3] / "bench" / "identity.py"
    spec = importlib.util.spec_from_file_location("bench_identity", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_identity"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def bench() -> ModuleType:
    return load_bench()


@pytest.fixture(scope="session")
def company(bench: ModuleType) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records, truth) of about 900 people."""
    records, truth = bench.invented_company(900, 5)
    return records, truth


@pytest.fixture(scope="session")
def model(company: tuple[pl.DataFrame, pl.DataFrame]):  # type: ignore[no-untyped-def]
    """A model trained once on the company, frozen for all tests."""
    from clientela.identity import train_model

    return train_model(company[0])


@pytest.fixture
def people() -> Callable[..., pl.DataFrame]:
    """Records from keyword dictionaries: record_id counts from 1, sources alternate unless given."""

    def build(*rows: dict[str, Any]) -> pl.DataFrame:
        filled = [
            {
                "record_id": number,
                "source": ("till", "web")[number % 2],
                "source_key": str(number),
                "country": "ES",
                "updated_at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
                **row,
            }
            for number, row in enumerate(rows, start=1)
        ]
        return pl.DataFrame(
            [{name: row.get(name) for name in RECORD_SCHEMA} for row in filled], schema=dict(RECORD_SCHEMA)
        )

    return build
