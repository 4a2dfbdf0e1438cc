"""Which sources and results stop publication, and with which sentence."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from clientela.build_models import NodeResult
from clientela.errors import NotPublishedError
from clientela.load.outcome import Outcome
from clientela.pipeline.publication_verdict import blocking_reason, raise_on_failures, require_sources
from clientela.pipeline.run_summary import SourceStatus
from clientela.pipeline.source_states import source_states
from clientela.warehouse import tables
from tests.conftest import Company

LOADED_AT = datetime(2026, 2, 1, 4, tzinfo=UTC)
NIGHT = LOADED_AT + timedelta(days=10)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as opened:
        opened.execute("set timezone = 'UTC'")
        tables.prepare(opened)
        yield opened


def _load(connection: duckdb.DuckDBPyConnection, batch_id: int, status: str, reason: str | None = None) -> None:
    connection.execute(
        """
        insert into ledger.loads by name
        select $batch as batch_id, 'r' as run_id, 'till' as source, 'transactions' as entity, 'transactions' as feed,
            $status as status, $reason as reason, $at as loaded_at, 'full' as delivery, 'h' as mapping_hash, $at as started_at
        """,
        {"batch": batch_id, "status": status, "reason": reason, "at": LOADED_AT},
    )


def _transactions(connection: duckdb.DuckDBPyConnection, shop: Company, outcomes: list[Outcome]) -> SourceStatus:
    states = source_states(connection, shop.config, outcomes, NIGHT)
    assert [(state.source, state.entity) for state in states] == [("till", "transactions"), ("till", "customers")]
    return states[0]


def test_a_feed_without_a_batch_was_never_delivered(connection: duckdb.DuckDBPyConnection, shop: Company) -> None:
    state = _transactions(connection, shop, [])
    assert (state.status, state.reason, state.is_stale, state.age_days) == ("never delivered", "", True, None)


def test_the_last_batch_of_the_ledger_counts_and_an_unloaded_one_does_not(
    connection: duckdb.DuckDBPyConnection, shop: Company
) -> None:
    _load(connection, 1, "loaded")
    _load(connection, 2, "unloaded")
    state = _transactions(connection, shop, [])
    assert (state.status, state.is_stale, state.age_days) == ("loaded", False, 10)
    _load(connection, 3, "refused", "a key is empty")
    state = _transactions(connection, shop, [])
    assert (state.status, state.reason, state.is_stale, state.age_days) == ("refused", "a key is empty", True, 10)
    _load(connection, 4, "loaded")
    state = _transactions(connection, shop, [])
    assert (state.status, state.reason, state.is_stale) == ("loaded", "", False)


def test_what_this_run_met_counts_before_the_ledger_unless_it_is_nothing_new(
    connection: duckdb.DuckDBPyConnection, shop: Company
) -> None:
    _load(connection, 1, "loaded")
    refused = Outcome("till", "transactions", "refused", reason="not readable")
    state = _transactions(connection, shop, [refused])
    assert (state.status, state.reason) == ("refused", "not readable")
    assert _transactions(connection, shop, [Outcome("till", "transactions", "nothing new")]).status == "loaded"


@pytest.mark.parametrize(
    ("status", "age", "required", "reason"),
    [
        ("loaded", 3, True, None),
        ("refused", 3, True, "till.transactions is required and was refused: why"),
        ("never delivered", None, True, "till.transactions is required and was never delivered: why"),
        ("refused", 3, False, None),
        ("loaded", 8, False, "till.transactions is 8 days old, older than its max_age allows."),
        ("loaded", 7, False, None),
    ],
)
def test_a_required_source_that_is_missing_and_an_old_one_block(
    shop: Company, status: str, age: int | None, required: bool, reason: str | None
) -> None:
    shop.change(lambda settings: settings["sources"]["till"]["entities"]["transactions"].update(max_age="7 days"))
    state = SourceStatus("till", "transactions", status, "why", required, False, age, None, "transactions")
    assert blocking_reason(shop.config, state) == reason
    if reason is None:
        require_sources(shop.config, [state])
        return
    with pytest.raises(NotPublishedError) as error:
        require_sources(shop.config, [state])
    assert error.value.sentence == reason


def _result(name: str, status: str, kind: str = "model", message: str = "") -> NodeResult:
    return NodeResult(f"{kind}.{name}", kind, name, status, 0.1, message, 0)


def test_the_first_failure_is_the_sentence_and_all_are_the_details(connection: duckdb.DuckDBPyConnection) -> None:
    raise_on_failures(connection, [_result("a", "success"), _result("b", "cached"), _result("t", "warn", "test")])
    results = [
        _result("a", "success"),
        _result("b", "error", message="Runtime Error\n  no such column"),
        _result("c", "fail"),
    ]
    with pytest.raises(NotPublishedError) as error:
        raise_on_failures(connection, results)
    assert error.value.sentence == "2 of 3 models and tests failed, first model b: no such column"
    assert error.value.details.splitlines()[-1].startswith("model c: ")


def test_models_that_cannot_be_parsed_are_said_in_the_sentence_of_dbt(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NotPublishedError, match=r"^The models cannot be parsed: x$"):
        raise_on_failures(connection, [_result("dbt", "error", "project", "The models cannot be parsed: x")])
