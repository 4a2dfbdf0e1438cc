"""Long proofs of the invented company: as hard as promised under any seed and size, and large in under a minute."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from clientela.simulate import SimulateSettings, report, write_company

pytestmark = pytest.mark.prove

#: seconds of both cores together that a million customers with ten million lines may cost: a minute of two cores
MOST_CPU_SECONDS = 110
MOST_GIGABYTES = 9


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("customers", [2_000, 20_000])
def test_exact_linking_stays_below_six_in_ten_and_splink_leaves_room(seed: int, customers: int, tmp_path: Path) -> None:
    write_company(SimulateSettings(customers=customers, seed=seed, loyalty_format="csv"), tmp_path)
    pairwise, in_clusters, splink = report(tmp_path)
    assert pairwise.recall <= 0.6
    assert in_clusters.recall <= 0.6
    assert in_clusters.f1 < splink.f1 < 0.95


def test_a_million_customers_with_ten_million_lines(tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from clientela.simulate import SimulateSettings, write_company
summary = write_company(SimulateSettings(customers=1_000_000), Path({str(tmp_path)!r}))
used = resource.getrusage(resource.RUSAGE_SELF)
print(summary.order_lines, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ, cwd=Path.cwd()
    )
    lines, seconds, gigabytes = (float(word) for word in done.stdout.split())
    assert lines > 9_500_000
    assert seconds < MOST_CPU_SECONDS
    assert gigabytes < MOST_GIGABYTES
    rows = pl.read_parquet(tmp_path / "truth" / "rows.parquet")
    assert (rows["rows_delivered"] == rows["rows_loaded"] + rows["rows_quarantined"] + rows["rows_repeated"]).all()
