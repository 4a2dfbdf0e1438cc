"""Whatever dirt a CSV file holds, each of its lines is found again: in a row, or in quarantine, at its own number."""

import csv
import itertools
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from reading import feed_of, prepared, read

from clientela.config.sources import CsvFormat
from clientela.errors import DeliveryError
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened, text
from clientela.extract.readers.csv_line_by_line import LONGEST_FIELD
from clientela.extract.readers.csv_lines import count
from clientela.extract.readers.csv_reader import open_csv
from clientela.warehouse.tables import READ_ANEW, connect

HEADER = b"id,name,email"
CLEAN = st.from_regex(rb"[a-z0-9 ]{1,6},[a-z0-9 ]{0,6},[a-z0-9 ]{0,6}", fullmatch=True)
QUOTED = st.from_regex(rb'[a-z]{1,3},"[a-z ,]{0,4}(\n|\r\n|"")?[a-z ,]{0,4}",[a-z]{0,3}', fullmatch=True)
ODD = st.lists(
    st.sampled_from([b"a", b"b", b",", b'"', b'""', b" ", b"\r", b"\x00", b"\xff", b"\xc3\xa9", b"\xe2\x82", b"x,y,z"]),
    max_size=8,
).map(b"".join)
LINE = st.one_of(CLEAN, CLEAN, CLEAN, QUOTED, ODD, st.just(b""))
ENDING = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r\n"])
DIRTY = st.lists(st.tuples(LINE, ENDING), max_size=12)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    duckdb.execute(READ_ANEW)
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "scratch").mkdir()
        yield Path(name)


def file_of(parts: list[tuple[bytes, bytes]], header: bytes = HEADER, ends: bool = True) -> bytes:
    data = header + b"\n" + b"".join(line + ending for line, ending in parts)
    return data if ends else data.rstrip(b"\r\n")


def taken(folder: Path, data: bytes, format_: CsvFormat | None = None) -> tuple[dict[int, list[str]], dict[int, str]]:
    """(rows by line, reasons by line) as the loader takes the file: fast where that adds up, carefully otherwise."""
    path = folder / "x.csv"
    path.write_bytes(data)
    scratch = folder / "scratch"
    for left in scratch.iterdir():
        left.unlink()
    parameters = Parameters()
    opened = open_csv(duckdb.default_connection(), path, format_ or CsvFormat(), parameters, scratch)
    rows: list[tuple[int, list[str]]] | None
    try:
        rows = rows_of(opened, parameters)
    except duckdb.Error:
        rows = None
    if rows is None or len(rows) != opened.expected_rows:
        assert opened.fallback_reader
        parameters = Parameters()
        opened = opened.fallback_reader(parameters)
        rows = rows_of(opened, parameters)
        assert len(rows) == opened.expected_rows
    unreadable = []
    if opened.unreadable:
        sql = f"select source_row, reason from {opened.unreadable}"
        unreadable = duckdb.execute(sql, parameters.used_in(sql)).fetchall()
    numbers = Counter([line for line, _ in rows] + [line for line, _ in unreadable])
    assert all(count == 1 for count in numbers.values()), f"a line stands for two: {numbers}"
    return dict(rows), dict(unreadable)


def rows_of(opened: Opened, parameters: Parameters) -> list[tuple[int, list[str]]]:
    columns = ", ".join(f"coalesce(\"{name}\", '')" for name in opened.delivery.columns)
    relation = opened.delivery.relation
    if opened.delivery.is_put_aside:
        aside = f"create or replace temp table put_aside as select * from {relation}"
        duckdb.default_connection().execute(aside, parameters.used_in(aside))
        relation = "put_aside"
    sql = f"select {opened.delivery.row_number}, [{columns}] from {relation}"
    return duckdb.execute(sql, parameters.used_in(sql)).fetchall()


def physical(data: bytes) -> list[bytes]:
    """The file's lines, the header first; a lone carriage return parts lines only where nothing else does."""
    data = data if b"\n" in data else data.replace(b"\r", b"\n")
    return [line.rstrip(b"\r") for line in data.split(b"\n")]


def check(data: bytes, rows: dict[int, list[str]], unreadable: dict[int, str]) -> None:
    lines = physical(data)
    covered: Counter[int] = Counter(list(unreadable))
    for start, fields in rows.items():
        breaks = sum(field.count("\n") for field in fields)
        covered.update(range(start, start + breaks + 1))
        whole = b"\n".join(lines[start - 1 : start + breaks]).decode()
        for field in fields:
            assert field.replace('"', '""') in whole or field in whole, "a value that its line does not hold"
        if '"' not in whole and not breaks:
            assert fields == whole.split(","), "a line without quotes is its fields"
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            assert covered[number] == 1, f"line {number} {line!r} is found {covered[number]} times"
        else:
            assert covered[number] <= 1


#: `make prove` asks for more
EXAMPLES = int(os.environ.get("CLIENTELA_EXAMPLES", "40"))
FUZZ = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(parts=DIRTY, ends=st.booleans())
@example(parts=[(b'a"b,"c,', b"\n"), (b"1,2,3", b"\n"), (b'"x",y,z', b"\n")], ends=True)
@example(parts=[(b"1,Smith, John,", b"\n"), (b'2,"a,b",c', b"\n")], ends=True)
@example(parts=[(b",,,", b"\n")], ends=False)
@example(parts=[(b"x,y,z\r", b"\r\n"), (b'"x","y","z"\r', b"\r\n")], ends=True)
@example(parts=[(b'"a', b"\n"), (b'b",2,3', b"\r\n"), (b"\r", b"\n"), (b"1,\r,3", b"\n")], ends=False)
@example(parts=[(b'"a,b,c', b"\n"), (b'"a,b,c', b"\n"), (b'"a,b,c', b"\n")], ends=True)
def test_each_line_is_found_once_at_its_own_number(folder: Path, parts: list[tuple[bytes, bytes]], ends: bool) -> None:
    data = file_of(parts, ends=ends)
    check(data, *taken(folder, data))


@FUZZ
@given(parts=DIRTY, size=st.integers(1, 40))
def test_where_the_reading_is_cut_into_blocks_changes_nothing(
    folder: Path, parts: list[tuple[bytes, bytes]], size: int
) -> None:
    data = file_of(parts)
    whole = taken(folder, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_CHUNK", size)
        assert taken(folder, data) == whole


@FUZZ
@given(
    rows=st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6), min_size=3, max_size=3),
        max_size=8,
    )
)
def test_what_a_spreadsheet_writes_comes_back_as_it_was(folder: Path, rows: list[list[str]]) -> None:
    path = folder / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(["id", "name", "email"])
        writer.writerows(rows)
    is_ambiguous = any(
        line.count(",") == 2 or line.count('"') for row in rows for field in row for line in field.split("\n")[1:]
    )
    read_rows, unreadable = taken(folder, path.read_bytes())
    check(path.read_bytes(), read_rows, unreadable)
    if not is_ambiguous:
        assert [read_rows[line] for line in sorted(read_rows)] == rows
        assert not unreadable


@FUZZ
@given(
    parts=st.lists(
        st.tuples(st.lists(st.sampled_from([b"a", b";", b"'", b'"', b" ", b"|"]), max_size=8).map(b"".join), ENDING),
        max_size=8,
    ),
    format_=st.sampled_from(
        [CsvFormat(delimiter=";", quote="'"), CsvFormat(delimiter="|", quote=""), CsvFormat(delimiter=" ")]
    ),
)
def test_other_delimiters_and_quotes_lose_no_line(
    folder: Path, parts: list[tuple[bytes, bytes]], format_: CsvFormat
) -> None:
    data = file_of(parts, header=format_.delimiter.encode().join([b"id", b"name"]))
    rows, unreadable = taken(folder, data, format_)
    covered = Counter(list(unreadable))
    for start, fields in rows.items():
        covered.update(range(start, start + 1 + sum(field.count("\n") for field in fields)))
    for number, line in enumerate(physical(data)[1:], 2):
        if line.strip():
            assert covered[number] == 1, f"line {number} {line!r} is found {covered[number]} times"


@settings(
    max_examples=max(EXAMPLES // 8, 5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=DIRTY, ends=st.booleans())
def test_each_line_is_in_the_candidate_or_unreadable(
    folder: Path, parts: list[tuple[bytes, bytes]], ends: bool
) -> None:
    data = file_of(parts, ends=ends)
    path = folder / "delivered.csv"
    path.write_bytes(data)
    scratch = folder / "own"
    scratch.mkdir(exist_ok=True)
    (folder / "w.duckdb").unlink(missing_ok=True)
    with prepared(folder / "w.duckdb") as connection:
        found = read(connection, feed_of(folder), path, scratch)
    lines = physical(data)
    multi = sum((str(value).count("\n") for row in found.rows.values() for value in row), 0)
    assert found.delivered + multi >= sum(1 for line in lines[1:] if line.strip())
    assert set(found.rows) | set(found.unreadable) <= set(range(2, len(lines) + 1))


@given(parts=DIRTY, ends=st.booleans(), size=st.integers(1, 30))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_are_counted_without_the_blank_ones_at_the_end(
    folder: Path, parts: list[tuple[bytes, bytes]], ends: bool, size: int
) -> None:
    data = file_of(parts, ends=ends)
    (folder / "count.csv").write_bytes(data)
    lines = data.split(b"\n")
    while lines and not lines[-1].strip(b"\r"):
        lines.pop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clientela.extract.readers.csv_lines._CHUNK", size)
        assert abs(count(folder / "count.csv", CsvFormat()).lines - len(lines)) <= (1 if b"\r" in data[-3:] else 0)


def test_a_scratch_file_that_is_written_again_is_read_again(tmp_path: Path) -> None:
    connection = connect(tmp_path / "w.duckdb")
    for number in range(20):
        duckdb.execute(f"copy (select {number} as n) to '{tmp_path}/rows.parquet'")
        assert connection.execute(f"from '{tmp_path}/rows.parquet'").fetchall() == [(number,)]
    connection.close()


def test_a_stray_quote_costs_its_line_and_no_other(folder: Path) -> None:
    lines = [b"%d,name %d,mail" % (i, i) for i in range(5000)]
    for stray in range(0, 5000, 97):
        lines[stray] = lines[stray].replace(b",n", b',"n', 1)
    rows, unreadable = taken(folder, b"\n".join([HEADER, *lines]))
    assert set(unreadable) == {stray + 2 for stray in range(0, 5000, 97)}
    assert set(unreadable.values()) == {"a quote is opened and not closed"}
    assert len(rows) == 5000 - len(unreadable)
    assert all(fields[0] == str(line - 2) for line, fields in rows.items())


def test_a_quote_that_never_closes_costs_one_line(folder: Path) -> None:
    lines = [b"1,a,b", b'2,"a,b', *[b"no record"] * (LONGEST_FIELD + 50), b"3,a,b"]
    rows, unreadable = taken(folder, b"\n".join([HEADER, *lines]))
    assert [fields[0] for fields in rows.values()] == ["1", "3"]
    assert unreadable[3] == "a quote is opened and not closed"
    assert len(unreadable) == LONGEST_FIELD + 51


def test_inches_are_no_quotes(folder: Path) -> None:
    rows, unreadable = taken(folder, HEADER + b'\n1,5" pipe,x\n2,"6"" pipe",y\n3, "z" ,w\n')
    assert list(rows.values()) == [["1", '5" pipe', "x"], ["2", '6" pipe', "y"], ["3", "z", "w"]]
    assert not unreadable


@pytest.mark.parametrize("neighbour", [b"2,b,c", b'2,"b,b",c', b'2,b,"c"'])
def test_surplus_fields_are_refused_even_if_they_are_empty(folder: Path, neighbour: bytes) -> None:
    rows, unreadable = taken(folder, HEADER + b"\n1,Smith, John,\n" + neighbour + b"\n3,c,d")
    assert set(rows) == {3, 4}
    assert unreadable == {2: "the line has 4 fields where the header has 3"}


def test_lone_carriage_returns_part_lines_where_nothing_else_does(folder: Path) -> None:
    rows, _ = taken(folder, b"id,name,email\r1,a,b\r2,c,d\r")
    assert rows == {2: ["1", "a", "b"], 3: ["2", "c", "d"]}


def test_a_cell_of_ten_megabytes_comes_whole(folder: Path) -> None:
    cell = b"x" * 10 * 1024**2
    rows, unreadable = taken(folder, HEADER + b"\n1,a,b\n2," + cell + b',"q"\n3,"' + cell + b'",d\n')
    assert [len(fields[1]) for fields in rows.values()] == [1, len(cell), len(cell)]
    assert not unreadable


def test_a_line_longer_than_any_cell_is_set_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_CHUNK", 1000)
    monkeypatch.setattr(text, "LONGEST_LINE", 5000)
    rows, unreadable = taken(folder, HEADER + b"\n1,a,b\n2," + b"x" * 9000 + b",d\n3,bad\n4,e,f\n")
    assert list(rows) == [2, 5]
    assert list(unreadable) == [3, 4]
    assert unreadable[3].startswith("the line is longer than")


def test_ten_thousand_unreadable_lines_are_all_kept(folder: Path) -> None:
    _, unreadable = taken(folder, HEADER + b"\n" + b"one field\n" * 25_000)
    assert set(unreadable) == set(range(2, 25_002))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "it is empty; not even a header is there"),
        (b"\n1,2,3\n", "it is empty; not even a header is there"),
        (b'id,"na\nme,email\n1,2,3\n', "its first line is not a header: a quote in it is opened and not closed"),
        (b"id,a\xf1o\n1,2\n", "its first line is not UTF-8; say its `encoding`, such as cp1252 or utf-16"),
    ],
)
def test_a_header_that_cannot_be_one_refuses_the_file(folder: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        taken(folder, data)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize("data", [b"id,name,email", b"id,name,email\n", b"\xef\xbb\xbfid,name,email\r\n\r\n"])
def test_a_header_alone_is_no_rows(folder: Path, data: bytes) -> None:
    assert taken(folder, data) == ({}, {})


def test_a_column_without_a_name_goes_by_its_place(folder: Path) -> None:
    path = folder / "x.csv"
    path.write_bytes(b",name,\n0,Ann,\n")
    opened = open_csv(duckdb.default_connection(), path, CsvFormat(), Parameters(), folder / "scratch")
    assert list(opened.delivery.columns) == ["column 1", "name", "column 3"]


def converted(folder: Path, text: str, net: object, rates: str, *columns: str) -> dict[int, tuple[object, ...]]:
    """Orders in several currencies, read with these rates: their columns by line."""
    path = folder / "orders.csv"
    path.write_text(text)
    entity = {"columns": {"order_key": "id", "net_amount": net, "ordered_at": "day", "currency": "cur"}}
    scratch = folder / "own"
    scratch.mkdir(exist_ok=True)
    (folder / "w2.duckdb").unlink(missing_ok=True)
    with prepared(folder / "w2.duckdb") as connection:
        connection.execute(f"insert into exchange_rates_now values {rates}")
        return read(connection, feed_of(folder, entity, "transactions"), path, scratch, *columns).rows


def test_rows_keep_their_lines_through_a_join_with_exchange_rates(folder: Path) -> None:
    currencies = itertools.cycle(["EUR", "USD", "GBP"])
    lines = [f"{i},{next(currencies)},10,2024-0{i % 9 + 1}-02" for i in range(30_000)]
    rates = "('USD', date '2024-01-01', 0.9), ('GBP', date '2024-05-01', 1.1)"
    rows = converted(folder, "\n".join(["id,cur,net,day", *lines]), "net", rates, "record_key")
    assert all(line == int(str(key)) + 2 for line, (key,) in rows.items())


def test_currencies_of_many_zeros_and_prices_of_gold_are_exact(folder: Path) -> None:
    """What a mapping multiplies, and a rate, may leave the 18 digits that DuckDB gives the product of two decimals."""
    text = "id,cur,price,units,day\n1,IDR,2500000.5,4000,2024-02-02\n2,XAU,30000.25,100,2024-02-02\n"
    net = {"sql": "number(price) * number(units)"}
    rates = "('IDR', date '2024-02-01', 0.0000581234), ('XAU', date '2024-02-01', 2012.5)"
    rows = converted(folder, text, net, rates, "source_net_amount", "net_amount")
    assert [rows[line] for line in (2, 3)] == [
        (Decimal("10000002000"), Decimal("581234.12")),
        (Decimal("3000025"), Decimal("6037550312.50")),
    ]
