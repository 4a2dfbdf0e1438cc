"""CSV, read so that every physical line is accounted for.

DuckDB reads fast but loses lines behind a stray quote without a word. So the lines of the file are counted apart, and
only a file that gives one row for each line is taken as DuckDB read it. Any other is read carefully, in `csv_line_by_line`.
"""

from pathlib import Path

import duckdb

from clientela.config.sources import CsvFormat
from clientela.extract.delivery import Delivery
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.extract.readers.csv_header import CsvTable, table_in
from clientela.extract.readers.csv_line_by_line import read_line_by_line
from clientela.extract.readers.csv_lines import Counted, count
from clientela.extract.readers.text import (
    as_utf8,
)
from clientela.sql.quoting import quoted


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


def _has_odd_lines(connection: duckdb.DuckDBPyConnection, table: CsvTable, counted: Counted) -> bool:
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
