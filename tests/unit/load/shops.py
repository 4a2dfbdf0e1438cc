"""Random shops for the proofs that no line of money is lost: their rows, how their files are written, what must come of them.

What is expected is worked out here from the rows alone, in plain Python, with nothing of the loader.
"""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

#: (receipt, product, amount as delivered, status)
Row = tuple[str, str, str, str]
COLUMNS = ("receipt", "product", "amount", "status")
UNREADABLE = ("", "lots", "1.2.3")


@dataclass(frozen=True)
class Layout:
    """How the files of a shop are written."""

    kind: str
    delimiter: str
    decimal_style: str
    order: tuple[int, ...]
    names: tuple[str, ...]
    extra: bool

    def name(self, column: str) -> str:
        return self.names[COLUMNS.index(column)]

    def text(self, rows: list[Row]) -> str:
        columns = [*self.order] + ([len(COLUMNS)] if self.extra else [])
        written = [(*self._localised(row), f"note {number}") for number, row in enumerate(rows)]
        names = [*self.names, "note"]
        if self.kind == "jsonl":
            return "".join(json.dumps({names[i]: row[i] for i in columns}) + "\n" for row in written)
        lines = [names, *written]
        return "".join(self.delimiter.join(f'"{line[i]}"' for i in columns) + "\n" for line in lines)

    def _localised(self, row: Row) -> Row:
        receipt, product, amount, status = row
        if self.decimal_style == "comma" and amount not in UNREADABLE:
            amount = amount.replace(".", ",")
        return receipt, product, amount, status


@dataclass(frozen=True)
class Shop:
    """One source of order lines: its layout, its settings, and the files of each night."""

    layout: Layout
    repeats: str | None
    has_where: bool
    #: nights of files of rows
    nights: list[list[list[Row]]]

    @property
    def settings(self) -> dict[str, Any]:
        """The source, as in `clientela.yml`."""
        name = self.layout.name
        lines: dict[str, Any] = {
            "files": f"lines*.{self.layout.kind}",
            "key": [name("receipt"), name("product"), name("amount")],
            "columns": {
                "order_key": name("receipt"),
                "product_key": name("product"),
                "net_amount": name("amount"),
                "ordered_at": {"value": "2026-01-05"},
            },
        }
        if self.layout.kind == "csv":
            lines["csv"] = {"delimiter": self.layout.delimiter}
        if self.repeats:
            lines["repeats"] = self.repeats
        if self.has_where:
            lines["where"] = f"\"{name('status')}\" <> 'void'"
        return {"decimal_style": self.layout.decimal_style, "entities": {"transactions": lines}}


@dataclass(frozen=True)
class Expected:
    """What must come of the rows delivered so far."""

    delivered: int
    left_out: int
    quarantined: int
    money: Decimal
    unreadable: int
    #: what counts: how often each (receipt, product, amount)
    lines: Counter[tuple[str, str, Decimal]]


def expected(shop: Shop) -> Expected:
    """The accounting of all nights. A file whose content was delivered before is none."""
    files: list[list[Row]] = []
    seen: set[str] = set()
    for night in shop.nights:
        for file in night:
            text = shop.layout.text(file)
            if text not in seen:
                seen.add(text)
                files.append(file)
    rows = [row for file in files for row in file]
    lines: Counter[tuple[str, str, Decimal]] = Counter()
    quarantined = 0
    # a line that is void wherever it comes later counts no longer; amounts are part of its key
    for file in files:
        counted: Counter[tuple[str, str, Decimal]] = Counter()
        for receipt, product, amount, status in file:
            if shop.has_where and status == "void":
                continue
            if amount in UNREADABLE:
                quarantined += 1
                continue
            counted[receipt, product, Decimal(amount)] += 1
        if shop.repeats != "number":
            if shop.repeats is None:
                quarantined += sum(counted.values()) - len(counted)
            counted = Counter(dict.fromkeys(counted, 1))
        lines |= counted
    readable = [Decimal(row[2]) for row in rows if row[2] not in UNREADABLE]
    return Expected(
        len(rows),
        sum(shop.has_where and row[3] == "void" for row in rows),
        quarantined,
        sum(readable, Decimal(0)),
        len(rows) - len(readable),
        lines,
    )


def shops(repeats: str | None) -> st.SearchStrategy[Shop]:
    """A shop of some nights. Few receipts, products and amounts, and rows that are there up to three times, so that rows
    repeat and files overlap."""
    amounts = st.sampled_from(["1.00", "2.50", "-1.00", "1234.56", *UNREADABLE])
    # whether a line is void follows from its receipt: a line that is void today and was not yesterday is another proof
    rows = st.tuples(st.sampled_from("123"), st.sampled_from(["cap", "tie, red", "ñ"]), amounts, st.just("")).map(
        lambda row: (row[0], row[1], row[2], "void" if row[0] == "3" else "paid")
    )
    layouts = st.builds(
        Layout,
        kind=st.sampled_from(["csv", "jsonl"]),
        delimiter=st.sampled_from([",", ";", "|"]),
        decimal_style=st.sampled_from(["point", "comma"]),
        order=st.permutations(range(len(COLUMNS))).map(tuple),
        names=st.sampled_from(
            [COLUMNS, ("Nº Ticket", "Artículo", "Importe €", "Estado"), ("select", "from", "a b", "where")]
        ),
        extra=st.booleans(),
    )
    files = st.lists(st.tuples(rows, st.integers(1, 3)), min_size=2, max_size=5).map(
        lambda counted: [row for row, times in counted for _ in range(times)]
    )
    nights = st.lists(st.lists(files, min_size=1, max_size=2), min_size=1, max_size=3)
    return st.builds(Shop, layouts, st.just(repeats), st.booleans(), nights)
