"""Dagster's telemetry is off however it is started: nothing written in the checkout, nothing sent from anywhere.

Dagster is started as a person would, by its own commands, with no variable of ours and in a home of its own. What it would
send goes to a server of this test, on loopback; the first test shows that this server sees what a bare Dagster sends.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clientela.transform import PROJECT
from tests.integration.dagster_fixture import write_company

pytestmark = pytest.mark.prove

PATIENCE_SECONDS = 300
#: sent within two seconds of the start; a daemon has no address that could be asked whether it is ready
SECONDS_OF_A_DAEMON = 40
MODULE = ("-m", "dagster_project.definitions")
SERVERS = {
    "dagster dev": ("dagster", "dev", *MODULE),
    "dagster-webserver": ("dagster_webserver", *MODULE),
    "dagster-webserver on deploy/workspace.yaml": ("dagster_webserver", "-w", str(PROJECT / "deploy/workspace.yaml")),
}
DAEMON = ("dagster._daemon", "run", *MODULE)
JOBS = {
    "dagster job execute": ("dagster", "job", "execute", *MODULE, "-j", "night"),
    "dagster asset materialize": ("dagster", "asset", "materialize", *MODULE, "--select", "key:raw/customers"),
}


class Telemetry:
    """Stands where Dagster's own server stands; counts what arrives."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        watch = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                watch.arrived.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/actions"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    watch = Telemetry()
    yield watch
    watch.server.shutdown()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with everything that clientela needs, and clientela's sources never installed."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    (folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages" / "dependencies.pth").write_text(
        sysconfig.get_path("purelib") + "\n", encoding="utf-8"
    )
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, bare: Path) -> Path:
    """The same, with what pip puts beside the package when it installs the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(bare.parents[1], folder, symlinks=True, dirs_exist_ok=True)
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=PROJECT, check=True, capture_output=True)
    site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        for name in wheel.namelist():
            if name.endswith(".pth"):
                wheel.extract(name, site)
    return folder / "bin" / "python"


@pytest.fixture
def company(tmp_path: Path) -> Path:
    return write_company(tmp_path / "company")


def environment(company: Path, telemetry: Telemetry | None, **more: str) -> dict[str, str]:
    """What a person's shell holds: nothing of ours but the company."""
    plain = {"PATH": os.environ["PATH"], "HOME": str(company.parent), "PYTHONPATH": str(PROJECT)}
    endpoint = {"DAGSTER_TELEMETRY_URL": telemetry.url} if telemetry else {}
    return {**plain, "CLIENTELA_CONFIG": str(company), **endpoint, **more}


def served(command: list[str], cwd: Path, variables: dict[str, str], *, is_web: bool = True) -> None:
    """Start a server, wait until it answers and some seconds more, stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = Path(variables["HOME"]) / "server.log"
    with log.open("w", encoding="utf-8") as written:
        process = subprocess.Popen(
            [*command, *(("--port", str(port)) if is_web else ())],
            cwd=cwd, env=variables, stdout=written, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        if is_web:
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            until = time.monotonic() + PATIENCE_SECONDS
            while True:
                assert process.poll() is None and time.monotonic() < until, log.read_text(encoding="utf-8")
                try:
                    direct.open(f"http://127.0.0.1:{port}/server_info", timeout=10).close()
                    break
                except OSError:
                    time.sleep(1)
        time.sleep(8 if is_web else SECONDS_OF_A_DAEMON)
        assert process.poll() is None, log.read_text(encoding="utf-8")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)


def written(home: Path) -> list[str]:
    """What telemetry left in a home: its ids and its log."""
    names = ("id.yaml", "user_id.yaml", "event.log")
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.name in names)


def run_home(company: Path, *, has_settings: bool) -> Path:
    home = company.parent / "dagster_home"
    home.mkdir()
    if has_settings:
        shutil.copy(PROJECT / "deploy/dagster.yaml", home)
    return home


def test_the_watch_sees_what_a_bare_dagster_sends(bare: Path, company: Path, telemetry: Telemetry) -> None:
    elsewhere = company.parent / "elsewhere"
    elsewhere.mkdir()
    served([str(bare), "-m", *SERVERS["dagster dev"]], elsewhere, environment(company, telemetry))
    assert telemetry.arrived and written(company.parent)


@pytest.mark.parametrize("way", SERVERS)
def test_a_server_started_by_hand_in_the_checkout_writes_and_sends_nothing(
    bare: Path, company: Path, telemetry: Telemetry, way: str
) -> None:
    served([str(bare), "-m", *SERVERS[way]], PROJECT, environment(company, telemetry))
    assert (telemetry.arrived, written(company.parent)) == ([], [])


@pytest.mark.parametrize("way", JOBS)
def test_a_job_started_by_hand_in_the_checkout_writes_and_sends_nothing(
    bare: Path, company: Path, telemetry: Telemetry, way: str
) -> None:
    done = subprocess.run(
        [str(bare), "-m", *JOBS[way]], cwd=PROJECT, env=environment(company, telemetry), check=False,
        capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Telemetry" not in done.stderr
    assert (telemetry.arrived, written(company.parent)) == ([], [])


@pytest.mark.parametrize("way", ["dagster dev", "dagster-webserver"])
@pytest.mark.parametrize("has_home", [True, False], ids=["a DAGSTER_HOME without settings", "no DAGSTER_HOME"])
def test_a_server_started_by_hand_anywhere_sends_nothing(
    installed: Path, company: Path, telemetry: Telemetry, way: str, has_home: bool
) -> None:
    elsewhere = company.parent / "elsewhere"
    elsewhere.mkdir()
    home = {"DAGSTER_HOME": str(run_home(company, has_settings=False))} if has_home else {}
    served([str(installed), "-m", *SERVERS[way]], elsewhere, environment(company, telemetry, **home))
    assert telemetry.arrived == []


@pytest.mark.parametrize("has_settings", [True, False], ids=["with deploy's settings", "without settings"])
def test_a_daemon_started_by_hand_sends_nothing(
    installed: Path, bare: Path, company: Path, telemetry: Telemetry, has_settings: bool
) -> None:
    home = run_home(company, has_settings=has_settings)
    python = bare if has_settings else installed
    variables = environment(company, telemetry, DAGSTER_HOME=str(home))
    served([str(python), "-m", *DAEMON], company.parent, variables, is_web=False)
    assert telemetry.arrived == []
    if has_settings:
        assert written(company.parent) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_server_started_by_hand_in_the_checkout_connects_to_nobody(bare: Path, company: Path) -> None:
    trace = company.parent / "trace"
    watched = ["strace", "-f", "-qq", "-e", "trace=connect,sendto", "-e", "signal=none", "-o", str(trace)]
    served([*watched, str(bare), "-m", *SERVERS["dagster dev"]], PROJECT, environment(company, None))
    calls = trace.read_text(errors="replace")
    assert "sa_family=AF_UNIX" in calls, "the trace sees the server's processes talk to each other"
    called = re.findall(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', calls)
    addresses = {four or six for four, six in called}
    assert {a for a in addresses if not a.startswith(("127.", "::1", "::ffff:127."))} == set()
