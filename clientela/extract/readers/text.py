"""What all text files share: compression, encoding, and lines that are told apart without looking into them.

`as_utf8` gives a plain file in UTF-8 with the same lines; `blocks` walks over its lines; `lines_to_parquet` writes one row
a line, so that DuckDB can read what is inside. What a line means (fields, quotes, JSON) does not belong here.
"""

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from clientela.config.sources import EndOfTable
from clientela.errors import DeliveryError
from clientela.extract.parameters import Parameters
from clientela.extract.row_faults import LONGEST

#: bytes that one line may have
LONGEST_LINE = 32 * 1024 * 1024
#: bytes at a file's end in which a footer is looked for
LONGEST_FOOTER = 1024 * 1024
_CHUNK = 8 * 1024 * 1024
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_BOM = b"\xef\xbb\xbf"
#: undecodable bytes become this lone surrogate, which in turn becomes a byte that UTF-8 never holds
_MARK, _MARKING = "\udcff", "clientela.mark"
#: different letters that make it no chance that a file is valid UTF-8
_SEVERAL = 3
LINES = pa.schema([("line", pa.large_string())])
UNREADABLE = pa.schema([("source_row", pa.int64()), ("text", pa.string()), ("reason", pa.string())])


def too_large(allowed: int) -> str:
    """Why a packed file is refused that would fill the disk, as a few bytes can be made to do."""
    return (
        f"unpacked it is larger than the {allowed / 1e6:,.0f} MB that it may become; if it is meant to be, raise "
        "`inbox: {max_unpacked: …, max_unpacked_ratio: …}`"
    )


@contextmanager
def plain_bytes(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, decompressed where its first bytes say gzip or zstd, whatever its name."""
    with path.open("rb") as file:
        start = file.read(4)
    if start == _ZIP:
        raise DeliveryError("it is a ZIP archive; deliver its files unpacked, or compressed by gzip or zstd")
    try:
        if start.startswith(_GZIP):
            with gzip.open(path, "rb") as unzipped:
                yield cast(BinaryIO, unzipped)
        elif start == _ZSTD:
            with pa.OSFile(str(path)) as packed, pa.CompressedInputStream(packed, "zstd") as unpacked:
                yield unpacked
        else:
            with path.open("rb") as file:
                yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DeliveryError("its gzip data breaks off or is damaged; was it copied half?") from error
    except OSError as error:
        if start == _ZSTD and ("compressed stream" in str(error) or "ZSTD" in str(error)):
            raise DeliveryError("its zstd data breaks off or is damaged; was it copied half?") from error
        raise


def as_utf8(path: Path, encoding: str, scratch: Path, allowed: int | None = None) -> Path:
    """The file decompressed and in UTF-8, line by line the same; itself where it is so already.

    A line that the encoding cannot read keeps its place and holds a byte that UTF-8 forbids, so that it is found. Raises
    DeliveryError for UTF-8 under an encoding of one byte a character, which would read every byte of it as some letter,
    and for a packed file of more than `allowed` bytes unpacked.
    """
    is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    with path.open("rb") as file:
        start = file.read(4)
    is_plain = not start.startswith(_GZIP) and start not in (_ZSTD, _ZIP)
    if is_plain and is_utf8 and not start.startswith(_UTF16) and not _has_bare_returns_only(path):
        return path
    into = scratch / "utf8.txt"
    try:
        with plain_bytes(path) as source, into.open("wb") as target:
            decoder = None if is_utf8 else codecs.getincrementaldecoder(encoding)(errors=_marking())
            watch = _Utf8Watch(encoding) if _is_one_byte(encoding) else None
            is_first = True
            unpacked = 0
            while chunk := source.read(_CHUNK):
                unpacked += len(chunk)
                if allowed is not None and not is_plain and unpacked > allowed:
                    raise DeliveryError(too_large(allowed))
                if is_first and is_utf8 and chunk.startswith(_UTF16):
                    raise DeliveryError("it is written in UTF-16; say `encoding: utf-16`")
                if watch is not None:
                    watch.see(chunk)
                target.write(chunk if decoder is None else _encoded(decoder.decode(chunk)))
                is_first = False
            if watch is not None and watch.is_utf8:
                raise DeliveryError(f"it is written in UTF-8, not in {encoding}; say `encoding: utf-8`")
            if decoder is not None:
                target.write(_encoded(decoder.decode(b"", final=True)))
    except UnicodeError as error:
        # no single character is wrong: the whole is something else, such as UTF-16 without its mark
        raise DeliveryError(f"it is not written in {encoding}: {error}") from error
    if _has_bare_returns_only(into):
        with into.open("rb") as source, (scratch / "lines.txt").open("wb") as target:
            while chunk := source.read(_CHUNK):
                target.write(chunk.replace(b"\r", b"\n"))
        into.unlink()
        return scratch / "lines.txt"
    return into


def _is_one_byte(encoding: str) -> bool:
    """Whether the encoding has letters beyond ASCII, each of them one byte, as cp1252 has."""
    letters = bytes(range(128, 256)).decode(encoding, "ignore")
    return bool(letters) and len(letters.encode(encoding, "ignore")) == len(letters)


class _Utf8Watch:
    """Tells, chunk by chunk, whether what is declared as a one-byte encoding is UTF-8.

    It is if it begins with UTF-8's byte order mark; or if all of it is valid UTF-8, and what stands there as more than a
    byte is a letter of the declared encoding too, or several different ones. One alone proves nothing: `NESCAFÉ®` in
    cp1252 is valid UTF-8 by chance.
    """

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._found: set[str] = set()
        self._is_first, self._has_mark, self._is_likely = True, False, False

    @property
    def is_utf8(self) -> bool:
        return self._has_mark or (self._decoder is not None and self._is_likely)

    def see(self, chunk: bytes) -> None:
        if self._is_first:
            self._is_first, self._has_mark = False, chunk.startswith(_UTF8_BOM)
        if self._decoder is None or self._has_mark:
            return
        try:
            text = self._decoder.decode(chunk)
        except UnicodeDecodeError:
            self._decoder = None
            return
        if not self._is_likely and not text.isascii():
            self._found |= {letter for letter in set(text) if not letter.isascii()}
            is_shared = any(letter.encode(self.encoding, "ignore") for letter in self._found)
            self._is_likely = is_shared or len(self._found) >= _SEVERAL


def _marking() -> str:
    def mark(error: UnicodeError) -> tuple[str, int]:
        return _MARK, cast(UnicodeDecodeError, error).end

    codecs.register_error(_MARKING, mark)
    return _MARKING


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _has_bare_returns_only(path: Path) -> bool:
    """Lines that end with a lone carriage return, as old Macs wrote them: not one newline in the first of them."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if b"\n" in chunk:
                return False
            if b"\r" in chunk[:-1]:
                return _has_no_newline(path)
    return False


def _has_no_newline(path: Path) -> bool:
    with path.open("rb") as file:
        return all(b"\n" not in chunk for chunk in iter(lambda: file.read(_CHUNK), b""))


@dataclass(frozen=True)
class Block:
    """Whole lines of a file: line `first + i` is `data[starts[i]:ends[i]]`, its line break left out."""

    first: int
    data: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    #: the one line of this block is longer than a line may be; `data` is its beginning
    is_too_long: bool = False

    def __len__(self) -> int:
        return len(self.starts)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        for i, (start, end) in enumerate(zip(self.starts.tolist(), self.ends.tolist(), strict=True)):
            yield self.first + i, self.data[start:end]


def footer_of(path: Path, settings: EndOfTable, start: int, blanks: str) -> tuple[int, int]:
    """(where the records end, how many lines below are a footer): what the settings say to be none, looked for from the end.

    A line of nothing but `blanks` belongs to the footer below or above it, and is no footer by itself. Records begin at byte
    `start`; a footer has at most a megabyte.
    """
    end = path.stat().st_size
    if not settings.skip_footer and not settings.footer_starts_with:
        return end, 0
    first = max(start, end - LONGEST_FOOTER)
    with path.open("rb") as file:
        file.seek(first)
        lines = file.read().splitlines(keepends=True)
    starts = tuple(text.strip(blanks) for text in settings.footer_starts_with)
    at, found, passed, filled = end, 0, 0, 0
    for line in reversed(lines[first > start :]):
        at -= len(line)
        text = line.decode("utf-8", "replace").strip(blanks)
        passed += bool(line.strip())
        filled += bool(text)
        if text and filled > settings.skip_footer and not text.startswith(starts):
            break
        if text or found:
            end, found = at, passed
    return end, found


def part_of(path: Path, start: int, end: int, scratch: Path) -> Path:
    """The file's bytes between two places, as a file of its own."""
    into = scratch / "part.txt"
    with path.open("rb") as source, into.open("wb") as target:
        source.seek(start)
        left = end - start
        while left > 0 and (chunk := source.read(min(_CHUNK, left))):
            target.write(chunk)
            left -= len(chunk)
    return into


def blocks(path: Path, before: int = 0) -> Iterator[Block]:
    """All lines in order, the last one too if it lacks its line break; without a byte order mark.

    `before`: lines of the delivered file that stand before this one's first.
    """
    number, held = before + 1, b""
    with path.open("rb") as file:
        if file.read(3) != _UTF8_BOM:
            file.seek(0)
        while chunk := file.read(_CHUNK):
            held += chunk
            cut = held.rfind(b"\n") + 1
            if cut:
                block = _block(number, held[:cut])
                yield block
                number += len(block)
                held = held[cut:]
            elif len(held) > LONGEST_LINE:
                while chunk and b"\n" not in chunk:
                    chunk = file.read(_CHUNK)
                yield Block(number, held[:LONGEST_LINE], np.array([0]), np.array([LONGEST_LINE]), is_too_long=True)
                number += 1
                held = chunk[chunk.find(b"\n") + 1 :] if chunk else b""
    if held:
        yield _block(number, held)


def _block(first: int, data: bytes) -> Block:
    codes = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(codes == 10).astype(np.int64)
    if not data.endswith(b"\n"):
        breaks = np.append(breaks, len(data))
    starts = np.concatenate([np.zeros(1, np.int64), breaks[:-1] + 1])
    ends = breaks
    while np.any(has_return := (ends > starts) & (codes[ends - 1] == 13)):
        ends = ends - has_return
    return Block(first, data, starts, ends)


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are valid UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


#: line → why it is refused, for the lines of a block that a format cannot take
Refuse = Callable[[Block], Mapping[int, str]]


def lines_to_parquet(
    path: Path, encoding: str, into: Path, unreadable: "UnreadableRows", refuse: Refuse = lambda _: {}
) -> int:
    """Write one row a line, null for a line that cannot be read; gives how many lines there are."""
    lines = 0
    with pq.ParquetWriter(into, LINES, compression="lz4") as writer:
        for block in blocks(path):
            writer.write_batch(pa.record_batch([_line_array(block, encoding, unreadable, refuse(block))], schema=LINES))
            lines += len(block)
    return lines


def _line_array(
    block: Block, encoding: str, unreadable: "UnreadableRows", refused: Mapping[int, str]
) -> pa.LargeStringArray:
    if not (block.is_too_long or refused) and is_utf8(block.data):
        offsets = np.append(block.starts, len(block.data))
        return pa.LargeStringArray.from_buffers(len(block), pa.py_buffer(offsets), pa.py_buffer(block.data))
    lines: list[str | None] = []
    for number, line in block.lines():
        reason = too_long() if block.is_too_long else refused.get(number) if is_utf8(line) else undecodable(encoding)
        if reason:
            unreadable.add(number, shown(line), reason)
        lines.append(None if reason else line.decode())
    return pa.array(lines, pa.large_string())


def too_long() -> str:
    """Why a line is refused that no cell of a business ever fills."""
    return f"the line is longer than {LONGEST_LINE // 1024**2} MB"


def undecodable(encoding: str) -> str:
    """Why a line is refused whose bytes are no text in the file's encoding."""
    return f"the line is not valid {encoding.upper()}"


def shown(line: bytes) -> str:
    """The line's beginning, as quarantine shows it."""
    return line[: 4 * LONGEST].decode("utf-8", "replace")[:LONGEST]


class UnreadableRows:
    """Collects rows that could not be parsed in a Parquet file, so that a file of nothing else does not fill the memory."""

    def __init__(self, into: Path) -> None:
        self.path = into
        self.count = 0
        self._held: list[tuple[int, str, str]] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, row: int, text: str, reason: str) -> None:
        self._held.append((row, text, reason))
        self.count += 1
        if len(self._held) >= 10_000:
            self._flush()

    def relation(self, parameters: Parameters) -> str | None:
        """What was collected, as a relation; None if there was nothing."""
        self._flush()
        if self._writer is None:
            return None
        self._writer.close()
        return f"(select source_row, text, reason from read_parquet({parameters.bind(str(self.path))}))"

    def _flush(self) -> None:
        if self._held:
            self._writer = self._writer or pq.ParquetWriter(self.path, UNREADABLE)
            rows, texts, reasons = zip(*self._held, strict=True)
            self._writer.write_table(pa.table([pa.array(rows), pa.array(texts), pa.array(reasons)], schema=UNREADABLE))
            self._held.clear()
