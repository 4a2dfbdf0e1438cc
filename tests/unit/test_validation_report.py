"""A batch's validation report: which rows are not so, what nobody could ask, and warnings where they are seen first."""

import html
import re

from clientela.extract.feeds import feeds_of
from clientela.pipeline.open_run import open_run
from tests.conftest import NOW, SALES, Company

LINES = 1_300


def _page(shop: Company, lines: str) -> str:
    shop.write("sales_1.csv", SALES.splitlines(keepends=True)[0] + lines)
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(tax_rate="product"))
    with open_run(shop.config, now=NOW) as run:
        outcome = run.load(next(f for f in feeds_of(shop.config) if f.entity.name == "transactions"))[-1]
    assert outcome.validation_report is not None
    return outcome.validation_report.read_text(encoding="utf-8")


def _row(page: str, name: str) -> str:
    (row,) = (row for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL) if f">{name}<" in row)
    return html.unescape(re.sub(r"<[^>]+>", " ", row))


def test_rows_that_are_not_so_are_named_masked_and_what_cannot_be_asked_is_reported(shop: Company) -> None:
    rows = [f"{n},1,{'' if n < 700 else 'a'},{'3.5' if n in (5, 1200) else '0.1'},2.00,2026-02-{1 + n % 20:02} 10:00:00\n"
            for n in range(LINES)]  # fmt: skip
    page = _page(shop, "".join(rows))
    tax = _row(page, "tax_rate_in_range")
    assert (
        "2 of 1,300 rows" in tax and "sales_1.csv, row 7: masked:" in tax and "sales_1.csv, row 1,202: masked:" in tax
    )
    assert "(9.999999)" in tax and "3.5" not in tax, "its shape, never the value"
    assert "sales_1.csv, row 2: empty" in _row(page, "customer_key_is_given")
    assert "not asked" in _row(page, "known_products_share")
    assert " met " in _row(page, "net_amount_is_given") and "Refused" in page


def test_warnings_stand_in_the_banner(shop: Company) -> None:
    page = _page(shop, "1,1,,0.1,2.00,2026-01-02 10:00:00\n")
    banner = html.unescape(re.sub(r"<[^>]+>", "", page.partition('<p class="verdict')[2].partition("</p>")[0]))
    assert "With 2 warnings: Nine lines in ten name their customer. Found: 1 of 1 row." in banner
    assert "The newest line is at most seven days old. Found: 57." in banner or "seven days old. Found: 58." in banner
