"""What an expectation is: the words in which `expectations/` writes its suites.

Suites are data; `clientela.load.gate` reads and validates them.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Expect:
    """One expectation: a name that configuration and reports use, and the Great Expectations class that computes it.

    `on` says what it reads: "rows", the rows of the batch, or "batch_metrics", the one row of `clientela.load.gate.metrics`.
    """

    name: str
    type: str
    severity: Severity
    description: str
    column: str | None = None
    on: Literal["rows", "batch_metrics"] = "rows"
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def is_share(self) -> bool:
        """Whether some rows may be otherwise: a share between none and all."""
        if self.on == "rows":
            return bool(0 < self.arguments.get("mostly", 1) < 1)
        bound = self.arguments.get("max_value") or self.arguments.get("min_value")
        return bool((self.column or "").endswith("_share") and bound and 0 < bound < 1)


def given(column: str, severity: Severity, description: str, **arguments: Any) -> Expect:
    """A column has a value in every row, or in the share `mostly`."""
    return Expect(
        f"{column}_is_given", "ExpectColumnValuesToNotBeNull", severity, description, column, "rows", arguments
    )


def fact(
    name: str, severity: Severity, description: str, *, minimum: float | None = None, maximum: float | None = None
) -> Expect:
    """A measure of the batch within bounds; a measure that cannot be taken (null) passes."""
    arguments = {"min_value": minimum, "max_value": maximum}
    return Expect(name, "ExpectColumnMaxToBeBetween", severity, description, name, "batch_metrics", arguments)
