"""Whole nights taken as Dagster's assets, in this process, on a tiny company."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster_fixture import checks, failures, tables, take_night, write_company

from clientela import project_files, transform
from clientela.config.read import load_config
from clientela.pipeline.nightly import run
from clientela.pipeline.open_run import open_run
from clientela.pipeline.pipeline_run import PipelineRun
from dagster_project.defs import ingestion, resources

REFUSED_CALLS = "id,customer,kind,at\n901,1,complaint,2099-01-01T12:00:00\n"
REFUSED_SALES = "order,line,customer,net,units,at\n99,1,1,12.50,1,2099-01-01T10:00:00\n"


@pytest.fixture(scope="module", autouse=True)
def one_code_version() -> Iterator[None]:
    """Someone who edits the checkout while its tests run would make every night one with new code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project_files, "code_version", lambda: "tested")
        yield


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dg.ExecuteInProcessResult]:
    config = write_company(tmp_path_factory.mktemp("dagster"))
    return config, take_night(config)


@pytest.fixture
def company(first_night: tuple[Path, dg.ExecuteInProcessResult], tmp_path: Path) -> Path:
    """A copy of the company as it stands after its first night."""
    config, result = first_night
    assert result.success, failures(result)
    shutil.copytree(config.parent, tmp_path / "company")
    return tmp_path / "company" / "clientela.yml"


def status(config: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((config.parent / "data/published/status.json").read_text(encoding="utf-8"))
    return content


def published(config: Path) -> Path:
    return config.parent / "data/published/marts.duckdb"


def write(config: Path, name: str, text: str) -> None:
    (config.parent / "files" / name).write_text(text, encoding="utf-8")


def begun(result: dg.ExecuteInProcessResult) -> set[str]:
    """The steps that were begun at all."""
    return {str(e.step_key) for e in result.all_events if e.event_type == dg.DagsterEventType.STEP_START}


def test_the_assets_publish_what_the_command_publishes(
    first_night: tuple[Path, dg.ExecuteInProcessResult], tmp_path: Path
) -> None:
    config, result = first_night
    assert result.success, failures(result)
    by_command = write_company(tmp_path / "command")
    report = run(load_config(by_command))
    assert (
        (status(config)["status"], status(config)["exit_code"]) == (report.status, report.exit_code) == ("published", 0)
    )
    ours, theirs = tables(published(config)), tables(published(by_command))
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name] == theirs[name], name
    assert len(ours["value.order_lines"]) == 5


def test_every_asset_check_and_delivery_is_reported(first_night: tuple[Path, dg.ExecuteInProcessResult]) -> None:
    _, result = first_night
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    expected = {
        key for key in result.job_def.asset_layer.executable_asset_keys if key != dg.AssetKey(["run", "context"])
    }
    assert made >= expected
    evaluated = {e.check_name for e in result.get_asset_check_evaluations()}
    assert evaluated == {key.name for key in result.job_def.asset_layer.asset_graph.asset_check_keys}
    # the lines are older than a week, which warns
    warned = {e.check_name: e for e in result.get_asset_check_evaluations() if not e.passed}
    assert warned.keys() == {"till_gate", "web_gate"}
    for check in warned.values():
        failed = check.metadata["failed_expectations"]
        assert check.severity == dg.AssetCheckSeverity.WARN and isinstance(failed, dg.TableMetadataValue)
        assert [record.data["expectation"] for record in failed.records] == ["days_since_last_event"]
    observed = {e.asset_observation_data.asset_observation.asset_key for e in result.get_asset_observation_events()}
    assert dg.AssetKey(["sources", "web", "transactions"]) in observed and len(observed) == 5


def test_no_event_that_dagster_keeps_says_a_value_of_a_person(
    first_night: tuple[Path, dg.ExecuteInProcessResult],
) -> None:
    """Its storage is no place where anybody is forgotten: nobody is in it."""
    told = repr(first_night[1].all_events)
    assert "customers" in told, "the events are whole"
    assert [value for value in ("Ana Gil", "Luis Paz", "ana@example.com", "luis@example.com") if value in told] == []


def test_a_night_with_nothing_new_loads_nothing_and_builds_nothing(company: Path) -> None:
    before = published(company).stat()
    result = take_night(company)
    assert result.success, failures(result)
    assert "run__context" in begun(result) and not begun(result) & {"models", "published__marts"}
    assert status(company)["status"] == "nothing new"
    assert published(company).stat().st_ino == before.st_ino


def test_a_refused_optional_batch_fails_its_check_and_the_rest_is_published(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk also fails once while it loads: the load is tried again, and goes on where it stopped."""
    write(company, "calls_2.csv", REFUSED_CALLS)
    write(company, "web_2.csv", "order,customer,net,at\nW2,1,50.00,2026-04-07T08:00:00\n")
    monkeypatch.setattr(ingestion, "RETRIES", dg.RetryPolicy(max_retries=1))
    failing = _fail_once(PipelineRun.load, "web", OSError("No space left on device"))
    monkeypatch.setattr(PipelineRun, "load", failing)
    result = take_night(company)
    assert result.success, failures(result)
    retried = [e.step_key for e in result.all_events if e.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert retried == ["raw__transactions"]
    check = checks(result)["interactions.service_gate"]
    assert not check.passed and not check.blocking and check.severity == dg.AssetCheckSeverity.WARN
    failed = check.metadata["failed_expectations"]
    assert isinstance(failed, dg.TableMetadataValue)
    assert [record.data["expectation"] for record in failed.records] == ["quarantined_share", "rows_in_future"]
    assert str(check.metadata["validation_report"].value).endswith(".html")
    not_passed = {name: c.severity for name, c in checks(result).items() if not c.passed}
    assert not_passed == dict.fromkeys(
        ["interactions.service_gate", "transactions.web_gate"], dg.AssetCheckSeverity.WARN
    )
    assert (status(company)["status"], status(company)["exit_code"]) == ("published", 3)
    assert len(tables(published(company))["value.order_lines"]) == 6


def _fail_once(load: Callable[..., Any], source: str, error: Exception) -> Callable[..., Any]:
    errors = [error]

    def failing(self: PipelineRun, feed: Any) -> Any:
        if feed.source_name == source and errors:
            raise errors.pop()
        return load(self, feed)

    return failing


def test_a_refused_required_batch_keeps_the_night_from_publishing_until_it_is_corrected(company: Path) -> None:
    write(company, "sales_2.csv", REFUSED_SALES)
    before = published(company).stat()
    result = take_night(company)
    assert not result.success
    check = checks(result)["transactions.till_gate"]
    assert not check.passed and check.blocking and check.severity == dg.AssetCheckSeverity.ERROR
    assert "till.transactions is required and was refused" in str(check.metadata["reason"].value)
    assert not begun(result) & {"run__context", "models", "published__marts"}
    assert published(company).stat().st_ino == before.st_ino
    run_status = status(company)
    assert (run_status["status"], run_status["exit_code"]) == ("failed", 4)
    assert run_status["message"].startswith("till.transactions is required and was refused: quarantined_share")
    # a run that begins after the load says why too
    take_night(company, asset_selection=[dg.AssetKey(["run", "context"])])
    assert status(company)["message"] == run_status["message"]


def test_a_failed_data_test_keeps_the_night_from_publishing(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(company, "web_2.csv", "order,customer,net,at\nW2,1,50.00,2026-04-07T08:00:00\n")
    results = []
    for step in transform.compiled().steps:
        step_status = {"test": "fail" if step.name == "sums_agree" else "pass"}.get(step.kind, "success")
        results.append(transform.NodeResult(step.unique_id, step.kind, step.name, step_status, 0.1, "", 0))
    monkeypatch.setattr(transform, "build", lambda *_, **__: results)
    before = published(company).stat()
    result = take_night(company)
    assert not result.success
    evaluations = result.get_asset_check_evaluations()
    errors = [e.check_name for e in evaluations if not e.passed and e.severity == dg.AssetCheckSeverity.ERROR]
    assert errors == ["sums_agree"]
    assert any("models and tests failed, first test sums_agree" in sentence for sentence in failures(result))
    assert "models" in begun(result) and "published__marts" not in begun(result)
    assert published(company).stat().st_ino == before.st_ino
    assert "sums_agree" in status(company)["message"]


def test_a_statement_that_fails_in_a_transaction_ends_the_night_with_a_sentence(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: PipelineRun) -> None:
        self.connection.execute("begin")
        self.connection.execute("insert into run.context values (1)")

    monkeypatch.setattr(PipelineRun, "set_context", failing)
    monkeypatch.setattr(PipelineRun, "has_no_changes", lambda _: False)
    result = take_night(company)
    assert not result.success and "models" not in begun(result)
    assert status(company)["status"] == "failed"
    assert status(company)["message"].startswith("The warehouse could not go on: ")


def test_marts_that_this_run_did_not_build_are_not_published_by_it(company: Path) -> None:
    result = take_night(company, asset_selection=[dg.AssetKey(["published", "marts"])])
    assert not result.success
    assert any("has not built the models" in sentence for sentence in failures(result))


def test_a_second_run_at_the_same_time_waits_for_the_first(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "SECONDS_BETWEEN_LOOKS", 0.2)
    first = open_run(load_config(company))
    first.__enter__()
    threading.Timer(3, first.__exit__, (None, None, None)).start()
    began = time.monotonic()
    result = take_night(company)
    assert result.success, failures(result)
    assert time.monotonic() - began > 3


def test_a_second_run_fails_naming_the_first_if_that_never_ends(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "PATIENCE_SECONDS", 0)
    before = status(company)
    with open_run(load_config(company)):
        result = take_night(company)
        assert status(company) == before
    assert not result.success
    sentence = next(message for message in failures(result) if "under way" in message)
    assert "Run of night (process" in sentence and "nothing was done" in sentence


def test_a_past_month_is_published_beside(company: Path) -> None:
    before = published(company).stat()
    result = take_night(company, "as_of", partition_key="2026-03")
    assert result.success, failures(result)
    beside = company.parent / "data/published/as_of/2026-03-31/marts.duckdb"
    assert len(tables(beside)["value.order_lines"]) == 4
    assert published(company).stat().st_ino == before.st_ino


def test_a_month_without_data_fails_with_a_sentence(company: Path) -> None:
    result = take_night(company, "as_of", partition_key="2011-05")
    assert not result.success
    assert any("Nothing is dated on or before 2011-05-31" in sentence for sentence in failures(result))


@pytest.mark.parametrize("how", [KeyboardInterrupt, DagsterExecutionInterruptedError])
def test_a_stopped_run_says_that_nothing_was_published(
    company: Path, monkeypatch: pytest.MonkeyPatch, how: type[BaseException]
) -> None:
    def stopped(*_: Any) -> None:
        raise how

    monkeypatch.setattr(PipelineRun, "require_sources", stopped)
    assert not take_night(company).success
    assert (status(company)["status"], status(company)["exit_code"]) == ("stopped", 7)
    assert "stopped" in status(company)["message"]


def test_a_warehouse_that_cannot_be_opened_fails_the_run_and_is_reported(company: Path) -> None:
    warehouse = company.parent / "data/warehouse.duckdb"
    whole = warehouse.read_bytes()
    warehouse.write_bytes(b"no database at all" * 500)
    try:
        result = take_night(company)
    finally:
        warehouse.write_bytes(whole)
    assert not result.success
    assert any("warehouse.duckdb cannot be read: " in sentence for sentence in failures(result))
    assert (status(company)["status"], status(company)["exit_code"]) == ("failed", 4)
