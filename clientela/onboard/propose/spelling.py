"""How a proposal spells columns and values within an SQL expression."""

import re

from clientela.sql.quoting import quoted


def named(column: str) -> str:
    """The column, quoted where SQL needs it."""
    return column if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column) else quoted(column)


def text(value: str) -> str:
    """A text constant."""
    return "'" + value.replace("'", "''") + "'"
