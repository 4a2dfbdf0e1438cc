"""A whole company onto the disk: the systems' files, clientela.yml, the reference tables and the truth."""

import filecmp
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from clientela.extras import require_extra
from clientela.simulate.catalogue import reference_tables
from clientela.simulate.company import Company, build_company
from clientela.simulate.configuration import configuration
from clientela.simulate.dirt import plant, without
from clientela.simulate.files import Delivery, Planted, Table, Written, night_date, write_file, write_table
from clientela.simulate.records import TILL
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Ints
from clientela.simulate.systems import STORES, tables
from clientela.simulate.truth import DeliveredSales, fields_of, write_truth

#: stores whose sales of a few days arrive late: store, last day as a share of history, days of sales, days of delay
_LATE = ((STORES[2], 0.55, 28, 8), (STORES[0], 0.93, 21, 12))
#: what tells a simulated company from anything else
MARK = "truth/parameters.parquet"
#: where a company is written before it takes its place
ASIDE = ".written"


@dataclass(frozen=True)
class Summary:
    """What was written."""

    folder: Path
    files: int
    rows: int
    order_lines: int
    dirty_rows: int


def write_company(settings: SimulateSettings, out: Path) -> Summary:
    """Write the company into `out`, which must be empty or not there, or hold an earlier simulation.

    Of the same company only what is missing is written; another is replaced, unless a warehouse was built from it. Nothing
    of `out` changes before all is written. Raises FileExistsError where the folder holds anything else, OSError where it
    cannot be written, ConfigError where what writes workbooks is not installed.
    """
    require_extra("simulate", "An invented company", "xlsxwriter")
    _refuse_what_is_not_ours(out)
    aside = out / ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        summary = _write(settings, aside)
        _put_in_place(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return replace(summary, folder=out)


def _refuse_what_is_not_ours(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file; name a folder.")
    if not out.exists() or (out / MARK).is_file():
        return
    if any(entry.name != ASIDE for entry in out.iterdir()):
        raise FileExistsError(f"{out} holds something else than a simulated company; name an empty folder.")


def _put_in_place(aside: Path, out: Path) -> None:
    """Move what was written; the truth last, so that the folder is known as a simulation until then."""
    if (out / MARK).is_file():
        names = [path.name for path in (aside / "truth").iterdir()]
        if len(filecmp.cmpfiles(aside / "truth", out / "truth", names, shallow=False)[0]) == len(names):
            for path in aside.rglob("*"):
                place = out / path.relative_to(aside)
                if path.is_file() and not place.exists():
                    place.parent.mkdir(exist_ok=True)
                    path.rename(place)
            return
        if (out / "data").exists():
            raise FileExistsError(
                f"{out / 'data'} is the warehouse of another simulated company; remove it, or name an empty folder."
            )
    for path in sorted(aside.iterdir(), key=lambda path: path.name == "truth"):
        place = out / path.name
        if place.is_dir():
            shutil.rmtree(place)
        path.replace(place)


def _write(settings: SimulateSettings, out: Path) -> Summary:
    company = build_company(settings)
    written = Written()
    sold: dict[str, DeliveredSales] = {}
    record_fields: list[pl.DataFrame] = []
    for table in tables(company):
        if table.entity == "customers":
            record_fields.append(fields_of(table))
        dirty, planted = plant(table, settings)
        late = _late_rows(dirty, settings) if table.source == TILL and table.entity == "transactions" else []
        if late:
            planted = _write_with_late(dirty, planted, late, out, settings, written)
        else:
            write_table(dirty, planted, out, settings, written)
        if table.entity == "transactions":
            sales = company.till if table.source == TILL else company.webshop
            repeated = late[-1] if late else np.zeros(0, dtype=np.int64)
            sold[table.source] = DeliveredSales(sales, planted, repeated)
    (out / "clientela.yml").write_text(configuration(settings), encoding="utf-8")
    (out / "reference").mkdir()
    for name, frame in reference_tables(settings).items():
        frame.write_csv(out / "reference" / f"{name}.csv")
    write_truth(company, pl.concat(record_fields), sold, written, out / "truth")
    return _summary(company, written, out)


def _summary(company: Company, written: Written, out: Path) -> Summary:
    lines = len(company.till.lines.order) + len(company.webshop.lines.order)
    return Summary(out, len(written.files), sum(f["rows"] for f in written.files), lines, len(written.dirt))


def _late_rows(table: Table, settings: SimulateSettings) -> list[Ints]:
    """Rows of the till's sales that a store sends days later."""
    if settings.dirt == 0:
        return []
    found = []
    for store, share, span, _ in _LATE:
        last = np.floor(share * settings.days)
        first, end = np.searchsorted(table.day, [last - span, last])
        inside = (table.frame["tienda"][int(first) : int(end)] == store).to_numpy()
        found.append(first + np.flatnonzero(inside))
    return found


def _write_with_late(
    table: Table, planted: Planted, late: list[Ints], out: Path, settings: SimulateSettings, written: Written
) -> Planted:
    """The main files without the late rows, then a clean file for each late store, the last of them sent twice.

    Gives the planted dirt that was written, by place in the whole table.
    """
    gone = np.sort(np.concatenate(late))
    stays = np.ones(table.frame.height, dtype=np.bool_)
    stays[gone] = False
    kept = np.flatnonzero(stays)
    main = replace(table, frame=table.frame.filter(stays), day=table.day[kept])
    rest = without(planted, gone)
    write_table(main, rest, out, settings, written)
    nobody = Planted(np.zeros(0, dtype=np.int64), ())
    for number, (rows, (store, share, _, delay)) in enumerate(zip(late, _LATE, strict=True)):
        arrives = min(np.floor(share * settings.days) + delay, settings.days)
        night = int(np.searchsorted(settings.night_ends(), arrives)) + 1
        name = f"{table.stem}_{night_date(settings, arrives)}_tienda{STORES.index(store) + 1:02}"
        frame = table.frame[rows]
        if frame.is_empty():
            continue
        write_file(table, frame, nobody, out, Delivery(f"{name}.csv", night, "late"), written)
        _note(table, f"{name}.csv", "late_file", "loaded", written)
        if number == len(late) - 1:
            repeated = Delivery(f"{name}_reenvio.csv", min(night + 1, settings.nights), "repeated")
            write_file(table, frame, nobody, out, repeated, written)
            _note(table, f"{name}_reenvio.csv", "repeated_file", "loaded_once", written)
    return Planted(kept[rest.row], rest.kind)


def _note(table: Table, name: str, kind: str, expected: str, written: Written) -> None:
    written.dirt.append(
        {
            "kind": kind, "source": table.source, "entity": table.entity, "file": name, "row": None, "record_key": None,
            "expected": expected,
        }
    )  # fmt: skip
