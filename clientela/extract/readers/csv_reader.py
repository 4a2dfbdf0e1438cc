"""CSV, read so that every physical line is accounted for.

DuckDB reads fast but loses lines behind a stray quote without a word. So the lines of the file are counted apart, and
only a file that gives one row for each line is taken as DuckDB read it. Any other is read carefully: here, line by line,
where a quote that opens and does not close within its record costs that line, not those after it.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from clientela.config.sources import CsvFormat
from clientela.errors import DeliveryError
from clientela.extract.casting import Parameters
from clientela.extract.column_names import named_apart
from clientela.extract.mapping import Delivery
from clientela.extract.readers import Opened
from clientela.extract.readers.text import (
    Block,
    UnreadableRows,
    as_utf8,
    blocks,
    footer_of,
    is_utf8,
    part_of,
    shown,
    too_long,
    undecodable,
)
from clientela.sql.quoting import quoted

#: lines that one quoted field may span
LONGEST_FIELD = 1000
#: bytes that a header may have
LONGEST_HEADER = 1024 * 1024
#: lines that a header may have, its names being quoted
LONGEST_NAME = 20
#: the line that Excel reads a file's delimiter from, and writes above none
_STATED_DELIMITER = re.compile(rb'"?sep=([^\x00-\x08\x0a-\x1f"\x80-\xff])"?', re.IGNORECASE)
_LONGEST_STATED = 16
_BOM = b"\xef\xbb\xbf"
#: rows that are held before they are written
_ROWS = 20_000
#: the column with a row's line, beside the delivered ones
LINE = "clientela's own line"
_CHUNK = 8 * 1024 * 1024


def open_csv(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    settings: CsvFormat,
    parameters: Parameters,
    scratch: Path,
    encoding: str = "utf-8",
    allowed: int | None = None,
) -> Opened:
    """The file as DuckDB reads it straight, each line being one row; read carefully where that does not hold."""
    table = table_in(as_utf8(path, encoding, scratch, allowed), settings, scratch)
    counted = count(table.path, table.settings)
    if _has_odd_lines(connection, table, counted):
        return read_line_by_line(table, parameters, scratch, encoding)
    return Opened(
        # DuckDB keeps the order of what it inserts; its first row is 0
        Delivery(
            _scan(table, parameters), dict.fromkeys(table.columns, "VARCHAR"), f"rowid + {table.first_line}",
            is_put_aside=True, repeated=table.repeated,
        ),
        expected_rows=counted.lines - table.header_lines,
        title_lines=table.title_lines,
        footer_lines=table.footer_lines,
        fallback_reader=lambda later: read_line_by_line(table, later, scratch, encoding),
    )  # fmt: skip


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
    start, titles = file.tell(), 0
    if (stated := _STATED_DELIMITER.fullmatch(file.readline(_LONGEST_STATED).rstrip(b"\r\n"))) is not None:
        settings, titles = settings.model_copy(update={"delimiter": stated[1].decode()}), 1
    else:
        file.seek(start)
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


def _has_odd_lines(connection: duckdb.DuckDBPyConnection, table: CsvTable, counted: "Counted") -> bool:
    """Whether lines have more or fewer delimiters than the header, as far as that can be told from their number.

    DuckDB takes a line with surplus fields if those are empty: `1,Smith, John,` would lose its e-mail without a word.
    """
    surplus = counted.delimiters - (len(table.columns) - 1) * counted.lines
    if surplus == 0:
        return False
    if not counted.has_quotes:
        return True
    parameters = Parameters()
    delimiter = parameters.bind(table.settings.delimiter)
    inside_row = " + ".join(
        f"coalesce(length({quoted(name)}) - length(replace({quoted(name)}, {delimiter}, '')), 0)"
        for name in table.columns
    )
    try:
        sql = f"select coalesce(sum({inside_row}), 0) from {_scan(table, parameters)}"
        inside = connection.execute(sql, parameters.used_in(sql)).fetchall()[0][0]
    except duckdb.Error:
        return True
    return bool(inside + table.inner_delimiters * table.header_lines != surplus)


def _scan(table: CsvTable, parameters: Parameters) -> str:
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in table.columns)
    settings = table.settings
    nulls = ", ".join(parameters.bind(text) for text in settings.null_text)
    return (
        f"read_csv({parameters.bind(str(table.path))}, columns = {{{columns}}}, "
        f"header = {'true' if table.header_lines else 'false'}, auto_detect = false, "
        f"delim = {parameters.bind(settings.delimiter)}, quote = {parameters.bind(settings.quote)}, "
        f"escape = {parameters.bind(settings.quote)}, nullstr = [{nulls}])"
    )


@dataclass(frozen=True)
class Counted:
    """What a file's bytes tell without parsing: its lines, and what stands in them."""

    lines: int
    delimiters: int
    has_quotes: bool


def count(path: Path, settings: CsvFormat) -> Counted:
    """Physical lines: the last one too if it lacks its line break, but not blank ones that the file ends with."""
    delimiter, quote = settings.delimiter.encode(), settings.quote.encode()
    lines, delimiters, trailing, is_empty, has_quotes = 0, 0, 0, True, False
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            lines += chunk.count(b"\n")
            delimiters += chunk.count(delimiter)
            has_quotes = has_quotes or bool(quote and quote in chunk)
            text = chunk.rstrip(b"\r\n")
            ending = chunk.count(b"\n", len(text))
            trailing = ending if text else trailing + ending
            is_empty = False
    lines = lines - max(trailing - 1, 0) + (trailing == 0 and not is_empty)
    return Counted(lines, delimiters, has_quotes)


class Record:
    """One record under way: its fields so far, and whether a quoted one is still open at the end of the text.

    A quote opens a field only at its start, spaces aside; elsewhere it is a character like any other, as in `5" pipe`.
    """

    def __init__(self, settings: CsvFormat, text: str) -> None:
        self.delimiter, self.quote = settings.delimiter, settings.quote
        self.fields: list[str] = []
        #: a character other than a delimiter stands behind a closing quote
        self.is_broken = False
        self.is_open = False
        self._parts: list[str] = []
        if self.quote and self.quote in text:
            self._read(text, 0)
        else:
            self.fields = text.split(self.delimiter)

    @property
    def is_whole(self) -> bool:
        return not self.is_open and not self.is_broken

    def go_on(self, text: str) -> None:
        """The next line of a record that is open."""
        self._parts.append("\n")
        self._read_quoted(text, 0)

    def could_go_on(self, text: str) -> "Record":
        """What the record would be with that line."""
        longer = object.__new__(Record)
        longer.__dict__ = {**self.__dict__, "fields": [*self.fields], "_parts": [*self._parts]}
        longer.go_on(text)
        return longer

    def _read(self, text: str, at: int) -> None:
        while True:
            start = at
            if self.delimiter != " ":
                while text[start : start + 1] == " ":
                    start += 1
            if text.startswith(self.quote, start):
                return self._read_quoted(text, start + 1)
            end = text.find(self.delimiter, at)
            if end < 0:
                return self.fields.append(text[at:])
            self.fields.append(text[at:end])
            at = end + 1

    def _read_quoted(self, text: str, start: int) -> None:
        closing = self._closing(text, start)
        self.is_open = closing < 0
        if self.is_open:
            return self._parts.append(text[start:])
        self._parts.append(text[start:closing])
        self.fields.append("".join(self._parts).replace(self.quote * 2, self.quote))
        self._parts = []
        after = closing + 1
        if self.delimiter != " ":
            while text[after : after + 1] == " ":
                after += 1
        if after == len(text):
            return None
        if text[after] != self.delimiter:
            self.is_broken = True
            return None
        return self._read(text, after + 1)

    def _closing(self, text: str, at: int) -> int:
        while True:
            found = text.find(self.quote, at)
            if found < 0 or text[found + 1 : found + 2] != self.quote:
                return found
            at = found + 2


def read_line_by_line(table: CsvTable, parameters: Parameters, scratch: Path, encoding: str) -> Opened:
    """The file parsed here, each row with its line; what is no record is told apart, with the reason.

    A quoted field may span lines, unless one of those lines would be a whole record by itself: then the quote was a stray
    one. Blank lines are no delivered rows.
    """
    header = table.columns
    unreadable = UnreadableRows(scratch / "unreadable.parquet")
    walk = _Walk(table, unreadable, encoding)
    types = pa.schema([*((name, pa.string()) for name in header), (LINE, pa.int64())])
    into = scratch / "rows.parquet"
    rows = 0
    with pq.ParquetWriter(into, types, compression="lz4") as writer:
        for batch in walk.batches(types):
            writer.write_batch(batch)
            rows += batch.num_rows
    nulls = ", ".join(parameters.bind(text) for text in table.settings.null_text)
    columns = ", ".join(
        f"case when {quoted(name)} not in ({nulls}) then {quoted(name)} end as {quoted(name)}" for name in header
    )
    relation = f"(select {columns}, {quoted(LINE)} from read_parquet({parameters.bind(str(into))}))"
    return Opened(
        Delivery(relation, dict.fromkeys(header, "VARCHAR"), quoted(LINE), repeated=table.repeated),
        expected_rows=rows,
        title_lines=table.title_lines,
        footer_lines=table.footer_lines,
        unreadable=unreadable.relation(parameters),
    )


def _pattern(settings: CsvFormat, width: int) -> re.Pattern[bytes] | None:
    """Matches a line that is one record whichever way quotes are understood; None where a line cannot be told so."""
    delimiter, quote = (re.escape(character.encode()) for character in (settings.delimiter, settings.quote))
    if width == 1 or not settings.delimiter.isascii() or not settings.quote.isascii():
        return None
    bare = rb"[^%s%s\r]*+" % (delimiter, quote)
    field = rb"(?:%s(?:[^%s\r]++|%s%s)*+%s|%s)" % (quote, quote, quote, quote, quote, bare) if quote else bare
    return re.compile(rb"%s(?:%s%s){%d}" % (field, delimiter, field, width - 1))


def _has_inner_returns(block: Block) -> bool:
    """Whether a carriage return stands anywhere but before a newline."""
    line_ends = np.append(block.starts[1:] - 1, len(block.data) - (block.data[-1:] == b"\n"))
    return block.data.count(b"\r") != int(np.count_nonzero(block.ends < line_ends)) or b"\r\r" in block.data


class _Walk:
    """Over the lines behind the header, from one record to the next."""

    def __init__(self, table: CsvTable, unreadable: UnreadableRows, encoding: str) -> None:
        self.table, self.settings, self.width = table, table.settings, len(table.columns)
        self.unreadable, self.encoding = unreadable, encoding
        #: the lines of a record that is still open, and what they make so far
        self.held: list[tuple[int, str]] = []
        self.record: Record | None = None
        self.rows: list[list[str]] = []
        self.numbers: list[int] = []
        self.pattern = _pattern(self.settings, self.width)

    def batches(self, types: pa.Schema) -> Iterator[pa.RecordBatch]:
        for block in blocks(self.table.path, self.table.cut_lines):
            good = self._good(block)
            if len(good):
                yield from self._parsed(block, good, types)
            if len(self.rows) >= _ROWS:
                yield self._batch(types)
        while self.held:
            self._let_go()
        if self.rows:
            yield self._batch(types)

    def _batch(self, types: pa.Schema) -> pa.RecordBatch:
        columns = [pa.array(column, pa.string()) for column in zip(*self.rows, strict=True)]
        batch = pa.record_batch([*columns, pa.array(self.numbers, pa.int64())], schema=types)
        self.rows, self.numbers = [], []
        return batch

    # ------------------------------------------------------------- many lines

    def _good(self, block: Block) -> Sequence[int]:
        """Which lines of the block are records beyond doubt; the others have been judged one by one."""
        can_match = self.pattern is not None and not block.is_too_long and is_utf8(block.data)
        quote = self.settings.quote.encode()
        if can_match and not self.held and not (quote and quote in block.data) and not _has_inner_returns(block):
            return self._good_by_count(block)
        good: list[int] = []
        for i, (number, line) in enumerate(block.lines()):
            if number < self.table.first_line:
                continue
            if can_match and not self.held and self.pattern.fullmatch(line):  # type: ignore[union-attr]
                good.append(i)
            else:
                self._line(number, line, block.is_too_long)
        return good

    def _good_by_count(self, block: Block) -> Sequence[int]:
        """Where only delimiters decide where a field ends, their number tells."""
        delimiters = np.frombuffer(block.data, np.uint8) == ord(self.settings.delimiter)
        is_good = np.add.reduceat(delimiters.astype(np.int32), block.starts) == self.width - 1
        header_lines = max(self.table.first_line - block.first, 0)
        is_good[:header_lines] = False
        for i in np.flatnonzero(~is_good).tolist():
            if i >= header_lines:
                self._line(block.first + i, block.data[block.starts[i] : block.ends[i]], False)
        return np.flatnonzero(is_good).tolist()  # type: ignore[no-any-return]

    def _parsed(self, block: Block, good: Sequence[int], types: pa.Schema) -> Iterator[pa.RecordBatch]:
        data = block.data
        if len(good) < len(block) or b"\r\r" in data:
            starts, ends = block.starts.tolist(), block.ends.tolist()
            data = b"\n".join(data[starts[i] : ends[i]] for i in good)
        names = types.names[:-1]
        table = pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            pacsv.ParseOptions(delimiter=self.settings.delimiter, quote_char=self.settings.quote or False),
            pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
        lines = pa.array(np.array(good) + block.first, pa.int64())
        yield from table.append_column(LINE, lines).cast(types).to_batches()

    # --------------------------------------------------------------- one line

    def _line(self, number: int, line: bytes, is_too_long: bool) -> None:
        if is_too_long or not is_utf8(line):
            while self.held:
                self._let_go()
            self.unreadable.add(number, shown(line), too_long() if is_too_long else undecodable(self.encoding))
            return
        self._take(number, line.decode())

    def _take(self, number: int, text: str) -> None:
        queue = deque([(number, text)])
        while queue:
            number, text = queue.popleft()
            if self.record is None:
                self._begin(number, text)
                continue
            longer = self.record.could_go_on(text)
            if longer.is_whole and len(longer.fields) == self.width:
                self._give(self.held[0][0], longer)
                self.held, self.record = [], None
                continue
            alone = Record(self.settings, text)
            is_record = alone.is_whole and len(alone.fields) == self.width
            if is_record or not longer.is_open or len(self.held) >= LONGEST_FIELD:
                queue.appendleft((number, text))
                queue.extendleft(reversed(self._stray()))
            else:
                self.held.append((number, text))
                self.record = longer

    def _begin(self, number: int, text: str) -> None:
        if not text.strip():
            return
        record = Record(self.settings, text)
        if record.is_open:
            self.held, self.record = [(number, text)], record
        elif record.is_broken:
            self.unreadable.add(number, shown(text.encode()), "text stands behind a closing quote")
        elif len(record.fields) != self.width:
            self.unreadable.add(number, shown(text.encode()), self._misfit(len(record.fields)))
        else:
            self._give(number, record)

    def _give(self, number: int, record: Record) -> None:
        self.rows.append(record.fields)
        self.numbers.append(number)

    def _stray(self) -> list[tuple[int, str]]:
        """The open quote was a stray one: its line is lost, those after it stand by themselves."""
        (number, text), *rest = self.held
        self.unreadable.add(number, shown(text.encode()), "a quote is opened and not closed")
        self.held, self.record = [], None
        return rest

    def _let_go(self) -> None:
        for number, text in self._stray():
            self._take(number, text)

    def _misfit(self, fields: int) -> str:
        where = "the header" if self.settings.header else "csv.columns"
        return f"the line has {fields} field{'s' if fields > 1 else ''} where {where} has {self.width}"
