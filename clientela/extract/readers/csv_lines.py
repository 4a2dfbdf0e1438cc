"""How many lines and delimiters a CSV file has, without parsing it."""

from dataclasses import dataclass
from pathlib import Path

from clientela.config.sources import CsvFormat

_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True)
class Counted:
    """What a file's bytes tell without parsing: its lines, and what stands in them."""

    lines: int
    delimiters: int
    has_quotes: bool


def count(path: Path, settings: CsvFormat) -> Counted:
    """Physical lines: the last one too if it lacks its line break, but not blank ones that the file ends with."""
    delimiter, quote = settings.delimiter.encode(), settings.quote.encode()
    lines, delimiters, trailing, is_empty, has_quotes = 0, 0, 0, True, False
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            lines += chunk.count(b"\n")
            delimiters += chunk.count(delimiter)
            has_quotes = has_quotes or bool(quote and quote in chunk)
            text = chunk.rstrip(b"\r\n")
            ending = chunk.count(b"\n", len(text))
            trailing = ending if text else trailing + ending
            is_empty = False
    lines = lines - max(trailing - 1, 0) + (trailing == 0 and not is_empty)
    return Counted(lines, delimiters, has_quotes)
