"""`make prove`: the long proofs by part, a folder each. `python -m tests.prove.parts [PART]` runs one, or all one after another.

Here stands what each part says, and how a part is run. What is proved stands in the folders.
"""

import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
PARTS = {
    "attack": "an outsider with a file, a link, a name, an account or a reader's access gets nowhere",
    "audit": "the marts of both demonstration companies, counted again by what the documentation says",
    "browser": "reports, notebooks, customers' pages, the catalogue and Dagster in a real browser, without a network",
    "campaigns": "a thousand campaigns with an effect and a thousand without: how often the interval is right; the bootstrap",
    "dagster": "a served instance: schedule, sensor, queue, retries, faults, and no telemetry however it is started",
    "databases": "MariaDB as Debian ships it: types, times, watermark, one instant, read only, no secret told",
    "deliveries": "files as they really come: broken, dirty, larger than memory, in any order, around changes of the clock",
    "duckdb15": "clients of DuckDB 1.4 and 1.5, and of Node, on the published file; the whole suite on 1.5.6",
    "ducklake": "nights in a lake on PostgreSQL are nights on DuckDB, while others load, write and read there; killed or not",
    "faults": "killed at random instants, disk full, readers under way: nothing lost, nothing half-published",
    "forecasts": "what is forecast of companies drawn by no code of clientela, and of real households, comes true",
    "identity": "not below plain Splink, as precise as it says, the same in any order of arrival",
    "install": "a wheel in an empty environment, with all that it requires from a package index",
    "keep": "kills in backup, restore, forgetting, expiry and rotation: the old or the new, never half",
    "nights": "whole nights that `make test` has a shorter form of: the demonstration's data, orders of files, reloads",
    "offers": "offers come true, are made where there is a rhythm or an order to tell, and not where there is none",
    "onboard": "fourteen public layouts, from what is proposed for them to published marts with the totals of their files",
    "seeds": "many seeds: what is expected of invented companies comes true, and their ledgers hold what their files hold",
    "spark": "nights on a Spark cluster are nights on DuckDB, a worker killed or not; skipped without Java",
    "uplift": "customers are shown to differ where they do, and hardly ever where they do not: hundreds of drawn companies",
}


def proved(part: str) -> bool:
    """Run one part in two processes; whether nothing failed. What is skipped says why."""
    options = ["-m", "prove", "-n", "2", "--dist", "loadfile", "--durations=10", "--durations-min=30", "-rs"]
    return subprocess.run([sys.executable, "-m", "pytest", *options, str(FOLDER / part)], check=False).returncode == 0


def main(wanted: list[str]) -> int:
    """Run the parts that are named, else all; 2 if there is none of that name, 1 if one failed."""
    if unknown := [part for part in wanted if part not in PARTS]:
        print(f"There is no part {unknown[0]!r} of the long proofs; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    for part, sentence in PARTS.items() if not wanted else ():
        print(f"{part:12} {sentence}")
    results = []
    for part in wanted or PARTS:
        print(f"\n{part}: {PARTS[part]}", flush=True)
        start = time.monotonic()
        outcome = "passed" if proved(part) else "FAILED"
        results.append(f"{part:12} {outcome} in {(time.monotonic() - start) / 60:.1f} min")
    print("", *results, sep="\n", flush=True)
    return int(any("FAILED" in line for line in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
