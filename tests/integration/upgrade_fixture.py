"""The company that clientela 0.1 left, unpacked: tests/data/README.md says how it was made."""

import shutil
import tarfile
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT, Company

#: after everything that 0.1 did there
LATER = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)
#: the file that 0.1's DuckDB wrote opens in no older one
needs_duckdb_2 = pytest.mark.skipif(
    int(duckdb.__version__.split(".")[0]) < 2, reason="what DuckDB 2.0 wrote for 0.1 opens in no older one"
)


def unpack_0_1(folder: Path) -> Company:
    """The company, in a folder of its own."""
    shutil.copytree(_unpacked().name, folder, dirs_exist_ok=True)
    return Company(folder)


@cache
def _unpacked() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()
    with tarfile.open(ROOT / "tests" / "data" / "small_0.1.tar.xz") as archive:
        archive.extractall(folder.name, filter="data")
    return folder
