"""The copy of the ledger that lies beside the copy of memory: with it and the kept files a lost warehouse is built again.

One file, switched in whole at the end of each run. It holds what cannot be found out from the files: when they came, what
the gate said of them, what was reloaded and unloaded, who did what. Quarantined rows and amounts follow from the files, so
they are not copied. Reading it back is in `clientela.pipeline.rebuild`.
"""

import os
from pathlib import Path

import duckdb

from clientela.config.company import Config
from clientela.durable import switch_in
from clientela.sql.quoting import literal
from clientela.warehouse import expiries
from clientela.warehouse.tables import STORAGE_VERSION

LEDGER_COPY = "ledger.duckdb"
#: tables of schema `ledger` that the copy holds
COPIED = (
    "runs",
    "loads",
    "load_files",
    "load_checks",
    "seen_files",
    "audit",
    "tombstones",
    "expiries",
    *expiries.TOTALS,
    "secret",
    "renewals",
    "schema_version",
)


def has_copies(config: Config) -> bool:
    """Whether a copy of memory or of the ledger tells of a warehouse that was."""
    memory = config.memory if config.memory.is_dir() else config.published / "memory"
    return (memory / LEDGER_COPY).is_file() or (memory / "customer_registry.parquet").is_file()


def held_tables(connection: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    """The tables of a copy that is attached: one from before a table was made has fewer."""
    rows = connection.execute("select table_name from duckdb_tables() where database_name = ?", [database]).fetchall()
    return {name for (name,) in rows}


def export(connection: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    """Write the copy into `folder`, aside, and switch it in. Only its owner may look into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / LEDGER_COPY
    aside = folder / f".{LEDGER_COPY}.{os.getpid()}"
    aside.unlink(missing_ok=True)
    connection.execute(f"attach {literal(str(aside))} as ledger_copy (storage_version {literal(STORAGE_VERSION)})")
    try:
        for name in COPIED:
            connection.execute(f"create table ledger_copy.{name} as select * from ledger.{name}")
        connection.execute("checkpoint ledger_copy")
    finally:
        connection.execute("detach ledger_copy")
    aside.chmod(0o600)
    switch_in(aside, path)
    return path
