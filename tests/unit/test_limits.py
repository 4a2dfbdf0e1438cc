"""`limits.memory` is for the whole process: DuckDB gets less, wherever it is opened for a run."""

from pathlib import Path

import duckdb
import pytest

from clientela import transform
from clientela.config.company import LimitsConfig
from clientela.config.sources import bytes_of
from clientela.pipeline.session import Session
from tests.conftest import Company


@pytest.mark.parametrize(
    ("memory", "for_duckdb"), [("4GB", "3000MB"), ("16GB", "12000MB"), ("1.5 GB", "750MB"), ("512MiB", "268MB")]
)
def test_duckdb_gets_what_the_python_steps_leave(memory: str, for_duckdb: str) -> None:
    limits = LimitsConfig(memory=memory)
    assert limits.duckdb_memory == for_duckdb
    assert bytes_of(limits.duckdb_memory) < bytes_of(memory)


def test_every_connection_of_a_run_is_bound_below_the_limit(shop: Company, tmp_path: Path) -> None:
    config = shop.config.model_copy(update={"limits": LimitsConfig(memory="2GB")})
    config.data.mkdir(parents=True)
    session = Session(config)
    assert _limit(session.connection) < bytes_of("1.1GB")
    session.close()
    with transform.database("night", transform.environment(config)).connect() as models:
        assert _limit(models) < bytes_of("1.1GB")


def _limit(connection: duckdb.DuckDBPyConnection) -> int:
    ((text,),) = connection.execute("select current_setting('memory_limit')").fetchall()
    return bytes_of(text)
