"""Values that a statement takes as parameters: bound by name, never pasted into its text."""

import re
from dataclasses import dataclass, field


@dataclass
class Parameters:
    """Values of one statement, named as they are bound, so that none is ever pasted into SQL."""

    values: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def used_in(self, sql: str) -> dict[str, object]:
        """The values that the statement names: DuckDB takes no others."""
        return {name: self.values[name] for name in set(re.findall(r"\$(p\d+)\b", sql))}
