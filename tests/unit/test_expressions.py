"""Which SQL a mapping may hold: one scalar over the source's own columns; whatever else it tries is refused."""

from collections.abc import Iterator

import duckdb
import pytest

from clientela.errors import ConfigError
from clientela.sql.expressions import FUNCTIONS, check_expression, names_in

COLUMNS = ["id", "amount", "name", "Order Date", "contact.email"]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create table secrets (password varchar)")
        opened.execute("create type mood as enum ('glad')")
        opened.execute("create macro number(x) as try_cast(x as decimal(18,6))")
        yield opened


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("amount * 2", {"amount"}),
        ("number(amount) / 100", {"amount"}),
        ("case when id = 'x' then 'a' else lower(name) end", {"id", "name"}),
        ("\"Order Date\" || ' 00:00'", {"Order Date"}),
        ('"contact.email"', {"contact.email"}),
        ("cast(amount as decimal(18,4))", {"amount"}),
        ("amount::date", {"amount"}),
        ("try_cast(amount as timestamptz)", {"amount"}),
        ("try_strptime(name, '%d/%m/%Y')", {"name"}),
        ("coalesce(nullif(trim(NAME), ''), 'none')", {"name"}),
        ("amount between 1 and 2 or id in ('a', 'b') and name is not null", {"amount", "id", "name"}),
        ("name like 'a%' and name not ilike '%b'", {"name"}),
        ("date_trunc('month', cast(name as date))", {"name"}),
        ("amount -- in cents", {"amount"}),
        ("if(amount > 0, 'sale', 'return')", {"amount"}),
        ("-amount", {"amount"}),
        ("interval 1 day + cast(name as date)", {"name"}),
        ("split_part(name, ' ', 1)", {"name"}),
        ("extract(year from cast(name as date))", {"name"}),
        ("'constant'", set()),
    ],
)
def test_what_a_mapping_needs_is_allowed(connection: duckdb.DuckDBPyConnection, text: str, used: set[str]) -> None:
    assert check_expression(connection, text, COLUMNS, "x") == used
    assert names_in(connection, text).issubset({*COLUMNS, "NAME"})


HOSTILE = [
    "(select 1)",
    "(select password from secrets)",
    "(select content from read_text('/etc/passwd'))",
    "exists (select 1 from secrets)",
    "id in (select password from secrets)",
    "id = any (select password from secrets)",
    "array(select 1)",
    "read_text('/etc/passwd')",
    "getenv('HOME')",
    "current_setting('home_directory')",
    "current_database()",
    "current_user",
    "now()",
    "current_timestamp",
    "random()",
    "uuid()",
    "nextval('x')",
    "query('select 1')",
    "secrets.password",
    "main.secrets.password",
    "rowid",
    "*",
    "columns(*)",
    "columns('a.*')",
    "secrets",
    "sum(amount)",
    "count(*)",
    "max(amount)",
    "list(amount)",
    "string_agg(name, ',')",
    "sum(amount) over ()",
    "row_number() over (order by id)",
    "lag(amount) over ()",
    "lower(name) over ()",
    "lower(distinct name)",
    "lower(name order by id)",
    "lower(name) filter (where true)",
    "list_transform([1], x -> x)",
    "list_transform([1], lambda x: x)",
    "list_filter([1], x -> x > 1)",
    "[x for x in [1]]",
    "?",
    "$1",
    "$amount",
    "amount) from secrets --",
    "amount), (select 1",
    "amount), (password",
    "1) from secrets; --",
    "amount); drop table secrets; --",
    "amount\n); drop table secrets; select (1",
    "amount; select 1",
    "amount) union select (password",
    "amount /* ) from secrets -- */ ) from secrets --",
    "1) where (true",
    "1) limit (1",
    "1) order by (1",
    "amount as x",
    "1, 2",
    "",
    "   ",
    "-- nothing",
    "cast(name as mood)",
    "name::mood",
    "name::main.mood",
    "name::enum('a', 'b')",
    "cast(name as struct(a integer))",
    "unnest([1, 2])",
    "generate_series(1, 1000000000)",
    "range(1000000000)",
    "repeat('x', 1000000000)",
    "main.lower(name)",
    "system.main.lower(name)",
    "pg_catalog.getenv('HOME')",
    "error('x')",
    "getvariable('x')",
    "struct_pack(a := 1)",
    "{'a': 1}",
    "map {'a': 1}",
    "row(1, 2)",
    "(1, 2)",
    "name collate nocase",
    "amount at time zone (select 'UTC')",
    "case when (select true) then 1 end",
    "coalesce((select 1), 2)",
    "lower((select password from secrets))",
    "amount + (from secrets)",
    "(from secrets)",
    "(values (1))",
    "(table secrets)",
    "(pivot secrets on password)",
    "(with x as (select 1) from x)",
    "default",
    "grouping(amount)",
    "try((select 1))",
    "missing_column",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_reads_more_than_its_own_row_is_refused(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_expression(connection, text, COLUMNS, "sources.crm.entities.customers.columns.full_name")
    assert caught.value.sentence.startswith("sources.crm.entities.customers.columns.full_name: ")
    assert connection.execute("select count(*) from secrets").fetchall() == [(0,)]


def test_an_unknown_column_is_reported_with_the_nearest(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ConfigError, match="did you mean 'amount'"):
        check_expression(connection, "amuont + 1", COLUMNS, "x")


def test_every_allowed_function_is_one_of_one_row(connection: duckdb.DuckDBPyConnection) -> None:
    kinds = connection.execute(
        "select distinct function_name, function_type from duckdb_functions() where list_contains(?, lower(function_name))",
        [sorted(FUNCTIONS)],
    ).fetchall()
    assert {kind for name, kind in kinds if name != "repeat"} <= {"scalar", "macro"}
