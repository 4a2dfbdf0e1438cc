"""Cells, file names and headers meant to do harm: they come out as they went in, and do nothing on the way."""

import pytest

from tests.conftest import Company

CELLS = [
    '=HYPERLINK("http://example.com";"click")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1,1)",
    'a "quoted" name', "O'Brien", "'; drop table raw.transactions; --", '"; detach warehouse; --', "'' or 1=1",
    "../../../../etc/passwd", "C:\\Windows\\system32", "file:///etc/passwd", "$(rm -rf ~)", "`id`", "${HOME}", "%s%n%d",
    "{{ 7 * 7 }}", "{% raw %}", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "$secret", "$1", "?", ":name",
    "null", "NULL", "NaN", "a\tb", "\u202egnp.exe", "\u200b", "ﬃ", "🦆" * 50, "a,b;c|d", "line one\nline two",
    "x" * 10 * 1024 * 1024,
]  # fmt: skip


def _field(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def hostile_night(shop: Company, cells: list[str]) -> None:
    """A night over cells, a file name and a column name that are hostile; asserts that they come out unchanged."""
    shop.change(lambda s: s.update(publish={"personal_data": "full"}))
    column = "na\"me'; drop table x; --{{ x }}"
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"]["columns"].update(full_name=column))
    shop.write(
        "customers.csv",
        f"customer,{_field(column)},email,changed\n"
        + "".join(f"h{n},{_field(cell)},h{n}@example.com,2026-01-01 08:00:00\n" for n, cell in enumerate(cells)),
    )
    keys = [cell for cell in cells if len(cell) < 1000]
    shop.write(
        "sales' ; drop table raw.transactions; -- {{ x }}<b>.csv",
        "receipt,line,customer,product,net,sold_at\n"
        + "".join(f"h{n},1,h{n},{_field(cell)},1.00,2026-02-01 12:00:00\n" for n, cell in enumerate(keys))
        + f"bad,1,a,p,{_field('<script>alert(2)</script>')},2026-02-01 12:00:00\n",
    )
    report = shop.night()
    assert report.exit_code == 0, report.message
    full_names = dict(shop.warehouse("select record_key, full_name from raw.customers"))
    assert full_names == {f"h{n}": cell.strip() for n, cell in enumerate(cells)}
    products = {row[0] for row in shop.warehouse("select product_key from raw.transactions where record_key like 'h%'")}
    assert products == {cell.strip() for cell in keys}
    names = {row[0] for row in shop.published("select full_name from customer.customers where full_name is not null")}
    assert {cell.strip() for cell in cells} <= names
    assert shop.published("select count(*) from value.order_lines") == [(4 + len(keys),)]
    assert shop.published("select value, shape from quarantined_rows", "operations.duckdb") == [
        (None, "<aaaaaa>aaaaa(9)</aaaaaa>")
    ]
    assert shop.warehouse("select personal_value from ledger.quarantined_rows") == [("<script>alert(2)</script>",)]
    for page in (shop.config.data / "gate").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text and "<b>" not in text and "<img" not in text
    assert sorted(path.name for path in shop.folder.iterdir()) == sorted([
        "clientela.yml", "customers.csv", "data", "sales_1.csv", "sales' ; drop table raw.transactions; -- {{ x }}<b>.csv",
    ])  # fmt: skip


@pytest.mark.prove
def test_hostile_cells_come_out_as_they_went_in(shop: Company) -> None:
    hostile_night(shop, CELLS)
