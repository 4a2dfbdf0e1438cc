"""What starts a night by itself: the schedule, and the sensor on arriving files. Neither opens the warehouse."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance import InstanceRef
from dagster_fixture import write_company

from clientela.config.read import load_config
from clientela.pipeline.run_summary import Report, as_dict
from clientela.transform import PROJECT
from dagster_project.definitions import build_defs
from dagster_project.defs.sensors import Seen, listing_of, look

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_company(tmp_path_factory.mktemp("starts"))


@pytest.fixture(scope="module")
def defs(company: Path) -> dg.Definitions:
    return build_defs(company)


@pytest.fixture
def config(company: Path) -> Path:
    for extra in (*company.parent.glob("files/*_new.csv"), *company.parent.glob("data/published/*")):
        extra.unlink()
    return company


class Sensor:
    """The sensor with its cursor, ticked by hand."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.sensor = defs.resolve_sensor_def("arriving_files")
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> tuple[list[dg.RunRequest], str]:
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        result = self.sensor.evaluate_tick(context)
        self.cursor = result.cursor
        return list(result.run_requests or []), result.skip_message or ""


def write_status(config: Path, **fields: str) -> None:
    path = config.parent / "data/published/status.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    report = Report("R1", "night", "published", "", 0, "", datetime.now(UTC).isoformat(), None, None, None)
    path.write_text(json.dumps({**as_dict(report), **fields}), encoding="utf-8")


def test_the_schedule_asks_for_one_night_by_the_companys_clock(defs: dg.Definitions) -> None:
    schedule = defs.resolve_schedule_def("nightly")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 4 * * *", "Europe/Madrid")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 22, 3, tzinfo=UTC))
    (request,) = schedule.evaluate_tick(context).run_requests or []
    (again,) = schedule.evaluate_tick(context).run_requests or []
    assert request.run_key == again.run_key == "nightly-2026-11-22T03:00:00+00:00"
    assert request.tags["clientela/warehouse"] == "Tiny"


def test_a_server_starts_schedule_and_sensor_when_it_is_asked_to(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTELA_AUTOMATION", "on")
    monkeypatch.setenv("CLIENTELA_NIGHTLY", "30 1 * * 1-5")
    defs = build_defs(company)
    assert defs.resolve_schedule_def("nightly").cron_schedule == "30 1 * * 1-5"
    assert defs.resolve_schedule_def("nightly").default_status == dg.DefaultScheduleStatus.RUNNING
    assert defs.resolve_sensor_def("arriving_files").default_status == dg.DefaultSensorStatus.RUNNING


def test_arrived_files_ask_for_one_night_once_they_stand_still(defs: dg.Definitions, config: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        sensor = Sensor(defs, instance)
        requests, reason = sensor.tick()
        assert not requests and "arriving" in reason
        ((first,), _) = sensor.tick()
        assert sensor.tick() == ([], "No new file.")

        (config.parent / "files/web_new.csv").write_text("order,customer,net,at\nW9,1,1.00,2026-04-08T08:00:00\n")
        requests, reason = sensor.tick()
        assert not requests and "arriving" in reason
        ((second,), _) = sensor.tick()
        assert first.run_key != second.run_key and str(second.run_key).startswith("files-")
        assert second.tags["clientela/warehouse"] == "Tiny"
        assert sensor.tick() == ([], "No new file.")
    assert not (config.parent / "data/warehouse.duckdb").exists()


def test_a_file_that_still_grows_is_waited_for(config: Path) -> None:
    settings = load_config(config)
    growing = config.parent / "files/web_new.csv"
    seen = Seen()
    for size in range(1, 4):
        growing.write_text("x" * size)
        found = look(listing_of(settings), seen, None, False, NOON)
        assert found.run_key is None and "arriving" in found.reason
        seen = found.seen
    assert look(listing_of(settings), seen, None, False, NOON).run_key is not None


def test_a_renamed_file_asks_for_nothing(config: Path) -> None:
    settings = load_config(config)
    path = config.parent / "files/web_new.csv"
    path.write_text("order,customer,net,at\n")
    before = listing_of(settings)
    path.rename(path.with_name("web_other_new.csv"))
    assert listing_of(settings) == before
    os.utime(path.with_name("web_other_new.csv"), (1, 1))
    assert listing_of(settings) != before


def test_files_that_a_night_has_taken_meanwhile_ask_for_none(defs: dg.Definitions, config: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        sensor = Sensor(defs, instance)
        sensor.tick()
        write_status(config, started_at="2100-01-01T00:00:00+00:00")
        assert sensor.tick() == ([], "Run R1 has taken the new files.")


@pytest.mark.parametrize(
    "fields",
    [
        {"started_at": "2100-01-01T00:00:00+00:00", "status": "failed"},
        {"started_at": "2100-01-01T00:00:00+00:00", "status": "stopped"},
        {"started_at": "2100-01-01T00:00:00+00:00", "kind": "as_of"},
        {"started_at": "2001-01-01T00:00:00+00:00"},
    ],
)
def test_a_night_that_failed_or_began_before_has_not_taken_them(
    defs: dg.Definitions, config: Path, fields: dict[str, str]
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        sensor = Sensor(defs, instance)
        sensor.tick()
        write_status(config, **fields)
        assert len(sensor.tick()[0]) == 1


def test_a_night_that_already_waits_in_the_queue_takes_them(defs: dg.Definitions, config: Path) -> None:
    found = look("new", Seen("new", NOON.isoformat(), ""), None, True, NOON)
    assert found.run_key is None and "queue" in found.reason and found.seen.taken == "new"
    night = defs.resolve_job_def("night")
    for state, asked in ((dg.DagsterRunStatus.STARTED, 1), (dg.DagsterRunStatus.NOT_STARTED, 0)):
        with dg.DagsterInstance.ephemeral() as instance:
            instance.create_run_for_job(night, status=state)
            sensor = Sensor(defs, instance)
            sensor.tick()
            # one that runs has begun to load already: another is asked for, and waits its turn
            assert len(sensor.tick()[0]) == asked


def test_no_file_at_all_asks_for_nothing() -> None:
    assert look("", Seen(), None, False, NOON).reason == "No file has been delivered yet."


def test_the_settings_let_one_run_at_a_time_out_of_the_queue(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_bytes((PROJECT / "deploy/dagster.yaml").read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        limits = instance.get_concurrency_config().run_queue_config
        assert limits is not None and limits.max_concurrent_runs == 1
        assert limits.tag_concurrency_limits == [
            {"key": "clientela/warehouse", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
        ]
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
        assert instance.run_monitoring_enabled and instance.run_retries_enabled
        assert not instance.telemetry_enabled and not instance.nux_enabled


def test_whoever_starts_dagster_in_the_checkout_by_hand_has_the_same_settings(tmp_path: Path) -> None:
    """Without a DAGSTER_HOME Dagster keeps its records in a temporary folder, and reads its settings where it stands."""
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), config_dir=str(PROJECT))) as instance:
        assert not instance.telemetry_enabled
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_an_environment_that_holds_clientela_keeps_dagster_from_sending(tmp_path: Path, kind: str) -> None:
    build = f"import sys; from hatchling.build import build_{kind}; build_{kind}(sys.argv[1])"
    plain = {name: value for name, value in os.environ.items() if name != "DAGSTER_DISABLE_TELEMETRY"}
    python = [sys.executable, "-S"]
    environment = {**plain, "PYTHONPATH": sysconfig.get_path("purelib")}
    subprocess.run([*python, "-c", build, str(tmp_path)], cwd=PROJECT, env=environment, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site", [name for name in wheel.namelist() if name.endswith(".pth")])
    start = "import os, site, sys; site.addsitedir(sys.argv[1]); print(os.environ.get('DAGSTER_DISABLE_TELEMETRY'))"
    done = subprocess.run(
        [*python, "-c", start, str(tmp_path / "site")], env=plain, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "1"
