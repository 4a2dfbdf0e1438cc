"""Random dirt of every kind at every rate, in every kind of text file, through the gate: each delivered line is found again.

A line is found in raw, or in quarantine with its reason, or, where the whole batch was refused, in the kept copy of the
batch; never in two of them, and never nowhere. What was clean and loaded is loaded as it was.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clientela.extract.feeds import feeds_of
from clientela.load.outcome import Outcome
from clientela.pipeline.open_run import open_run
from tests.conftest import NOW, SHOP, Company

COLUMNS = ["receipt", "line", "customer", "product", "net", "sold_at"]
WIDTHS = [8, 3, 8, 10, 14, 20]
Record = list[str]


def _clean(n: int) -> Record:
    return [f"r{n}", "1", f"c{n % 5}", "bread", f"{n % 90}.50", f"2026-01-{n % 28 + 1:02d} 10:00:00"]


def _with(place: int, *values: str) -> Callable[[random.Random, Record], Record]:
    return lambda chance, row: [*row[:place], chance.choice(values), *row[place + 1 :]]


#: what goes wrong inside a record
FIELDS: dict[str, Callable[[random.Random, Record], Record]] = {
    "amount": _with(4, "two", "1.2.3", "1,5", "", "9" * 40, "NaN", "inf", "1e400", "--1", "٣"),
    "time": _with(5, "yesterday", "2026-02-30 10:00:00", "", "2026-03-29 02:30:00", "0001-01-01", "31/12/2025", "1e9"),
    "key": _with(0, "", " ", "r1", "r2", "\u200b", "0"),
    "text": _with(3, "'; drop table x; --", "=1+1", "\\", "á\u0301", "🦆", "null", "x" * 5000, "{}", "%s", "\u2028"),
    "all empty": lambda chance, row: [""] * len(row),
}
#: what goes wrong with the line that a record became
BYTES: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "cut": lambda chance, line: line[: chance.randrange(len(line) + 1)],
    "doubled": lambda chance, line: line + line,
    "quote": lambda chance, line: _inserted(chance, line, b'"'),
    "delimiter": lambda chance, line: _inserted(chance, line, b","),
    "no text": lambda chance, line: _inserted(chance, line, bytes([chance.choice([0xFF, 0xC3, 0xE2, 0x80])])),
    "nul": lambda chance, line: _inserted(chance, line, b"\0"),
    "return": lambda chance, line: _inserted(chance, line, b"\r"),
    "noise": lambda chance, line: (
        chance.randbytes(chance.randrange(30)).replace(b"\n", b"").replace(b"\r", b"") or b"x"
    ),
}


def _inserted(chance: random.Random, line: bytes, what: bytes) -> bytes:
    at = chance.randrange(len(line) + 1)
    return line[:at] + what + line[at:]


def _csv(row: Record) -> bytes:
    return ",".join('"' + c.replace('"', '""') + '"' if set(c) & set(',"\n') else c for c in row).encode()


def _json(row: Record) -> bytes:
    return json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False).encode()


def _fixed(row: Record) -> bytes:
    return "".join(c[:w].ljust(w) for c, w in zip(row, WIDTHS, strict=True)).encode()


#: kind → (file, settings, header, how a record is written)
KINDS = {
    "csv": ("x.csv", {}, ",".join(COLUMNS).encode() + b"\n", _csv),
    "json lines": ("x.jsonl", {}, b"", _json),
    "fixed": (
        "x.dat",
        {"format": "fixed", "fixed": {
            "columns": {c: [sum(WIDTHS[:i]) + 1, WIDTHS[i]] for i, c in enumerate(COLUMNS)}, "line_length": sum(WIDTHS),
        }},
        b"", _fixed,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    import yaml

    made = Company(tmp_path_factory.mktemp("dirt"))
    made.config_path.write_text(yaml.safe_dump(SHOP), encoding="utf-8")
    yield made


def _loaded(company: Company, kind: str, data: bytes) -> tuple[Outcome, Path]:
    """Load the file as the only one of a new warehouse; the outcome, and where a refused batch is kept."""
    name, options, _, _ = KINDS[kind]
    for file in (
        company.config.warehouse,
        *company.config.data.glob("quarantine/*"),
        *company.config.data.glob("landing/**/*.*"),
    ):
        file.unlink(missing_ok=True)
    entity = {**SHOP["sources"]["till"]["entities"]["transactions"], "files": name, **options}
    company.change(lambda s: s["sources"]["till"].update(entities={"transactions": entity}))
    company.write(name, data)
    with open_run(company.config, now=NOW) as run:
        (feed,) = feeds_of(company.config)
        outcome = run.load(feed)[-1]
    return outcome, company.config.data / "quarantine" / f"{outcome.batch_id or 0:06d}-till-transactions.parquet"


EXAMPLES = int(os.environ.get("CLIENTELA_EXAMPLES", "60"))


@pytest.mark.prove
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 120),
    rate=st.sampled_from([0.0, 0.005, 0.02, 0.1, 0.3, 0.7, 1.0]),
    kinds=st.lists(st.sampled_from([*FIELDS, *BYTES]), min_size=1, max_size=5, unique=True),
    chance=st.randoms(use_true_random=False),
    ending=st.sampled_from([b"\n", b"\r\n"]),
    ends=st.booleans(),
)
def test_each_delivered_line_is_found_again(
    company: Company,
    kind: str,
    rows: int,
    rate: float,
    kinds: list[str],
    chance: random.Random,
    ending: bytes,
    ends: bool,
) -> None:
    _, _, header, write = KINDS[kind]
    lines, dirty = [], set()
    for n in range(rows):
        row, fault = _clean(n), chance.choice(kinds)
        is_dirty = chance.random() < rate
        if is_dirty and fault in FIELDS:
            row = FIELDS[fault](chance, row)
        line = write(row)
        if is_dirty and fault in BYTES:
            line = BYTES[fault](chance, line)
        lines.append(line)
        if is_dirty:
            dirty.add(n)
    data = header + ending.join(lines) + (ending if ends else b"")
    # a stray quote or return in CSV may take what follows with it
    is_by_line = kind != "csv" or not {"quote", "return", "cut", "noise"} & set(kinds)
    outcome, kept = _loaded(company, kind, data)
    first = 2 if header else 1
    physical = data.split(b"\n")
    wanted = {number for number, line in enumerate(physical, 1) if line.strip() and number >= first}
    if outcome.status == "refused" and not kept.exists():
        # not a line of it could be read, and the delivered file itself is kept as it landed
        assert outcome.reason and kept.parent.parent.joinpath("landing").exists()
        return
    if outcome.status == "refused":
        assert company.warehouse("select count(*) from raw.transactions") == [(0,)]
        found = Counter(
            row[0] for row in duckdb.execute("select source_row from read_parquet(?)", [str(kept)]).fetchall()
        )
        without_reason = duckdb.execute(
            "select count(*) from read_parquet(?) where record_id is null and faults is null", [str(kept)]
        ).fetchall()
        assert without_reason == [(0,)]
    else:
        assert outcome.delivered == outcome.loaded + outcome.unchanged + outcome.quarantined
        raw = [row[0] for row in company.warehouse("select source_row from raw.transactions")]
        aside = {
            row[0] for row in company.warehouse("select source_row from ledger.quarantined_rows where reason <> ''")
        }
        assert len(raw) == outcome.loaded and len(aside) == outcome.quarantined
        found = Counter([*raw, *aside])
        unchanged = outcome.unchanged
        cells = company.warehouse("select concat(order_key, product_key, customer_key) from raw.transactions")
        spans = sum(text.count("\n") for (text,) in cells)
        missing = wanted - set(found)
        assert len(missing) <= unchanged + spans, f"lines {sorted(missing)} are nowhere"
        loaded = dict(company.warehouse("select record_key, cast(net_amount as double) from raw.transactions"))
        for n in set(range(rows)) - dirty:
            if f"r{n}|1" in loaded and is_by_line:
                assert loaded[f"r{n}|1"] == float(_clean(n)[4])
    assert all(count == 1 for count in found.values()), "a line is found twice"
    assert set(found) <= wanted, "a line that was not delivered"
    if outcome.status == "refused" and is_by_line:
        assert set(found) == wanted
