"""Nights whose models are built in a lake on PostgreSQL are published as nights that DuckDB builds, whatever else goes on there.

The invented company: what one night loaded and remembers is built by each; then a second night of the last ten days with what
came late, killed in its middle and run again. While the first builds, another process loads the second night's batches into
the lake, and a third commits rows of its own; while the second is killed and run again, a reader looks on. Then somebody is
forgotten.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from clientela.simulate.settings import SimulateSettings
from clientela.simulate.write import write_company
from tests.conftest import ROOT
from tests.prove.ducklake.lake import (
    EXPIRY,
    GONE,
    LOADER,
    READER,
    WRITER,
    Machine,
    done,
    postgresql,
    python_with_ducklake,
)
from tests.prove.spark.test_nights_on_spark import CUSTOMERS, LAST, different

pytestmark = pytest.mark.prove
PUBLISHED = (0, 3)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    python = python_with_ducklake(tmp_path_factory.mktemp("python"))
    # not below pytest's own folder: whoever starts pytest closes that to other users, of whom PostgreSQL is one
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder)) as url:
        yield Machine(python, url, tmp_path_factory.mktemp("lake") / "clientela")


def as_the_documentation_says(company: Path, lake: Path) -> None:
    """The whole configuration of docs/scale.md, with another folder."""
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    (text,) = [part for part in page.split("```") if part.startswith("yaml") and "kind: ducklake" in part]
    engine = yaml.safe_load(text.removeprefix("yaml"))["engine"]
    path = company / "clientela.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["engine"] = {**engine, "lake": str(lake.parent)}
    path.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


@pytest.fixture(scope="module")
def companies(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The invented company after a first night on DuckDB, after a second one, and a copy of the first for the lake."""
    folder = tmp_path_factory.mktemp("invented")
    names = ("first", "second", "lake", "later")
    found = {name: folder / name for name in names}
    write_company(SimulateSettings(customers=CUSTOMERS, nights=2, night_days=10), found["first"])
    for path in sorted(found["first"].rglob(f"*{LAST}*")):
        if path.is_file():
            later = found["later"] / path.relative_to(found["first"])
            later.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, later)
    done(machine.clientela(found["first"], "run"), *PUBLISHED)
    for name in ("second", "lake"):
        shutil.copytree(found["first"], found[name])
    shutil.copytree(found["later"], found["second"], dirs_exist_ok=True)
    done(machine.clientela(found["second"], "run"), *PUBLISHED)
    as_the_documentation_says(found["lake"], machine.lake)
    return found


def is_building(machine: Machine, night: subprocess.Popen[str], since: float) -> bool:
    """Wait until the night writes what models made; False if it ended before."""
    while night.poll() is None:
        for path in machine.lake.glob("intermediate/**/*.parquet"):
            if path.stat().st_mtime > since:
                return True
        time.sleep(0.2)
    return False


def rows_of(company: Path) -> int:
    (warehouse,) = company.glob("**/warehouse.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return int(connection.execute("select count(*) from raw.transactions").fetchall()[0][0])


def test_a_load_and_another_writer_while_a_night_builds(
    machine: Machine, companies: dict[str, Path], tmp_path: Path
) -> None:
    over = tmp_path / "over"
    writer = machine.script(WRITER, over)
    night = machine.clientela(companies["lake"], "run")
    assert is_building(machine, night, 0), night.communicate()[0][-3000:]
    (warehouse,) = companies["second"].glob("**/warehouse.duckdb")
    shutil.copy(warehouse, tmp_path / "loaded.duckdb")
    loaded = int(done(machine.script(LOADER, over, str(tmp_path / "loaded.duckdb"))).split()[-1])
    assert night.poll() is None, "the night was still building when the load was committed"
    done(night, *PUBLISHED)
    over.touch()
    written = int(done(writer).split()[-1])
    assert different(companies["first"], companies["lake"]) == [], "a night reads one state, whatever others load"
    assert loaded == rows_of(companies["second"]) > rows_of(companies["first"])
    counted = """
query = "select (select count(*) from lake.raw.transactions), (select count(*) from lake.calls.rings)"
print(*opened().execute(query).fetchall()[0])
"""
    assert done(machine.script(counted, over)).split()[-2:] == [str(loaded), str(written)], "nothing was lost"
    assert written > 5


def test_a_second_night_is_killed_and_the_next_run_heals(
    machine: Machine, companies: dict[str, Path], tmp_path: Path
) -> None:
    over, company = tmp_path / "over", companies["lake"]
    shutil.copytree(companies["later"], company, dirs_exist_ok=True)
    reader = machine.script(READER, over)
    published = next(company.glob("**/published/marts.duckdb"))
    before = published.read_bytes()
    since = time.time()
    night = machine.clientela(company, "run")
    assert is_building(machine, night, since), night.communicate()[0][-3000:]
    time.sleep(2)
    os.kill(night.pid, signal.SIGKILL)
    night.wait()
    assert published.read_bytes() == before
    done(machine.clientela(company, "run"), *PUBLISHED)
    time.sleep(3)
    over.touch()
    marts, states = map(int, done(reader).split()[-2:])
    assert marts > 20 and states == 2, "a reader saw the first night and the second, and nothing between"
    assert different(companies["second"], company) == []


def test_a_catalogue_that_goes_away_amid_a_night_ends_it_in_a_sentence(machine: Machine) -> None:
    with tempfile.TemporaryDirectory() as folder:
        said = done(machine.script(GONE, Path(folder) / "never", folder))
    assert "The lake cannot be written" in said and "opened again [(0,)]" in said


def test_earlier_states_expire_and_their_files_go(machine: Machine, companies: dict[str, Path], tmp_path: Path) -> None:
    done(machine.script(EXPIRY, tmp_path / "never"))


def test_the_forgotten_are_in_no_byte_of_the_lake(machine: Machine, companies: dict[str, Path], tmp_path: Path) -> None:
    company = companies["lake"]
    (warehouse,) = company.glob("**/warehouse.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        # the last of all addresses stands in the catalogue, as the highest of its column
        customer, email = connection.execute(
            "select customer_id, email from customer.customers where email is not null order by email desc limit 1"
        ).fetchall()[0]
    searched = f"""
from clientela.config.read import load_config
from clientela.privacy.search import search_all
found = search_all(load_config(Path({str(company / "clientela.yml")!r})), [{email!r}])
print(*sorted(" ".join(name.split()[:2]) for name, number in found.items() if number and name.startswith("lake")), sep="|")
"""
    never = tmp_path / "never"
    held = done(machine.script(searched, never))
    assert "lake/raw/customers" in held and "lake's catalogue," in held
    done(machine.clientela(company, "forget", str(customer)), *PUBLISHED)
    assert done(machine.script(searched, never)).strip() == ""
    done(machine.clientela(company, "run"), *PUBLISHED)
    assert done(machine.script(searched, never)).strip() == ""
    rings = 'print(opened().execute("select count(*) from lake.calls.rings").fetchall()[0][0])'
    assert int(done(machine.script(rings, never)).split()[-1]) > 5, "what others keep there stays"
