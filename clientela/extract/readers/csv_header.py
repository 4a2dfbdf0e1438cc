"""Where the table in a CSV file is: below its title lines, its header and the names in it, above its footer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clientela.config.sources import CsvFormat
from clientela.errors import DeliveryError
from clientela.extract.column_names import named_apart
from clientela.extract.readers.csv_delimiter import stated_delimiter
from clientela.extract.readers.csv_record import Record
from clientela.extract.readers.text import (
    footer_of,
    is_utf8,
    part_of,
)

#: bytes that a header may have
LONGEST_HEADER = 1024 * 1024
#: lines that a header may have, its names being quoted
LONGEST_NAME = 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class CsvTable:
    """The table in a delivered file: records, and above them a header of one line or none."""

    #: the delivered file, or what is left of it without title, footer and a header of several lines
    path: Path
    #: with the delimiter that the file itself states, if it does
    settings: CsvFormat
    columns: list[str]
    #: see Delivery
    repeated: Mapping[str, str]
    #: delimiters within the header's names
    inner_delimiters: int
    #: lines of the header in `path`, and lines of the delivered file before `path` begins
    header_lines: int
    cut_lines: int
    title_lines: int
    footer_lines: int

    @property
    def first_line(self) -> int:
        """The first record's line in the delivered file."""
        return self.cut_lines + self.header_lines + 1


def table_in(path: Path, settings: CsvFormat, scratch: Path) -> CsvTable:
    """Where the table is: below title lines and Excel's `sep=;`, above a footer. Raises DeliveryError if there is none."""
    with path.open("rb") as file:
        if file.read(len(_BOM)) != _BOM:
            file.seek(0)
        settings, titles = _above(file, settings)
        start, record, header_lines = file.tell(), None, 0
        if settings.header:
            record, header_lines = _header_record(file, settings, titles)
        elif not file.read(1):
            raise DeliveryError("it is empty; not one line is there")
        below = file.tell() if settings.header else start
    names, repeated = _names(record, settings)
    end, footers = footer_of(path, settings, below, f" \t\r\n{settings.delimiter}{settings.quote}")
    inner = sum(field.count(settings.delimiter) for field in record.fields) if record else 0
    cut = 0
    if titles or footers or header_lines > 1:
        path, cut, header_lines = part_of(path, below, end, scratch), titles + header_lines, 0
    return CsvTable(path, settings, names, repeated, inner, header_lines, cut, titles, footers)


def _above(file: BinaryIO, settings: CsvFormat) -> tuple[CsvFormat, int]:
    """Read the lines above the header: the settings with the delimiter that Excel's line states, and how many lines."""
    titles = 0
    if (delimiter := stated_delimiter(file)) is not None:
        settings, titles = settings.model_copy(update={"delimiter": delimiter}), 1
    while titles < settings.skip_lines:
        line = file.readline(LONGEST_HEADER)
        if not line:
            raise DeliveryError(
                f"it has {titles} lines, and csv.skip_lines says that {settings.skip_lines} stand above its table"
            )
        titles += line.endswith(b"\n")
    return settings, titles


def _header_record(file: BinaryIO, settings: CsvFormat, titles: int) -> tuple["Record", int]:
    """The header, and how many lines it has: a name in quotes may hold line breaks."""
    place = "its first line" if not titles else f"its line {titles + 1}"
    record, lines = None, 0
    while record is None or (record.is_open and lines < LONGEST_NAME):
        line = file.readline(LONGEST_HEADER).rstrip(b"\r\n")
        if not is_utf8(line):
            raise DeliveryError(f"{place} is not UTF-8; say its `encoding`, such as cp1252 or utf-16")
        if record is None and not line.strip():
            raise DeliveryError(f"{'it' if not titles else place} is empty; not even a header is there")
        lines += 1
        record = Record(settings, line.decode()) if record is None else record.could_go_on(line.decode())
    if not record.is_whole:
        raise DeliveryError(f"{place} is not a header: a quote in it is opened and not closed")
    return record, lines


def _names(record: "Record | None", settings: CsvFormat) -> tuple[list[str], Mapping[str, str]]:
    """The columns' names, line breaks in them as spaces; one without a name, or with that of another, goes by its place."""
    if settings.columns is not None:
        if record and len(record.fields) != len(settings.columns):
            raise DeliveryError(
                f"its header has {len(record.fields)} columns, and csv.columns names {len(settings.columns)}"
            )
        return settings.columns, {}
    assert record is not None
    names = (re.sub(r"\s*[\r\n]\s*", " ", name).strip() for name in record.fields)
    return named_apart([name or f"column {place}" for place, name in enumerate(names, 1)])
