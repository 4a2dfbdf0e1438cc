"""A company served as `make dev` serves it: what starts nights, what they wait for, what tries again, and what fails.

The tests take their turns on one server and one company. Each delivers lines of its own and finds them published once, at the
latest by the night after a failed one.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.integration.dagster_fixture import CONFIG, write_company
from tests.integration.dagster_server import PATIENCE_SECONDS, Server, environment, serving

pytestmark = pytest.mark.prove

OWN_MODEL = """
select order_id, case when net_amount < 900 then net_amount end as plausible_amount from {{ ref('order_lines') }}
"""
OWN_TEST = """
version: 2
models:
  - name: my_orders
    description: "One per order line."
    columns:
      - {name: plausible_amount, data_tests: [not_null]}
"""
RUNS = """{ runsOrError { ... on Runs { results {
    runId status startTime endTime tags { key value } assets { key { path } } } } } }"""
SELECTOR = """{{repositoryLocationName: $location, repositoryName: "__repository__", {kind}Name: $name}}"""
LAUNCH = f"""mutation($location: String!, $name: String!) {{ launchRun(executionParams: {{mode: "default",
    selector: {SELECTOR.format(kind="pipeline")}}}) {{ __typename ... on LaunchRunSuccess {{ run {{ runId }} }} }} }}"""
START = {
    "schedule": f"""mutation($location: String!, $name: String!) {{ startSchedule(scheduleSelector:
        {SELECTOR.format(kind="schedule")}) {{ ... on ScheduleStateResult {{ scheduleState {{ id }} }} }} }}""",
    "sensor": f"""mutation($location: String!, $name: String!) {{ startSensor(sensorSelector:
        {SELECTOR.format(kind="sensor")}) {{ ... on Sensor {{ sensorState {{ id }} }} }} }}""",
}
STOP = {
    "schedule": "mutation($id: String!) { stopRunningSchedule(id: $id) { __typename } }",
    "sensor": "mutation($id: String!) { stopSensor(id: $id) { __typename } }",
}
EVENTS = """query($run: ID!) { runOrError(runId: $run) { ... on Run { eventConnection { events {
    __typename ... on MessageEvent { message stepKey }
    ... on ExecutionStepFailureEvent { error { message cause { message } } }
    ... on RunFailureEvent { error { message } }
    ... on AssetCheckEvaluationEvent { evaluation { checkName success metadataEntries { label
        ... on TextMetadataEntry { text } } } } } } } } }"""
TERMINATE = "mutation($run: String!) { terminateRun(runId: $run) { __typename } }"


class Served:
    """The server with its company."""

    def __init__(self, server: Server, company: Path) -> None:
        self.server, self.company = server, company
        self.location = server.wait_for(
            "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }",
            lambda answer: [
                entry["name"]
                for entry in answer["workspaceOrError"]["locationEntries"]
                if entry["loadStatus"] == "LOADED"
            ],
        )[0]
        self.delivered = 0

    def deliver(self, net: str = "10.00") -> str:
        """One more order of the web shop; gives its key."""
        self.delivered += 1
        key = f"S{self.delivered}"
        self.write(f"web_{key}.csv", f"order,customer,net,at\n{key},1,{net},2026-04-05T08:00:00\n")
        return key

    def write(self, name: str, text: str) -> Path:
        path = self.company.parent / "files" / name
        path.write_text(text, encoding="utf-8")
        return path

    def lines(self) -> dict[str, int]:
        """Order → its published lines."""
        connection = duckdb.connect(str(self.marts), read_only=True)
        try:
            return dict(connection.execute("select order_key, count(*) from value.order_lines group by 1").fetchall())
        finally:
            connection.close()

    @property
    def marts(self) -> Path:
        return self.company.parent / "data/published/marts.duckdb"

    def status(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.marts.with_name("status.json").read_text(encoding="utf-8"))
        return content

    def launch(self) -> str:
        answer = self.server.ask(LAUNCH, location=self.location, name="night")["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def runs(self) -> list[dict[str, Any]]:
        """All runs so far, in the order in which they began."""
        found = self.server.ask(RUNS)["runsOrError"]["results"]
        for run in found:
            run["tags"] = {tag["key"]: tag["value"] for tag in run["tags"]}
        return sorted(found, key=lambda run: run["startTime"] or float("inf"))

    def until(self, found: Any, seconds: float = PATIENCE_SECONDS) -> Any:
        """What `found` gives, once it gives something."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if answer := found():
                return answer
            time.sleep(1)
        raise AssertionError(f"not within {seconds} s; runs: {self.runs()}")

    def ended(self, run_id: str) -> str:
        """How a run ended, once it has."""
        return str(self.until(lambda: [r["status"] for r in self.runs() if r["runId"] == run_id and r["endTime"]])[0])

    def quiet(self) -> list[dict[str, Any]]:
        """All runs, once none is under way or waits."""
        return list(self.until(lambda: all(run["endTime"] for run in self.runs()) and self.runs(), 1200))

    def events(self, run_id: str, kind: str = "") -> list[dict[str, Any]]:
        found = self.server.ask(EVENTS, run=run_id)["runOrError"]["eventConnection"]["events"]
        return [event for event in found if event["__typename"] == kind or not kind]

    def start(self, kind: str, name: str) -> str:
        answer = self.server.ask(START[kind], location=self.location, name=name)
        return str(next(iter(answer.values()))[f"{kind}State"]["id"])

    def stop(self, kind: str, state: str) -> None:
        self.server.ask(STOP[kind], id=state)

    def command(self, *words: str) -> subprocess.Popen[str]:
        """`clientela …` of a person, beside the server."""
        return subprocess.Popen(
            [sys.executable, "-m", "clientela", *words, "-c", str(self.company)], env=environment(self.company),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def holder(self) -> int | None:
        """The process of the run that holds the company's lock; None if none does."""
        try:
            return int(json.loads((self.company.parent / "data/lock").read_text(encoding="utf-8"))["process"])
        except (OSError, ValueError):
            return None


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    company = write_company(tmp_path_factory.mktemp("served"))
    company.write_text(CONFIG + "models_path: own\n", encoding="utf-8")
    (company.parent / "own").mkdir()
    (company.parent / "own/my_orders.sql").write_text(OWN_MODEL, encoding="utf-8")
    (company.parent / "own/my_orders.yml").write_text(OWN_TEST, encoding="utf-8")
    with serving(company, CLIENTELA_NIGHTLY="* * * * *") as server:
        served = Served(server, company)
        assert served.ended(served.launch()) == "SUCCESS", served.status()
        yield served


@pytest.fixture(autouse=True)
def nothing_under_way(served: Served) -> None:
    served.quiet()


def apart(runs: list[dict[str, Any]]) -> bool:
    """Whether each run began after the one before it had ended."""
    return all(one["endTime"] <= next_["startTime"] for one, next_ in itertools.pairwise(runs))


def test_runs_launched_at_once_queue_and_all_succeed(served: Served) -> None:
    key = served.deliver()
    launched = [served.launch() for _ in range(3)]
    runs = [run for run in served.quiet() if run["runId"] in launched]
    assert [run["status"] for run in runs] == ["SUCCESS"] * 3
    assert apart(runs)
    assert served.lines()[key] == 1


def test_schedule_sensor_and_command_beside_each_other(served: Served) -> None:
    """A sensor that sees a new file, a schedule of every minute, a person's run: one after another, each line once."""
    before = {run["runId"] for run in served.runs()}

    def asked_by(tag: str) -> list[str]:
        return [run["runId"] for run in served.runs() if run["runId"] not in before and tag in run["tags"]]

    states = {"sensor": served.start("sensor", "arriving_files")}
    try:
        keys = [served.deliver()]
        served.until(lambda: asked_by("dagster/sensor_name"))
        person = served.command("run", "--quiet")
        states["schedule"] = served.start("schedule", "nightly")
        keys.append(served.deliver())
        served.until(lambda: asked_by("dagster/schedule_name"))
    finally:
        for kind, state in states.items():
            served.stop(kind, state)
    output, _ = person.communicate(timeout=PATIENCE_SECONDS)
    assert person.returncode in (0, 5), output
    runs = [run for run in served.quiet() if run["runId"] not in before]
    assert len(runs) >= 2 and [run["status"] for run in runs] == ["SUCCESS"] * len(runs)
    assert apart(runs)
    assert {key: served.lines().get(key) for key in keys} == dict.fromkeys(keys, 1)


def test_a_night_waits_for_a_persons_run_and_takes_what_came_meanwhile(served: Served) -> None:
    first = served.deliver()
    person = served.command("run", "--quiet")
    served.until(lambda: served.holder() == person.pid)
    os.kill(person.pid, signal.SIGSTOP)
    try:
        run = served.launch()
        waiting = served.until(
            lambda: [e for e in served.events(run) if "wait" in (e.get("message") or "").split()[:1]]
        )
        assert f"process {person.pid}" in waiting[0]["message"]
        second = served.deliver()
    finally:
        os.kill(person.pid, signal.SIGCONT)
    output, _ = person.communicate(timeout=PATIENCE_SECONDS)
    assert person.returncode == 0, output
    assert served.ended(run) == "SUCCESS"
    assert [served.lines()[key] for key in (first, second)] == [1, 1]


def test_a_night_that_waits_can_be_stopped(served: Served) -> None:
    served.deliver()
    person = served.command("run", "--quiet")
    served.until(lambda: served.holder() == person.pid)
    os.kill(person.pid, signal.SIGSTOP)
    try:
        run = served.launch()
        served.until(lambda: [e for e in served.events(run) if "wait" in (e.get("message") or "").split()[:1]])
        served.server.ask(TERMINATE, run=run)
        assert served.ended(run) == "CANCELED"
    finally:
        os.kill(person.pid, signal.SIGCONT)
    assert person.wait(PATIENCE_SECONDS) == 0


def test_a_persons_run_beside_a_night_ends_with_5_and_does_nothing(served: Served) -> None:
    key = served.deliver()
    run = served.launch()
    worker = served.until(served.holder)
    os.kill(worker, signal.SIGSTOP)
    try:
        person = served.command("run", "--quiet")
        output, _ = person.communicate(timeout=PATIENCE_SECONDS)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert person.returncode == 5 and "under way" in output and "Traceback" not in output
    assert served.ended(run) == "SUCCESS"
    assert served.lines()[key] == 1


def test_a_failing_test_of_the_companys_own_stops_publication_until_the_data_is_right(served: Served) -> None:
    before, inode = served.lines(), served.marts.stat().st_ino
    key = served.deliver(net="2000.00")
    run = served.launch()
    assert served.ended(run) == "FAILURE"
    evaluations = [event["evaluation"] for event in served.events(run, "AssetCheckEvaluationEvent")]
    failed = [check["checkName"] for check in evaluations if not check["success"]]
    assert len(failed) == 1 and "plausible_amount" in failed[0]
    (failure,) = served.events(run, "ExecutionStepFailureEvent")
    assert "models and tests failed, first test not_null_my_orders_plausible_amount" in json.dumps(failure)
    assert served.status()["status"] == "failed" and "plausible_amount" in served.status()["message"]
    assert (served.lines(), served.marts.stat().st_ino) == (before, inode)
    served.write(f"web_{key}.csv", f"order,customer,net,at\n{key},1,20.00,2026-04-05T08:00:00\n")
    assert served.ended(served.launch()) == "SUCCESS"
    assert served.lines()[key] == 1


def test_a_step_that_fails_says_why_and_what_follows_is_not_begun(served: Served) -> None:
    before, inode = served.lines(), served.marts.stat().st_ino
    path = served.write("sales_2.csv", "order,line\n90,1\n")
    run = served.launch()
    assert served.ended(run) == "FAILURE"
    (check,) = [
        event["evaluation"]
        for event in served.events(run, "AssetCheckEvaluationEvent")
        if not event["evaluation"]["success"]
    ]
    assert check["checkName"] == "till_gate"
    reasons = [entry["text"] for entry in check["metadataEntries"] if entry["label"] == "reason"]
    assert reasons and reasons[0].startswith("till.transactions is required and was refused: ")
    begun = {event["stepKey"] for event in served.events(run, "ExecutionStepStartEvent")}
    assert "raw__transactions" in begun and not begun & {"models", "published__marts"}
    assert served.status()["message"] == reasons[0]
    assert (served.lines(), served.marts.stat().st_ino) == (before, inode)
    path.write_text("order,line,customer,net,units,at\n90,1,1,3.00,1,2026-04-05T09:00:00\n", encoding="utf-8")
    assert served.ended(served.launch()) == "SUCCESS"
    assert served.lines()["90"] == 1


def test_a_step_whose_disk_fails_for_a_moment_is_tried_again(served: Served) -> None:
    landing = served.company.parent / "data" / "landing"
    key = served.deliver()
    aside = landing.rename(landing.with_name("landing.aside"))
    landing.write_text("not a folder", encoding="utf-8")
    try:
        run = served.launch()
        served.until(lambda: served.events(run, "ExecutionStepUpForRetryEvent"))
    finally:
        landing.unlink()
        aside.rename(landing)
    assert served.ended(run) == "SUCCESS", served.status()
    assert served.lines()[key] == 1


def test_a_night_whose_worker_is_killed_is_run_again_once(served: Served) -> None:
    key = served.deliver()
    run = served.launch()
    worker = served.until(served.holder)
    os.kill(worker, signal.SIGKILL)
    again = served.until(
        lambda: [r for r in served.runs() if r["tags"].get("dagster/parent_run_id") == run and r["endTime"]], 600
    )
    assert [r["status"] for r in served.runs() if r["runId"] == run] == ["FAILURE"]
    assert [r["status"] for r in again] == ["SUCCESS"]
    assert served.lines()[key] == 1
