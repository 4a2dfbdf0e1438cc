"""Long proofs of identity: as right as it claims to be, and the same whatever the order of arrival."""

from __future__ import annotations

import importlib.util
import random
import sys
import time
from pathlib import Path
from types import ModuleType

import duckdb
import polars as pl
import pytest

from clientela.identity import IdentitySettings, resolve, train_model
from clientela.identity.measure import against_truth
from clientela.identity.normalise import normalise
from clientela.identity.store import Store

pytestmark = pytest.mark.prove
SENSIBLE = 4.0
THRESHOLDS = [float(weight) for weight in range(-4, 25)]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[3] / "bench" / "identity.py"
    spec = importlib.util.spec_from_file_location("bench_identity", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_identity"] = module
    spec.loader.exec_module(module)
    return module


def compared(
    bench: ModuleType, records: pl.DataFrame, truth: pl.DataFrame
) -> tuple[dict[str, float], dict[float, float]]:
    settings = IdentitySettings(match="always")
    ours = against_truth(resolve(records, settings=settings).crosswalk, truth)
    plain = bench.plain_splink(normalise(records, settings).records, THRESHOLDS)
    return ours, {weight: against_truth(found, truth)["f1"] for weight, found in plain.items()}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_on_febrl_ours_is_not_below_plain_splink_at_any_threshold(bench: ModuleType, number: int) -> None:
    ours, plain = compared(bench, *bench.febrl(number))
    assert ours["f1"] >= max(plain.values()), (ours, plain)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_a_simulated_company_ours_is_precise_and_beats_plain_splink_at_its_best(
    bench: ModuleType, seed: int, tmp_path: Path
) -> None:
    ours, plain = compared(bench, *bench.simulated_company(2000, seed, tmp_path))
    assert ours["precision"] >= 0.985 and ours["f1"] >= max(plain.values()) + 0.03, (ours, max(plain.values()))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_a_hard_company_ours_is_precise_and_beats_plain_splink_at_its_best(bench: ModuleType, seed: int) -> None:
    ours, plain = compared(bench, *bench.invented_company(2000, seed))
    assert ours["precision"] >= 0.985 and ours["f1"] >= max(plain.values()) + 0.03, (ours, max(plain.values()))


def test_ten_nights_in_two_orders_end_as_one_go(bench: ModuleType) -> None:
    records, _ = bench.invented_company(1200, 8)
    model = train_model(records)

    def grouping(crosswalk: pl.DataFrame) -> set[tuple[int, ...]]:
        by = crosswalk.group_by("customer_id").agg(pl.col("record_id").sort())
        return {tuple(ids) for ids in by["record_id"].to_list()}

    at_once = grouping(resolve(records, model=model).crosswalk)
    for seed in (1, 2):
        ids = records["record_id"].to_list()
        random.Random(seed).shuffle(ids)
        log, arrived = None, records.clear()
        with duckdb.connect() as connection:
            store = Store(connection)
            for start in range(10):
                arrived = pl.concat([arrived, records.filter(pl.col("record_id").is_in(ids[start::10]))])
                done = resolve(arrived, log, model=model, store=store)
                log = done.registry_rows if log is None else pl.concat([log, done.registry_rows])
        assert grouping(done.crosswalk) == at_once


def test_a_hundred_thousand_records_that_share_an_email_are_resolved_in_a_minute() -> None:
    count = 100_000
    frame = pl.DataFrame(
        {
            "record_id": range(1, count + 1),
            "source": ["till", "web"] * (count // 2),
            "given_name": [f"{chr(97 + i % 26)}na{i % 700}" for i in range(count)],
            "family_name": [f"{chr(97 + i % 23)}il{i % 900}" for i in range(count)],
            "email": "todos@empresa.es",
            "phone": [f"+346{i:08d}" for i in range(count)],
        }
    )
    started = time.perf_counter()
    done = resolve(frame)
    assert time.perf_counter() - started < 60
    assert done.crosswalk["customer_id"].n_unique() == count
