"""The CDNOW sample that the published figures are computed from; it ships with the package `lifetimes`."""

from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from clientela.lifetime import Histories


def cdnow_frame() -> pl.DataFrame:
    """One row per customer of the 2,357: x, t_x, T in weeks, zbar the mean of repeat orders."""
    spec = find_spec("lifetimes")
    assert spec is not None and spec.origin is not None
    data = Path(spec.origin).parent / "datasets" / "cdnow_customers_summary_with_transactions.csv"
    return pl.read_csv(data)


@pytest.fixture(scope="session")
def cdnow() -> Histories:
    frame = cdnow_frame()
    return Histories.of(frame["x"].to_numpy(), frame["t_x"].to_numpy(), frame["T"].to_numpy())


@pytest.fixture(scope="session")
def cdnow_amounts() -> tuple[object, object]:
    frame = cdnow_frame().filter(pl.col("x") > 0)
    return frame["x"].to_numpy(), frame["zbar"].to_numpy()
