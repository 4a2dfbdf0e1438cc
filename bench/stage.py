"""One stage, in a process of its own, so that its time and its peak memory are its own.

    python -m bench.stage NAME FOLDER KIND

Prints one JSON object: seconds and CPU seconds of all threads (imports not counted), the whole process's peak memory in MB,
and whatever the stage knows of itself. A stage named `floor_…` does the same irreducible work in plain DuckDB.
"""

import json
import os
import resource
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

TYPED = {
    "receipt": "bigint", "line": "bigint", "customer": "bigint", "product": "bigint", "quantity": "decimal(18,6)",
    "gross": "decimal(18,4)", "discount": "decimal(18,4)", "sold_at": "timestamp",
}  # fmt: skip


@dataclass(frozen=True)
class Clock:
    """Begins to run when it is made."""

    began: float = field(default_factory=time.perf_counter)
    began_cpu: float = field(default_factory=time.process_time)

    def read(self) -> dict[str, float]:
        """Seconds since, and CPU seconds of all threads: beside other work only these can be compared."""
        return {"seconds": time.perf_counter() - self.began, "cpu_seconds": time.process_time() - self.began_cpu}


class Parts:
    """A watcher of a run that notes the CPU seconds of its steps, of each model, and of all tests."""

    def __init__(self) -> None:
        #: `begin`, `load`, `transform`, `publish`, `report` → CPU seconds until the next of them
        self.steps: dict[str, float] = {}
        self.models: dict[str, float] = {}
        self.tests = 0.0
        self._step, self._of_step, self._of_node = "begin", Clock(), Clock()

    def __call__(self, step: str, subject: str, sentence: str) -> None:
        """Hear of a step."""
        if step == "begin":
            self._of_node = Clock()
        elif step == "node" and sentence.startswith("model"):
            self.models[subject] = round(self._of_node.read()["cpu_seconds"], 3)
        elif step == "node":
            self.tests += self._of_node.read()["cpu_seconds"]
        elif step in ("load", "transform", "publish", "report", "end"):
            spent = self._of_step.read()["cpu_seconds"]
            self.steps[self._step] = round(self.steps.get(self._step, 0) + spent, 3)
            self._step, self._of_step = step, Clock()


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
    clock = Clock()
    with open_run(config) as run:
        (outcome,) = run.load(feeds_of(config)[0])
        run.session.close()
        took = clock.read()
    return {**took, "rows": outcome.loaded}


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
    clock = Clock()
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
    return {**clock.read(), "rows": rows}


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
    clock = Clock()
    for step in project.steps:
        if step.kind != "model" or step.language != "sql":
            continue
        own = Clock()
        what = "view" if step.materialized == "view" else "table"
        connection.execute(f"create or replace {what} {step.relation} as {step.sql}")
        models[step.name] = round(own.read()["cpu_seconds"], 3)
        areas[step.name] = project.project["nodes"][step.unique_id]["fqn"][-2]
    connection.execute("checkpoint")
    took = clock.read()
    connection.close()
    shutil.rmtree(copy.parent)
    return {**took, "models": models, "areas": areas}


def dbt_alone(folder: Path, kind: str) -> dict[str, Any]:
    """The same models and their tests by dbt's own command, from nothing, on what is loaded: parsed, without gate, memory or
    publication. Imports of dbt included, as a user's script pays them."""
    config = _config(folder)
    copy = folder / "floor" / "warehouse.duckdb"
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(config.warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        # neither taken over from the nights before, nor learnt already
        for table in ("forecast.days", "memory.settled_month_ends", "memory.settled_fits"):
            connection.execute(f"delete from {table}")
    os.environ |= {
        "CLIENTELA_WAREHOUSE": str(copy), "CLIENTELA_MEMORY_LIMIT": "4GB", "CLIENTELA_SPILL": str(folder / "spill"),
        "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }  # fmt: skip
    clock = Clock()
    from dbt.cli.main import dbtRunner

    from clientela.project_files import PROJECT

    answer = dbtRunner().invoke(
        [
            "build", "--full-refresh", "--exclude-resource-type", "unit_test", "--project-dir", str(PROJECT), "--quiet",
            "--profiles-dir", str(PROJECT / "dbt"), "--target-path", str(copy.parent / "target"),
            "--log-path", str(copy.parent / "logs"),
        ]
    )  # fmt: skip
    took = clock.read()
    shutil.rmtree(copy.parent)
    if not answer.success:
        raise SystemExit(f"dbt alone failed: {answer.exception or 'see its log'}")
    return took


def floor_publish(folder: Path, kind: str) -> dict[str, Any]:
    """A copy of the published file, flushed to disk."""
    source, target = _config(folder).published / "marts.duckdb", folder / "copy.duckdb"
    clock = Clock()
    shutil.copyfile(source, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
    took = clock.read()
    target.unlink()
    return took


def first_night(folder: Path, kind: str) -> dict[str, Any]:
    """A whole night from nothing, as a scheduler starts it, imports included."""
    shutil.rmtree(_config(folder).data, ignore_errors=True)
    return night(folder, kind)


def night(folder: Path, kind: str) -> dict[str, Any]:
    """A whole night as a scheduler starts it, imports included; who was touched by what it loaded."""
    clock = Clock()
    from clientela.pipeline.nightly import run

    config, watch = _config(folder), Parts()
    report = run(config, watch)
    took = clock.read()
    warehouse = duckdb.connect(str(config.warehouse), read_only=True)
    customers, touched, lines = warehouse.execute(
        """
        select
            count(distinct customer_record_id),
            count(distinct customer_record_id) filter (loaded_at = (select max(loaded_at) from raw.transactions)),
            count(*) filter (loaded_at = (select max(loaded_at) from raw.transactions))
        from raw.transactions
        """
    ).fetchall()[0]
    published = config.published / "marts.duckdb"
    return {
        **took, "status": report.status, "message": report.message, "steps": watch.steps, "models": watch.models,
        "test_seconds": round(watch.tests, 1), "customers": customers, "touched": touched, "new_lines": lines,
        "bytes": published.stat().st_size,
    }  # fmt: skip


def identity(folder: Path, kind: str) -> dict[str, Any]:
    """As many records as `kind` says: matched and remembered from nothing, and a night of 1 % new ones. CPU seconds."""
    from bench.identity import speed

    took = speed(int(kind), folder)
    return {
        "seconds": took["full"],
        "cpu_seconds": took["full"],
        "by_part": {name: round(value, 4) for name, value in took.items()},
    }


def floor_identity(folder: Path, kind: str) -> dict[str, Any]:
    """Plain Splink on the same normalised records: trained, predicted and clustered. CPU seconds."""
    from bench.identity import plain_speed

    took = plain_speed(folder)
    return {
        "seconds": sum(took.values()),
        "cpu_seconds": sum(took.values()),
        "by_part": {name: round(value, 4) for name, value in took.items()},
    }


def portfolios(folder: Path, kind: str) -> dict[str, Any]:
    """As many customers as `kind` says, `…-many` of many kinds, into 200 portfolios: the first plan, and the next month's."""
    from bench.portfolios import speed

    customers, _, many = kind.partition("-")
    return speed(int(customers), many_kinds=bool(many))


def imports(folder: Path, kind: str) -> dict[str, Any]:
    """What a night with a new batch imports."""
    clock = Clock()
    import dbt.cli.main  # noqa: F401
    import great_expectations.expectations  # noqa: F401

    import clientela.pipeline.nightly  # noqa: F401

    return clock.read()


STAGES = {
    f.__name__: f
    for f in (
        load, floor_load, floor_load_bare, first_night, floor_transform, floor_publish, night, imports, dbt_alone,
        identity, floor_identity, portfolios,
    )
}  # fmt: skip

if __name__ == "__main__":
    name, where, how = sys.argv[1:4]
    result = STAGES[name](Path(where), how)
    result["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print("\n" + json.dumps(result), flush=True)
    os._exit(0)
