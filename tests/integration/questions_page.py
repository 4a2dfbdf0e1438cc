"""The questions of docs/questions.md: what each asks, and whether it waits for a mart."""

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

PAGE = Path(__file__).parents[2] / "docs" / "questions.md"
_QUESTION = re.compile(
    r"^### \d+\. (.+?)\n+(?:\*Waits for `([\w.]+)`\.\*\n+)?```sql\n(.*?)```", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Question:
    """`waits_for`: the mart that is not there yet, by schema and name; empty for a question that can be asked."""

    text: str
    waits_for: str
    query: str


def questions() -> list[Question]:
    """All questions of the page, in its order."""
    return [
        Question(text, waits_for, query)
        for text, waits_for, query in _QUESTION.findall(PAGE.read_text(encoding="utf-8"))
    ]


def answers(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows that each question gets; a question that waits is not asked."""
    return {asked.text: len(connection.execute(asked.query).fetchall()) for asked in questions() if not asked.waits_for}
