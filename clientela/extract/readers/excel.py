"""Excel workbooks (.xlsx, .xlsm, .xlsb, .xls, and .ods): one sheet, from the row below its header.

A column of numbers, dates or truth values keeps its type; a column that mixes them with text is text, its numbers in the
source's own decimal style and its dates in the source's own format, since all text is read that way. A formula is worth
what it was when the workbook was saved, an error such as #N/A is no value. A row's number is the sheet's own; blank rows
are no records.
"""

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import fastexcel
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clientela.config.sources import ExcelFormat
from clientela.errors import DeliveryError, is_resource_error
from clientela.extract.column_names import missing_column, named_apart
from clientela.extract.delivery import Delivery
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.extract.readers.text import too_large
from clientela.masking import without_values
from clientela.sql.quoting import literal, quoted

_PLACE = "clientela's own row"
#: what Python and the reader take by themselves
_OVERHEAD = 2 * 1024**3
_PROBE = """
import resource, sys
path, sheet, memory = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import fastexcel
book = fastexcel.read_excel(path)
book.load_sheet(sheet or book.sheet_names[0], header_row=None, schema_sample_rows=None, dtypes="string")
"""
_KEPT = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_timestamp, pa.types.is_date)
_NUMBER = r"^-?[0-9]+\.[0-9]+$"
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
#: how a date that stands among text is written where the source has no format of its own
_ISO = "%Y-%m-%d %H:%M:%S"


def open_excel(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    settings: ExcelFormat,
    parameters: Parameters,
    scratch: Path,
    decimal_style: str,
    formats: Mapping[str, str],
    allowed: int | None = None,
    memory: int | None = None,
) -> Opened:
    """`formats` are those that dates in text are read by, per column in lower case.

    Raises DeliveryError for no workbook, no such sheet, a header that cannot be one, or a workbook that has more than
    `allowed` bytes unpacked or needs more than `memory` bytes to be opened.
    """
    if allowed is not None and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > allowed:
                raise DeliveryError(too_large(allowed))
    if memory is not None:
        _refuse_overflowing(path, settings, memory)
    try:
        return _opened(connection, path, settings, parameters, scratch, decimal_style, formats)
    except (fastexcel.FastExcelError, OSError) as error:
        if isinstance(error, OSError) and is_resource_error(error):
            raise
        raise DeliveryError(f"it is no whole workbook ({without_values(str(error).splitlines()[0])})") from error


def _refuse_overflowing(path: Path, settings: ExcelFormat, memory: int) -> None:
    """Open the sheet in a process of its own first: one with two cells far apart is a table of billions, and the reader
    ends its process where memory does not suffice."""
    probe = [sys.executable, "-P", "-c", _PROBE, str(path), settings.sheet or "", str(memory + _OVERHEAD)]
    ended = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode
    # what is wrong in another way is told by the reader itself
    if ended not in (0, 1):
        raise DeliveryError(
            f"the sheet does not fit into the {memory / 1e6:,.0f} MB of limits.memory; are there cells far apart?"
        )


def _opened(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    settings: ExcelFormat,
    parameters: Parameters,
    scratch: Path,
    decimal_style: str,
    formats: Mapping[str, str],
) -> Opened:
    workbook = fastexcel.read_excel(path)
    sheet = settings.sheet or workbook.sheet_names[0]
    if sheet not in workbook.sheet_names:
        raise DeliveryError(f"it has no sheet {sheet!r}; it has: {', '.join(workbook.sheet_names)}")
    above = settings.header_row if settings.header else settings.header_row - 1
    names, repeated = _header(workbook, sheet, settings)
    if missing := [name for name in settings.serial_dates if name not in names]:
        fault = repeated.get(missing[0].lower()) or missing_column(missing[0], names, settings.serial_dates)
        raise DeliveryError(f"excel.serial_dates: it has {fault}")
    texts = _cells(workbook, sheet, above, "string")
    rows, footers = _above_footer(texts, settings)
    texts = [text.slice(0, rows) for text in texts] if rows else []
    typed = _cells(workbook, sheet, above, None, rows) if rows else []
    has_dates_in_text = any(
        pa.types.is_string(column.type) and name.lower() in formats for name, column in zip(names, typed, strict=False)
    )
    needs_days = bool(settings.serial_dates) or decimal_style == "comma" or has_dates_in_text
    days = _cells(workbook, sheet, above, "datetime", rows) if rows and needs_days else []
    columns = {}
    for i, name in enumerate(names):
        if i >= len(texts):
            columns[name] = pa.nulls(rows, pa.string())
        elif needs_days and name in settings.serial_dates:
            columns[name] = _days(connection, texts[i], days[i], formats.get(name.lower()))
        elif needs_days and pa.types.is_string(typed[i].type):
            columns[name] = _mixed(connection, texts[i], days[i], formats.get(name.lower()), decimal_style)
        else:
            is_kept = any(test(typed[i].type) for test in _KEPT)
            columns[name] = typed[i] if is_kept else texts[i].cast(pa.string())
    table = pa.table(columns)
    table = table.append_column(_PLACE, pa.array(range(above + 1, above + 1 + len(table)), pa.int64()))
    is_blank = pa.repeat(pa.scalar(True), len(table))
    for text in texts:
        is_blank = pc.and_(is_blank, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), ""), True))
    table = table.filter(pc.invert(is_blank))
    into = scratch / "sheet.parquet"
    pq.write_table(table, into, compression="lz4")
    relation = f"read_parquet({parameters.bind(str(into))})"
    described = connection.execute("describe select * from read_parquet(?)", [str(into)]).fetchall()
    types = {row[0]: row[1] for row in described if row[0] != _PLACE}
    delivery = Delivery(relation, types, quoted(_PLACE), is_midnight_a_day=True, repeated=repeated)
    titles = settings.header_row - 1
    return Opened(delivery, expected_rows=len(table), title_lines=titles, footer_lines=footers)


def _header(workbook: fastexcel.ExcelReader, sheet: str, settings: ExcelFormat) -> tuple[list[str], Mapping[str, str]]:
    """The columns' names; one without a name, or with that of another, goes by its place."""
    row = settings.header_row
    values = [column[0].as_py() for column in _cells(workbook, sheet, row - 1, "string", 1) if len(column)]
    if settings.columns is not None:
        if len(values) > len(settings.columns) or (settings.header and len(values) < len(settings.columns)):
            raise DeliveryError(
                f"row {row} of sheet {sheet!r} has {len(values)} columns, and excel.columns names {len(settings.columns)}"
            )
        return settings.columns, {}
    if not any(value and value.strip() for value in values):
        raise DeliveryError(f"row {row} of sheet {sheet!r} is empty, where its header should be (see excel.header_row)")
    return named_apart([" ".join((value or "").split()) or f"column {i}" for i, value in enumerate(values, 1)])


def _above_footer(texts: list[pa.Array], settings: ExcelFormat) -> tuple[int, int]:
    """(how many rows stand above the footer, blank ones too; how many rows the footer has)."""
    rows = len(texts[0]) if texts else 0
    kept, found = rows, 0
    starts = tuple(settings.footer_starts_with)
    for i in reversed(range(rows)):
        if not starts and found >= settings.skip_footer:
            break
        text = next((cell for column in texts if (cell := (column[i].as_py() or "").strip())), "")
        if text:
            if found >= settings.skip_footer and not text.startswith(starts):
                break
            kept, found = i, found + 1
    return kept, found


def _cells(
    workbook: fastexcel.ExcelReader, sheet: str, skip: int, dtype: str | None, rows: int | None = None
) -> list[pa.Array]:
    """The columns below the first `skip` rows; none where the sheet ends before."""
    try:
        loaded = workbook.load_sheet(
            sheet, header_row=None, skip_rows=skip, n_rows=rows, schema_sample_rows=None, dtypes=dtype
        )
    except fastexcel.InvalidParametersError:
        return []
    return list(pa.record_batch(loaded).columns)


def _days(
    connection: duckdb.DuckDBPyConnection, text: pa.Array, days: pa.Array, datetime_format: str | None
) -> pa.Array:
    """A column whose bare numbers are days too."""
    if days.null_count == text.null_count:
        return days
    return pc.if_else(pc.is_valid(days), _written(connection, days, datetime_format), text)


def _mixed(
    connection: duckdb.DuckDBPyConnection,
    text: pa.Array,
    days: pa.Array,
    datetime_format: str | None,
    decimal_style: str,
) -> pa.Array:
    """A column with text in it. Only what is a number or a date in the sheet can also be read as a day."""
    as_read = text.cast(pa.string())
    if datetime_format:
        is_date = pc.and_(pc.is_valid(days), pc.fill_null(pc.match_substring_regex(text, _DAY), False))
        as_read = pc.if_else(is_date, _written(connection, days, datetime_format), as_read)
    if decimal_style == "comma":
        is_number = pc.and_(pc.is_valid(days), pc.fill_null(pc.match_substring_regex(text, _NUMBER), False))
        as_read = pc.if_else(is_number, pc.replace_substring(text, ".", ","), as_read)
    return as_read


def _written(connection: duckdb.DuckDBPyConnection, days: pa.Array, datetime_format: str | None) -> pa.Array:
    """The days in the format `datetime_format`, in ISO where that would read them back as another time.

    A format without seconds, or of days alone, drops them as it does in text.
    """
    iso = f"strftime(day, {literal(_ISO)})"
    written = iso
    # a sheet's times know no zone
    if datetime_format and "%z" not in datetime_format:
        in_format = f"strftime(day, {literal(datetime_format)})"
        back = f"try_strptime({in_format}, {literal(datetime_format)})"
        shortened = ", ".join(f"date_trunc('{unit}', day)" for unit in ("day", "minute", "second"))
        written = f"case when {back} in (day, {shortened}) then {in_format} else {iso} end"
    table = pa.table({"day": days.cast(pa.timestamp("us"))})
    result = connection.from_arrow(table).project(f"{written} as day").to_arrow_table()
    return result["day"].combine_chunks().cast(pa.string())
