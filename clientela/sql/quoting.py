"""Names and texts as SQL, for the few statements that take no parameter there."""


def quoted(identifier: str) -> str:
    """The identifier as SQL, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as an SQL string literal, for the few statements (COMMENT, SET) that take no parameter."""
    return "'" + text.replace("'", "''") + "'"
