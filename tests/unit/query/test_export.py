"""What `clientela export` leaves: whole folders of one publication, with a manifest that is true; nothing where it refuses."""

import csv
import hashlib
import json
import stat
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientela.cli.main import main
from clientela.query import export as export_module
from tests.conftest import Company, open_shop


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A shop with a published file of three tables, two of which share a name."""
    company = open_shop(tmp_path_factory.mktemp("published"))
    company.config.published.mkdir(parents=True)
    with duckdb.connect(str(company.config.published / "marts.duckdb")) as connection:
        connection.execute("create schema value; create schema segment; create schema operations")
        connection.execute(
            """
            create table value.customer_value as
            select n as customer_id, case n when 2 then 'ab"c, d' end as name, cast(n * 10.125 as decimal(18,4)) as net_revenue,
                timestamptz '2026-03-01 12:00:00+00' as seen_at
            from range(1, 4) as t(n);
            comment on table value.customer_value is 'One row per customer.';
            comment on column value.customer_value.name is 'Whole name. (masked)';
            create table value.scores as select 1 as n;
            create table segment.scores as select 2 as n;
            create table operations.publication as
            select 'Corner shop' as company, 'r1' as run_id, date '2026-03-01' as as_of_on,
                timestamptz '2026-03-02 02:00:00+00' as known_at, 'EUR' as currency, 'Europe/Madrid' as time_zone
            """
        )
    return company


def _export(company: Company, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["export", "-c", str(company.config_path), *map(str, arguments)])


def test_a_mart_is_handed_on_with_a_manifest_that_is_true(published: Company, tmp_path: Path) -> None:
    done = _export(published, "customer_value", "--to", tmp_path / "out")
    assert done.exit_code == 0 and done.output == f"{tmp_path / 'out'}: 1 table, 3 rows, as of 2026-03-01.\n"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (table,) = manifest["tables"]
    file = tmp_path / "out" / "value.customer_value.parquet"
    assert (manifest["run_id"], manifest["as_of_on"], manifest["format"]) == ("r1", "2026-03-01", "parquet")
    assert (table["table"], table["rows"], table["description"]) == ("value.customer_value", 3, "One row per customer.")
    assert (table["file"], table["bytes"]) == (file.name, file.stat().st_size)
    assert table["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert table["columns"][1] == {"name": "name", "type": "VARCHAR", "description": "Whole name. (masked)"}
    with duckdb.connect(str(published.config.published / "marts.duckdb"), read_only=True) as connection:
        both = [
            connection.execute(f"select * from {source} order by all").fetchall()
            for source in (f"'{file}'", "value.customer_value")
        ]
    assert both[0] == both[1]
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_csv_has_a_header_and_instants_in_the_companys_zone(published: Company, tmp_path: Path) -> None:
    assert _export(published, "value.customer_value", "--to", tmp_path / "out", "--format", "csv").exit_code == 0
    with (tmp_path / "out" / "value.customer_value.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["customer_id", "name", "net_revenue", "seen_at"]
    assert rows[2] == ["2", 'ab"c, d', "20.2500", "2026-03-01 13:00:00+01"] and rows[1][1] == ""


def test_all_tables_are_of_one_file_and_for_its_readers_only(published: Company, tmp_path: Path) -> None:
    assert _export(published, "--all", "--to", tmp_path / "deep" / "out").exit_code == 0
    files = sorted(path.name for path in (tmp_path / "deep" / "out").iterdir())
    assert files == [
        "manifest.json", "operations.publication.parquet", "segment.scores.parquet", "value.customer_value.parquet",
        "value.scores.parquet",
    ]  # fmt: skip
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep" / "out").iterdir()}
    assert modes == {0o600} and stat.S_IMODE((tmp_path / "deep" / "out").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["custmer_value"], "There is no mart custmer_value; did you mean customer_value?"),
        (["value.customer_valu"], "did you mean value.customer_value?"),
        (["value.customer_value", "zzz"], "There is no mart zzz; `clientela sql` without a query lists the marts."),
        (["scores"], "There is more than one mart scores; did you mean segment.scores and value.scores?"),
        ([], "Name the marts to export, or say --all."),
        (["scores", "--all"], "Name the marts to export, or say --all."),
    ],
)
def test_what_is_asked_wrong_ends_with_2_and_leaves_nothing(
    published: Company, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    refused = _export(published, *arguments, "--to", tmp_path / "out")
    assert refused.exit_code == 2 and expected in refused.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_gives_way_only_if_it_is_an_export_and_one_says_so(published: Company, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert _export(published, "value.scores", "--to", folder).exit_code == 0
    refused = _export(published, "segment.scores", "--to", folder)
    assert refused.exit_code == 2 and f"{folder} is there already: --replace writes it anew" in refused.output
    assert _export(published, "segment.scores", "--to", folder, "--replace").exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "segment.scores.parquet"]
    (folder / "mine.txt").write_text("kept")
    refused = _export(published, "segment.scores", "--to", folder, "--replace")
    assert refused.exit_code == 2 and "holds more than an earlier export" in refused.output
    assert (folder / "mine.txt").read_text() == "kept" and [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_that_breaks_off_leaves_the_earlier_one(
    published: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    assert _export(published, "value.scores", "--to", folder).exit_code == 0
    before = (folder / "manifest.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module, "close_export", full)
    refused = _export(published, "--all", "--to", folder, "--replace")
    assert refused.exit_code == 2 and f"{folder} cannot be written: No space left on device" in refused.output
    assert (folder / "manifest.json").read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_not_published_ends_with_4(shop: Company, tmp_path: Path) -> None:
    refused = _export(shop, "--all", "--to", tmp_path / "out")
    assert refused.exit_code == 4 and "Nothing is published yet" in refused.output and not (tmp_path / "out").exists()
