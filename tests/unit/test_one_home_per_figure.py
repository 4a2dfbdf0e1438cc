"""A figure of a customer stands in one mart: whoever wants it beside others joins by customer_id, or reads customer_today."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

MARTS = {
    mart["name"]: mart
    for path in sorted((Path(__file__).parents[2] / "models" / "marts").glob("*/**/*.yml"))
    for mart in yaml.safe_load(path.read_text("utf-8")).get("models", [])
}
#: "One row per customer, prospects included", "per customer who …", "per potential customer: …", not "per customer, month, …"
GRAIN = re.compile(
    r"One row per (potential )?customer(, (prospects|customer 0) (included|left out)| who| with|:)(?! [a-z ]+ and )"
)
#: what joins them
KEYS = {"customer_id"}
#: the wide one repeats what most questions ask, and has nothing of its own that it computes
WIDE = "customer_today"


def marts_of_customers(marts: Mapping[str, Mapping[str, str]]) -> set[str]:
    return {name for name, mart in marts.items() if GRAIN.match(mart["description"]) and name != WIDE}


def standing_twice(columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Column → the marts that repeat it, keys apart."""
    homes = defaultdict(list)
    for mart, names in columns.items():
        for name in names:
            homes[name].append(mart)
    return {name: found for name, found in homes.items() if len(found) > 1 and name not in KEYS}


def test_marts_of_customers_are_told_by_their_grain() -> None:
    assert marts_of_customers(MARTS) == {
        "customers", "customer_value", "customer_retention", "customer_segments", "customer_engagement", "prospects",
        "reward_balances", "rfm_readings", "portfolio_assignments", "customer_actions",
    }  # fmt: skip


def test_no_figure_stands_in_two_marts_of_customers() -> None:
    of_customers = marts_of_customers(MARTS)
    columns = {name: [column["name"] for column in MARTS[name]["columns"]] for name in sorted(of_customers)}
    assert standing_twice(columns) == {}, "take it out of all but one, or give the other meaning another name"


def test_a_figure_that_stands_twice_is_found() -> None:
    columns = {"one": ["customer_id", "vin"], "two": ["customer_id", "vin", "state"]}
    assert standing_twice(columns) == {"vin": ["one", "two"]}
