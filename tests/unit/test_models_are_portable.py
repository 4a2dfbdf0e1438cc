"""Models outside dbt/macros use nothing that Spark lacks, and say where nulls sort. FACTS.md lists what was tried.

A model is read as tokens, after Jinja is replaced: a statement by nothing, an expression by a name and the texts that it
passes on, which are SQL as well. What a macro hides is the macro's business: it has a dispatch for Spark.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODELS = sorted([*(ROOT / "models").rglob("*.sql"), *(ROOT / "dbt" / "tests").rglob("*.sql")])
MACROS = sorted((ROOT / "dbt" / "macros").rglob("*.sql"))

JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
TEXT = re.compile(r"\"\"\".*?\"\"\"|'[^']*'|\"[^\"]*\"", re.DOTALL)
TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|::|[A-Za-z_][A-Za-z_0-9]*|\d+(?:\.\d+)?|[^\sA-Za-z_0-9]", re.DOTALL
)

#: functions that Spark lacks, or that answer differently there
FUNCTIONS = {
    "arg_max", "arg_min", "strftime", "strptime", "epoch", "epoch_ms", "regexp_matches", "regexp_full_match",
    "quantile_cont", "quantile_disc", "quantile", "list", "list_sort", "list_value", "struct_pack", "string_agg",
    "date_diff", "datediff", "date_add", "hash", "unnest", "generate_series", "range", "isfinite",
}  # fmt: skip
#: words that are DuckDB's own wherever they stand. Spark knows `qualify` from 4.3 on; most clusters run an earlier one
WORDS = {"qualify", "asof", "pivot", "unpivot", "exclude", "positional", "hugeint", "ubigint", "varint"}
BLANK = "jinja_expression"
#: functions after which a number is whole, and the same whole number when it is cast
WHOLE = {"floor", "ceil", "round", "sign", "sum", "count", "least", "greatest", "coalesce", "extract", "case"}


def tokens(sql: str) -> list[str]:
    """The model's tokens in lower case, without comments and Jinja."""

    def replacement(match: re.Match[str]) -> str:
        texts = [text.strip("'\"") for text in TEXT.findall(match.group())]
        return f" {BLANK} ( {' , '.join(texts)} ) " if match.group().startswith("{{") else " "

    found = TOKEN.findall(JINJA.sub(replacement, sql))
    return [token.lower() for token in found if not token.startswith(("--", "/*"))]


def closing(words: list[str], start: int) -> int:
    """Where the parenthesis that encloses `start` closes, or the end."""
    depth = 0
    for index in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[index], 0)
        if depth < 0:
            return index
    return len(words)


def sort_keys(words: list[str], start: int) -> Iterator[list[str]]:
    """The keys of the `order by` whose first key begins at `start`."""
    depth, key = 0, []
    for word in words[start : closing(words, start)]:
        if depth == 0 and word in {"rows", "range", "groups", "limit", "union", "qualify", "window"}:
            break
        if depth == 0 and word == ",":
            yield key
            key = []
            continue
        depth += {"(": 1, ")": -1}.get(word, 0)
        key.append(word)
    yield key


def opening(words: list[str], end: int) -> int:
    """Where the parenthesis that closes at `end` opens."""
    depth = 0
    for index in range(end, -1, -1):
        depth += {")": 1, "(": -1}.get(words[index], 0)
        if depth == 0:
            return index
    return 0


def is_double(words: list[str], division: int) -> bool:
    """Whether what is divided at this token is `cast(… as double)`, or a product that begins so."""
    end = division - 1
    while words[end] != ")" and words[end - 1] in {"*", "."}:
        end -= 2
    return words[end - 2 : end + 1] == ["as", "double", ")"] and words[opening(words, end) - 1] == "cast"


def casts(words: list[str], index: int) -> str:
    """The type that the cast at this token casts to, if it is one that ends in `as TYPE`."""
    end = closing(words, index + 2)
    return words[end - 1] if words[index] == "cast" and words[end - 2 : end - 1] == ["as"] else ""


def findings(sql: str) -> list[str]:
    """What Spark would refuse or do differently, one phrase each."""
    words = tokens(sql)
    found = []
    for index, word in enumerate(words):
        following = words[index + 1 : index + 4]
        is_call = following[:1] == ["("]
        if is_call and word in FUNCTIONS:
            found.append(f"function {word}()")
        if word in WORDS:
            found.append(word)
        if word == "*" and following[:1] == ["replace"]:
            found.append("* replace")
        if word == "union" and "name" in following and "by" in following:
            found.append("union by name: use the macro union_by_name")
        if word in {"timestamptz", "timestamp"}:
            found.append(f"{word}: use the macro type_instant")
        if is_call and word == "sign" and words[index - 2 : index] != ["cast", "("]:
            found.append("sign() without a cast to tinyint: Spark gives a double")
        if word == "/" and not is_double(words, index):
            found.append("division of what is not cast to double: Spark divides decimals as decimals")
        is_whole = casts(words, index) in {"int", "bigint"}
        if is_whole and words[index + 2] not in WHOLE and "/" in words[index : closing(words, index + 2)]:
            found.append("cast of a quotient to an integer: DuckDB rounds, Spark cuts off; say which")
        if word == "row_number" and words[index + 1 : index + 7] == ["(", ")", "over", "(", "order", "by"]:
            last = [part for part in [*sort_keys(words, index + 7)][-1] if part.isidentifier()]
            if not any(part.endswith("_id") for part in last):
                found.append("row_number() of a whole relation in an order that may not be unique: use dense_rank()")
        if word == "varchar" and not is_call:
            found.append("varchar without a length: write string")
        if word in {"::", "{", "["}:
            found.append(f"{word} (cast, struct or list literal)")
        if word == "distinct" and following[:1] == ["on"]:
            found.append("distinct on")
        if word == "order" and following[:1] == ["by"]:
            for key in sort_keys(words, index + 2):
                if key[-2:] not in (["nulls", "first"], ["nulls", "last"]):
                    found.append(f"sort without nulls first or last: {' '.join(key)}")
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_runs_on_spark_too(model: Path) -> None:
    assert findings(model.read_text()) == []


@pytest.mark.parametrize("macro", MACROS, ids=lambda path: path.stem)
def test_a_macro_numbers_its_rows_in_a_subquery(macro: Path) -> None:
    assert "qualify" not in tokens(macro.read_text())


def test_there_are_models_to_read() -> None:
    assert len(MODELS) > 40
    assert len(MACROS) > 10


@pytest.mark.parametrize(
    "sample",
    [
        "select * exclude (a) from t",
        "select * replace (1 as a) from t",
        "select list(a order by b nulls last) from t",
        "select {'a': 1} as s",
        "select [1, 2] as l",
        "select arg_max(a, b) from t",
        "select * from a asof join b on a.t >= b.t",
        "select strftime(d, '%Y') from t",
        "select epoch(d) from t",
        "select regexp_matches(a, 'x') from t",
        "select quantile_cont(a, 0.5) from t",
        "select cast(a as varchar) from t",
        "select a::date from t",
        "select date_diff('day', a, b) from t",
        "select distinct on (a) a, b from t",
        "select * from t qualify row_number() over (partition by a order by b asc nulls last) = 1",
        "select * from t order by a",
        "select * from t order by a nulls last, b desc",
        "select row_number() over (partition by a order by b) from t",
        "select row_number() over (partition by a order by coalesce(b, 0) desc rows between 1 preceding and current row) from t",
        "select sum(a) over w from t window w as (partition by b order by c)",
        "select a from t union all by name select a from u",
        "select cast(null as timestamp with time zone) as happened_at",
        "select cast(null as timestamptz) as happened_at",
        "select a / b from t",
        "select sign(a) * b from t",
        "select a / 30.4375 from t",
        "select cast(a / b as double) from t",
        "select {{ money('a / b') }} from t",
        "select cast(cast(a as double) / b as bigint) from t",
        "select row_number() over (order by a asc nulls last) as number from t",
        "select {{ money('list(a)') }} from t",
        "{{ config(materialized='view') }} select {{ money('x') }} from t order by {{ month_of('d') }}",
    ],
)
def test_what_spark_lacks_is_found(sample: str) -> None:
    assert findings(sample)


@pytest.mark.parametrize(
    "sample",
    [
        "select cast(a as varchar(20)), cast(b as string) from t",
        "select row_number() over (partition by a, b order by c desc nulls last, coalesce(d, 0) nulls first) from t",
        "select sum(a) over (partition by b order by c nulls last rows between unbounded preceding and current row) from t",
        "select count(*) over (), cast(sign(a) as tinyint) * b from t",
        "select cast(a as double) / b, cast(sum(a) as double) / nullif(count(*), 0), cast(a as double) * 100 / b from t",
        "select cast(floor(cast(a as double) / 30.4375) as bigint) from t",
        "select {{ money('cast(a as double) / b') }}, cast(null as {{ type_instant() }}) from t",
        "select dense_rank() over (order by a asc nulls last) as number from t",
        "select row_number() over (order by a asc nulls last, customer_id asc nulls last) as number from t",
        "select row_number() over (partition by a order by b asc nulls last) as number from t",
        "select a -- order by b\nfrom t",
        "select 'strftime(x) order by y' as words from t",
        "select {{ dbt.datediff('a', 'b', 'day') }} from t group by 1",
        "{# qualify list(x) #} select max_by(a, b), row_number() over (order by a_id asc nulls last) from t",
    ],
)
def test_what_both_know_passes(sample: str) -> None:
    assert findings(sample) == []
