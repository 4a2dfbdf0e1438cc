"""What stands above and below the records: titles, headers that are odd or missing, totals. It is counted, never a record."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reading import Read, feed_of, prepared, read
from test_csv_dirt import DIRTY, file_of, folder, taken  # noqa: F401
from test_workbooks import workbook_of

from clientela.config.sources import CsvFormat
from clientela.errors import DeliveryError
from clientela.extract.open_file import open_file
from clientela.extract.parameters import Parameters


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with prepared(tmp_path_factory.mktemp("warehouse") / "w.duckdb") as opened:
        yield opened


@pytest.fixture
def take(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., Read]:
    (tmp_path / "scratch").mkdir()

    def taken_from(data: bytes | str, entity: dict[str, Any] | None = None, name: str = "x.csv", *columns: str) -> Read:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read(connection, feed_of(tmp_path, entity), path, tmp_path / "scratch", *columns)

    return taken_from


@pytest.fixture
def counted(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., tuple[int, int]]:
    """(title lines, footer lines) of the file that was taken last, read fast and line by line."""

    def of(entity: dict[str, Any], name: str = "x.csv") -> tuple[int, int]:
        apart = tmp_path / "counting"
        apart.mkdir(exist_ok=True)
        opened = open_file(connection, feed_of(tmp_path, entity), tmp_path / name, Parameters(), apart)
        again = opened.fallback_reader(Parameters()) if opened.fallback_reader else opened
        assert (again.title_lines, again.footer_lines) == (opened.title_lines, opened.footer_lines)
        return opened.title_lines, opened.footer_lines

    return of


FRAMED = """Ventas de enero;;
Tienda "Centro";;

id;name;email
1;Ann;a
2;"Bo;b";b
3;Total Energies;c
;;
Total;3;
"Generado el 31/01";;

"""


def test_titles_and_totals_are_counted_and_no_records(take: Any, counted: Any) -> None:
    settings = {"csv": {"delimiter": ";", "skip_lines": 3, "footer_starts_with": ["Total", "Generado"]}}
    found = take(FRAMED, settings)
    assert found.rows == {5: ("1", "Ann", "a"), 6: ("2", "Bo;b", "b"), 7: ("3", "Total Energies", "c")}
    assert (found.faults, found.unreadable) == ({}, {})
    assert counted(settings) == (3, 3), "the line of delimiters between belongs to the footer"


def test_a_footer_may_be_so_many_lines(take: Any, counted: Any) -> None:
    settings = {"csv": {"skip_footer": 2}}
    assert take("id,name,email\n1,A,a\n,,\nTotal,1,\nmade by me\n,,\n\n\n", settings).rows == {2: ("1", "A", "a")}
    assert counted(settings) == (0, 4)
    assert take("id,name,email\n1,A,a\n2,B,b\n3,C,c\n", settings).rows == {2: ("1", "A", "a")}
    assert take("id,name,email\n1,A,a\n", settings).rows == {}
    assert counted(settings) == (0, 1), "a header is none"


def test_a_file_without_the_footer_that_is_named_loses_nothing(take: Any, counted: Any) -> None:
    settings = {"csv": {"footer_starts_with": "Total"}}
    assert set(take("id,name,email\n1,A,a\nTotal,B,b\n3,C,c", settings).rows) == {2, 3, 4}
    assert counted(settings) == (0, 0)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
def test_the_delimiter_that_excel_states_is_taken(take: Any, counted: Any, first: str) -> None:
    assert take(f"{first}\r\nid;name;email\r\n1;A;a\r\n").rows == {3: ("1", "A", "a")}
    assert counted({}) == (1, 0)
    settings = {"csv": {"skip_lines": 2, "delimiter": "|"}}
    assert take(f"{first}\r\nCustomers\r\nid;name;email\r\n1;A;a\r\n", settings).rows == {4: ("1", "A", "a")}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("titles", [0, 1])
def test_a_file_without_a_header_has_the_columns_that_are_named(take: Any, mark: str, titles: int) -> None:
    settings = {"csv": {"header": False, "columns": ["id", "name", "email"], "skip_lines": titles}}
    text = mark + "title\n" * titles + '1,A,a\n2,"B\nb",b\n3,C\n'
    found = take(text, settings)
    assert found.rows == {titles + 1: ("1", "A", "a"), titles + 2: ("2", "B\nb", "b")}
    assert found.unreadable == {titles + 4: "the line has 2 fields where csv.columns has 3"}
    assert take("1,A,a\n2,B,b\n" if not titles else "t\n1,A,a\n2,B,b\n", settings).delivered == 2 + titles
    with pytest.raises(DeliveryError, match=r"it is empty; not one line is there|it has 0 lines, and csv\.skip_lines"):
        take("", settings)


def test_columns_may_be_named_in_place_of_the_headers(take: Any) -> None:
    settings = {"csv": {"columns": ["id", "name", "email"]}}
    assert take("x,x,x\n1,A,a\n", settings).rows == {2: ("1", "A", "a")}
    with pytest.raises(DeliveryError, match=r"its header has 2 columns, and csv\.columns names 3"):
        take("x,x\n1,A\n", settings)


def test_a_title_that_is_longer_than_the_file_is_said(take: Any) -> None:
    with pytest.raises(DeliveryError, match=r"it has 2 lines, and csv\.skip_lines says that 5 stand above its table"):
        take("id,name,email\n1,A,a\n", {"csv": {"skip_lines": 5}})
    with pytest.raises(DeliveryError, match=r"its line 2 is empty; not even a header is there"):
        take("Customers\n\nid,name,email\n", {"csv": {"skip_lines": 1}})


@pytest.mark.parametrize("inner", ["\n", "\r\n", " \n "])
def test_a_line_break_in_a_header_is_a_space(take: Any, inner: str) -> None:
    settings = {"columns": {"full_name": "Full name", "email": "email"}}
    text = f'id,"Full{inner}name",email\n1,A,a\n2,"B\nb",b\n'
    assert take(text, settings).rows == {3: ("1", "A", "a"), 4: ("2", "B\nb", "b")}


TWICE = "id,name,email,note,Note,name\n1,A,a,x,y,C\n"


def test_a_name_that_stands_twice_hinders_only_those_who_map_it(take: Any) -> None:
    assert take(TWICE, {"columns": {"email": "email"}}).rows == {2: ("1", None, "a")}
    for columns in ({"full_name": "name"}, {"full_name": {"sql": "upper(name)"}}, {"full_name": ["id", "name"]}):
        with pytest.raises(
            DeliveryError, match=r"full_name: the source has the name 'name' over columns 2 and 6; map one"
        ):
            take(TWICE, {"columns": columns})
    with pytest.raises(
        DeliveryError, match="key: the source has the name 'note' over columns 4 and 5; map one by its place"
    ):
        take(TWICE, {"key": "Note", "columns": {}})
    by_place = {"key": "column 2", "columns": {"full_name": {"sql": '"column 6"'}, "email": "email"}}
    assert take(TWICE, by_place).rows == {2: ("A", "C", "a")}
    assert take(TWICE, {"csv": {"columns": ["id", "name", "email", "a", "b", "c"]}}).rows == {2: ("1", "A", "a")}


def test_names_that_stand_twice_in_other_kinds_of_file(take: Any, tmp_path: Path) -> None:
    pq.write_table(
        pa.Table.from_arrays([pa.array([v]) for v in ("1", "A", "a", "b")], names=["id", "name", "Email", "email"]),
        tmp_path / "y.parquet",
    )
    workbook_of(tmp_path / "y.xlsx", {"D": [["id", "name", "Email", "email"], ["1", "A", "a", "b"]]})
    files = {
        "x.parquet": (tmp_path / "y.parquet").read_bytes(),
        "x.xlsx": (tmp_path / "y.xlsx").read_bytes(),
        "x.jsonl": b'{"id": "1", "name": "A", "Email": "a", "email": "b"}\n',
    }
    for name, data in files.items():
        assert take(data, {"columns": {"full_name": "name"}}, name).rows == {1 + (name == "x.xlsx"): ("1", "A", None)}
        with pytest.raises(
            DeliveryError, match=r"email: the source has the (name 'Email' over|fields 'Email' and 'email')"
        ):
            take(data, None, name)
        if name != "x.jsonl":
            by_place = {"columns": {"full_name": "name", "email": "column 4"}}
            assert [*take(data, by_place, name).rows.values()] == [("1", "A", "b")]


def test_the_rows_of_a_sheet_end_above_its_totals_and_keep_their_types(take: Any, counted: Any, tmp_path: Path) -> None:
    rows = [
        ["Clientes"],
        ["id", "name", "cost"],
        [1, "A", 1.5],
        [2, "B", 2.25],
        [],
        ["Total", None, 3.75],
        ["hecho por mí"],
    ]
    workbook_of(tmp_path / "y.xlsx", {"D": rows})
    columns = {"full_name": "name", "acquisition_cost": "cost"}
    for footer in ({"skip_footer": 2}, {"footer_starts_with": ["Total", "hecho"]}):
        settings = {"excel": {"header_row": 2, **footer}, "columns": columns}
        found = take((tmp_path / "y.xlsx").read_bytes(), settings, "x.xlsx")
        assert {place: row[:2] for place, row in found.rows.items()} == {3: ("1", "A"), 4: ("2", "B")}
        assert counted(settings, "x.xlsx") == (1, 2)
        assert found.faults == {}


def test_a_sheet_without_a_header_has_the_columns_that_are_named(take: Any, tmp_path: Path) -> None:
    workbook_of(tmp_path / "y.xlsx", {"D": [["Clientes"], [1, "A", "a"], [2, "B", None]]})
    settings = {"excel": {"header_row": 2, "header": False, "columns": ["id", "name", "email"]}}
    assert take((tmp_path / "y.xlsx").read_bytes(), settings, "x.xlsx").rows == {
        2: ("1", "A", "a"),
        3: ("2", "B", None),
    }
    with pytest.raises(DeliveryError, match=r"row 1 of sheet 'D' has 3 columns, and excel\.columns names 2"):
        take((tmp_path / "y.xlsx").read_bytes(), {"excel": {"columns": ["id", "name"]}}, "x.xlsx")


def test_a_trailer_of_a_mainframe_is_no_record(take: Any, counted: Any) -> None:
    settings = {
        "fixed": {
            "columns": {"id": [1, 2], "name": [3, 3], "email": [6, 3]},
            "header_lines": 1,
            "footer_starts_with": "99",
        }
    }
    assert take("HEADER\n01AnnA@a\n99BobB@b\n02CidC@c\n99000002\n", settings, "x.dat").rows == {
        2: ("01", "Ann", "A@a"), 3: ("99", "Bob", "B@b"), 4: ("02", "Cid", "C@c")
    }  # fmt: skip
    assert counted(settings, "x.dat") == (1, 1)


#: files that are drawn; CLIENTELA_EXAMPLES for more
EXAMPLES = int(os.environ.get("CLIENTELA_EXAMPLES", "60"))


@given(DIRTY, st.integers(0, 3), st.integers(0, 2), st.sampled_from(["", "sep=,\n", "\ufeff"]))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_around_it_the_same_lines_are_records(
    folder: Path,  # noqa: F811
    parts: list[tuple[bytes, bytes]],
    titles: int,
    footers: int,
    first: str,
) -> None:
    # a quote after blanks is text to the fast reader and may be a fault to the careful one; neither loses the line
    assume(not any(re.search(rb'(^|,)[ \t]+"', line) for line, _ in parts))
    # a last line of delimiters alone would belong to the footer
    bare = file_of([*parts, (b"z,z,z", b"\n")])
    stated = 1 if first.startswith("sep") else 0
    above = first.encode() + b"a title, of 'one' line\n" * titles
    below = b"\nTotal,1\n" + b"Total\n" * (footers - 1) if footers else b""
    format_ = CsvFormat(skip_lines=titles + stated, footer_starts_with=["Total"])
    expected_rows, expected_reasons = taken(folder, bare)
    rows, reasons = taken(folder, above + bare + below, format_)
    shift = titles + stated
    assert rows == {line + shift: fields for line, fields in expected_rows.items()}
    assert reasons == {line + shift: reason for line, reason in expected_reasons.items()}
