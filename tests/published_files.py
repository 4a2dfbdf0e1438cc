"""Comparing published files: everything that a reader can see of them."""

from pathlib import Path

import duckdb

_DESCRIBED = {
    "tables": "select schema_name, table_name, comment from duckdb_tables() where database_name = '{}'",
    "columns": """
        select schema_name, table_name, column_index, column_name, data_type, is_nullable, comment from duckdb_columns()
        where database_name = '{}'
    """,
    "constraints": """
        select schema_name, table_name, constraint_type, constraint_column_names from duckdb_constraints()
        where database_name = '{}'
    """,
    "macros": """
        select schema_name, function_name, macro_definition, comment from duckdb_functions()
        where database_name = '{}' and not internal
    """,
}


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two files: tables, columns, comments, constraints, macros, and rows both ways."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only)")
        found = []
        for what, query in _DESCRIBED.items():
            here, there = (
                sorted(connection.execute(query.format(name)).fetchall(), key=str) for name in ("one", "other")
            )
            found += [f"{what}: {sorted(set(map(str, here)) ^ set(map(str, there)))}"] if here != there else []
        for schema, table, _ in connection.execute(_DESCRIBED["tables"].format("other")).fetchall():
            for a, b in () if found else (("one", "other"), ("other", "one")):
                rows = connection.execute(
                    f'from {a}."{schema}"."{table}" except all from {b}."{schema}"."{table}"'
                ).fetchall()
                found += [f"{schema}.{table}: in {a} alone {rows[:3]}"] if rows else []
        return found
