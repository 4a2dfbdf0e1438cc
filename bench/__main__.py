"""`make bench`: each stage beside its floor, at several sizes, in one table; kept as JSON in data/bench.

python -m bench [LINES …]     default 100,000, 1,000,000 and 10,000,000 order lines; 100,000,000 on request
"""

import json
import platform
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from bench.company import DAYS, FIRST_DAY, lines_sql, write_company, write_lines
from clientela.transform import PROJECT

FOLDER = PROJECT / "data" / "bench"
SIZES = (100_000, 1_000_000, 10_000_000)


def stage(name: str, folder: Path, kind: str) -> dict[str, Any]:
    """Run one stage in its own process."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.stage", name, str(folder), kind],
        capture_output=True, text=True, cwd=PROJECT, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name} on {folder} failed:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def measure(lines: int) -> list[dict[str, Any]]:
    """All stages at one size. Each row: stage, seconds, rows per second, peak memory, floor, ratio."""
    folder = FOLDER / str(lines)
    shutil.rmtree(folder, ignore_errors=True)
    rows: list[dict[str, Any]] = []

    def add(name: str, told: dict[str, Any], floor: float | None = None, **more: Any) -> None:
        seconds = max(told["seconds"], 0.001)
        rows.append(
            {
                "lines": lines, "stage": name, "seconds": round(seconds, 2), "lines_per_second": round(lines / seconds),
                "peak_mb": told["peak_mb"], "floor_seconds": floor and round(floor, 2),
                "ratio": floor and round(seconds / floor, 2),
                **{k: v for k, v in more.items() if k not in ("seconds", "peak_mb")},
            }
        )  # fmt: skip
        Console(stderr=True).print(f"[dim]{lines:>12,}  {name:<32} {seconds:8.2f} s[/dim]")

    for kind in ("csv", "parquet"):
        place = folder / kind
        write_company(place, lines, kind)
        bare, floor = (stage(name, place, kind)["seconds"] for name in ("floor_load_bare", "floor_load"))
        add(f"load {kind}", stage("load", place, kind), floor, bare_floor_seconds=round(bare, 2))
        if kind == "csv":
            shutil.rmtree(place)
    place, kind = folder / "parquet", "parquet"
    built = stage("transform", place, kind)
    plain = stage("floor_transform", place, kind)
    in_python = {name: seconds for name, seconds in built["models"].items() if name not in plain["models"]}
    # what is computed outside SQL has no floor: it stands on both sides, and once apart
    add("all marts, full", built, plain["seconds"] + sum(in_python.values()), **built, floors=plain["models"])
    for name in dict.fromkeys(plain["folders"].values()):
        own = [model for model, folder in plain["folders"].items() if folder == name and model not in in_python]
        seconds = sum(built["models"][model] for model in own)
        told = {"seconds": seconds, "peak_mb": None}
        add(f"  SQL of {name}", told, sum(plain["models"][model] for model in own))
    for name, seconds in sorted(in_python.items(), key=lambda pair: -pair[1]):
        add(f"  Python: {name}", {"seconds": seconds, "peak_mb": None})
    published = stage("publish", place, kind)
    add("publish", published, stage("floor_publish", place, kind)["seconds"], bytes=published["bytes"])
    add("quiet night", stage("night", place, kind))
    full = next(r["seconds"] for r in rows if r["stage"] == "load parquet") + built["seconds"] + published["seconds"]
    write_lines(place / "lines_1.parquet", lines_sql(max(lines // 100, 1), lines, lines), kind)
    add("night of 1 % new lines", stage("night", place, kind), full)
    settings = yaml.safe_load((place / "clientela.yml").read_text())
    settings["as_of"] = date.fromisoformat(FIRST_DAY) + timedelta(days=DAYS + 1)
    (place / "clientela.yml").write_text(yaml.safe_dump(settings))
    add("a new day, no new lines", stage("night", place, kind), full)
    shutil.rmtree(folder)
    return rows


def main() -> None:
    """Measure every size asked for, print the table, keep it as JSON."""
    sizes = [int(size.replace(",", "")) for size in sys.argv[1:]] or list(SIZES)
    FOLDER.mkdir(parents=True, exist_ok=True)
    tiny = FOLDER / "tiny"
    shutil.rmtree(tiny, ignore_errors=True)
    write_company(tiny, 100, "parquet")
    rows = [
        {"lines": 0, "stage": "imports of a night", **stage("imports", tiny, "parquet")},
        {"lines": 100, "stage": "a night on tiny data", **stage("night", tiny, "parquet")},
    ]
    for size in sizes:
        rows += measure(size)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    kept = FOLDER / f"bench_{now}.json"
    told = {"machine": f"{platform.machine()}, {platform.python_version()}", "at": now, "rows": rows}
    kept.write_text(json.dumps(told, indent=1))
    table = Table("lines", "stage", "seconds", "lines/s", "peak MB", "floor s", "ratio", title="Beside the floor")
    for row in rows:
        keys = ("lines_per_second", "peak_mb", "floor_seconds", "ratio")
        seconds = f"{row['seconds']:.2f}"
        table.add_row(f"{row['lines']:,}", row["stage"], seconds, *(str(row.get(k) or "") for k in keys))
    Console(width=120).print(table)
    Console(width=120).print(f"Kept in {kept}")


main()
