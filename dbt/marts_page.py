"""Writes docs/marts.md: every mart with its grain and the question that it answers, out of the YAML beside each mart.

`make docs` runs it; a test compares the page with the YAML. Nothing is worded here but the page's frame.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "marts.md"

#: the schemas of the published file in the order in which they are read, each with what it is about
SCHEMAS = {
    "customer": "who the customers are and what happened with them",
    "value": "what they bring and are expected to bring",
    "retention": "who stays, who leaves and why",
    "segment": "who is alike",
    "relationship": "whom one may contact, and what contact, service and sales came to",
    "objective": "what the company steers by, and whether its objectives are being met",
    "quality": "judgement and evidence: how far the figures can be trusted, and what they rest on",
    "operations": "what was delivered, refused and published",
}
_HEAD = """\
# The marts

Every table of the published file, its grain and the question that it answers. What each column means stands in the comments of
the file itself. This page is made of the YAML beside each mart: change that, and run `make docs`.

To begin with, `customer_today` has one row per customer with most of what is asked of them, and no join. Fifteen more answer most
other questions: `customers`, `customer_records`, `customer_timeline`, `interactions`, `contracts`; `orders`, `order_lines`,
`products`, `customer_value`, `customer_months`, `value_ledger`; `customer_retention`, `customer_movements`;
`customer_segments`; `contact_permissions`. No question of the business needs the schemas `quality` and `operations`: they say
how far to trust the answer. [names.md](names.md) says which mart stands where, and why.
"""


@dataclass(frozen=True)
class Mart:
    """One table of the published file."""

    schema: str
    name: str
    grain: str
    question: str


def marts() -> list[Mart]:
    """All marts, by schema and name; the grain is the first sentence of the description."""
    found = []
    for path in sorted((ROOT / "models" / "marts").glob("*/*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            grain = entry["description"].split(". ")[0].rstrip(".") + "."
            found.append(Mart(path.parent.name, entry["name"], grain, entry["config"]["meta"]["question"]))
    return found


def page(found: list[Mart]) -> str:
    """The page, one table per schema."""
    parts = [_HEAD]
    for schema, subject in SCHEMAS.items():
        rows = [f"| `{mart.name}` | {mart.grain} | {mart.question} |" for mart in found if mart.schema == schema]
        parts.append(
            "\n".join([f"## {schema}: {subject}", "", "| mart | grain | answers |", "| --- | --- | --- |", *rows, ""])
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(marts()), encoding="utf-8")
