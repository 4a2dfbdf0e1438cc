"""How tables become files: CSV, JSON lines, Parquet and Excel, whole or by night, with dirty lines put in place.

Bytes depend on the rows alone: no clock, no machine. Which rows are dirty stands in `dirt`, what is in them in `systems`.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import polars as pl

from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats, Ints

Format = Literal["csv", "jsonl", "parquet", "xlsx"]
_CHUNK = 500_000
_ROW_GROUP = 250_000
_CREATED = datetime(2020, 1, 1)

#: the dirt that repeats a row; the other kinds change the written line, or the value in the frame
DUPLICATE = "duplicate_row"


@dataclass(frozen=True)
class Table:
    """One entity of one source, as its system exports it."""

    source: str
    entity: str
    #: path without the date and the ending, such as till/ventas
    stem: str
    format: Format
    frame: pl.DataFrame
    #: day on which each row is delivered, never falling
    day: Floats
    #: columns that make the record's key
    key: tuple[str, ...]
    separator: str = ";"
    decimal_comma: bool = False
    #: what may go wrong in this file, and the columns that it goes wrong in
    dirt: tuple[str, ...] = ()
    date_column: str = ""
    customer_column: str = ""
    text_column: str = ""
    #: delivered once, under a name without a date
    is_single: bool = False


@dataclass(frozen=True)
class Planted:
    """Dirty rows of one table, by place in its frame, ascending, no two side by side."""

    row: Ints
    kind: tuple[str, ...]


@dataclass
class Written:
    """One line a file, and one a dirty row."""

    files: list[dict[str, Any]] = field(default_factory=list)
    dirt: list[dict[str, Any]] = field(default_factory=list)


def write_table(table: Table, planted: Planted, out: Path, settings: SimulateSettings, written: Written) -> None:
    """Write all nights of one table, and note the files and where the dirty rows came to stand."""
    ends = [settings.days] if table.is_single else settings.night_ends()
    edges = [0, *np.searchsorted(table.day, ends[:-1], side="left").tolist(), len(table.day)]
    for night, (first, last, end) in enumerate(zip(edges[:-1], edges[1:], ends, strict=True), 1):
        if last == first and night > 1:
            continue
        name = table.stem if table.is_single else f"{table.stem}_{night_date(settings, end)}"
        inside = np.flatnonzero((planted.row >= first) & (planted.row < last))
        part = Planted(planted.row[inside] - first, tuple(planted.kind[i] for i in inside))
        write_file(table, table.frame[first:last], part, out, Delivery(f"{name}.{table.format}", night), written)


def night_date(settings: SimulateSettings, end: float) -> str:
    """The date in the name of the file that closes at this day count."""
    return (settings.start + timedelta(days=int(end) - 1)).strftime("%Y%m%d")


@dataclass(frozen=True)
class Delivery:
    """One file that a system delivers: its name, the night in which it comes, and whether it is regular, late or repeated."""

    name: str
    night: int
    kind: str = "regular"


def write_file(
    table: Table, frame: pl.DataFrame, planted: Planted, out: Path, delivery: Delivery, written: Written
) -> None:
    """Write one file with its dirty rows in place, and note it."""
    path = out / delivery.name
    path.parent.mkdir(parents=True, exist_ok=True)
    is_duplicate = np.array([k == DUPLICATE for k in planted.kind], dtype=np.bool_)
    # a repeated row stands behind the one it repeats and moves those after it
    shift: Ints = np.cumsum(is_duplicate) - is_duplicate
    rows = planted.row + 1 + shift + is_duplicate + (1 if table.format in ("csv", "xlsx") else 0)
    if table.format in ("csv", "jsonl"):
        with path.open("wb") as file:
            file.writelines(_text(table, frame, planted))
    else:
        repeated = np.sort(np.concatenate([np.arange(frame.height, dtype=np.int64), planted.row[is_duplicate]]))
        whole = frame[repeated] if is_duplicate.any() else frame
        if table.format == "parquet":
            whole.rechunk().write_parquet(path, compression="zstd", compression_level=1, row_group_size=_ROW_GROUP)
        else:
            _write_excel(whole, path)
    written.files.append(
        {
            "file": delivery.name, "source": table.source, "entity": table.entity, "night": delivery.night,
            "kind": delivery.kind,
            "rows": frame.height + int(is_duplicate.sum()),
        }
    )  # fmt: skip
    keys = (
        frame[planted.row]
        .select(pl.concat_str([pl.col(c).cast(pl.String) for c in table.key], separator="|"))
        .to_series()
    )
    written.dirt += [
        {
            "kind": kind_, "source": table.source, "entity": table.entity, "file": delivery.name, "row": int(row),
            "record_key": key, "expected": expected(kind_),
        }
        for kind_, row, key in zip(planted.kind, rows, keys, strict=True)
    ]  # fmt: skip


def expected(kind: str) -> str:
    """What a careful warehouse does with dirt of this kind."""
    return {
        DUPLICATE: "loaded_once",
        "unknown_customer": "loaded",
        "late_file": "loaded",
        "repeated_file": "loaded_once",
    }.get(kind, "quarantined")


def _text(table: Table, frame: pl.DataFrame, planted: Planted) -> Iterator[bytes | memoryview]:
    """The file's bytes in chunks."""
    for number, start in enumerate(range(0, max(frame.height, 1), _CHUNK)):
        chunk, buffer = frame[start : start + _CHUNK], io.BytesIO()
        head = 0
        if table.format == "csv":
            head = 1 if number == 0 else 0
            chunk.write_csv(
                buffer,
                separator=table.separator,
                include_header=number == 0,
                decimal_comma=table.decimal_comma,
                float_precision=2,
            )
        else:
            chunk.write_ndjson(buffer)
        inside = np.flatnonzero((planted.row >= start) & (planted.row < start + _CHUNK))
        whole = buffer.getbuffer()
        at = 0
        if len(inside):
            ends = np.flatnonzero(np.frombuffer(whole, dtype=np.uint8) == 10) + 1
            for i in inside:
                line = int(planted.row[i]) - start + head
                first, last = int(ends[line - 1]) if line else 0, int(ends[line])
                yield whole[at:first]
                yield damaged(bytes(whole[first : last - 1]), planted.kind[i], table.separator.encode()) + b"\n"
                at = last
        yield whole[at:]


def damaged(line: bytes, kind: str, separator: bytes) -> bytes:
    """The line as it comes out of a system that has gone wrong; kinds that live in the frame leave it as it is."""
    parts = line.split(separator)
    if kind == DUPLICATE:
        return line + b"\n" + line
    if kind == "field_count_short":
        return separator.join(parts[:-2])
    if kind == "field_count_long":
        return line + separator + b"0" + separator + b"0"
    if kind == "unclosed_quote":
        return separator.join([*parts[:2], b'"' + parts[2], *parts[3:]])
    if kind == "wrong_encoding":
        return line.decode().encode("latin-1", "replace")
    if kind == "broken_json":
        return line[: len(line) * 3 // 5]
    return line


def _write_excel(frame: pl.DataFrame, path: Path) -> None:
    import xlsxwriter  # an extra, which `write_company` asks for

    workbook = xlsxwriter.Workbook(str(path))
    workbook.set_properties({"created": _CREATED})
    # polars knows xlsxwriter's workbook by its class; its annotation is under TYPE_CHECKING only
    frame.write_excel(
        cast(Any, workbook),
        worksheet="members",
        dtype_formats={pl.Date: "dd/mm/yyyy", pl.Datetime: "dd/mm/yyyy hh:mm:ss"},
    )
    workbook.close()
