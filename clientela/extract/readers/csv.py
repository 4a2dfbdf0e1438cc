"""CSV in UTF-8, read so that every physical line is accounted for.

DuckDB reads fast but loses lines behind a stray quote without a word. So the lines of the file are counted apart: where
rows read + rows rejected + header is not the number of lines, the file is walked line by line and mended first: a quote
that opens and does not close within its record costs that line, not those after it.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientela.config import CsvFormat
from clientela.errors import DeliveryError
from clientela.extract.mapping import Delivery
from clientela.extract.readers import Opened, Unreadable
from clientela.extract.typing import Parameters
from clientela.warehouse import quoted

#: stands for a line break inside a quoted field of a mended file (a private-use character of Unicode)
BREAK = "\ue00a"
#: lines that one quoted field may span
LONGEST_FIELD = 1000
#: bytes that one line may have
LONGEST_LINE = 32 * 1024 * 1024
_CHUNK = 4 * 1024 * 1024


def open_csv(path: Path, settings: CsvFormat, parameters: Parameters, *, is_mended: bool = False) -> Opened:
    """The file as DuckDB reads it straight. Whether all its lines came out, `count_lines` tells afterwards."""
    header = read_header(path, settings)
    relation = _scan(path, settings, header, parameters)
    columns = dict.fromkeys(header, "VARCHAR")
    if is_mended:
        restored = ", ".join(f"replace({quoted(name)}, '{BREAK}', chr(10)) as {quoted(name)}" for name in header)
        relation = f"(select {restored} from {relation})"
    return Opened(
        Delivery(relation, columns, None),
        expected_rows=count_lines(path) - 1,
        lines=((0, 2),),
        has_rejects=True,
    )


def read_header(path: Path, settings: CsvFormat) -> list[str]:
    """The names in the first line; a byte order mark is no part of the first name."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        try:
            first = next(
                csv.reader([file.readline(LONGEST_LINE)], delimiter=settings.delimiter, **_quoting(settings)), []
            )
        except csv.Error as error:
            raise DeliveryError(f"its first line is not a header ({error})") from error
    names = [name.strip() for name in first]
    if not any(names):
        raise DeliveryError("it is empty; not even a header is there")
    if "" in names:
        raise DeliveryError(f"column {names.index('') + 1} of its header has no name")
    if repeated := {name for name in names if [n.lower() for n in names].count(name.lower()) > 1}:
        raise DeliveryError(f"its header names {', '.join(sorted(repeated))} more than once")
    return names


def _quoting(settings: CsvFormat) -> dict[str, object]:
    return {"quotechar": settings.quote} if settings.quote else {"quoting": csv.QUOTE_NONE}


def _scan(path: Path, settings: CsvFormat, header: list[str], parameters: Parameters) -> str:
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
    nulls = ", ".join(parameters.bind(text) for text in settings.null_text)
    return (
        f"read_csv({parameters.bind(str(path))}, columns = {{{columns}}}, header = true, auto_detect = false, "
        f"delim = {parameters.bind(settings.delimiter)}, quote = {parameters.bind(settings.quote)}, "
        f"escape = {parameters.bind(settings.quote)}, nullstr = [{nulls}], store_rejects = true, rejects_limit = 0, "
        f"max_line_size = {LONGEST_LINE})"
    )


def count_lines(path: Path) -> int:
    """Physical lines, the last one too if it lacks its line break."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return lines + (last != b"\n")


def rejects(connection: duckdb.DuckDBPyConnection, limit_text: int) -> list[Unreadable]:
    """The lines that DuckDB rejected in the last scan, once each, in order."""
    rows = connection.execute(
        """
        select line, left(any_value(csv_line), ?), string_agg(distinct lower(error_type::varchar), ', ' order by lower(error_type::varchar))
        from reject_errors group by line order by line
        """,
        [limit_text],
    ).fetchall()
    return [Unreadable(int(line), text or "", f"the line cannot be parsed: {reason}") for line, text, reason in rows]


@dataclass(frozen=True)
class Mended:
    """A file with one record a line: where the lines of the original went."""

    path: Path
    records: int
    unreadable: list[Unreadable]
    #: from this record on (0 is the header), original line = record + shift
    lines: list[tuple[int, int]]


def mend(path: Path, settings: CsvFormat, into: Path, limit_text: int) -> Mended:
    """Write the file anew with one record a line; lines that belong to no record are told apart.

    A quoted field may span lines, unless one of those lines would be a whole record by itself: then the quote was a stray
    one. Runs over lines in Python, since what a quote means depends on all before it; only for files whose count does
    not close.
    """
    width = len(read_header(path, settings))
    unreadable: list[Unreadable] = []
    lines: list[tuple[int, int]] = []
    records = 0
    with into.open("wb") as out:
        for number, record, reason in _records(path, settings, width):
            if reason:
                unreadable.append(Unreadable(number, record.decode("utf-8", "replace")[:limit_text], reason))
                continue
            if not lines or lines[-1][1] != number - records:
                lines.append((records, number - records))
            out.write(record + b"\n")
            records += 1
    return Mended(into, records, unreadable, lines)


def _records(path: Path, settings: CsvFormat, width: int) -> Iterator[tuple[int, bytes, str]]:
    """(line, record, reason); a reason is given for a line that is no record."""
    quote = settings.quote.encode()
    held: list[tuple[int, bytes]] = []

    def let_go() -> Iterator[tuple[int, bytes, str]]:
        """The held quote was a stray one: its line is lost, those after it stand by themselves."""
        yield *held[0], "a quote is opened and not closed"
        yield from ((number, line, "") for number, line in held[1:] if line.strip())
        held.clear()

    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            line = raw.rstrip(b"\r\n")
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.isascii() and not _is_utf8(line):
                yield number, line, "the line is not valid UTF-8"
                continue
            is_open = bool(quote) and line.count(quote) % 2 == 1
            if not held:
                if is_open:
                    held.append((number, line))
                elif line.strip():
                    yield number, line, ""
                continue
            if is_open:
                joined = BREAK.encode().join([*(part for _, part in held), line])
                if _width(joined, settings) == width:
                    yield held[0][0], joined, ""
                    held.clear()
                else:
                    yield from let_go()
                    held.append((number, line))
            elif len(held) >= LONGEST_FIELD or _width(line, settings) == width:
                yield from let_go()
                if line.strip():
                    yield number, line, ""
            else:
                held.append((number, line))
    if held:
        yield from let_go()


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _width(line: bytes, settings: CsvFormat) -> int:
    """How many fields the text has as one record; 0 where it is none."""
    if not settings.quote or settings.quote.encode() not in line:
        return line.count(settings.delimiter.encode()) + 1
    try:
        rows = list(csv.reader([line.decode()], delimiter=settings.delimiter, strict=True, **_quoting(settings)))
    except csv.Error:
        return 0
    return len(rows[0]) if len(rows) == 1 else 0
