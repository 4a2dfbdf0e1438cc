"""The company's own dbt models: a recipe's is published in test_recipes.py; what fails in them, in tests/prove/nights."""

from clientela.pipeline.nightly import run
from tests.conftest import NOW, Company


def test_a_folder_of_models_that_is_not_there_is_said_before_anything_is_touched(shop: Company) -> None:
    shop.change(lambda settings: settings.update(models_path="nowhere"))
    report = run(shop.config, now=NOW)
    assert report.exit_code == 2 and "models_path = nowhere: there is no such folder" in report.message
