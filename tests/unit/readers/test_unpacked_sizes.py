"""Few bytes can be made to unpack into many: they refuse their batch before they fill disk or memory."""

import gzip
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import feed_of, prepared, read

from clientela.errors import DeliveryError
from clientela.extract.readers.json_reader import DEEPEST, deepest

ROWS = "".join(f"{n},Ann Lee,ann@example.com\n" for n in range(60_000))


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return prepared(tmp_path / "w.duckdb")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def _feed(folder: Path, entity: dict[str, Any], **inbox: Any) -> Any:
    feed = feed_of(folder, entity)
    values = {name: value for name, value in inbox.items() if value is not None}
    object.__setattr__(feed.config, "inbox", type(feed.config.inbox)(**values))
    return feed


def _packed(tmp_path: Path, kind: str) -> Path:
    text = f"id,name,email\n{ROWS}".encode()
    path = tmp_path / f"customers.{kind}"
    if kind == "csv.gz":
        path.write_bytes(gzip.compress(text))
    elif kind == "csv.zst":
        with pa.OSFile(str(path), "wb") as file, pa.CompressedOutputStream(file, "zstd") as packed:
            packed.write(text)
    elif kind == "parquet":
        same = pa.array(["Ann Lee"] * 600_000)
        pq.write_table(pa.table({"id": same, "name": same, "email": same}), path)
    else:
        _workbook(path, rows=20_000)
    return path


@pytest.mark.parametrize("kind", ["csv.gz", "csv.zst", "parquet", "xlsx"])
def test_what_unpacks_beyond_the_limit_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, scratch: Path, kind: str
) -> None:
    path = _packed(tmp_path, kind)
    feed = _feed(tmp_path, {}, max_unpacked="1MB")
    with pytest.raises(DeliveryError, match="larger than the 1 MB that it may become"):
        read(connection, feed, path, scratch)
    assert sum(file.stat().st_size for file in scratch.rglob("*") if file.is_file()) < 10 * 1024**2


def test_a_small_file_may_unpack_by_more_than_the_ratio_and_a_large_one_by_as_much(tmp_path: Path) -> None:
    inbox = feed_of(tmp_path).config.inbox
    assert inbox.allowed_bytes(1) == 256 * 1024**2
    assert inbox.allowed_bytes(10**7) == 10**9
    assert inbox.allowed_bytes(10**12) == 50 * 10**9


def test_a_plain_file_of_any_size_is_read(connection: duckdb.DuckDBPyConnection, tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(f"id,name,email\n{ROWS}", encoding="utf-8")
    assert read(connection, _feed(tmp_path, {}, max_unpacked="1MB"), path, scratch).delivered == 60_000


_NAMES = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _workbook(path: Path, *, rows: int = 0, far: str = "") -> None:
    """A workbook of one sheet: a header, rows, and perhaps one cell far away."""

    def row(number: int, values: tuple[str, ...]) -> str:
        cells = (f'<c r="{"ABC"[i]}{number}" t="inlineStr"><is><t>{v}</t></is></c>' for i, v in enumerate(values))
        return f'<row r="{number}">{"".join(cells)}</row>'

    body = row(1, ("id", "name", "email")) + "".join(row(n + 2, (str(n), "Ann", "a@b.c")) for n in range(rows))
    body += f'<row r="1048576"><c r="{far}"><v>1</v></c></row>' if far else ""
    rels = f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_MAIN}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_MAIN}.worksheet+xml"/></Types>',
        "_rels/.rels": f'{rels}officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {_NAMES} xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{rels}worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {_NAMES}><sheetData>{body}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as into:
        for name, text in parts.items():
            into.writestr(name, text)


def test_a_workbook_with_two_cells_far_apart_refuses_its_batch_and_does_not_end_the_process(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, scratch: Path
) -> None:
    path = tmp_path / "customers.xlsx"
    _workbook(path, far="XFD1048576")
    with pytest.raises(DeliveryError, match="does not fit into the 4,000 MB"):
        read(connection, feed_of(tmp_path), path, scratch)
    _workbook(path, rows=3)
    assert read(connection, feed_of(tmp_path), path, scratch).delivered == 3


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def test_a_record_that_is_nested_too_deep_goes_to_quarantine_by_itself(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, scratch: Path
) -> None:
    path = tmp_path / "customers.jsonl"
    flat = '{"id": 1, "name": "Ann", "email": "a@b.c", "tags": [' + ",".join(["[]"] * 500) + "]}"
    hidden = '{"id": 3, "name": "' + "]" * 2000 + '", "email": ' + _nested(2000) + "}"
    text = '{"id": 4, "name": "' + "[" * 500 + '\\"", "email": "d@b.c"}'
    path.write_text("\n".join([flat, '{"id": 2, "email": ' + _nested(5000) + "}", hidden, text, ""]), encoding="utf-8")
    found = read(connection, feed_of(tmp_path, {"files": "x.jsonl"}), path, scratch)
    assert sorted(found.unreadable) == [2, 3]
    assert "nested more than 100 levels deep" in found.unreadable[2]
    assert sorted(found.rows) == [1, 4]


@pytest.mark.parametrize("settings", [{}, {"json": {"records": "items"}}])
def test_a_document_that_is_nested_too_deep_refuses_its_batch(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, scratch: Path, settings: dict[str, Any]
) -> None:
    path = tmp_path / "customers.json"
    listed = '[{"id": 1, "name": "Ann", "email": "a@b.c"}, {"id": 2, "email": ' + _nested(5000) + "}]"
    path.write_text(f'{{"items": {listed}}}' if settings else listed, encoding="utf-8")
    with pytest.raises(DeliveryError, match="nested more than 100 levels deep"):
        read(connection, feed_of(tmp_path, settings), path, scratch)


def test_depth_is_counted_outside_of_texts_and_across_pieces() -> None:
    text = rb'{"a\\": ["[[[\"[", {"b": []}], "c": "\\\\"}'
    assert deepest([text]) == 4
    assert all(deepest([text[:cut], text[cut:]]) == 4 for cut in range(len(text)))
    assert deepest([bytes([byte]) for byte in text]) == 4
    assert deepest([]) == 0 and DEEPEST == 100
