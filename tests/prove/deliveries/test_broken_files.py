"""Files as they really arrive: cut off, emptied, half copied, renamed, sent again, in another encoding, with another header.

What is proved of each: no line is lost without a word, what is loaded is what was there, and once the whole file is
delivered everything is as if it had come whole at once.
"""

import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from clientela.extract.feeds import feeds_of
from clientela.load.outcome import Outcome
from clientela.pipeline.open_run import open_run
from tests.conftest import NOW, Company, marts

COLUMNS = ["receipt", "line", "customer", "product", "net", "sold_at"]
ROWS = [
    [str(n), "1", f"c{n % 7}", f"p{n % 5}", f"{n}.25", f"2026-01-{n % 28 + 1:02d} 12:{n % 60:02d}:00"]
    for n in range(60)
]
WIDTHS = [6, 3, 6, 8, 10, 19]


def _text(separator: str = ",") -> bytes:
    return "".join(separator.join(row) + "\n" for row in [COLUMNS, *ROWS]).encode()


def _lines() -> bytes:
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in ROWS).encode()


def _list() -> bytes:
    return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in ROWS], indent=1).encode()


def _fixed() -> bytes:
    return "".join("".join(c.ljust(w) for c, w in zip(row, WIDTHS, strict=True)) + "\n" for row in ROWS).encode()


def _excel() -> bytes:
    with io.BytesIO() as file:
        with xlsxwriter.Workbook(file) as workbook:
            sheet = workbook.add_worksheet()
            for n, row in enumerate([COLUMNS, *ROWS]):
                sheet.write_row(n, 0, row)
        return file.getvalue()


def _by_duckdb(form: str) -> bytes:
    with duckdb.connect() as connection:
        connection.execute(f"create table t ({', '.join(f'{c} varchar' for c in COLUMNS)})")
        connection.executemany(f"insert into t values ({', '.join('?' * len(COLUMNS))})", ROWS)
        path = Path("written")
        connection.execute(f"copy t to '{path}' ({form})")
        try:
            return path.read_bytes()
        finally:
            path.unlink()


#: kind → (file name, its settings, the whole file)
KINDS: dict[str, tuple[str, dict[str, Any], Callable[[], bytes]]] = {
    "csv": ("sales.csv", {}, _text),
    "csv.gz": ("sales.csv.gz", {}, lambda: gzip.compress(_text())),
    "csv.zst": ("sales.csv.zst", {}, lambda: _by_duckdb("header, compression zstd")),
    "json lines": ("sales.jsonl", {}, _lines),
    "json": ("sales.json", {}, _list),
    "fixed": (
        "sales.dat",
        {"format": "fixed", "fixed": {
            "columns": {c: [sum(WIDTHS[:i]) + 1, WIDTHS[i]] for i, c in enumerate(COLUMNS)}, "line_length": sum(WIDTHS),
        }},
        _fixed,
    ),
    "excel": ("sales.xlsx", {}, _excel),
    "parquet": ("sales.parquet", {}, lambda: _by_duckdb("format parquet")),
}  # fmt: skip


def load(company: Company) -> Outcome:
    """Load the transactions only, as a night would."""
    with open_run(company.config, now=NOW) as run:
        (feed,) = [f for f in feeds_of(company.config) if f.entity.name == "transactions"]
        return run.load(feed)[-1]


def in_force(company: Company) -> list[tuple[Any, ...]]:
    return company.warehouse(
        """
        select record_key, customer_key, product_key, net_amount, epoch_us(ordered_at) from raw.transactions
        where batch_id in (select batch_id from ledger.loads where status = 'loaded')
        qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1 and not is_deleted
        order by record_key
        """
    )


@pytest.mark.prove
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_and_then_sent_whole_is_as_if_it_had_come_whole(
    shop: Company, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(shop.folder)
    name, settings, make = KINDS[kind]
    whole = make()
    (shop.folder / "sales_1.csv").unlink()
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(files=name, **settings))
    shop.write(name, whole)
    assert load(shop).loaded == len(ROWS)
    expected = in_force(shop)
    chance = random.Random(kind)
    for cut in [0, 1, len(whole) - 1, *(chance.randrange(2, len(whole) - 1) for _ in range(5))]:
        company = Company(tmp_path_factory.mktemp("cut"))
        company.write("clientela.yml", shop.config_path.read_bytes())
        company.write(name, whole[:cut])
        outcome = load(company)
        assert outcome.status in ("loaded", "refused"), f"cut at {cut}"
        if outcome.status == "loaded":
            assert outcome.delivered == outcome.loaded + outcome.quarantined
            known = set(expected)
            strange = [row for row in in_force(company) if row not in known]
            assert len(strange) <= 1, f"cut at {cut}: only the line that was cut may differ"
        else:
            assert name in outcome.reason or "quarantined_share" in outcome.reason
            assert in_force(company) == []
        company.write(name, whole)
        assert load(company).status in ("loaded", "nothing new")
        assert in_force(company) == expected, f"cut at {cut}"


@pytest.mark.prove
def test_a_snapshot_cut_off_and_sent_whole_brings_back_what_had_vanished(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(delivery="snapshot"))
    shop.write("sales_1.csv", _text())
    load(shop)
    expected = in_force(shop)
    for share in (0.3, 0.9, 0.6):
        cut = _text()[: int(len(_text()) * share)]
        shop.write("sales_1.csv", cut[: cut.rindex(b"\n") + 1])
        load(shop)
        shop.write("sales_1.csv", _text())
        load(shop)
        assert in_force(shop) == expected


@pytest.mark.prove
def test_a_week_of_broken_deliveries_ends_as_a_week_of_whole_ones(
    shop: Company, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop.change(lambda s: s.update(publish={"personal_data": "full"}))
    shop.night()
    whole = (
        ",".join(COLUMNS) + "\n" + "".join(f"9{n},1,a,bread,{n}.50,2026-02-{n + 10:02d} 09:00:00\n" for n in range(9))
    )
    customers = "customer,name,email,changed\na,Ana Peña,ana@example.com,2026-02-03 08:00:00\n"
    broken: dict[str, tuple[str, str | bytes, int, int]] = {
        "emptied": ("sales_2.csv", b"", 4, 4),
        "half copied": ("sales_2.csv", whole[: len(whole) // 2], 0, 0),
        "a header alone": ("sales_3.csv", ",".join(COLUMNS) + "\n", 0, 0),
        "whole": ("sales_2.csv", whole, 0, 0),
        "under another name": ("sales_4.csv", whole, 0, 0),
        "sent again": ("sales_1.csv", (shop.folder / "sales_1.csv").read_bytes(), 0, 0),
        "a renamed column": ("sales_5.csv", whole.replace("net", "amount"), 4, 4),
        "the column mended": ("sales_5.csv", whole, 0, 0),
        "another encoding": ("customers_2.csv", customers.encode("cp1252"), 3, 3),
        "the right encoding": ("customers_2.csv", customers, 0, 0),
    }
    for case, (name, content, *expected) in broken.items():
        before = marts(shop)
        shop.write(name, content)
        report = shop.night()
        assert report.exit_code in expected, f"{case}: {report.message}"
        if report.exit_code in (3, 4):
            assert marts(shop)["value.order_lines"] == before["value.order_lines"], case
            reasons = [source.reason for source in report.sources]
            assert any(name in reason or "quarantined_share" in reason for reason in reasons), case
        if case in ("under another name", "sent again", "a header alone", "the column mended"):
            assert marts(shop)["value.order_lines"] == before["value.order_lines"], case
    (shop.folder / "sales_3.csv").unlink()
    undisturbed = Company(tmp_path_factory.mktemp("undisturbed"))
    for path in [*shop.folder.glob("*.csv"), shop.config_path]:
        undisturbed.write(path.name, path.read_bytes())
    undisturbed.night()
    assert marts(shop) == marts(undisturbed)


NAMES = ["Ana", "Íñigo Peña", "Zoë €uro", "Łukasz", "Øystein", "plain", *(f"row {n}" for n in range(30))]


@pytest.mark.prove
@pytest.mark.parametrize("configured", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize(
    "delivered", ["utf-8", "utf-8-sig", "cp1252", "iso8859-2", "cp850", "utf-16", "utf-16-le", "utf-32"]
)
def test_a_wrong_encoding_is_refused_or_quarantined_and_loses_nothing(
    shop: Company, delivered: str, configured: str
) -> None:
    lines = [f"{n},{name},,2026-01-01 08:00:00" for n, name in enumerate(NAMES)]
    text = "\n".join(["customer,name,email,changed", *lines]) + "\n"
    shop.write("customers.csv", text.encode(delivered, "replace"))
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(encoding=configured))
    with open_run(shop.config, now=NOW) as run:
        (feed,) = [f for f in feeds_of(shop.config) if f.entity.name == "customers"]
        outcome = run.load(feed)[-1]
    loaded = dict(shop.warehouse("select cast(record_key as integer), full_name from raw.customers"))
    if outcome.status == "refused":
        assert loaded == {} and outcome.reason
        return
    assert not (configured == "cp1252" and delivered.startswith("utf-8")), "UTF-8 is not loaded as something else"
    assert outcome.delivered == outcome.loaded + outcome.quarantined == len(NAMES)
    plain = {n: name for n, name in enumerate(NAMES) if name.isascii()}
    readable = {n for n, name in enumerate(NAMES) if name.encode(delivered, "replace").isascii()}
    assert {n: loaded[n] for n in plain} == plain
    if configured.removesuffix("-sig") == delivered.removesuffix("-sig"):
        assert outcome.loaded == len(NAMES)
        assert loaded == {n: name.encode(delivered, "replace").decode(delivered) for n, name in enumerate(NAMES)}
    if configured == "utf-8" and not delivered.startswith("utf"):
        assert set(loaded) == readable, "what is no UTF-8 is quarantined, not guessed"
