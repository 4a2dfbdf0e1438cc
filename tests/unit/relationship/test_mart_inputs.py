"""A company that delivers customers and sales alone is told, mart by mart, what is missing."""

import duckdb
import pytest

from clientela.contracts import ENTITIES, REFERENCE_TABLES
from tests.unit.rendering import ROOT, rendered

MARTS = {path.stem for path in (ROOT / "models" / "marts" / "relationship").glob("*.sql")}
#: made of customers, sales and what people kept; of these nothing can be missing
FROM_SALES = {"accounts", "prospects", "campaign_splits", "customer_actions", "mart_inputs"}


def inputs(without: str | None, rows: int) -> dict[tuple[str, str], str | None]:
    with duckdb.connect() as connection:
        connection.execute("create schema run; create table run.context (entities_without_source varchar)")
        connection.execute("insert into run.context values (?)", [without])
        for table in ("service_targets", "acquisition_costs", "programmes", "portfolios", "offers"):
            connection.execute(f"create table stg_{table} as from range({rows})")
        found = connection.execute(
            f"select mart_name, input_name, missing_sentence, is_missing from ({rendered('mart_inputs')})"
        ).fetchall()
    assert all((sentence is not None) == is_missing for *_, sentence, is_missing in found)
    return {(mart, name): sentence for mart, name, sentence, _ in found}


def test_each_mart_says_by_name_what_is_missing() -> None:
    without = ", ".join(name for name in ENTITIES if name not in ("customers", "transactions"))
    sentences = inputs(without, 0)
    assert {mart for mart, _ in sentences} == MARTS - FROM_SALES
    assert None not in sentences.values()
    assert sentences["campaign_results", "campaign_contacts"] == "No source delivers campaign_contacts."
    assert sentences["programmes", "programmes"] == "The reference table programmes has no rows."
    assert {name for _, name in sentences} <= set(ENTITIES) | {table.name for table in REFERENCE_TABLES}


@pytest.mark.parametrize("without", [None, "", "campaigns_of_old, contracts"])
def test_what_is_delivered_is_not_missed(without: str | None) -> None:
    assert set(inputs(without, 3).values()) == {None}


def test_one_missing_entity_is_missed_where_it_is_needed_alone() -> None:
    sentences = inputs("rewards", 3)
    assert {key for key, sentence in sentences.items() if sentence} == {
        ("rewards", "rewards"),
        ("reward_balances", "rewards"),
    }
