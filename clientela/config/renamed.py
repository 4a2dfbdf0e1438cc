"""Keys of `clientela.yml` that have another name now, or none: told with the new name and the line, never taken for it.

A key that is renamed, or goes, gets its line here and in CHANGELOG.md.
"""

import re
from collections.abc import Mapping

from clientela.errors import ConfigError

#: key path, `*` for any one name in it → its name now; None where there is none
RENAMED: Mapping[str, str | None] = {
    "sources.*.entities.*.excel.day_numbers": "serial_dates",
}


def refuse_renamed(file: str, key_path: str, line: int, renamed: Mapping[str, str | None] = RENAMED) -> None:
    """Raise ConfigError if the key is one of an earlier version."""
    for old, new in renamed.items():
        if re.fullmatch(re.escape(old).replace(r"\*", r"[^.]+"), key_path):
            told = f"is called {new} now; rename it" if new else "is gone; take it out"
            raise ConfigError(f"{file}: {key_path} at line {line} {told}.")
