"""Compression, encodings, fixed width and JSON: every line or element is a row, or stands in quarantine at its place."""

import gzip
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from reading import Read, feed_of, prepared, read

from clientela.errors import DeliveryError
from clientela.extract.readers import text

PEOPLE = "id,name,email\n1,Ñandú,ñ@x.es\n2,Łukasz,l@x.pl\n"
ROWS = {2: ("1", "Ñandú", "ñ@x.es"), 3: ("2", "Łukasz", "l@x.pl")}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder) / "w.duckdb") as opened:
        yield opened


@pytest.fixture
def take(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Any:
    (tmp_path / "scratch").mkdir()

    def taken(name: str, data: bytes | str, entity: dict[str, Any] | None = None, *columns: str, **source: Any) -> Read:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read(connection, feed_of(tmp_path, entity, **source), path, tmp_path / "scratch", *columns)

    return taken


# ------------------------------------------------------- compression, encoding


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv", "X.CSV.GZIP"])
def test_gzip_is_recognised_by_its_bytes(take: Any, name: str) -> None:
    assert take(name, gzip.compress(PEOPLE.encode())).rows == ROWS


def test_gzip_files_that_were_joined_are_read_to_the_end(take: Any) -> None:
    head, tail = PEOPLE.encode()[:20], PEOPLE.encode()[20:]
    assert take("x.csv.gz", gzip.compress(head) + gzip.compress(tail)).rows == ROWS


def test_zstd_is_read_in_a_stream(take: Any) -> None:
    assert take("x.csv.zst", pa.compress(PEOPLE.encode(), "zstd", asbytes=True)).rows == ROWS


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_half_copied_file_refuses_the_batch(take: Any, codec: str, share: float) -> None:
    whole = (PEOPLE + "".join(f"{i},n{i * 7919 % 1000},x\n" for i in range(3, 5000))).encode()
    packed = gzip.compress(whole) if codec == "gzip" else pa.compress(whole, "zstd", asbytes=True)
    with pytest.raises(DeliveryError, match=f"its {codec} data breaks off or is damaged; was it copied half"):
        take("x.csv.gz", packed[: int(len(packed) * share)])


def test_a_zip_archive_is_recognised_by_its_name(take: Any) -> None:
    with pytest.raises(DeliveryError, match="it is a ZIP archive"):
        take("x.csv", b"PK\x03\x04whatever")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1250", "iso8859_2"])
def test_an_encoding_is_read_as_declared(take: Any, encoding: str) -> None:
    data = PEOPLE.replace("Ñ", "N").replace("ñ", "n").encode(encoding)
    plain = {line: tuple(v.replace("Ñ", "N").replace("ñ", "n") for v in row) for line, row in ROWS.items()}
    assert take("x.csv", data, {"encoding": encoding}).rows == plain


def test_an_undecodable_line_is_quarantined_and_its_neighbours_stay(take: Any) -> None:
    found = take("x.csv", b"id,name,email\n1,A\xf1a,x\n2,B\x81b,y\n3,C,z\n", {"encoding": "cp1252"})
    assert found.rows == {2: ("1", "Aña", "x"), 4: ("3", "C", "z")}
    assert found.unreadable == {3: "the line is not valid CP1252"}
    assert found.texts[3].startswith("2,B")


def test_ascii_that_holds_utf8_is_not_guessed(take: Any) -> None:
    assert set(take("x.csv", PEOPLE, {"encoding": "ascii"}).unreadable) == {2, 3}


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        *((encoding, PEOPLE.encode()) for encoding in ("cp1252", "latin-1", "cp850", "cp1251", "koi8_r")),
        ("cp1252", "id,name,email\n1,Zoë,z\n".encode()),
        ("cp1252", "id,name,email\n1,Ann,a\n".encode("utf-8-sig")),
        ("cp1252", "id,name,email\n1,Zoë,z\n2,Peña".encode()[:-2]),
        ("cp1251", "id,name,email\n1,Иван,z\n".encode()),
        ("cp1251", "id,name,email\n1,Żółw,z\n".encode()),
    ],
)
def test_utf8_under_another_encoding_refuses_the_batch(
    take: Any, monkeypatch: pytest.MonkeyPatch, encoding: str, data: bytes
) -> None:
    sentence = f"it is written in UTF-8, not in {encoding}; say `encoding: utf-8`"
    for chunk in (3, 1024):
        monkeypatch.setattr(text, "_CHUNK", chunk)
        for sent in (data, gzip.compress(data)):
            with pytest.raises(DeliveryError, match=sentence):
                take("x.csv", sent, {"encoding": encoding})


@pytest.mark.parametrize("name", ["Ann", "ANDRÉ", "Zoë", "NESCAFÉ®", "CAFÉ™", "Ã", "Ñandú", "“É”"])
def test_a_rare_letter_of_a_one_byte_encoding_is_no_utf8(take: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(text, "_CHUNK", 5)
    people = f"id,name,email\n1,{name},x\n2,B,y\n"
    found = take("x.csv", people.encode("cp1252"), {"encoding": "cp1252"})
    assert found.rows == {2: ("1", name, "x"), 3: ("2", "B", "y")}


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "big5", "euc_jp", "utf-16"])
def test_encodings_of_more_bytes_are_not_taken_for_utf8(take: Any, encoding: str) -> None:
    people = "id,name,email\n1,山田,x\n".encode(encoding)
    assert take("x.csv", people, {"encoding": encoding}).rows == {2: ("1", "山田", "x")}


def test_utf16_that_was_not_declared_says_so(take: Any) -> None:
    with pytest.raises(DeliveryError, match="it is written in UTF-16; say `encoding: utf-16`"):
        take("x.csv", PEOPLE.encode("utf-16"))


def test_utf16_that_is_not_refuses_the_batch_in_a_sentence(take: Any) -> None:
    with pytest.raises(DeliveryError, match=r"x\.csv: it is not written in utf-16"):
        take("x.csv", b"id,name,email\n1,a,b\n", {"encoding": "utf-16"})


def test_latin_that_was_not_declared_costs_its_lines_only(take: Any) -> None:
    found = take("x.csv", b"id,name,email\n1,A\xf1a,x\n2,B,y\n")
    assert found.rows == {3: ("2", "B", "y")}
    assert found.unreadable == {2: "the line is not valid UTF-8"}


def test_a_codec_that_is_no_encoding_of_text_is_refused(tmp_path: Path) -> None:
    for name in ("rot13", "base64", "utf-9", "zlib", ""):
        with pytest.raises(ValidationError, match="is no encoding of text"):
            feed_of(tmp_path, {"encoding": name})


def test_hidden_zero_bytes_are_part_of_the_value(take: Any) -> None:
    assert take("x.csv", b"id,name,email\n1,A\x00b,x\n").rows == {2: ("1", "A\x00b", "x")}


def test_a_decimal_comma_is_read_in_every_kind_of_text(take: Any) -> None:
    columns = {"acquisition_cost": "cost"}
    comma = {"decimal_style": "comma"}
    csv_row = take(
        "x.csv", "id;cost\n1;1.234,5\n", {"columns": columns, "csv": {"delimiter": ";"}}, "acquisition_cost", **comma
    )
    json_rows = take(
        "x.jsonl",
        '{"id":1,"cost":"1.234,5"}\n{"id":2,"cost":1234.5}\n{"id":3,"cost":1.234}',
        {"columns": columns},
        "acquisition_cost",
        **comma,
    )
    assert [float(v) for (v,) in csv_row.rows.values()] == [1234.5]
    assert [float(v) for (v,) in json_rows.rows.values()] == [1234.5, 1234.5, 1.234]


# ----------------------------------------------------------------- fixed width


FIXED = {"format": "fixed", "fixed": {"columns": {"id": [1, 3], "name": {"start": 4, "width": 8}, "email": [12, 9]}}}


def test_fixed_columns_are_counted_in_characters(take: Any) -> None:
    found = take("x.txt", "001Ñandú   ñ@x.es\r\n\r\n002Łukasz  l@x.pl   \r\n003X", FIXED)
    assert found.rows == {1: ("001", "Ñandú", "ñ@x.es"), 3: ("002", "Łukasz", "l@x.pl"), 4: ("003", "X", None)}


def test_fixed_width_in_another_encoding_loses_no_line(take: Any) -> None:
    found = take("x.dat", "001Ñandú   ñ@x.es\n".encode("cp1252") + b"002\x81\n", {**FIXED, "encoding": "cp1252"})
    assert found.rows == {1: ("001", "Ñandú", "ñ@x.es")}
    assert found.unreadable == {2: "the line is not valid CP1252"}


def test_a_line_of_another_length_is_quarantined_where_the_length_is_stated(take: Any) -> None:
    fixed = {**FIXED["fixed"], "line_length": 20, "header_lines": 1}  # type: ignore[dict-item]
    found = take("x.txt", f"header\n001{'A':8}{'a@b':9}\n002short\n", {"fixed": fixed})
    assert found.rows == {2: ("001", "A", "a@b")}
    assert found.unreadable == {3: "the line has 8 characters, not 20"}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30), min_size=1, max_size=10))
@settings(max_examples=60, deadline=None)
def test_lines_are_split_at_newlines_and_nowhere_else(lines: list[str]) -> None:
    data = "\n".join(lines).encode()
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_CHUNK", 16)
        path, into = Path(name) / "x.txt", Path(name) / "lines.parquet"
        path.write_bytes(data)
        count = text.lines_to_parquet(path, "utf-8", into, text.UnreadableRows(Path(name) / "u.parquet"))
        kept = duckdb.execute("select rtrim(line, chr(10) || chr(13)) from read_parquet(?)", [str(into)]).fetchall()
    expected = [line.rstrip("\r") for line in data.decode().removeprefix("\ufeff").split("\n")]
    expected = expected[:-1] if expected[-1] == "" and not lines[-1] else expected
    assert [line for (line,) in kept] == expected
    assert count == len(expected)


# ------------------------------------------------------------------------ JSON


NESTED = {"columns": {"full_name": "name", "email": "contact.email"}}


def test_nested_fields_are_columns_by_their_path(take: Any) -> None:
    found = take("x.jsonl", '{"id": 1, "name": "A", "contact": {"email": "a@b"}}\n{"id": "2", "name": null}\n', NESTED)
    assert found.rows == {1: ("1", "A", "a@b"), 2: ("2", None, None)}


def test_each_broken_line_is_quarantined_with_its_number(take: Any) -> None:
    lines = [
        '{"id": 1, "contact": {"email": "a"}, "name": "A"}',
        '{"id": 2, "name": "B"',
        "",
        "[1, 2]",
        "null",
        '{"id": 3} {"id": 4}',
        '{"id": 5, "name": "E"}\r',
        "{id: 6}",
    ]
    found = take("x.jsonl", "\n".join(lines).encode() + b"\n\xff\xfe", NESTED)
    assert set(found.rows) == {1, 7}
    assert found.unreadable == {
        2: "the line is not whole JSON",
        4: "the line is no JSON object but array",
        5: "the line is no JSON object but null",
        6: "the line is not whole JSON",
        8: "the line is not whole JSON",
        9: "the line is not valid UTF-8",
    }
    assert found.texts[2] == lines[1]


@pytest.mark.parametrize("decimal_style", ["point", "comma"])
def test_a_whole_number_in_a_key_has_no_decimals_and_a_text_stays(take: Any, decimal_style: str) -> None:
    lines = [
        '{"id": 17.0, "name": "17.0", "contact": {"email": 2.0}}',
        '{"id": "17.0", "name": [1.0], "contact": {"email": 2.50}}',
        '{"id": 1e3, "name": {"a": 1.0}, "contact": {"email": 10.0}}',
        '{"id": -4.00, "name": null, "contact": {"email": 10}}',
    ]
    half = "2.5" if decimal_style == "point" else "2,5"
    expected = [("17", "17.0", "2"), ("17.0", "[1.0]", half), ("1000", '{"a":1.0}', "10"), ("-4", None, "10")]
    for name, text_ in (("x.jsonl", "\n".join(lines)), ("x.json", f"[{','.join(lines)}]")):
        found = take(name, text_, NESTED, decimal_style=decimal_style)
        assert [found.rows[place] for place in sorted(found.rows)] == expected


def test_a_path_that_a_record_lacks_is_null_and_one_that_all_lack_refuses(take: Any) -> None:
    some = '{"id": 1, "name": "A", "contact": "none"}\n{"id": 2, "name": "B", "contact": {"email": "b"}}'
    assert take("x.jsonl", some, NESTED).rows == {1: ("1", "A", None), 2: ("2", "B", "b")}
    with pytest.raises(DeliveryError, match=r"has no column 'contact.email'; did you mean 'contact.mail'"):
        take("x.jsonl", '{"id": 1, "name": "A", "contact": {"mail": "b"}}', NESTED)


def test_a_field_that_only_the_last_of_many_records_has_is_found(take: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clientela.extract.readers.json_reader.SAMPLED", 10)
    lines = [json.dumps({"id": i, "name": "x"}) for i in range(999)] + ['{"id":999,"name":"y","contact":{"email":"z"}}']
    assert take("x.jsonl", "\n".join(lines), NESTED).rows[1000] == ("999", "y", "z")


def test_a_list_of_records_is_read_element_by_element(take: Any) -> None:
    found = take("x.json", '[{"id": 1, "name": "A",\n "contact": {"email": "a"}}, {"id": 2, "name": "B"}, 7]', NESTED)
    assert found.rows == {1: ("1", "A", "a"), 2: ("2", "B", None)}
    assert found.unreadable == {3: "the element is no JSON object but ubigint"}


def test_a_list_inside_a_document_is_named_by_its_path(take: Any) -> None:
    document = '{"meta": {"n": 1}, "data":\n {"items": [{"id": 1, "name": "A", "contact": {"email": "a"}}]}}'
    assert take("x.json", document, {**NESTED, "json": {"records": "data.items"}}).rows == {1: ("1", "A", "a")}
    with pytest.raises(DeliveryError, match="it begins with an object that does not end on its line"):
        take("x.json", document, NESTED)
    with pytest.raises(
        DeliveryError, match=r"at json\.records = 'data.list' it holds nothing where a list is expected"
    ):
        take("x.json", document, {**NESTED, "json": {"records": "data.list"}})


def test_a_json_file_with_a_record_a_line_is_read_so(take: Any) -> None:
    assert set(take("x.json", '{"id": 1, "name": "A", "contact": {"email": "a"}}\n{"id": 2}', NESTED).rows) == {1, 2}


def test_a_list_that_breaks_off_refuses_the_batch(take: Any) -> None:
    with pytest.raises(DeliveryError, match="it is not whole JSON"):
        take("x.json", '[{"id": 1, "name": "A"}, {"id": 2, "na', NESTED)


def test_an_empty_list_is_no_rows_and_an_empty_file_is_a_fault(take: Any) -> None:
    assert take("x.json", "[]", NESTED).rows == {}
    for name in ("x.json", "x.jsonl"):
        with pytest.raises(DeliveryError, match="it is empty; not one record is there"):
            take(name, "", NESTED)


def test_names_may_hold_any_character(take: Any) -> None:
    record = json.dumps({"a/b~c": 1, "x.y": "dotted", 'q"r': {"$ s": "z"}})
    entity = {"key": "a/b~c", "columns": {"full_name": "x.y", "email": 'q"r.$ s'}}
    assert take("x.jsonl", record, entity).rows == {1: ("1", "dotted", "z")}


def test_fields_that_no_column_can_tell_apart_refuse_the_batch(take: Any) -> None:
    with pytest.raises(DeliveryError, match="'name' and 'Name', which no column can tell apart"):
        take("x.jsonl", '{"id": 1, "name": "a", "Name": "b"}', {"columns": {"full_name": "name"}})


def test_dictionaries_and_lists_stay_json(take: Any) -> None:
    prefs = {f"key {i}": i for i in range(300)}
    record = json.dumps({"id": 1, "prefs": prefs, "tags": ["a", {"b": 1}], "case": {"A": 1, "a": 2}})
    entity = {"columns": {"full_name": "tags", "email": "case", "phone": "prefs"}}
    found = take("x.jsonl", record, entity, "full_name", "email", "phone")
    assert json.loads(found.rows[1][0]) == ["a", {"b": 1}]
    assert json.loads(found.rows[1][1]) == {"A": 1, "a": 2}
    assert json.loads(found.rows[1][2]) == prefs


def test_an_expression_reads_nested_fields_by_their_quoted_path(take: Any) -> None:
    entity = {"columns": {"full_name": {"sql": 'upper("contact.name")'}}}
    assert take("x.jsonl", '{"id": 1, "contact": {"name": "ann"}}', entity, "full_name").rows == {1: ("ANN",)}


def test_json_is_decompressed_and_transcoded_like_all_text(take: Any) -> None:
    record = '{"id": 1, "name": "Ñ", "contact": {"email": "e"}}\n{"id": 2}\n'
    assert set(take("x.jsonl.gz", gzip.compress(record.encode()), NESTED).rows) == {1, 2}
    assert take("y.json", record.encode("utf-16"), {**NESTED, "encoding": "utf-16"}).rows[1][1] == "Ñ"


def test_a_cell_of_ten_megabytes_in_json_comes_whole(take: Any) -> None:
    record = json.dumps({"id": 1, "name": "x" * 10 * 1024**2, "contact": {"email": "e"}})
    assert len(take("x.jsonl", record, NESTED).rows[1][1]) == 10 * 1024**2
    assert len(take("x.json", f"[{record}]", NESTED).rows[1][1]) == 10 * 1024**2
