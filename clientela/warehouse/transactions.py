"""One way to do several statements or none of them. What the statements are is known to those who ask for them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Begin, and commit at the end. After an error nothing has happened, and the error that is raised is the first one:
    a rollback that fails too, as on a full disk, is not raised."""
    connection.execute("begin")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(duckdb.Error, RuntimeError):
            connection.execute("rollback")
        raise
