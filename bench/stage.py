"""One stage, in a process of its own, so that its time and its peak memory are its own.

    python -m bench.stage NAME FOLDER KIND

Prints one JSON object: seconds (imports not counted), peak memory in MB, and whatever the stage knows of itself. A stage
named `floor_…` does the same irreducible work in plain DuckDB.
"""

import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

TYPED = {
    "receipt": "bigint", "line": "bigint", "customer": "bigint", "product": "bigint", "quantity": "decimal(18,6)",
    "gross": "decimal(18,4)", "discount": "decimal(18,4)", "sold_at": "timestamp",
}  # fmt: skip


def _config(folder: Path) -> Any:
    from clientela.config.read import load_config

    return load_config(folder / "clientela.yml")


def load(folder: Path, kind: str) -> dict[str, Any]:
    """Extract, gate and load, from delivered file to raw and ledger."""
    import great_expectations.expectations  # noqa: F401

    from clientela.extract.feeds import feeds_of
    from clientela.pipeline.open_run import open_run

    config = _config(folder)
    shutil.rmtree(config.data, ignore_errors=True)
    began = time.perf_counter()
    with open_run(config) as run:
        (outcome,) = run.load(feeds_of(config)[0])
        run.session.close()
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "rows": outcome.loaded}


def floor_load(folder: Path, kind: str) -> dict[str, Any]:
    """The same file into a table on disk, checkpointed: typed columns, and the keys that the contract wants of each line."""
    keys = {
        "record_id": "receipt || '|' || line",
        "order_id": "receipt",
        "customer_record_id": "customer",
        "product_record_id": "product",
        "content_hash": "concat_ws(chr(31), " + ", ".join(TYPED) + ")",
    }
    md5 = ", ".join(
        f"cast(cast('0x' || substr(md5('till|' || {sql}), 1, 16) as ubigint) >> 1 as bigint) as {name}"
        for name, sql in keys.items()
    )
    return _typed_table(folder, kind, f", {md5}")


def floor_load_bare(folder: Path, kind: str) -> dict[str, Any]:
    """The same file into a table on disk, checkpointed: typed columns and nothing else."""
    return _typed_table(folder, kind, "")


def _typed_table(folder: Path, kind: str, more: str) -> dict[str, Any]:
    target = folder / "floor.duckdb"
    target.unlink(missing_ok=True)
    began = time.perf_counter()
    connection = duckdb.connect(str(target))
    columns = ", ".join(f"cast({name} as {sql_type}) as {name}" for name, sql_type in TYPED.items())
    reader = "read_parquet" if kind == "parquet" else "read_csv"
    options = f", columns = {TYPED!r}, header = true, auto_detect = false" if kind == "csv" else ""
    connection.execute(
        f"create table lines as select {columns}{more} from {reader}('{folder}/lines_*.{kind}'{options})"
    )
    connection.execute("checkpoint")
    (rows,) = connection.execute("select count(*) from lines").fetchall()[0]
    connection.close()
    return {"seconds": time.perf_counter() - began, "rows": rows}


def transform(folder: Path, kind: str) -> dict[str, Any]:
    """All marts from raw, tests included, in this process."""
    from clientela import transform
    from clientela.pipeline.open_run import open_run

    config = _config(folder)
    with open_run(config) as run:
        run.set_context()
        run.session.close()
        transform.manifest(config)
        began = time.perf_counter()
        results = run.transform()
        seconds = time.perf_counter() - began
    models = {r.name: round(r.seconds, 3) for r in results if r.kind == "model"}
    tests = sum(r.seconds for r in results if r.kind == "test")
    return {"seconds": seconds, "models": models, "nodes": len(results), "test_seconds": round(tests, 1)}


def floor_transform(folder: Path, kind: str) -> dict[str, Any]:
    """The models' own SQL, in their order, without dbt, Dagster or tests. Python models keep their tables: they have no floor."""
    from clientela import transform

    config = _config(folder)
    project = transform.compiled()
    copy = folder / "floor" / "warehouse.duckdb"
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(config.warehouse, copy)
    connection = duckdb.connect(str(copy))
    connection.execute("set timezone = 'UTC'; set preserve_insertion_order = false; set memory_limit = '4GB'")
    connection.execute(f"set temp_directory = '{folder}/spill'")
    models, areas = {}, {}
    began = time.perf_counter()
    for step in project.steps:
        if step.kind != "model" or step.language != "sql":
            continue
        started = time.perf_counter()
        what = "view" if step.materialized == "view" else "table"
        connection.execute(f"create or replace {what} {step.relation} as {step.sql}")
        models[step.name] = round(time.perf_counter() - started, 3)
        areas[step.name] = project.project["nodes"][step.unique_id]["fqn"][-2]
    connection.execute("checkpoint")
    seconds = time.perf_counter() - began
    connection.close()
    shutil.rmtree(copy.parent)
    return {"seconds": seconds, "models": models, "areas": areas}


def publish(folder: Path, kind: str) -> dict[str, Any]:
    """The published file, from the marts as they are."""
    from clientela.pipeline.open_run import open_run

    with open_run(_config(folder)) as run:
        transform.manifest(run.config)
        began = time.perf_counter()
        published = run.publish()
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "bytes": published.bytes, "rows": published.rows}


def floor_publish(folder: Path, kind: str) -> dict[str, Any]:
    """A copy of the published file, flushed to disk."""
    source, target = _config(folder).published / "marts.duckdb", folder / "copy.duckdb"
    began = time.perf_counter()
    shutil.copyfile(source, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    target.unlink()
    return {"seconds": seconds}


def night(folder: Path, kind: str) -> dict[str, Any]:
    """A whole night as a scheduler starts it, imports included."""
    began = time.perf_counter()
    from clientela.pipeline.nightly import run

    models: dict[str, float] = {}

    def note(step: str, subject: str, sentence: str) -> None:
        if step == "node" and sentence.startswith("model"):
            models[subject] = float(sentence.split()[-1])

    report = run(_config(folder), note)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "status": report.status, "message": report.message, "models": models}


def identity(folder: Path, kind: str) -> dict[str, Any]:
    """As many records as `kind` says: matched and remembered from nothing, and a night of 1 % new ones. CPU seconds."""
    from bench.identity import speed

    took = speed(int(kind), folder)
    return {"seconds": took["full"], "by_part": {name: round(value, 4) for name, value in took.items()}}


def floor_identity(folder: Path, kind: str) -> dict[str, Any]:
    """Plain Splink on the same normalised records: trained, predicted and clustered. CPU seconds."""
    from bench.identity import plain_speed

    took = plain_speed(folder)
    return {"seconds": sum(took.values()), "by_part": {name: round(value, 4) for name, value in took.items()}}


def imports(folder: Path, kind: str) -> dict[str, Any]:
    """What a night with a new batch imports."""
    began = time.perf_counter()
    import dbt.cli.main  # noqa: F401
    import great_expectations.expectations  # noqa: F401

    import clientela.pipeline.nightly  # noqa: F401

    return {"seconds": time.perf_counter() - began}


STAGES = {
    f.__name__: f
    for f in (
        load, floor_load, floor_load_bare, transform, floor_transform, publish, floor_publish, night, imports,
        identity, floor_identity,
    )
}  # fmt: skip

if __name__ == "__main__":
    name, where, how = sys.argv[1:4]
    result = STAGES[name](Path(where), how)
    result["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print("\n" + json.dumps(result), flush=True)
    os._exit(0)
