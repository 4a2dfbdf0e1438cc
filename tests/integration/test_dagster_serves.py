"""The code location as a server loads it, the UI as `make dev` starts it, and the files in deploy/."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster_fixture import write_company

from clientela.transform import PROJECT

DEPLOY = PROJECT / "deploy"
PATIENCE_SECONDS = 400


def environment(config: Path, **more: str) -> dict[str, str]:
    """The environment of a server; no proxy and no home, so that nothing outside is asked."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "CLIENTELA_CONFIG": str(config), "HOME": str(config.parent), **more}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_company(tmp_path_factory.mktemp("serves"))


def test_the_code_location_loads_as_a_server_loads_it(company: Path, tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "dagster",
            "definitions",
            "validate",
            "--load-with-grpc",
            "-m",
            "dagster_project.definitions",
        ],
        cwd=PROJECT,
        env=environment(company, DAGSTER_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_wrong_configuration_and_a_taken_port_are_said_in_one_sentence(company: Path) -> None:
    command = [sys.executable, "-m", "dagster_project.dev"]
    missing = environment(company.with_name("none.yml"))
    answer = subprocess.run(command, cwd=PROJECT, env=missing, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 2 and answer.stderr.startswith("Error: There is no configuration at ")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = environment(company, CLIENTELA_PORT=str(taken.getsockname()[1]))
        answer = subprocess.run(
            command, cwd=PROJECT, env=busy, capture_output=True, text=True, timeout=120, check=False
        )
    assert answer.returncode == 2 and "is taken; name a free one" in answer.stderr
    assert "Traceback" not in answer.stderr


class Server:
    """`python -m dagster_project.dev`, asked over GraphQL."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=60) as answer:
            told = json.load(answer)
        assert "errors" not in told, told
        return told["data"]

    def wait_for(self, query: str, found: Any, **variables: Any) -> Any:
        """Ask until `found` gives something."""
        until = time.monotonic() + PATIENCE_SECONDS
        last: Any = None
        while time.monotonic() < until:
            assert self.process.poll() is None, "the server ended"
            try:
                last = self.ask(query, **variables)
                if answer := found(last):
                    return answer
            except OSError as error:
                last = error
            time.sleep(2)
        raise AssertionError(f"no answer in {PATIENCE_SECONDS} s, last {last}")


@pytest.fixture(scope="module")
def server(company: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # a file takes whatever a server writes in two nights; a pipe that nobody reads would make it wait
    log = company.with_name("server.log")
    with log.open("w", encoding="utf-8") as written:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "dagster_project.dev"],
            cwd=PROJECT,
            env=environment(company, CLIENTELA_PORT=str(port)),
            stdout=written,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while "\n" not in (said := log.read_text(encoding="utf-8")) and time.monotonic() < until:
            time.sleep(0.2)
        url = re.search(r"http://127\.0\.0\.1:\d+", said.split("\n")[0])
        assert url is not None and url[0].endswith(f":{port}")
        yield Server(process, url[0])
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)


def listening(port: int) -> set[str]:
    """The local addresses, in /proc's hexadecimal, that listen on a port."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, number = local.rpartition(":")
            if state == "0A" and int(number, 16) == port:
                found.add(address)
    return found


def test_the_ui_serves_graph_schedule_and_sensor_on_loopback_only(server: Server, company: Path) -> None:
    graph = server.wait_for(
        "{ assetNodes { groupName isExecutable assetKey { path } dependencyKeys { path } } }",
        lambda told: told["assetNodes"],
    )
    parents = {"/".join(n["assetKey"]["path"]): {"/".join(k["path"]) for k in n["dependencyKeys"]} for n in graph}
    assert parents["raw/transactions"] >= {"sources/till/transactions", "sources/web/transactions"}
    assert parents["staging/stg_transactions"] >= {"raw/transactions", "run/context"}
    assert "value/order_lines" in parents["published/marts"]
    starts = server.ask(
        """{ repositoriesOrError { ... on RepositoryConnection { nodes {
            schedules { name cronSchedule scheduleState { status } } sensors { name sensorState { status } } } } } }"""
    )["repositoriesOrError"]["nodes"][0]
    assert [(s["name"], s["cronSchedule"], s["scheduleState"]["status"]) for s in starts["schedules"]] == [
        ("nightly", "0 4 * * *", "STOPPED")
    ]
    assert ("arriving_files", "STOPPED") in [(s["name"], s["sensorState"]["status"]) for s in starts["sensors"]]
    assert listening(int(server.url.rpartition(":")[2])) == {"0100007F"}
    assert (company.parent / "data/dagster/dagster.yaml").read_bytes() == (DEPLOY / "dagster.yaml").read_bytes()


LAUNCH = """mutation($location: String!) { launchRun(executionParams: {mode: "default", selector: {
    repositoryLocationName: $location, repositoryName: "__repository__", pipelineName: "night"}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status startTime endTime } } } }"


@pytest.mark.prove
def test_two_nights_at_once_queue_and_both_succeed(server: Server, company: Path) -> None:
    location = server.wait_for(
        "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }",
        lambda told: [e["name"] for e in told["workspaceOrError"]["locationEntries"] if e["loadStatus"] == "LOADED"],
    )[0]
    for _ in range(2):
        answer = server.ask(LAUNCH, location=location)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
    runs = server.wait_for(
        RUNS,
        lambda told: (
            [r for r in told["runsOrError"]["results"] if r["endTime"]]
            if sum(bool(r["endTime"]) for r in told["runsOrError"]["results"]) == 2
            else None
        ),
    )
    assert [r["status"] for r in runs] == ["SUCCESS", "SUCCESS"]
    first, second = sorted(runs, key=lambda run: run["startTime"])
    assert first["endTime"] <= second["startTime"]
    assert (company.parent / "data/published/marts.duckdb").is_file()


UNITS = sorted((DEPLOY / "systemd").glob("*"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_systemd_units_are_valid(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/clientela/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text.replace("/opt/clientela", str(PROJECT)), encoding="utf-8")
    units = [str(tmp_path / unit.name) for unit in UNITS]
    answer = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in answer.stderr.splitlines() if "clientela" in line]
    assert (answer.returncode, ours) == (0, [])


def commands() -> dict[tuple[str, ...], set[str]]:
    """Program and subcommands → options, of all command lines in the units and the compose file."""
    lines = [
        line.removeprefix("ExecStart=")
        for unit in UNITS
        for line in unit.read_text(encoding="utf-8").splitlines()
        if line.startswith("ExecStart=/opt/clientela/")
    ]
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    found: dict[tuple[str, ...], set[str]] = {}
    for line in [*lines, *(service["command"] for service in services.values())]:
        program, *words = line.split()
        options = [word for word in words if word.startswith("--")]
        named = [Path(program).name, *words[: words.index(options[0])]]
        found.setdefault(tuple(named), set()).update(options)
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_deployed_command_knows_its_options(words: tuple[str, ...]) -> None:
    program, *subcommands = words
    answer = subprocess.run(
        [Path(sys.executable).with_name(program), *subcommands, "--help"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert {option for option in commands()[words] if option not in answer.stdout} == set()


def test_the_compose_file_publishes_on_loopback_and_names_files_that_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    for service in compose["services"].values():
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        mounted = [volume.split(":")[0] for volume in service["volumes"] if volume.startswith("./")]
        assert mounted and all((DEPLOY / name).is_file() for name in mounted)
        context = DEPLOY / service["build"]["context"]
        assert _names(context / ".dockerignore") >= {".git", *_names(context / ".gitignore")}, (
            "what git ignores, no image holds"
        )
    # where the workers live, and without it a company that reads files alone starts all the same
    (secrets,) = compose["services"]["code"]["env_file"]
    assert secrets["required"] is False
    assert not secrets["path"].startswith(".") and "COMPANY" not in secrets["path"], "in no image and no mounted folder"
    (server,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert server["grpc_server"]["host"] in compose["services"]
    assert f"--port {server['grpc_server']['port']}" in compose["services"]["code"]["command"]


def _names(file: Path) -> set[str]:
    """What an ignore file ignores at any depth, as git writes it."""
    return {line.removeprefix("**/").rstrip("/") for line in file.read_text(encoding="utf-8").splitlines() if line}
