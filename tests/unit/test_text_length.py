"""A mapping cannot make texts without a bound: what may grow is known from the expression, before a row is read."""

import json
from collections.abc import Iterator

import duckdb
import pytest

from clientela.errors import ConfigError
from clientela.sql.expressions import FUNCTIONS, check_expression
from clientela.sql.text_length import _CHOICES, _SHORT, bound


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create macro number(x) as try_cast(x as decimal(18,6))")
        yield opened


def within(text: str, times: int, pattern: str) -> str:
    """The pattern put around the text so many times."""
    for _ in range(times):
        text = pattern.replace("@", text)
    return text


@pytest.mark.parametrize(
    "text",
    [
        "lpad(name, 2e9)",
        "lpad(name, 2000000000, 'x')",
        "rpad(name, 10001, 'x')",
        "lpad(name, 99999999999999999999, 'x')",
        "lpad(name, length(name) * 1000000, 'x')",
        "lpad(name, cast(amount as integer), 'x')",
        "lower(case when lpad(name, 2000000000, 'x') = '' then 'a' else 'b' end)",
        "coalesce(name, rpad(name, 2000000000, 'x'))",
        "length(lpad(name, 2000000000, 'x')) > 1",
        "case name when lpad(name, 2000000000, 'x') then 1 else 2 end",
        "name in ('a', lpad(name, 2000000000, 'x'))",
        "name between 'a' and lpad(name, 2000000000, 'x')",
        "not (lpad(name, 2000000000, 'x') is null)",
        "cast(lpad(name, 2000000000, 'x') as integer)",
        within("name", 30, "replace(@, 'a', 'aa')"),
        within("name", 2, f"replace(@, 'a', '{'b' * 100}')"),
        "replace(name, 'a', name)",
        within("name", 30, "regexp_replace(@, '', 'x', 'g')"),
        within("name", 30, r"regexp_replace(@, '(.*)', '\1\1')"),
        "regexp_replace(name, 'a', amount, 'g')",
        within("name", 9, "hex(@)"),
        within("name", 5, "cast(string_split(@, '') as varchar)"),
        within("name", 5, "cast(cast(@ as blob) as varchar)"),
        within("name", 9, "concat(@, @)"),
        within("name", 9, "concat_ws(@, 'a', 'b', 'c')"),
        within("lpad(name, 10000)", 4, "(@ || @)"),
        within("name", 4, "strftime(cast(name as date), @)"),
        " || ".join(["name"] * 257),
    ],
)
def test_what_may_make_texts_without_a_bound_is_refused(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    with pytest.raises(ConfigError, match=r"^sources\.x: .*(must be a plain number|plain text|times as long)"):
        check_expression(connection, text, ["name", "amount"], "sources.x")


@pytest.mark.parametrize(
    "text",
    [
        "lpad(name, 13, '0')",
        "rpad(trim(name), 10000)",
        "replace(replace(replace(replace(name, '.', ''), ',', '.'), '€', ''), ' ', '')",
        within("name", 200, "replace(@, 'ab', 'x')"),
        within("name", 8, r"regexp_replace(@, '\s+', ' ', 'g')"),
        within("name", 50, "regexp_replace(@, '[^0-9]', '', 'g')"),
        "regexp_replace(name, '(.*), (.*)', '\\2 \\1')",
        " + ".join(["number(amount)"] * 300),
        "case name " + " ".join(f"when '{i}' then 'kind {i}'" for i in range(500)) + " else name end",
        "concat_ws(', ', name, amount, name)",
        "strftime(cast(name as date), '%d/%m/%Y')",
        "split_part(name, ' ', 1) || '|' || upper(left(name, 3))",
        "coalesce(name, amount, 'none')",
        "name[1:3]",
    ],
)
def test_what_mappings_need_is_within_the_bound(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    check_expression(connection, text, ["name", "amount"], "sources.x")


def test_an_expression_that_is_nested_without_end_is_one_sentence(connection: duckdb.DuckDBPyConnection) -> None:
    for text in (
        within("name", 900, "abs(@)"), "(" * 100_000 + "name" + ")" * 100_000, "not " * 5000 + "name", "name\0",
        "name" + " + 1" * 5000, within("name", 450, "case when true then @ end"),
    ):  # fmt: skip
        with pytest.raises(ConfigError) as refused:
            check_expression(connection, text, ["name", "amount"], "sources.x")
        assert refused.value.sentence.startswith("sources.x: ") and len(refused.value.sentence) < 500


def test_every_function_that_may_make_a_text_is_thought_of() -> None:
    """A function that is allowed anew must be put among the short ones, or is summed up: then it belongs here."""
    summed_up = """
        || lower upper trim ltrim rtrim left right substr substring replace translate concat concat_ws lpad rpad reverse
        split_part string_split regexp_replace regexp_extract strip_accents hex json_extract json_extract_string -> ->>
        json_value array_extract list_extract struct_extract strftime
    """
    assert set(summed_up.split()) == FUNCTIONS - _SHORT - _CHOICES


def test_the_bound_holds_for_what_duckdb_makes(connection: duckdb.DuckDBPyConnection) -> None:
    """Measured on a cell of fifty characters: no text is longer than the expression's bound says."""
    cell = "aB1 é'" * 8 + "\0x"
    for text in (
        "hex(name)", "cast(string_split(name, '') as varchar)", "regexp_replace(name, '', 'xyz', 'g')",
        r"regexp_replace(name, '(.)', '\1\1\1', 'g')", "replace(name, 'a', 'xyz')", "concat_ws(name, 'a', 'b', 'c')",
        "strftime(date '2026-09-30', '%A%B%c%x%X%j')", "cast(encode_ as varchar)", "lpad(name, 300, 'x')", "upper(name)",
        "translate(name, 'aB', 'xyz')", "cast(string_split(cast(string_split(name, '') as varchar), ',') as varchar)",
    ):  # fmt: skip
        text = text.replace("encode_", "cast(regexp_replace(name, '[^a-z]', '', 'g') as blob)")
        parsed = connection.execute("select json_serialize_sql(?)", [f"select ({text})"]).fetchall()[0][0]
        found = bound(json.loads(parsed)["statements"][0]["node"]["select_list"][0])
        made = connection.execute(f"select length({text}) from (select ? as name)", [cell]).fetchall()[0][0]
        assert made <= found.times * len(cell) + found.more, text
