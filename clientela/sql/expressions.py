"""Which SQL a configuration may hold: one scalar expression over the source's own columns, and nothing else.

DuckDB parses the text and hands back its syntax tree (`json_serialize_sql`); every node must be of a kind named here.
What is not named is refused: subqueries, other tables, files, settings, aggregates, windows, lambdas, parameters.
"""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

import duckdb

from clientela.errors import ClientelaError, ConfigError
from clientela.sql.text_length import TooLongError, bound
from clientela.wording import did_you_mean

#: functions of one row that read nothing but their arguments
FUNCTIONS = frozenset(
    """
    + - * / // % ^ ** || ~~ !~~ ~~* !~~* abs ceil ceiling floor round round_even trunc sign greatest least mod power sqrt
    ln log10 exp lower upper trim ltrim rtrim length len left right substr substring replace translate concat concat_ws
    contains starts_with ends_with prefix suffix strpos instr position lpad rpad reverse split_part
    string_split regexp_matches regexp_full_match regexp_replace regexp_extract md5 sha256 nullif ifnull
    coalesce if strip_accents chr ascii unicode hex
    strptime try_strptime strftime date_part date_trunc date_diff datediff date_add date_sub datepart datetrunc
    to_days to_hours to_minutes to_seconds to_months to_years to_weeks make_date make_timestamp make_timestamptz
    epoch_ms epoch to_timestamp timezone year month day hour minute second last_day dayofweek isodow
    json_extract json_extract_string -> ->> json_value json_array_length array_extract list_extract struct_extract
    number delivered_on
    """.split()
)
#: types of one value that a cast may name; a type that someone made, an enum or a nested one is none of them
TYPES = frozenset(
    """
    boolean bool logical tinyint int1 smallint int2 short integer int int4 signed bigint int8 long hugeint utinyint
    usmallint uinteger ubigint uhugeint decimal numeric dec float float4 real double float8 varchar text string char bpchar
    date time timestamp datetime timestamptz interval uuid blob json
    """.split()
) | {"timestamp with time zone", "double precision"}
#: characters of an expression that a sentence repeats
LONGEST_SHOWN = 200
#: functions that have a syntax of their own, such as `extract(year from x)`
_SPELLED_OUT = ("trim", "date_part", "substring", "position", "timezone")
_CLASSES = frozenset(
    {"COLUMN_REF", "CONSTANT", "CAST", "CASE", "COMPARISON", "CONJUNCTION", "BETWEEN", "OPERATOR", "FUNCTION", "TYPE"}
)
_EMPTY_PARTS = ("where_clause", "having", "qualify", "sample", "group_expressions", "group_sets", "modifiers")


def check_expression(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    columns: Collection[str],
    where: str,
    unknown: Callable[[str, str, Collection[str]], ClientelaError] | None = None,
    holder: str = "a mapping",
) -> set[str]:
    """Refuse any expression but a scalar over `columns`; give the columns it reads.

    `where` is the configuration's key path, for the sentence of the ConfigError; `unknown` gives the error for a column
    that is not there, by default `unknown_column` does; `holder`: whose expression it is, for the sentence.
    """
    try:
        return _check(connection, text, columns, where, unknown or unknown_column, holder)
    except (RecursionError, duckdb.Error) as error:
        reason = "is nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise ConfigError(
            f"{where}: the expression that begins {text[:LONGEST_SHOWN]!r} cannot be read: {reason}."
        ) from None


def _check(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    columns: Collection[str],
    where: str,
    unknown: Callable[[str, str, Collection[str]], ClientelaError],
    holder: str,
) -> set[str]:
    shown = repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")
    answer = connection.execute("select json_serialize_sql(?)", [f"select (\n{text}\n)"]).fetchall()[0][0]
    tree = json.loads(answer)
    if tree["error"]:
        raise ConfigError(f"{where}: {shown} is not an SQL expression: {tree.get('error_message', 'syntax error')}.")
    statements = tree["statements"]
    node = statements[0]["node"]
    is_plain = (
        len(statements) == 1
        and node["type"] == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["from_table"]["type"] == "EMPTY"
        and not node["cte_map"]["map"]
        and not any(node.get(part) for part in _EMPTY_PARTS)
    )
    if not is_plain:
        raise ConfigError(f"{where}: {shown} must be one expression over the source's columns, not a query.")
    by_lower = {name.lower(): name for name in columns}
    used: set[str] = set()
    for part in _nodes(node["select_list"]):
        if "lambda" in json.dumps(part.get("type", "")).lower() or part["class"] not in _CLASSES:
            raise ConfigError(f"{where}: {shown} uses {part['class'].lower()}, which {holder} may not.")
        if part["type"] == "GROUPING_FUNCTION":
            raise ConfigError(f"{where}: {shown} uses grouping(), which {holder} may not.")
        if part["class"] == "CAST" and (name := _type_name(part)) not in TYPES:
            raise ConfigError(f"{where}: {shown} casts to {name or 'a nested type'}, which {holder} may not.")
        if part["class"] == "FUNCTION":
            if part.get("distinct") or part.get("filter") or (part.get("order_bys") or {}).get("orders"):
                raise ConfigError(f"{where}: {shown} uses distinct, filter or order by, which {holder} may not.")
            name = part["function_name"].lower()
            # DuckDB 1.5 itself writes main.trim for trim
            has_place = part.get("schema") and not (part["schema"] == "main" and name in _SPELLED_OUT)
            if has_place or part.get("catalog") or name not in FUNCTIONS:
                raise ConfigError(f"{where}: {shown} calls {name}(), which {holder} may not.")
        if part["class"] == "COLUMN_REF":
            names = part["column_names"]
            if len(names) != 1 or names[0].lower() not in by_lower:
                raise unknown(where, ".".join(names), columns)
            used.add(by_lower[names[0].lower()])
    try:
        bound(node["select_list"][0])
    except TooLongError as error:
        raise ConfigError(f"{where}: {shown} {error}.") from None
    return used


def _type_name(cast: dict[str, Any]) -> str:
    """The type's name in small letters; empty for a type of some schema. DuckDB 1.5 and 2.0 tell it differently."""
    target = cast.get("type_expr")
    if target is None:
        kind = cast["cast_type"]
        target = kind["type_info"] if kind["id"] in ("UNBOUND", "USER") else {"type_name": kind["id"]}
    if target.get("schema") or target.get("catalog") or len((target.get("qualified_name") or {}).get("path", [])) > 1:
        return ""
    return str(target.get("type_name") or target.get("name") or "").lower()


def names_in(connection: duckdb.DuckDBPyConnection, text: str) -> set[str]:
    """The columns that an expression names, whether it is allowed or not."""
    answer = connection.execute("select json_serialize_sql(?)", [f"select (\n{text}\n)"]).fetchall()[0][0]
    return {".".join(part["column_names"]) for part in _nodes(json.loads(answer)) if part["class"] == "COLUMN_REF"}


def unknown_column(where: str, name: str, columns: Collection[str]) -> ConfigError:
    """The sentence for a column that is none of ours: it names them all, so it is not for those that were delivered."""
    hint = did_you_mean(name, columns) or "."
    return ConfigError(f"{where}: the source has no column {name!r}{hint} It has: {', '.join(columns)}")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every syntax node below `value`: whatever bears a class."""
    if isinstance(value, dict):
        if "class" in value:
            yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)
