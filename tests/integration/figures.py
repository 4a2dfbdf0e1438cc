"""A dozen figures as the report, the notebooks, one customer's page and the marts say them: all say the same.

Asked of the marts here in SQL written apart. The tests of the demonstration's companies call it.
"""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from clientela.config.company import Config
from clientela.report.catalogue import Texts
from clientela.report.notebook import NOTEBOOKS, names, run_notebook
from clientela.report.write import write_report

#: outputs that a notebook gives although it stopped: the sentence that says why
EXPECTED = {
    "campaigns": ("campaigns", "effects"), "data_quality": ("sources", "rows", "quarantine", "checks", "reconciliation"),
    "identity": ("sizes", "people", "rules", "links", "measures", "events"),
    "leaving": ("states", "reasons", "calls", "movements", "survival"), "objectives": ("objectives", "paths", "kpis"),
    "own_question": ("marts", "answer"), "segments": ("groups", "matrix", "portraits", "flows"),
    "value": ("months", "curve", "tiers", "best"),
}  # fmt: skip


class _Text(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._is_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = tag in ("style", "code")

    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.parts.append(data)


def text_of(page: Path) -> str:
    """What a page says, spaces made plain."""
    return plain(" ".join(_Text(page.read_text(encoding="utf-8")).parts))


def plain(text: str) -> str:
    """The text with one kind of space."""
    return re.sub(r"\s+", " ", text)


def run_all(config: Config) -> dict[str, dict[str, Any]]:
    """Every notebook, run headless: what each defines."""
    assert names() == sorted(EXPECTED)
    found = {}
    for name in names():
        path = NOTEBOOKS / f"{name}.py"
        outputs, defined = run_notebook(config, path)
        assert [frame for frame in EXPECTED[name] if not isinstance(defined.get(frame), pl.DataFrame)] == [], name
        assert len(outputs) > 5 and outputs[1] is not None
        silent = [
            cell for cell, output in zip(cells(path), outputs, strict=True) if shows_something(cell) and output is None
        ]
        assert [ast.unparse(cell) for cell in silent] == [], name
        found[name] = defined
    return found


def cells(path: Path) -> list[ast.FunctionDef]:
    """The cells of a notebook, in the order in which it shows them."""
    return [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]


def shows_something(cell: ast.FunctionDef) -> bool:
    """Whether the last expression of the cell, which a notebook shows, is one: what is computed and kept is shown nowhere."""
    return len(cell.body) > 1 and isinstance(cell.body[-2], ast.Expr)


def assert_figures_agree(config: Config) -> None:
    """Compare them. The report and the pages of customers are written anew, with links to these pages."""
    full = config.model_copy(update={"publish": config.publish.model_copy(update={"personal_data": "full"})})
    written = write_report(full)
    assert written.path is not None and written.warnings == (), written.warnings
    texts, report = Texts(config.language, config.currency, config.zone), text_of(written.path)

    def amount_in(amount: Any, *, exact: bool | None = None) -> str:
        return plain(texts.amount(amount, exact=exact))

    notebooks = run_all(config)
    value, leaving, identity = notebooks["value"], notebooks["leaving"], notebooks["identity"]
    with duckdb.connect(str(config.published / "marts.duckdb"), read_only=True) as marts:

        def ask(query: str) -> tuple[Any, ...]:
            (row,) = marts.execute(query).fetchall()
            return row

        # of all customers: report, notebook and mart
        customers, expected = ask(
            "select count(*) filter (is_customer), (select sum(expected_value) from value.customer_value) "
            "from value.customer_months where is_as_of and customer_id > 0"
        )
        assert texts.number(customers) in report
        assert amount_in(expected) in report and round(value["tiers"]["expected"].sum(), 2) == round(expected, 2)
        (at_risk,) = ask("select sum(expected_value_at_risk) from retention.customer_retention where customer_id > 0")
        assert amount_in(at_risk) in report
        assert round(leaving["states"]["value_at_risk"].sum(), 2) == round(at_risk, 2)
        months = marts.execute(
            "select cast(date_trunc('month', ordered_on) as date), sum(net_amount)::double, sum(contribution)::double "
            "from value.order_lines group by 1 order by 1"
        ).fetchall()
        shown = {row["month"]: row for row in value["months"].iter_rows(named=True)}
        for month, net_revenue, contribution in months:
            assert abs(shown[month]["net_revenue"] - net_revenue) < 0.01
            assert contribution is None or abs(shown[month]["contribution"] - contribution) < 0.01
        assert amount_in(months[-2][1]) in report or amount_in(months[-1][1]) in report
        *_, last = leaving["movements"].iter_rows(named=True)
        moved = ask(
            "select new_customers, returned_customers, lapsed_customers, closing_customers from retention.customer_movements "
            "where segmentation = 'all' order by month desc limit 1"
        )
        kinds = ("new", "returned", "lapsed", "closing")
        assert moved == tuple(last[f"{kind}_customers"] for kind in kinds)
        assert texts.number(moved[3]) in report
        people = ask(
            "select count(*), count(distinct customer_id) from customer.customer_records where customer_id > 0"
        )
        assert identity["people"].row(0) == people
        # of the customer of whom most is at risk: report, notebook, page and mart
        customer_id = leaving["calls"]["customer_id"][0]
        assert f'href="customers/{customer_id}.html"' in written.path.read_text(encoding="utf-8")
        page = text_of(config.published / "customers" / f"{customer_id}.html")
        vin, realised, promised, orders, churn, risk = ask(
            "select vin, realised_value, value.expected_value, orders, churn_probability, expected_value_at_risk "
            "from value.customer_value as value join retention.customer_retention using (customer_id) "
            f"where customer_id = {customer_id}"
        )
        for amount in (vin, realised, promised):
            assert amount_in(amount, exact=True) in page
        assert plain(texts.share(churn)) in page and plain(texts.share(churn)) in report
        assert amount_in(risk, exact=True) in page and texts.number(orders) in page
        assert leaving["calls"]["expected_value_at_risk"][0] == risk
        components = marts.execute(
            f"select component, activity, rule, is_assumed, sum(amount) from value.value_ledger "
            f"where customer_id = {customer_id} group by all"
        ).fetchall()
        assert components and sum(amount for *_, amount in components) == realised
        for *_, amount in components:
            assert amount_in(amount, exact=True) in page
        best_id, best_vin = value["best"].row(0)[:2]
        assert (best_id, best_vin) == ask(
            "select customer_id, vin from value.customer_value where customer_id > 0 order by vin desc nulls last, 1 limit 1"
        )
    # every page that the report leads to is there, and no other
    linked = set(re.findall(r'href="customers/(\d+)\.html"', written.path.read_text(encoding="utf-8")))
    assert linked == {path.stem for path in (config.published / "customers").glob("*.html")}
    # where personal data may not be shown it leads to none, and none is left
    again = write_report(config)
    assert again.path is not None and config.publish.personal_data == "masked"
    assert "customers/" not in again.path.read_text(encoding="utf-8") and not (config.published / "customers").exists()
