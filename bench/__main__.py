"""`make bench`: each stage beside its floor, at several sizes, in one table; kept as JSON in data/bench.

python -m bench [LINES …] [--large] [--identity RECORDS] [--portfolios CUSTOMERS] [--keep]

LINES     order lines: 100,000, 1,000,000 and 10,000,000 by default; 0 for none
--large   100,000,000 lines as well (`make bench LARGE=1`): some 80 GB of disk, and hours
RECORDS   customer records to match beside plain Splink: 1,000,000 by default; 0 leaves identity out
CUSTOMERS to assign to 200 portfolios: 1,000,000 by default; 0 leaves portfolios out
--keep    leave the companies that were made in data/bench

Ratios and growth are of CPU seconds of all threads, which other work on the machine leaves nearly as they are.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from bench.company import DAYS, FIRST_DAY, lines_sql, write_company, write_lines
from clientela.cli.output import plain_console
from clientela.project_files import PROJECT

FOLDER = PROJECT / "data" / "bench"
SIZES = (100_000, 1_000_000, 10_000_000)
LARGE = 100_000_000
#: dbt alone builds all models once more: where that takes minutes, not many
ALONE = 1_000_000


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def stage(name: str, folder: Path, kind: str) -> dict[str, Any]:
    """Run one stage in its own process."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.stage", name, str(folder), kind],
        capture_output=True, text=True, cwd=PROJECT, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name} on {folder} failed:\n{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def measure(lines: int, rows: list[dict[str, Any]], *, is_kept: bool) -> None:
    """All stages at one size, added to `rows`: stage, seconds, rows per second, peak memory, floor, ratio."""
    folder = FOLDER / str(lines)
    shutil.rmtree(folder, ignore_errors=True)

    def add(name: str, result: dict[str, Any], floor: float | None = None, **more: Any) -> None:
        seconds = max(result["cpu_seconds"], 0.001)
        rows.append(
            {
                "lines": lines, "stage": name, "seconds": round(result.get("seconds", 0), 2),
                "cpu_seconds": round(seconds, 2), "lines_per_second": round(lines / seconds),
                "peak_mb": result.get("peak_mb"), "floor_seconds": floor and round(floor, 2),
                "ratio": floor and round(seconds / floor, 2), **more,
            }
        )  # fmt: skip
        plain_console(stderr=True).print(f"{lines:>12,}  {name:<32} {seconds:8.2f} s of CPU", style="dim")

    for kind in ("csv", "parquet"):
        place = folder / kind
        write_company(place, lines, kind)
        bare, floor = (stage(name, place, kind)["cpu_seconds"] for name in ("floor_load_bare", "floor_load"))
        loaded = stage("load", place, kind)
        add(f"load {kind}", loaded, floor)
        add("  the same, beside typed columns without keys", loaded, bare)
        if kind == "csv":
            shutil.rmtree(place)
    place, kind = folder / "parquet", "parquet"

    def add_night(name: str, beside: float | None) -> dict[str, Any]:
        """The night and its steps; gives what it was."""
        built = stage("night" if beside else "first_night", place, kind)
        if built["status"] == "failed":
            raise SystemExit(f"{name} failed: {built['message']}")
        more = {key: built[key] for key in ("touched", "customers", "new_lines", "steps", "models", "test_seconds")}
        add(name, built, beside, **more)
        for step, seconds in built["steps"].items():
            add(f"  {step}", {"cpu_seconds": seconds}, full_steps.get(step))
        add("  publish, beside a file copy", {"cpu_seconds": built["steps"].get("publish", 0)}, _copy(place, kind))
        return built

    full_steps: dict[str, float] = {}
    first = add_night("first night", None)
    full, full_steps, models = first["cpu_seconds"], first["steps"], first["models"]
    plain = stage("floor_transform", place, kind)
    in_python = {name: seconds for name, seconds in models.items() if name not in plain["models"]}
    # what is computed outside SQL has no floor: it stands on both sides, and once apart
    add(
        "all marts, full", {"cpu_seconds": full_steps["transform"]}, plain["cpu_seconds"] + sum(in_python.values()),
        models=models, floors=plain["models"],
    )  # fmt: skip
    add("  all of its SQL", _sum(models, list(plain["models"])), plain["cpu_seconds"])
    for area in dict.fromkeys(plain["areas"].values()):
        own = [model for model in plain["models"] if plain["areas"][model] == area]
        add(f"  SQL of {area}", _sum(models, own), _sum(plain["models"], own)["cpu_seconds"])
    for model in sorted(in_python, key=lambda name: -in_python[name]):
        add(f"  Python of {model}", _sum(in_python, [model]))
    script = floor + plain["cpu_seconds"] + _copy(place, kind)
    add("first night, beside a plain DuckDB script", {"cpu_seconds": full}, script)
    if lines <= ALONE:
        alone = stage("dbt_alone", place, kind)
        add("  its marts, beside dbt alone", {"cpu_seconds": full_steps["transform"]}, alone["cpu_seconds"])
    add("quiet night", stage("night", place, kind))
    more = max(lines // 100, 1)
    write_lines(place / "lines_1.parquet", lines_sql(more, lines, lines, newest=DAYS // 100), kind)
    add_night("night of 1 % new lines, of last week", full)
    write_lines(place / "lines_2.parquet", lines_sql(more, lines + more, lines), kind)
    add_night("night of 1 % late lines, of all months", full)
    settings = yaml.safe_load((place / "clientela.yml").read_text())
    settings["as_of"] = date.fromisoformat(FIRST_DAY) + timedelta(days=DAYS + 1)
    (place / "clientela.yml").write_text(yaml.safe_dump(settings))
    new_day = add_night("a new day, no new lines", full)
    # order lines and orders are what they were: nothing of them depends on the day
    dated = [m for m in new_day["models"] if m in plain["models"] and m not in ("int_order_lines", "int_orders")]
    add("  SQL of what depends on it", _sum(new_day["models"], dated), _sum(plain["models"], dated)["cpu_seconds"])
    if not is_kept:
        shutil.rmtree(folder)


def _copy(place: Path, kind: str) -> float:
    seconds: float = stage("floor_publish", place, kind)["cpu_seconds"]
    return seconds


def _sum(seconds: Mapping[str, float], models: Sequence[str]) -> dict[str, Any]:
    return {"cpu_seconds": sum(seconds.get(model, 0) for model in models)}


def measure_identity(records: int) -> list[dict[str, Any]]:
    """Matching so many records, and a night of 1 % new ones, beside plain Splink. CPU seconds; `lines` are records here."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        ours = stage("identity", Path(folder), str(records))
        plain = stage("floor_identity", Path(folder), str(records))
    took, floor = ours["by_part"], plain["seconds"]
    wanted = {
        "identity: normalise, nothing known yet": (took["normalise"], None),
        "identity: match, cluster, remember": (took["full"], floor),
        "identity: the same, and train": (took["full"] + took["train"], floor),
        "identity: night of 1 % new records": (took["night"], took["full"]),
    }
    return [
        {
            "lines": records, "stage": name, "seconds": round(seconds, 2), "cpu_seconds": round(seconds, 2),
            "lines_per_second": round(records / seconds),
            "peak_mb": ours["peak_mb"], "floor_seconds": beside and round(beside, 2),
            "ratio": beside and round(seconds / beside, 2), "ours": took, "plain": plain,
        }
        for name, (seconds, beside) in wanted.items()
    ]  # fmt: skip


def measure_portfolios(customers: int) -> list[dict[str, Any]]:
    """Assigning so many customers to two hundred portfolios; `lines` are customers here."""
    rows = []
    for kind, of in ((str(customers), "portfolios"), (f"{customers}-many", "portfolios of many kinds")):
        took = stage("portfolios", FOLDER, kind)
        rows += [
            {
                "lines": customers, "stage": f"{of}: {name}", "seconds": round(took[key], 2), "cpu_seconds": round(took[key], 2),
                "lines_per_second": round(customers / took[key]), "peak_mb": took["peak_mb"], "held": took["held"],
                "moved": took["moved"],
            }
            for name, key in (("the first plan", "first"), ("the next month's", "next"))
        ]  # fmt: skip
    return rows


def main() -> None:
    """Measure every size asked for, print the table, keep it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench", usage=__doc__)
    parser.add_argument("lines", nargs="*", type=_number, default=SIZES)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--identity", type=_number, default=1_000_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--portfolios", type=_number, default=1_000_000)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    tiny = FOLDER / "tiny"
    shutil.rmtree(tiny, ignore_errors=True)
    write_company(tiny, 100, "parquet")
    rows = [
        {"lines": 0, "stage": "imports of a night", **stage("imports", tiny, "parquet")},
        {"lines": 100, "stage": "a night on tiny data", **stage("night", tiny, "parquet")},
    ]
    try:
        for size in (*options.lines, *((LARGE,) if options.large else ())):
            if size:
                measure(size, rows, is_kept=options.keep)
        rows += measure_identity(options.identity) if options.identity else []
        rows += measure_portfolios(options.portfolios) if options.portfolios else []
    finally:
        # what was measured before a stage failed, or somebody lost patience, is kept
        keep(rows)


def keep(rows: list[dict[str, Any]]) -> None:
    """Write the rows as JSON, with their growth since the next smaller size, and print them."""
    for row in rows:
        smaller = [r for r in rows if r["stage"] == row["stage"] and r["lines"] < row["lines"]]
        row["growth"] = round(row["cpu_seconds"] / smaller[-1]["cpu_seconds"], 1) if smaller else None
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    kept = FOLDER / f"bench_{now}.json"
    record = {"machine": f"{platform.machine()}, {platform.python_version()}", "at": now, "rows": rows}
    kept.write_text(json.dumps(record, indent=1))
    print_tables(rows)
    plain_console(width=120).print(f"Kept in {kept}")


def print_tables(rows: list[dict[str, Any]]) -> None:
    """All stages, with their growth since the next smaller size; then the models of the largest size."""
    table = Table(
        "lines",
        "stage",
        "CPU s",
        "wall s",
        "lines/s",
        "peak MB",
        "floor s",
        "ratio",
        "growth",
        title="Beside the floor",
    )
    for row in rows:
        keys = ("lines_per_second", "peak_mb", "floor_seconds", "ratio", "growth")
        seconds = (f"{row['cpu_seconds']:.2f}", f"{row['seconds']:.2f}" if row["seconds"] else "")
        table.add_row(f"{row['lines']:,}", row["stage"], *seconds, *(str(row.get(k) or "") for k in keys))
    plain_console(width=120).print(table)
    whole = [row for row in rows if row["stage"] == "all marts, full"]
    if not whole:
        return
    table = Table("model", "seconds", "floor s", title=f"Each model, {whole[-1]['lines']:,} lines")
    for name, seconds in sorted(whole[-1]["models"].items(), key=lambda pair: -pair[1]):
        table.add_row(name, f"{seconds:.2f}", f"{whole[-1]['floors'].get(name, '')}")
    plain_console(width=120).print(table)


main()
