"""The code location as a server loads it, the UI as `make dev` starts it, and the files in deploy/."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dagster_fixture import write_company
from dagster_server import PATIENCE_SECONDS, Server, environment, serving

from clientela.transform import PROJECT

DEPLOY = PROJECT / "deploy"


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


@pytest.fixture(scope="module")
def server(company: Path) -> Iterator[Server]:
    with serving(company) as started:
        yield started


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
        lambda answer: answer["assetNodes"],
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
