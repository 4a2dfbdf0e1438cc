"""The index of what is published: the report, the catalogue, the pages of the gate by day, past reports and past days.

The pages of the gate are copied to where the company's people may read; their values are masked already.
"""

import os
import shutil
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from clientela.config.company import Config
from clientela.file_modes import make_shared_folder, share
from clientela.publish import OPERATIONS_FILE
from clientela.report.catalogue import Texts
from clientela.report.page import ENVIRONMENT, style
from clientela.report.places import CATALOGUE_FILE, GATE, INDEX_FILE, REPORT_FILE, REPORTS, replace_text

#: days whose batches the index lists
DAYS = 31

_RUN = """
    select started_at, status, message from runs
    where kind in ('night', 'publish') and status <> 'running' order by run_id desc limit 1
"""
_LOADS = """
    select
        cast(timezone($zone, coalesce(loaded_at, started_at)) as date) as day, batch_id, source, feed, status, reason,
        delivered_rows, quarantined_rows, warning_count, validation_report
    from loads
    where day > (select max(cast(timezone($zone, coalesce(loaded_at, started_at)) as date)) from loads) - $days
    order by day desc, status = 'refused' desc, quarantined_rows > 0 desc, warning_count > 0 desc, batch_id desc
"""


def write_index(config: Config) -> Path:
    """Write `published/index.html`; gives its path. Raises OSError or duckdb.Error where it cannot."""
    texts = Texts(config.language, config.currency, config.zone)
    shown = _copy_pages(config.data / "gate", config.published / GATE)
    runs, loads = _operations(config)
    for load in loads:
        load["page"] = load["validation_report"] if load["validation_report"] in shown else None
    html = ENVIRONMENT.get_template("index.html.j2").render(
        t=texts,
        company=config.company,
        style=style(),
        last_run=runs[0] if runs else None,
        has_report=(config.published / REPORT_FILE).is_file(),
        report_file=REPORT_FILE,
        has_catalogue=(config.published / CATALOGUE_FILE).is_file(),
        catalogue_file=CATALOGUE_FILE,
        days=[(day, list(batches)) for day, batches in groupby(loads, key=lambda load: load["day"])],
        gate=GATE,
        past=_past_reports(config),
        past_days=_past_days(config),
    )
    path = config.published / INDEX_FILE
    replace_text(path, html)
    return path


def _operations(config: Config) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    with duckdb.connect(str(config.published / OPERATIONS_FILE), read_only=True) as connection:
        found = []
        for query, parameters in ((_RUN, {}), (_LOADS, {"zone": config.time_zone, "days": DAYS})):
            result = connection.execute(query, parameters)
            columns = [column[0] for column in result.description or []]
            found.append([dict(zip(columns, row, strict=True)) for row in result.fetchall()])
        return found[0], found[1]


def _copy_pages(source: Path, target: Path) -> set[str]:
    """Make `target` hold the pages that `source` holds; gives their names."""
    make_shared_folder(target)
    wanted = (
        {entry.name: entry.stat() for entry in os.scandir(source) if entry.name.endswith(".html")}
        if source.is_dir()
        else {}
    )
    there = {entry.name: entry.stat() for entry in os.scandir(target)}
    for name in there.keys() - wanted.keys():
        (target / name).unlink()
    for name, seen in wanted.items():
        if name not in there or there[name].st_mtime_ns != seen.st_mtime_ns:
            aside = target / f".{name}.{os.getpid()}"
            shutil.copy2(source / name, aside)
            share(aside)
            os.replace(aside, target / name)
    return set(wanted)


def _past_reports(config: Config) -> list[tuple[date, str, datetime]]:
    """(as-of day, path, when it was written) of the reports kept, the newest first."""
    found = []
    for path in (config.published / REPORTS).glob("*.html"):
        day = date.fromisoformat(path.name[:10])
        written = datetime.fromtimestamp(path.stat().st_mtime, config.zone)
        found.append((day, f"{REPORTS}/{path.name}", written))
    return sorted(found, key=lambda report: report[2], reverse=True)


def _past_days(config: Config) -> list[tuple[date, str]]:
    found = [
        (date.fromisoformat(path.parent.name), f"as_of/{path.parent.name}/{REPORT_FILE}")
        for path in config.published.glob(f"as_of/????-??-??/{REPORT_FILE}")
    ]
    return sorted(found, reverse=True)
