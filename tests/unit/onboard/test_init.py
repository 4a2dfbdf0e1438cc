"""`clientela init FOLDER`, as a newcomer types it."""

import re
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clientela.cli.main import main
from clientela.onboard.propose import propose
from tests.conftest import CUSTOMERS, SALES


def _init(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["init", str(folder), *options])


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    (tmp_path / "sales_1.csv").write_text(SALES)
    (tmp_path / "customers.csv").write_text(
        CUSTOMERS.replace(",changed", ",changed,password").replace(":00\n", ":00,x\n")
    )
    return tmp_path


def test_a_folder_of_exports_becomes_a_company_that_would_load(exports: Path) -> None:
    answer = _init(exports)
    assert answer.exit_code == 0, answer.output
    said = answer.output.splitlines()
    assert said[0] == "Found: 2 tables of customers and transactions."
    assert said[1] == "Missing: nothing that a night needs."
    assert said[2] == "Left out: nothing."
    assert said[3] == "Never taken: password."
    assert said[4].startswith("Guessed: ") and "currency and the time zone" in said[4]
    assert "4 rows, 4 would load" in answer.output and "2 rows, 2 would load" in answer.output
    assert said[-1] == f"Next: clientela run -c {exports / 'clientela.yml'}"
    assert "password" not in [
        line.split(":")[0].strip() for line in (exports / "clientela.yml").read_text().splitlines()
    ]


def test_what_is_there_is_not_written_over_unless_asked(exports: Path) -> None:
    (exports / "clientela.yml").write_text("mine")
    answer = _init(exports)
    assert answer.exit_code == 2 and "--overwrite" in answer.output
    assert (exports / "clientela.yml").read_text() == "mine"
    assert _init(exports, "--overwrite").exit_code == 0
    assert (exports / "clientela.yml").read_text() != "mine"


def test_what_a_night_lacks_is_said_and_the_next_command_tries_again(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    answer = _init(tmp_path)
    assert answer.exit_code == 4
    assert "Missing: there are no transactions and no contracts, and a company needs one of them." in answer.output
    assert answer.output.splitlines()[-1] == f"Next: correct it, then clientela doctor -c {tmp_path / 'clientela.yml'}"


def test_what_clientela_keeps_is_no_delivery(exports: Path) -> None:
    assert _init(exports).exit_code == 0
    landed = exports / "data" / "landing" / "x"
    landed.mkdir(parents=True)
    (landed / "sales_9.csv").write_text(SALES)
    assert _init(exports, "--overwrite").exit_code == 0
    assert "landing" not in (exports / "clientela.yml").read_text()


def test_where_nothing_is_recognised_one_sentence_says_so_and_no_file_is_left(tmp_path: Path) -> None:
    (tmp_path / "weather.csv").write_text("station,rain\n1,3.5\n1,0.0\n")
    for answer in (_init(tmp_path), CliRunner().invoke(main, ["doctor", "--propose", str(tmp_path)])):
        assert answer.exit_code == 2
        (said,) = answer.output.splitlines()
        assert said.startswith(f"Error: {tmp_path}: ")
        assert "looked for customers, products, transactions" in said and "found weather (station and rain)" in said
    assert [path.name for path in tmp_path.iterdir()] == ["weather.csv"]


def test_a_database_in_the_folder_is_pointed_to_by_a_variable_that_works(
    exports: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path_factory.mktemp("shop")
    for folder in (alone, exports):
        with sqlite3.connect(folder / "my shop.db") as database:
            database.execute("create table customers (customer_id text, full_name text, email text)")
            database.executemany(
                "insert into customers values (?, 'Ana', ?)", [(f"c{n}", f"a{n}@x.example") for n in range(9)]
            )
        database.close()
        (folder / "Thumbs.db").write_bytes(b"no database")
    answer = _init(alone)
    assert answer.exit_code == 2 and not (alone / "clientela.yml").exists()
    assert "clientela doctor --propose MY_SHOP_DB" in answer.output and "Thumbs" not in answer.output
    (connection,) = re.findall(r"MY_SHOP_DB='([^']+)'", answer.output)
    monkeypatch.setenv("MY_SHOP_DB", connection)
    assert "customers:" in propose("MY_SHOP_DB", alone).text
    beside = _init(exports)
    assert beside.exit_code == 0 and "my shop.db" in beside.output
    assert "clientela doctor --propose MY_SHOP_DB" in (exports / "clientela.yml").read_text()
