"""Each recipe of docs/recipes.md loads its layout's files, as it stands there, with the totals of the files."""

import re
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.unit.load.loading import Loading
from tests.unit.onboard.test_layouts import LAYOUTS, LOADED

PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^## (.+?)\n.*?```yaml\n(.*?)```\n\n\*Watch:\*", PAGE, re.DOTALL | re.MULTILINE)
#: the layouts in the order of the page
ORDER = [
    "shopify_export", "shopify_api", "woocommerce", "stripe", "salesforce", "star_schema", "spanish_erp", "telco",
    "superstore",
]  # fmt: skip


def test_there_is_a_recipe_for_every_layout() -> None:
    assert len(RECIPES) == PAGE.count("\n## ") == len(ORDER) and set(ORDER) <= set(LAYOUTS)


@pytest.mark.parametrize(("name", "recipe"), zip(ORDER, RECIPES, strict=True), ids=ORDER)
def test_a_recipe_loads_the_totals_of_the_files(
    name: str, recipe: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = LAYOUTS[name].write(tmp_path)
    monkeypatch.setenv("SHOP_DB", f"sqlite:///{tmp_path / 'shop.db'}")
    company = Loading(tmp_path, yaml.safe_load(recipe[1]), currency="USD" if "shopify" in name else "EUR")
    company.load()
    assert company.reasons() == {}
    assert {total: company.rows(LOADED[total])[0][0] for total in totals} == totals
