"""The command line as a careless and a careful person use it."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clientela.cli.main import main
from tests.conftest import ROOT, Company


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_help_teaches_every_command() -> None:
    top = invoke("--help")
    assert top.exit_code == 0 and "Exit codes" in top.output
    for name in ("run", "status", "doctor", "publish", "sql"):
        assert name in top.output
        said = invoke(name, "--help").output
        assert "--config" in said and "--json" in said and len(said.splitlines()) > 8


@pytest.mark.parametrize("command", [["run"], ["status"], ["doctor"], ["publish"], ["sql"]])
def test_a_wrong_path_of_the_configuration_is_one_sentence_and_code_two(command: Sequence[str], tmp_path) -> None:
    answer = invoke(*command, "-c", str(tmp_path / "nowhere.yml"))
    assert answer.exit_code == 2
    assert "There is no configuration at" in answer.output and "Traceback" not in answer.output
    assert list(tmp_path.iterdir()) == [], "nothing is touched"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: s.update(currency="euro"), "currency = 'euro'"),
        (lambda s: s.update(time_zone="Europe/Madird"), "did you mean Europe/Madrid?"),
        (lambda s: s["sources"]["till"]["entities"].update(order={}), "'order' is not an entity"),
        (
            lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(net_amuont="net"),
            "did you mean net_amount?",
        ),
        (lambda s: s["sources"]["till"].update(ids_from={"products": "erp"}), "'erp' is not a source"),
        (lambda s: s.update(as_of="soon"), "as_of = 'soon'"),
    ],
)
def test_a_mistake_in_the_configuration_names_the_key_the_value_and_what_is_allowed(
    shop: Company, change, sentence: str
) -> None:
    shop.change(change)
    answer = invoke("run", "-c", str(shop.config_path))
    assert answer.exit_code == 2 and sentence in answer.output.replace("\n", " ")
    assert not shop.config_path.with_name("data").exists(), "nothing is touched"


def test_status_before_the_first_run_says_what_to_do(shop: Company) -> None:
    answer = invoke("status", "-c", str(shop.config_path))
    assert answer.exit_code == 4 and "clientela run" in answer.output


def test_doctor_says_what_would_be_quarantined_and_loads_nothing(small: Company) -> None:
    answer = invoke("doctor", "-c", str(small.config_path))
    assert answer.exit_code == 0, "as the night ends"
    assert "1 would be quarantined" in answer.output and "net_amount like 'aaaaa' is not an amount" in answer.output
    assert "row 4 of ventas_2026-02.csv" in answer.output and "cinco" not in answer.output
    assert not small.config.warehouse.exists()
    # what README says of it
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    ((row, file, shape),) = re.findall(r"it points at row (\d+) of `(\S+)`, whose amount looks like `(\w+)`", readme)
    assert f"net_amount like '{shape}' is not" in answer.output and f"row {row} of {file}" in answer.output
    assert f"looks like `{shape}`: five letters where a number should be" in readme and len(shape) == 5


@pytest.mark.parametrize("header", ["code,valid_from,rate", "currency;valid_from;rate"])
def test_doctor_tells_of_exchange_rates_that_cannot_be_read(shop: Company, header: str) -> None:
    shop.change(lambda s: s.update(reference_folder="reference"))
    shop.write("reference/exchange_rates.csv", f"{header}\n{header.replace('valid_from', '2026-01-01')}\n")
    answer = invoke("doctor", "-c", str(shop.config_path))
    assert answer.exit_code == 3, answer.output
    output = " ".join(answer.output.split())
    assert "exchange_rates.key: the source has no column 'currency'" in output


def test_doctor_tells_a_missing_column_and_the_nearest_one(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(net_amount="nett"))
    answer = invoke("doctor", "-c", str(shop.config_path))
    assert answer.exit_code == 4 and "no column 'nett'; did you mean 'net'?" in answer.output


def test_a_night_and_what_is_asked_of_it_afterwards(small: Company) -> None:
    config = ("-c", str(small.config_path))
    ran = invoke("run", *config, "--json")
    assert ran.exit_code == 0
    run_report = json.loads(ran.output)
    assert run_report["status"] == "published" and run_report["as_of"] == "2026-02-14"
    status = invoke("status", *config, "--json")
    assert json.loads(status.output) == run_report
    rows = json.loads(invoke("sql", *config, "--json", "select sum(net_amount) as net from value.order_lines").output)
    # by hand: till 10 + 40 + 1000 + 5 + 20 - 20 + 20 + 50, web 18 + 900 + 40 + (50 + 21.60) × 1.15 - 50 × 1.17
    assert rows == [{"net": "2106.8400"}]
    # README: `run` loads the rest, and that line stays in quarantine with its reason, its value not shown
    odd = json.loads(invoke("sql", *config, "--json", "from operations.quarantined_rows").output)
    assert [(line["source_file"], line["source_row"], line["field"], line["shape"]) for line in odd] == [
        ("ventas_2026-02.csv", 4, "net_amount", "aaaaa")
    ]
    assert odd[0]["reason"].startswith("not an amount") and "cinco" not in json.dumps(odd)
    tables = invoke("sql", *config).output
    assert "value.customer_value" in tables and "customer.customer_timeline" in tables
    kinds = json.loads(
        invoke("sql", *config, "--json", "select distinct event_kind from customer.customer_timeline").output
    )
    assert len(kinds) > 1, "orders and interactions both reach the timeline"
    again = invoke("publish", *config)
    assert again.exit_code == 0 and "published" in again.output


@pytest.mark.parametrize("command", [["explain", "customer"], ["explain", "value"], ["nearest"]])
def test_a_customer_who_is_not_there_is_one_sentence_and_code_four(command: list[str], first_night: Path) -> None:
    answer = invoke(*command, "-c", str(first_night / "clientela.yml"), "987654")
    assert answer.exit_code == 4 and answer.output.startswith("Error: There is no customer 987654 ")


@pytest.mark.parametrize(
    "query",
    [
        "create table x (a int)",
        "delete from value.orders",
        "select * from read_csv('/etc/passwd')",
        "copy value.orders to 'x.csv'",
        "attach 'other.duckdb'",
        "selec 1",
    ],
)
def test_sql_only_reads_the_published_marts(shop: Company, query: str) -> None:
    import duckdb

    shop.config.published.mkdir(parents=True)
    duckdb.connect(str(shop.config.published / "marts.duckdb")).execute("create schema value").close()
    answer = invoke("sql", "-c", str(shop.config_path), query)
    assert answer.exit_code == 2 and "Traceback" not in answer.output


def test_the_committed_schema_is_the_exported_one() -> None:
    from clientela.transform import PROJECT

    committed = json.loads((PROJECT / "docs" / "clientela.schema.json").read_text(encoding="utf-8"))
    assert committed == json.loads(invoke("schema").output), "run: clientela schema > docs/clientela.schema.json"
