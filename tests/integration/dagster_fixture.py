"""A tiny company in files of its own, for the tests of its Dagster assets. Only files and helpers; tests assert.

Three systems and a reference table: a till (required), a web shop that sells in dollars, and a call centre (optional).
"""

from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from dagster_project.definitions import build_defs

CONFIG = """
company: Tiny
currency: EUR
time_zone: Europe/Madrid
reference_folder: reference
limits: {memory: 1GB, threads: 1}
sources:
  till:
    entities:
      customers:
        files: files/customers*.csv
        key: id
        columns: {full_name: name, email: email}
      transactions:
        files: files/sales*.csv
        key: [order, line]
        columns: {order_key: order, line_key: line, customer_key: customer, net_amount: net, quantity: units, ordered_at: at}
  web:
    currency: USD
    ids_from: {customers: till}
    entities:
      transactions:
        files: files/web*.csv
        required: false
        key: order
        columns: {order_key: order, customer_key: customer, net_amount: net, ordered_at: at}
  service:
    ids_from: {customers: till}
    entities:
      interactions:
        files: files/calls*.csv
        key: id
        columns: {customer_key: customer, kind: kind, channel: {value: phone}, opened_at: at}
"""
FILES = {
    "reference/exchange_rates.csv": "currency,valid_from,rate\nUSD,2026-03-01,0.9\nUSD,2026-04-01,0.8\n",
    "files/customers.csv": "id,name,email\n1,Ana Gil,ana@example.com\n2,Luis Paz,luis@example.com\n",
    "files/sales.csv": "order,line,customer,net,units,at\n10,1,1,12.50,1,2026-03-02T10:00:00\n"
    "10,2,1,7.50,2,2026-03-02T10:00:00\n11,1,2,30.00,1,2026-03-05T18:30:00\n12,1,,5.00,1,2026-04-06T09:15:00\n",
    "files/web.csv": "order,customer,net,at\nW1,2,100.00,2026-03-20T08:00:00\n",
    "files/calls.csv": "id,customer,kind,at\n900,1,complaint,2026-03-04T12:00:00\n",
}


def write_company(folder: Path) -> Path:
    """The company's files; gives its configuration. The secret is fixed, so that two companies mask alike."""
    files = {**FILES, "clientela.yml": CONFIG, "data/secret": "7" * 64}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "clientela.yml"


def take_night(config: Path, job: str = "night", **more: Any) -> dg.ExecuteInProcessResult:
    """Run a job of the company in this process, with an instance that remembers nothing."""
    with dg.DagsterInstance.ephemeral() as instance:
        return (
            build_defs(config).resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False, **more)
        )


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """What every failed step, and the run itself, says of its failure, causes included."""
    sentences = []
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None)
        while error is not None:
            sentences.append(error.message)
            error = error.cause
    return sentences


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """The evaluations of the feeds' checks: table and check → evaluation."""
    found = result.get_asset_check_evaluations()
    return {f"{e.asset_key.path[1]}.{e.check_name}": e for e in found if e.asset_key.path[0] == "raw"}


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every published table's rows, sorted, without what differs from run to run: its id, its clock, its batch numbers, and
    the log of identity."""
    passing = (
        "run_id",
        "batch_id",
        "validation_report",
        "path",
        "known_at",
        "code_version",
        "config_hash",
        "mapping_hash",
    )
    connection = duckdb.connect(str(path), read_only=True)
    try:
        names = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        rows = {}
        for schema, table in names:
            if table in ("identity_events", "customer_record_history"):
                continue
            described = connection.execute(f"describe {schema}.{table}").fetchall()
            kept = [c[0] for c in described if c[0] not in passing and not (schema == "operations" and "_at" in c[0])]
            query = f"select {', '.join(kept)} from {schema}.{table} order by all"
            rows[f"{schema}.{table}"] = connection.execute(query).fetchall()
        return rows
    finally:
        connection.close()
