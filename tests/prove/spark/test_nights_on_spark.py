"""Nights whose models Spark builds on a cluster of two workers are published as nights that DuckDB builds.

Keys, texts, days, money and counts to the last row, doubles to nine digits. The invented company: what one night loaded and
remembers is built by each engine; then a second night of the last ten days with what came late, in which an executor and a
worker are killed. And Complete Journey. Both engines begin with the same folder, since a new one has a secret of its own.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from clientela.simulate.settings import SimulateSettings
from clientela.simulate.write import write_company
from tests.conftest import ROOT
from tests.prove.spark.cluster import Cluster, python_with_spark, started

#: the file of the last night's tables, by the date in its name
LAST = "20251231"
#: customers of the invented company, and lines of Complete Journey, by the environment: more where there is time
CUSTOMERS = int(os.environ.get("CLIENTELA_CUSTOMERS", "200"))
#: what speaks of the run, not of the company
OF_RUNS = {"run_id", "run_sequence", "first_run_id", "made_by_run_id", "assigned_at", "happened_at_run", "frozen_at"}
#: instants at which a run began, by table
INSTANTS = {("customer_record_history", "valid_from_at"), ("identity_events", "occurred_at")}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return python_with_spark(tmp_path_factory.mktemp("python"))


@pytest.fixture(scope="module")
def cluster(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(python, tmp_path_factory.mktemp("cluster")) as running:
        yield running


def on_spark(folder: Path, cluster: Cluster) -> None:
    path = folder / "clientela.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["engine"] = {
        "kind": "spark",
        "master": cluster.master,
        "options": {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "2g",
            "spark.executor.memory": "1g",
            "spark.sql.shuffle.partitions": "2",
            # Python steps on the workers run this checkout
            "spark.executorEnv.PYTHONPATH": str(ROOT),
        },
    }
    path.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


def night(python: Path, folder: Path) -> str:
    """A night by the command line; what it said. It must have been published."""
    command = [str(python), "-m", "clientela", "run", "-c", str(folder / "clientela.yml")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    assert done.returncode in (0, 3), (done.stdout + done.stderr)[-3000:]
    return done.stdout


def different(one: Path, other: Path) -> list[str]:
    """What two published files say differently, a line for each table."""
    found = []
    with duckdb.connect() as connection:
        for name, folder in (("one", one), ("other", other)):
            (path,) = folder.glob("**/published/marts.duckdb")
            connection.execute(f"attach '{path}' as {name} (read_only)")
        columns: dict[tuple[str, str], list[str]] = {}
        for schema, table, column, sql_type in connection.execute(
            """
            select schema_name, table_name, column_name, data_type from duckdb_columns()
            where database_name = 'one' and schema_name <> 'operations'
                -- the night that changes the engine foretells once more
                and table_name <> 'value_predictions'
            order by 1, 2, column_index
            """
        ).fetchall():
            if column not in OF_RUNS and not column.endswith("run_id") and (table, column) not in INSTANTS:
                shown = f"printf('%.8e', \"{column}\")" if sql_type == "DOUBLE" else f'cast("{column}" as varchar)'
                columns.setdefault((schema, table), []).append(shown)
        for (schema, table), shown in columns.items():
            query = f"select {', '.join(shown)} from {{}}.{schema}.{table}"
            counts = [
                connection.execute(f"select count(*) from ({query.format(a)} except all {query.format(b)})").fetchall()[
                    0
                ][0]
                for a, b in (("one", "other"), ("other", "one"))
            ]
            if any(counts):
                found.append(
                    f"{schema}.{table}: {counts[0]} rows of DuckDB's are not Spark's, {counts[1]} the other way"
                )
    assert len(columns) > 60, "the marts are compared"
    return found


@pytest.fixture(scope="module")
def companies(python: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The invented company without its last ten days after a night on DuckDB, a copy of it for Spark, and these days' files."""
    folder = tmp_path_factory.mktemp("invented")
    write_company(SimulateSettings(customers=CUSTOMERS, nights=2, night_days=10), folder / "duckdb")
    for path in sorted((folder / "duckdb").rglob(f"*{LAST}*")):
        if path.is_file():
            later = folder / "later" / path.relative_to(folder / "duckdb")
            later.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, later)
    night(python, folder / "duckdb")
    shutil.copytree(folder / "duckdb", folder / "spark")
    on_spark(folder / "spark", cluster)
    return folder / "duckdb", folder / "spark", folder / "later"


@pytest.mark.prove
def test_two_nights_of_the_invented_company(python: Path, cluster: Cluster, companies: tuple[Path, Path, Path]) -> None:
    on_duckdb, its, later = companies
    night(python, its)
    assert different(on_duckdb, its) == []

    for company in (on_duckdb, its):
        shutil.copytree(later, company, dirs_exist_ok=True)
    killed: list[int] = []
    killer = threading.Thread(target=_kill, args=(cluster, killed), daemon=True)
    killer.start()
    night(python, on_duckdb)
    try:
        night(python, its)
    except AssertionError as error:
        assert killed, error
        night(python, its)
    assert len(killed) == 2, "an executor and a worker were killed in the middle"
    assert different(on_duckdb, its) == []
    assert not list(its.rglob("lake/*")) and not list(its.rglob("derby.log")) and not list(its.rglob("metastore_db"))


def _kill(cluster: Cluster, killed: list[int]) -> None:
    """Kill an executor once there are some, and a minute later a worker."""
    deadline = time.monotonic() + 3600
    while not cluster.executors():
        if time.monotonic() > deadline:
            return
        time.sleep(1)
    time.sleep(20)
    for pid in (cluster.executors()[0], cluster.workers[0].pid):
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
        time.sleep(20)


@pytest.mark.prove
def test_complete_journey(python: Path, cluster: Cluster, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "complete_journey", tmp_path / "duckdb")
    path = tmp_path / "duckdb" / "clientela.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**settings, "data_folder": "data"}, sort_keys=False), encoding="utf-8")
    night(python, tmp_path / "duckdb")
    shutil.copytree(tmp_path / "duckdb", tmp_path / "spark")
    on_spark(tmp_path / "spark", cluster)
    night(python, tmp_path / "spark")
    assert different(tmp_path / "duckdb", tmp_path / "spark") == []
