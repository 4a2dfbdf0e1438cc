"""`clientela audit`: the audit's lines as they are kept, read between runs. Who writes them is in `clientela.warehouse.audit`."""

from typing import Any

import duckdb

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.warehouse.faults import explained
from clientela.warehouse.schema_version import require_present


def audit_lines(config: Config, limit: int = 0) -> list[dict[str, Any]]:
    """The newest lines, the oldest of them first; all for 0. Raises ClientelaError where there is no warehouse."""
    if not config.warehouse.is_file():
        raise ClientelaError(f"{config.company} has no warehouse yet; `clientela run` makes it.")
    try:
        with duckdb.connect(str(config.warehouse), read_only=True) as connection:
            require_present(connection, config.warehouse, config.memory)
            if not connection.execute(
                "select 1 from duckdb_tables() where schema_name = 'ledger' and table_name = 'audit'"
            ).fetchall():
                return []
            rows = connection.execute(
                """
                select done_at, system_user, action, subject, config_hash, code_version from ledger.audit
                order by done_at desc, rowid desc
                """
                + (f" limit {int(limit)}" if limit else "")
            ).fetchall()
    except duckdb.Error as error:
        raise explained(error, config) from error
    names = ("done_at", "system_user", "action", "subject", "config_hash", "code_version")
    return [dict(zip(names, row, strict=True)) for row in reversed(rows)]
