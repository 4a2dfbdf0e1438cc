"""Excel: one sheet from below its header, each row at the sheet's own number, no cell misread in silence."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
from reading import Read, feed_of, prepared, read

from clientela.errors import DeliveryError

Sheets = dict[str, list[list[Any]]]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder) / "w.duckdb") as opened:
        yield opened


@pytest.fixture
def take(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., Read]:
    (tmp_path / "scratch").mkdir()

    def taken(sheets: Sheets, entity: dict[str, Any] | None = None, *columns: str, **source: Any) -> Read:
        path = tmp_path / "x.xlsx"
        workbook_of(path, sheets)
        return read(connection, feed_of(tmp_path, entity, **source), path, tmp_path / "scratch", *columns)

    return taken


def workbook_of(path: Path, sheets: Sheets, **options: Any) -> None:
    """Write the cells: a date with a date's format, text that begins with = as a formula."""
    with xlsxwriter.Workbook(path, {"remove_timezone": True, **options}) as workbook:
        day = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for i, row in enumerate(rows):
                for j, value in enumerate(row):
                    if isinstance(value, datetime | date):
                        sheet.write_datetime(i, j, datetime(*value.timetuple()[:6]), day)
                    elif isinstance(value, tuple):
                        sheet.write_formula(i, j, value[0], None, value[1])
                    elif isinstance(value, str):
                        sheet.write_string(i, j, value)
                    elif value is not None:
                        sheet.write(i, j, value)


def test_rows_go_by_the_number_that_excel_shows(take: Callable[..., Read]) -> None:
    sheet = [["Customers of 2024"], [], ["id", "name", "email"], [1, "A", "a"], [], [None, "  "], ["2", "B", None]]
    found = take({"Data": sheet}, {"excel": {"header_row": 3}})
    assert found.rows == {4: ("1", "A", "a"), 7: ("2", "B", None)}
    assert found.delivered == 4, "the rows above the header are counted as left out"


def test_a_table_that_starts_beyond_the_first_column_and_row_is_found(take: Callable[..., Read]) -> None:
    sheet = [[], [], [None, None, "id", "name", "email"], [None, None, 1, "A", "a"]]
    assert take({"Data": sheet}, {"excel": {"header_row": 3}}).rows == {4: ("1", "A", "a")}


def test_the_sheet_is_the_first_or_the_named_one(take: Callable[..., Read]) -> None:
    sheets = {"Notes": [["x"]], "People": [["id", "name", "email"], [1, "A", "a"]]}
    assert take(sheets, {"excel": {"sheet": "People"}}).rows == {2: ("1", "A", "a")}
    with pytest.raises(DeliveryError, match=r"it has no sheet 'Peopel'; it has: Notes, People"):
        take(sheets, {"excel": {"sheet": "Peopel"}})
    with pytest.raises(DeliveryError, match=r"has no column 'name'"):
        take(sheets)


def test_numbers_and_dates_keep_their_types_and_ids_are_whole(take: Callable[..., Read]) -> None:
    sheet = [["id", "cost", "when"], [123456789012345, 0.1 + 0.2, datetime(2024, 7, 1, 12, 30)], [2, 1234.5, None]]
    entity = {"columns": {"acquisition_cost": "cost", "updated_at": "when"}}
    found = take({"D": sheet}, entity, "record_key", "acquisition_cost", "updated_at", decimal_style="comma")
    assert found.rows == {
        2: ("123456789012345", Decimal("0.3"), datetime(2024, 7, 1, 10, 30, tzinfo=UTC)),
        3: ("2", Decimal("1234.5"), None),
    }


def test_true_dates_are_read_though_the_texts_have_another_format(take: Callable[..., Read]) -> None:
    sheet = [["id", "born"], [1, date(1980, 2, 29)]]
    entity = {"columns": {"birth_date": "born"}}
    assert take({"D": sheet}, entity, "birth_date", date_format="%d/%m/%Y").rows == {2: (date(1980, 2, 29),)}


def test_one_text_among_dates_costs_its_own_row_only(take: Callable[..., Read]) -> None:
    days = [date(2026, 1, day) for day in range(1, 11)]
    sheet = [["id", "born"], *([i, day] for i, day in enumerate(days)), [10, "-"], [11, "31/12/2025"], [12, 46000]]
    entity = {"columns": {"birth_date": "Born"}}
    found = take({"D": sheet}, entity, "birth_date", date_format="%d/%m/%Y", datetime_format="%Y.%m.%d %H:%M")
    assert [day for (day,) in found.rows.values()] == [*days, None, date(2025, 12, 31), None]
    assert list(found.faults) == [12, 14]
    counted = take({"D": sheet}, {**entity, "excel": {"serial_dates": "born"}}, "birth_date", date_format="%d/%m/%Y")
    assert [day for (day,) in counted.rows.values()] == [*days, None, date(2025, 12, 31), date(2025, 12, 9)]


@pytest.mark.parametrize("time_format", ["%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", None])
@pytest.mark.parametrize("as_version", [False, True])
def test_one_text_among_times_costs_its_own_row_only(
    take: Callable[..., Read], time_format: str | None, as_version: bool
) -> None:
    at = datetime(2024, 7, 1, 14, 30)
    sheet = [["id", "name", "when"], [1, "A", at], [2, "B", "none"]]
    entity = {"version_by": "when"} if as_version else {"columns": {"full_name": "name", "updated_at": "when"}}
    entity = {"columns": {"full_name": "name"}, **entity}
    column = "version_at" if as_version else "updated_at"
    found = take({"D": sheet}, entity, column, date_format="%d/%m/%Y", datetime_format=time_format)
    assert found.rows == {2: (datetime(2024, 7, 1, 12, 30, tzinfo=UTC),), 3: (None,)}


def test_a_format_that_would_change_the_date_is_not_used(take: Callable[..., Read]) -> None:
    sheet = [["id", "born"], [1, date(1950, 3, 4)], [2, date(1999, 3, 4)], [3, "-"]]
    found = take({"D": sheet}, {"columns": {"birth_date": "born"}}, "birth_date", date_format="%d/%m/%y")
    assert [day for (day,) in found.rows.values()] == [None, date(1999, 3, 4), None]
    assert list(found.faults) == [2, 4], "1950 is not to come back as 2050"


def test_a_date_in_a_key_is_the_same_with_and_without_a_text_beside_it(take: Callable[..., Read]) -> None:
    sheet: list[list[Any]] = [["born", "name"], [date(1980, 2, 29), "A"]]
    entity = {"key": ["born", "name"], "columns": {"birth_date": "born"}}
    alone, beside = (
        take({"D": rows}, entity, "record_key", date_format="%d/%m/%Y").rows[2]
        for rows in (sheet, [*sheet, ["29/02/1980", "B"]])
    )
    assert alone == beside


def test_numbers_beside_numbers_as_text_are_never_a_thousand_times_too_large(take: Callable[..., Read]) -> None:
    sheet = [["id", "cost"], [1, 1.234], [2, "1.234"], [3, "1,5"], [4, -2.5], [5, 7], [6, "none"]]
    found = take({"D": sheet}, {"columns": {"acquisition_cost": "cost"}}, "acquisition_cost", decimal_style="comma")
    costs = [cost for (cost,) in found.rows.values()]
    assert costs == [Decimal("1.234"), Decimal(1234), Decimal("1.5"), Decimal("-2.5"), Decimal(7), None]
    assert list(found.faults) == [7]


def test_dates_as_serial_dates_are_days_where_the_column_says_so(take: Callable[..., Read]) -> None:
    sheet = [["id", "born"], [1, 29280], [2, date(1980, 2, 29)], [3, "1980-02-29"], [4, "?"]]
    entity = {"columns": {"birth_date": "born"}, "excel": {"serial_dates": "born"}}
    found = take({"D": sheet}, entity, "birth_date")
    assert [day for (day,) in found.rows.values()] == [date(1980, 2, 29)] * 3 + [None]
    assert list(found.faults) == [5]
    plain = take({"D": sheet[:3]}, {"columns": {"birth_date": "born"}}, "birth_date")
    assert 2 in plain.faults, "a bare number is no date unless said so"
    with pytest.raises(DeliveryError, match=r"excel.serial_dates: it has no column 'bron'. It delivered 2 columns"):
        take({"D": sheet}, {**entity, "excel": {"serial_dates": "bron"}})


def test_workbooks_that_count_from_1904_are_read_so(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    workbook_of(tmp_path / "x.xlsx", {"D": [["id", "born"], [1, date(1980, 2, 29)]]}, date_1904=True)
    feed = feed_of(tmp_path, {"columns": {"birth_date": "born"}})
    found = read(connection, feed, tmp_path / "x.xlsx", tmp_path / "scratch", "birth_date")
    assert found.rows == {2: (date(1980, 2, 29),)}


def test_a_formula_is_worth_what_it_was_when_saved_and_an_error_nothing(take: Callable[..., Read]) -> None:
    sheet = [["id", "name", "email"], [1, ("=A2&B9", "joined"), ("=1/0", "#DIV/0!")], [2, '=HYPERLINK("x")', "b"]]
    assert take({"D": sheet}).rows == {2: ("1", "joined", None), 3: ("2", '=HYPERLINK("x")', "b")}


def test_a_column_that_is_mixed_only_far_down_loses_no_cell(take: Callable[..., Read]) -> None:
    sheet: list[list[Any]] = [["id", "name", "email"], *([i, i, "x"] for i in range(3000)), ["A7", "last", "y"]]
    found = take({"D": sheet})
    assert found.rows[3002] == ("A7", "last", "y")
    assert found.rows[2] == ("0", "0", "x")


def test_columns_without_a_header_go_by_their_place(take: Callable[..., Read]) -> None:
    sheet = [["id", None, "name"], [1, "note", "A"]]
    assert take({"D": sheet}, {"columns": {"full_name": "name", "email": "column 2"}}).rows == {2: ("1", "A", "note")}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "row 1 of sheet 'D' is empty, where its header should be"),
        ([[], ["id", "name"]], "row 1 of sheet 'D' is empty"),
        (
            [["id", "name", "email", "ID"], [1, 2, 3, 4]],
            "key: the source has the name 'id' over columns 1 and 4; map one by its place",
        ),
    ],
)
def test_a_header_that_cannot_be_one_refuses_the_batch(
    take: Callable[..., Read], rows: list[list[Any]], sentence: str
) -> None:
    with pytest.raises(DeliveryError, match=sentence):
        take({"D": rows})


def test_a_header_alone_is_no_rows(take: Callable[..., Read]) -> None:
    assert take({"D": [["id", "name", "email"]]}).rows == {}


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"no workbook", lambda data: b""])
def test_half_a_workbook_refuses_the_batch(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "scratch").mkdir()
    workbook_of(tmp_path / "x.xlsx", {"D": [["id", "name", "email"], [1, "A", "a"]]})
    (tmp_path / "y.xlsx").write_bytes(damage((tmp_path / "x.xlsx").read_bytes()))
    with pytest.raises(DeliveryError, match="it is no whole workbook"):
        read(connection, feed_of(tmp_path), tmp_path / "y.xlsx", tmp_path / "scratch")
