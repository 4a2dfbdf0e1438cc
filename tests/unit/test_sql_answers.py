"""What `clientela sql` shows of an answer, what it hands on, and how it ends."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientela.cli.main import main
from tests.conftest import Company, open_shop


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A shop with a published file of one table: 60 customers, 40 columns."""
    company = open_shop(tmp_path_factory.mktemp("published"))
    company.config.published.mkdir(parents=True)
    with duckdb.connect(str(company.config.published / "marts.duckdb")) as connection:
        connection.execute("create schema value")
        more = ", ".join(f"n as column_{place}" for place in range(36))
        connection.execute(
            f"""
            create table value.customer_value as
            select n as customer_id, 'Ana ' || n as name, cast(n * 10.125 as decimal(18,4)) as net_revenue,
                n / 7 as expected_orders, {more}
            from range(1, 61) as t(n)
            """
        )
    return company


def _sql(company: Company, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["sql", "-c", str(company.config_path), *arguments])


def test_forty_columns_are_shown_one_record_under_another(published: Company) -> None:
    answer = _sql(published, "from value.customer_value limit 2")
    lines = answer.stdout.splitlines()
    assert max(map(len, lines)) < 40 and len(lines) == 2 * 41
    assert lines[0].startswith("--- row 1 ") and lines[41].startswith("--- row 2 ")
    assert lines[3] == "net_revenue      10.12" and "--csv, --parquet FILE and --json" in answer.stderr
    assert "40 columns" in answer.stderr


def test_numbers_stand_to_the_right_and_money_has_two_decimals(published: Company) -> None:
    text = _sql(published, "select customer_id, name, net_revenue, expected_orders from value.customer_value").stdout
    rows = [line.strip("│").split("│") for line in text.splitlines() if line.startswith("│")]
    assert rows[0] == ["           1 ", " Ana 1  ", "       10.12 ", "          0.1429 "]
    assert rows[-1] == ["          50 ", " Ana 50 ", "      506.25 ", "          7.1429 "]


def test_what_is_cut_is_said_with_the_way_to_all_of_it(published: Company) -> None:
    answer = _sql(published, "select customer_id from value.customer_value")
    assert "The first 50 rows; --limit 0 shows all." in answer.stderr and "--csv" in answer.stderr
    assert "The first" not in _sql(published, "select customer_id from value.customer_value limit 50").stderr
    assert len(json.loads(_sql(published, "from value.customer_value", "--json").stdout)) == 60
    assert len(json.loads(_sql(published, "from value.customer_value", "--json", "--limit", "5").stdout)) == 5


def test_an_answer_is_handed_on_whole(published: Company, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(_sql(published, "from value.customer_value order by 1", "--csv").stdout)))
    assert len(rows) == 61 and rows[0][:3] == ["customer_id", "name", "net_revenue"]
    assert rows[1][:3] == ["1", "Ana 1", "10.1250"]
    file = tmp_path / "value.parquet"
    answer = _sql(published, "from value.customer_value order by 1", "--parquet", str(file))
    assert answer.exit_code == 0 and "60 rows" in answer.stdout
    total = "select sum(net_revenue), any_value(typeof(net_revenue)) from read_parquet(?)"
    assert [(str(a), b) for a, b in duckdb.execute(total, [str(file)]).fetchall()] == [("18528.7500", "DECIMAL(18,4)")]
    again = _sql(published, "from value.customer_value", "--parquet", str(file))
    assert again.exit_code == 2 and "is there already" in again.stderr
    assert _sql(published, "select 1", "--csv", "--json").exit_code == 2


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("selct 1", "syntax error"),
        ("from value.customers", "does not exist"),
        ("select nett from value.customer_value", "nett"),
        ("delete from value.customer_value", "read-only"),
        ("select cast('x' as integer)", "Could not convert"),
        ("from read_csv('/etc/passwd')", "disabled"),
    ],
)
def test_a_query_that_is_wrong_ends_with_2(published: Company, query: str, sentence: str) -> None:
    answer = _sql(published, query)
    assert answer.exit_code == 2 and sentence in answer.stderr, answer.stderr


def test_where_nothing_is_published_it_still_ends_with_4(shop: Company) -> None:
    assert _sql(shop, "select 1").exit_code == 4
