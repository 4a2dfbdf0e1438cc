"""A company's own models that are gone leave nothing of themselves in what is published."""

import pytest

from tests.conftest import Company
from tests.integration.test_own_marts import own_models

pytestmark = pytest.mark.prove


def test_without_models_of_their_own_nothing_is_left_in_custom(shop: Company) -> None:
    own_models(shop)
    shop.change(lambda settings: settings.pop("models_path"))
    assert shop.night().status == "published"
    assert shop.published("select count(*) from duckdb_tables() where schema_name = 'custom'") == [(0,)]
