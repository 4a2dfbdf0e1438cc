"""The notebooks run as written on any published file, and export as pages that need nothing else."""

import ast
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from clientela.errors import ConfigError
from clientela.query.notebook import PublishedCompany
from clientela.report.notebook import NOTEBOOKS, notebook_page, queries
from tests.conftest import ROOT, Company
from tests.integration.figures import cells, run_all, shows_something


def test_every_notebook_answers_a_shop_of_three_customers(running: Company) -> None:
    before = sorted(path for path in ROOT.glob("notebooks/*") if path.name != "__pycache__")
    found = run_all(running.config)
    assert found["value"]["months"]["net_revenue"].sum() == 16.5
    assert found["value"]["best"].height == 2 and found["identity"]["people"].row(0) == (2, 2)
    assert found["data_quality"]["sources"].height == 2 and found["objectives"]["objectives"].is_empty()
    assert "value.customer_value" in found["own_question"]["marts"]["mart"].to_list()
    # nothing is left beside them
    assert sorted(path for path in ROOT.glob("notebooks/*") if path.name != "__pycache__") == before


def test_a_page_of_a_notebook_fetches_and_runs_nothing(running: Company) -> None:
    page = notebook_page(running.config, "value")
    assert "http://" not in page.replace("http://www.w3.org/", "") and "https://" not in page
    assert "<script" not in page and "default-src 'none'" in page
    assert page.count("<svg") == 3 and "net revenue, EUR" in page and "What does each month bring?" in page
    assert "In all 17 EUR" in page or "In all 16 EUR" in page
    assert "from value.customer_months group by month order by month" in page


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_is_questions_queries_pictures_and_sentences(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.stem == "own_question":
        return
    asked = queries(path)
    assert len(asked) >= 3 and text.count('mo.md("## ') >= 3
    drawn = text.count("alt.Chart(")
    # every axis bears a title of its own, or says that it needs none
    axes = [text[at : at + 120] for at in range(len(text)) if text.startswith(("alt.X(", "alt.Y("), at)]
    assert drawn and len(axes) >= 2 * drawn and [axis for axis in axes if "title=" not in axis] == []
    # what a cell shows is its last expression: a picture that is made and not shown is none
    drawing = [cell for cell in cells(path) if "alt.Chart(" in ast.unparse(cell)]
    assert len(drawing) == drawn and [ast.unparse(cell) for cell in drawing if not shows_something(cell)] == []


def test_a_reader_gets_amounts_to_the_cent_and_shares_to_a_thousandth() -> None:
    exact = pl.DataFrame(
        {"vin": [Decimal("147.4081"), None], "p_alive": [0.37535324, -0.5], "orders": [3, 4], "kind": ["a", "b"]}
    )
    assert PublishedCompany.rounded(exact).rows() == [(147.41, 0.375, 3, "a"), (None, -0.5, 4, "b")]


def test_a_notebook_that_is_not_there_is_named_with_those_that_are(running: Company) -> None:
    with pytest.raises(ConfigError, match="There is no notebook 'valeu'; did you mean 'value'"):
        notebook_page(running.config, "valeu")
