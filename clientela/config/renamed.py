"""What of `clientela.yml` has another name now, or none: refused with the new name and the line, never taken for it.

A key that is renamed, or goes, and a column that rules may name, gets its line here and in CHANGELOG.md.
"""

import re
from collections.abc import Mapping
from typing import Any

from clientela.errors import ConfigError

#: key path, `*` for any one name in it → its name now; None where there is none
RENAMED: Mapping[str, str | None] = {
    "sources.*.entities.*.excel.day_numbers": "serial_dates",
}
#: column that the predicates of `segments.rules` could name → its name now
RENAMED_COLUMNS: Mapping[str, str] = {
    "contracts_running": "active_contracts",
    "has_withdrawn_contact": "has_withdrawn_consent",
    "rhythm_days": "expected_days_between_orders",
    "silence_multiple": "recency_ratio",
}


def refuse_renamed(file: str, values: Any, lines: Mapping[str, int]) -> None:
    """Raise ConfigError for the first name of an earlier version. `lines`: key path → its line."""
    for key_path, line in lines.items():
        for old, new in RENAMED.items():
            if re.fullmatch(re.escape(old).replace(r"\*", r"[^.]+"), key_path):
                advice = f"is called {new} now; rename it" if new else "is gone; take it out"
                raise ConfigError(f"{file}: {key_path} at line {line} {advice}.")
    for key_path, predicate in _predicates(values):
        # what is in quotes is a value
        for name in re.findall(r"\w+", re.sub(r"'[^']*'", "", predicate)):
            if new := RENAMED_COLUMNS.get(name.lower()):
                raise ConfigError(
                    f"{file}: {key_path} at line {lines[key_path]}: the column {name} is called {new} now; rename it."
                )


def _predicates(values: Any) -> list[tuple[str, str]]:
    """(key path, text) of every rule's predicate, whatever else is wrong with the values."""
    segments = values.get("segments")
    rules = segments.get("rules") if isinstance(segments, dict) else None
    return [
        (f"segments.rules.{number}.predicate", rule["predicate"])
        for number, rule in enumerate(rules if isinstance(rules, list) else [])
        if isinstance(rule, dict) and isinstance(rule.get("predicate"), str)
    ]
