"""Excel workbooks (.xlsx, .xlsm, .xlsb, .xls, and .ods): one sheet, from the row below its header.

A column of numbers, dates or truth values keeps its type; a column that mixes them with text is text, its numbers in the
source's own decimal style, since all text is read that way. A formula is worth what it was when the workbook was saved,
an error such as #N/A is no value. A row's number is the sheet's own; blank rows are no records.
"""

from pathlib import Path

import duckdb
import fastexcel
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clientela.config import ExcelFormat
from clientela.errors import DeliveryError
from clientela.extract.mapping import Delivery
from clientela.extract.readers import Opened
from clientela.extract.typing import Parameters
from clientela.warehouse import quoted

_PLACE = "clientela's own row"
_KEPT = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_timestamp, pa.types.is_date)
_NUMBER = r"^-?[0-9]+\.[0-9]+$"


def open_excel(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    settings: ExcelFormat,
    parameters: Parameters,
    scratch: Path,
    decimal_style: str,
) -> Opened:
    """Raises DeliveryError for no workbook, no such sheet, or a header that cannot be one."""
    try:
        return _opened(connection, path, settings, parameters, scratch, decimal_style)
    except (fastexcel.FastExcelError, OSError) as error:
        raise DeliveryError(f"it is no whole workbook ({str(error).splitlines()[0]})") from error


def _opened(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    settings: ExcelFormat,
    parameters: Parameters,
    scratch: Path,
    decimal_style: str,
) -> Opened:
    workbook = fastexcel.read_excel(path)
    sheet = settings.sheet or workbook.sheet_names[0]
    if sheet not in workbook.sheet_names:
        raise DeliveryError(f"it has no sheet {sheet!r}; it has: {', '.join(workbook.sheet_names)}")
    names = _header(workbook, sheet, settings.header_row)
    if missing := [name for name in settings.day_numbers if name not in names]:
        raise DeliveryError(f"it has no column {missing[0]!r}, as excel.day_numbers says; it has: {', '.join(names)}")
    texts = _cells(workbook, sheet, settings.header_row, "string")
    typed = _cells(workbook, sheet, settings.header_row, None)
    needs_days = bool(settings.day_numbers) or decimal_style == "comma"
    days = _cells(workbook, sheet, settings.header_row, "datetime") if needs_days else []
    table = pa.table(
        {
            name: _column(
                typed[i], texts[i], days[i] if needs_days else None, name in settings.day_numbers, decimal_style
            )
            for i, name in enumerate(names)
        }
        if texts
        else {name: pa.array([], pa.string()) for name in names}
    )
    first = settings.header_row + 1
    table = table.append_column(_PLACE, pa.array(range(first, first + len(table)), pa.int64()))
    is_blank = pa.repeat(pa.scalar(True), len(table))
    for text in texts:
        is_blank = pc.and_(is_blank, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), ""), True))
    table = table.filter(pc.invert(is_blank))
    into = scratch / "sheet.parquet"
    pq.write_table(table, into, compression="lz4")
    relation = f"read_parquet({parameters.bind(str(into))})"
    described = connection.execute("describe select * from read_parquet(?)", [str(into)]).fetchall()
    columns = {row[0]: row[1] for row in described if row[0] != _PLACE}
    return Opened(Delivery(relation, columns, quoted(_PLACE)), expected_rows=len(table))


def _header(workbook: fastexcel.ExcelReader, sheet: str, row: int) -> list[str]:
    values = [column[0].as_py() for column in _cells(workbook, sheet, row - 1, "string", 1) if len(column)]
    if not any(value and value.strip() for value in values):
        raise DeliveryError(f"row {row} of sheet {sheet!r} is empty, where its header should be (see excel.header_row)")
    names = [" ".join((value or "").split()) or f"column {place}" for place, value in enumerate(values, 1)]
    lowered = [name.lower() for name in names]
    if repeated := sorted({name for name in names if lowered.count(name.lower()) > 1}):
        raise DeliveryError(f"the header in row {row} of sheet {sheet!r} names {', '.join(repeated)} more than once")
    return names


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


def _column(
    typed: pa.Array, text: pa.Array, days: pa.Array | None, is_day_number: bool, decimal_style: str
) -> pa.Array:
    if days is not None and is_day_number:
        if days.null_count == text.null_count:
            return days
        return pc.if_else(pc.is_valid(days), pc.strftime(days, "%Y-%m-%d %H:%M:%S"), text)
    if days is not None and decimal_style == "comma" and pa.types.is_string(typed.type):
        # only what is a number in the sheet can also be read as a day
        is_number = pc.and_(pc.is_valid(days), pc.fill_null(pc.match_substring_regex(text, _NUMBER), False))
        return pc.if_else(is_number, pc.replace_substring(text, ".", ","), text)
    is_kept = any(test(typed.type) for test in _KEPT)
    return typed if is_kept else text.cast(pa.string())
