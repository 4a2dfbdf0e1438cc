"""The delimiter of a CSV file: as its settings say (`csv.delimiter`), unless the file itself states one.

What stands where nobody has said is guessed in `clientela.onboard.propose.delimiter`, before anything is loaded.
"""

import re
from typing import BinaryIO

#: the line that Excel reads a file's delimiter from, and writes above none
_STATED_DELIMITER = re.compile(rb'"?sep=([^\x00-\x08\x0a-\x1f"\x80-\xff])"?', re.IGNORECASE)
_LONGEST_STATED = 16


def stated_delimiter(file: BinaryIO) -> str | None:
    """The delimiter that Excel's line `sep=;` states where the file stands at one, which is read then; else None."""
    start = file.tell()
    if (stated := _STATED_DELIMITER.fullmatch(file.readline(_LONGEST_STATED).rstrip(b"\r\n"))) is None:
        file.seek(start)
        return None
    return stated[1].decode()
