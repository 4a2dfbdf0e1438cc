"""The sections `retention:` and `segments:` of clientela.yml: what they refuse."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from clientela.config.company import Config
from clientela.config.read import load_config
from clientela.errors import ConfigError
from tests.conftest import SHOP


def company(folder: Path, **sections: Any) -> Config:
    path = folder / "clientela.yml"
    path.write_text(yaml.safe_dump(SHOP | sections), encoding="utf-8")
    return load_config(path)


@pytest.mark.parametrize(
    "predicate",
    [
        "orders > (select count(*) from value.customer_months)",
        "exists (from read_text('/etc/passwd'))",
        "read_text('/etc/passwd') is not null",
        "orders > 3; drop table raw.transactions",
        "orders > 3) or (select true",
        "count(*) > 3",
        "getenv('HOME') = 'x'",
        "orders_12 > 3",
        "orders",
        "true",
    ],
)
def test_a_rule_that_is_no_predicate_over_the_columns_is_refused_when_the_configuration_is_read(
    tmp_path: Path, predicate: str
) -> None:
    with pytest.raises(ConfigError, match=r"segments\.rules\.bad"):
        company(tmp_path, segments={"rules": [{"name": "bad", "predicate": predicate}]})


@pytest.mark.parametrize(
    "section",
    [
        {"value_tiers": [0.8, 0.5]},
        {"value_tiers": [0.5, 1.2]},
        {"rfm": {"orders": [2, 2, 3, 4]}},
        {"rfm": {"recency_days": [30, 90, 180, 365]}},
        {"hysteresis": {"margin": 1}},
    ],
)
def test_thresholds_in_the_wrong_order_are_refused(tmp_path: Path, section: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="segments"):
        company(tmp_path, segments=section)
