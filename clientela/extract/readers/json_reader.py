"""JSON: a list of records, records one a line, or a list inside a document; nested fields become columns by their path.

The record `{"id": 1, "contact": {"email": "a@b.c"}}` has the columns `id` and `contact.email`. Lists, and objects that are
dictionaries rather than records, stay JSON in one column. A field that a record lacks is null there; a field that no
record has is no column. Numbers come as text in the source's own decimal style, since all text is read that way; a whole
one has no decimals, so that 17.0 is the key that 17 is.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from clientela.config.sources import JsonFormat
from clientela.errors import DeliveryError
from clientela.extract.column_names import shown_names
from clientela.extract.delivery import Delivery
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.extract.readers.text import Block, UnreadableRows, as_utf8, blocks, lines_to_parquet
from clientela.extract.row_faults import LONGEST
from clientela.masking import without_values
from clientela.sql.quoting import quoted

#: bytes that one record, or a document with its records inside, may have
LARGEST_RECORD, LARGEST_DOCUMENT = 64 * 1024 * 1024, 512 * 1024 * 1024
#: records whose fields are looked through; a mapped field that none of them has is looked for in all
SAMPLED = 20_000
#: lists and objects inside each other; DuckDB gives up the whole database at some 300
DEEPEST = 100
#: fields of an object beyond which it is a dictionary, and stays JSON
MOST_FIELDS = 200
_PLACE = "clientela's own place"
_CHUNK = 8 * 1024 * 1024
_OPENING, _CLOSING = np.frombuffer(b"[{", np.uint8), np.frombuffer(b"]}", np.uint8)
_SPACES = "' ' || chr(9) || chr(10) || chr(13)"

Path_ = tuple[str, ...]


def open_json(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    settings: JsonFormat | None,
    parameters: Parameters,
    scratch: Path,
    *,
    is_lines: bool,
    encoding: str,
    decimal_style: str,
    wanted: Collection[str],
    allowed: int | None = None,
) -> Opened:
    """`wanted` are the columns that the mapping names: they are found even where only few records have them."""
    plain = as_utf8(path, encoding, scratch, allowed)
    rejected = UnreadableRows(scratch / "unreadable.parquet")
    records = scratch / "records.parquet"
    if is_lines and plain.stat().st_size == 0:
        raise DeliveryError("it is empty; not one record is there")
    if settings is not None or not (is_lines or _is_one_record_a_line(connection, plain)):
        with plain.open("rb") as file:
            if deepest(iter(lambda: file.read(_CHUNK), b"")) > DEEPEST:
                raise DeliveryError(f"it is nested more than {DEEPEST} levels deep")
        _unwrap(connection, plain, settings, records)
        what = "element"
    else:
        lines_to_parquet(plain, encoding, records, rejected, _too_deep)
        what = "line"
    read = f"read_parquet({parameters.bind(str(records))}, file_row_number = true)"
    kind = "try(json_type(line))"
    stated = f"(select file_row_number, line, {kind} as kind from {read} where trim(line, {_SPACES}) <> '')"
    columns, repeated = _columns(connection, records, wanted)
    pointers = [parameters.bind(_pointer(field)) for field in columns.values()]
    values = []
    for i, (name, pointer) in enumerate(zip(columns, pointers, strict=True), 1):
        value = f"v[{i}]"
        if decimal_style == "comma":
            text = f"cast({value} as varchar)"
            value = (
                f"case json_type({value}) when 'NULL' then null when 'VARCHAR' then {value} ->> '$' "
                f"when 'DOUBLE' then replace(regexp_replace({text}, '[.]0$', ''), '.', ',') else {text} end"
            )
        else:
            # a text that ends so is looked at again, since only its kind tells it from a number
            is_whole = f"ends_with({value}, '.0') and json_type(line, {pointer}) = 'DOUBLE'"
            value = f"case when {is_whole} then {value}[:-3] else {value} end"
        values.append(f"{value} as {quoted(name)}")
    extract = "json_extract" if decimal_style == "comma" else "json_extract_string"
    relation = (
        f"(select {', '.join(values)}, file_row_number + 1 as {quoted(_PLACE)} from "
        f"(select file_row_number, line, {extract}(line, [{', '.join(pointers)}]) as v from {stated} where kind = 'OBJECT'))"
    )
    refused = (
        f"select file_row_number + 1 as source_row, left(rtrim(line, {_SPACES}), {LONGEST}) as text, case when kind is null "
        f"then 'the {what} is not whole JSON' else 'the {what} is no JSON object but ' || lower(kind) end as reason "
        f"from {stated} where kind is distinct from 'OBJECT'"
    )
    causes = rejected.relation(parameters)
    if causes:
        refused += f" union all select source_row, text, reason from {causes}"
    delivery = Delivery(relation, dict.fromkeys(columns, "VARCHAR"), quoted(_PLACE), repeated=repeated)
    return Opened(delivery, unreadable=f"({refused})")


def deepest(chunks: Iterable[bytes]) -> int:
    """How deep lists and objects stand in each other, whether it is whole JSON or not; brackets inside texts do not count."""
    held, is_inside, depth, found = b"", 0, 0, 0
    for chunk in chunks:
        data = held + chunk
        # a backslash at the end may escape what comes next
        held = b"\\" * ((len(data) - len(data.rstrip(b"\\"))) % 2)
        data = data[: len(data) - len(held)].replace(b"\\\\", b"").replace(b'\\"', b"")
        codes = np.frombuffer(data, np.uint8)
        quotes = np.cumsum(codes == ord('"')) + is_inside
        steps = np.isin(codes, _OPENING).astype(np.int64) - np.isin(codes, _CLOSING)
        depths = depth + np.cumsum(np.where(quotes % 2 == 0, steps, 0))
        if len(codes):
            is_inside, depth, found = int(quotes[-1]) % 2, int(depths[-1]), max(found, int(depths.max()))
    return found


def _too_deep(block: Block) -> dict[int, str]:
    """The lines that are nested deeper than DuckDB can follow: looked at are those with so many brackets."""
    opening = np.isin(np.frombuffer(block.data, np.uint8), _OPENING)
    if opening.sum() <= DEEPEST:
        return {}
    many = np.add.reduceat(opening, block.starts, dtype=np.int64) > DEEPEST
    return {
        block.first + int(i): f"the line is nested more than {DEEPEST} levels deep"
        for i in np.flatnonzero(many)
        if deepest([block.data[block.starts[i] : block.ends[i]]]) > DEEPEST
    }


def _is_one_record_a_line(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """A file that begins with an object holds one a line, unless it is one document spread over lines."""
    first = next((line for block in blocks(path) for _, line in block.lines() if line.strip()), b"")
    if not first:
        raise DeliveryError("it is empty; not one record is there")
    if not first.lstrip().startswith(b"{"):
        return False
    text = first.decode("utf-8", "replace")
    if connection.execute("select json_valid(?)", [text]).fetchall()[0][0]:
        return True
    raise DeliveryError(
        "it begins with an object that does not end on its line: name the path of its list as `json: {records: …}`, or say "
        "`format: json_lines` if each line is a record"
    )


def _unwrap(connection: duckdb.DuckDBPyConnection, path: Path, settings: JsonFormat | None, into: Path) -> None:
    """Write the elements of the list one a row."""
    if settings is None:
        source = "select json as line from read_json_objects($path, format = 'array', maximum_object_size = $size)"
        values = {"path": str(path), "size": LARGEST_RECORD}
    else:
        pointer = _pointer(tuple(settings.records.split(".")))
        whole = "from read_json_objects($path, format = 'unstructured', maximum_object_size = $size)"
        values = {"path": str(path), "size": LARGEST_DOCUMENT, "pointer": pointer}
        source = f"select unnest(cast(json_extract(json, $pointer) as json[])) as line {whole}"
        try:
            found = connection.execute(f"select json_type(json, $pointer) {whole}", values).fetchall()
        except duckdb.Error as error:
            raise DeliveryError(f"it is not whole JSON ({_cause(error)})") from error
        if {kind for (kind,) in found} != {"ARRAY"}:
            kinds = ", ".join(sorted(kind.lower() if kind else "nothing" for (kind,) in found)) or "nothing"
            raise DeliveryError(f"at json.records = {settings.records!r} it holds {kinds} where a list is expected")
    try:
        connection.execute(
            f"copy (select cast(line as varchar) as line from ({source})) to $into (format parquet, compression lz4)",
            {**values, "into": str(into)},
        )
    except duckdb.Error as error:
        raise DeliveryError(f"it is not whole JSON ({_cause(error)})") from error


def _cause(error: duckdb.Error) -> str:
    """DuckDB's sentence without the scratch file's name."""
    said = re.sub(r'in file ".*?", ', "", str(error).splitlines()[0].split(": ", 1)[-1]).rstrip(". ")
    return without_values(said)


def _columns(
    connection: duckdb.DuckDBPyConnection, records: Path, wanted: Collection[str]
) -> tuple[dict[str, Path_], dict[str, str]]:
    """Column → its path in the record: those that the sampled records have, and the wanted ones that any has.

    Fields that differ in nothing but capital letters are no columns; beside them stands what is said where one is mapped.
    """
    every = max(
        connection.execute("select count(*) from read_parquet(?)", [str(records)]).fetchall()[0][0] // SAMPLED, 1
    )
    structures = connection.execute(
        """
        select distinct cast(json_structure(line) as varchar) from read_parquet(?, file_row_number = true)
        where file_row_number % ? = 0 and try(json_type(line)) = 'OBJECT'
        """,
        [str(records), every],
    ).fetchall()
    merged: dict[str, Any] = {}
    for (structure,) in structures:
        _merge(merged, json.loads(structure))
    columns: dict[str, Path_] = {}
    lowered: dict[str, list[str]] = {}
    for path in _leaves(merged, ()):
        name = ".".join(path)
        lowered.setdefault(name.lower(), []).append(name)
        columns[name] = path
    repeated = {}
    for lower, names in lowered.items():
        if len(names) > 1:
            shown = shown_names(names)
            repeated[lower] = f"the fields {shown[0]!r} and {shown[1]!r}, which no column can tell apart."
            for name in names:
                columns.pop(name, None)
    is_empty = not connection.execute("select count(*) from read_parquet(?)", [str(records)]).fetchall()[0][0]
    for name in wanted:
        path = tuple(name.split("."))
        if name.lower() not in lowered and (is_empty or _is_found(connection, records, path)):
            columns[name] = path
    if not columns:
        raise DeliveryError("not one of its records can be read")
    return columns, repeated


def _merge(into: dict[str, Any], structure: dict[str, Any]) -> None:
    for name, kind in structure.items():
        known = into.get(name)
        if isinstance(kind, dict):
            if not isinstance(known, dict):
                known = into[name] = {}
            _merge(known, kind)
        elif name not in into:
            into[name] = None


def _leaves(structure: dict[str, Any], above: Path_) -> Iterator[Path_]:
    for name, inner in structure.items():
        path = (*above, name)
        is_object = isinstance(inner, dict) and bool(inner)
        if is_object and len(inner) <= MOST_FIELDS and len({field.lower() for field in inner}) == len(inner):
            yield from _leaves(inner, path)
        else:
            yield path


def _is_found(connection: duckdb.DuckDBPyConnection, records: Path, path: Path_) -> bool:
    found = connection.execute(
        "select 1 from read_parquet(?) where try(json_exists(line, ?)) limit 1",
        [str(records), _pointer(path)],
    ).fetchall()
    return bool(found)


def _pointer(path: Path_) -> str:
    """The path as a JSON Pointer (RFC 6901), in which any name can stand."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)
