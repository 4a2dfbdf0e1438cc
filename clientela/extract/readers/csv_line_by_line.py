"""CSV parsed line by line, where DuckDB would lose lines: a quote that opens and does not close costs its line alone."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from clientela.config.sources import CsvFormat
from clientela.extract.delivery import Delivery
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.extract.readers.csv_header import CsvTable
from clientela.extract.readers.csv_record import Record
from clientela.extract.readers.text import (
    Block,
    UnreadableRows,
    blocks,
    is_utf8,
    shown,
    too_long,
    undecodable,
)
from clientela.sql.quoting import quoted

#: lines that one quoted field may span
LONGEST_FIELD = 1000
#: rows that are held before they are written
_ROWS = 20_000
#: the column with a row's line, beside the delivered ones
LINE = "clientela's own line"


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
