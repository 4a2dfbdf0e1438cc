"""Every decision says when it was made, whether it holds, and what was not done instead."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "decisions.md").read_text(encoding="utf-8")
DECISIONS = TEXT.split("\n## ")[1:]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda text: text.splitlines()[0][:60])
def test_a_decision_bears_its_day_and_status(decision: str) -> None:
    status = decision.splitlines()[1]
    known = re.fullmatch(r"\*(Accepted|Replaced by .+,) \d{1,2} [A-Z][a-z]+ 20\d\d\.\*", status)
    assert known, f"{decision.splitlines()[0]}: {status}"
    if replaced := re.match(r"\*Replaced by (.+),", status):
        assert any(other.startswith(replaced[1]) for other in DECISIONS), replaced[1]
