"""A Python with pyspark beside everything else, and a Spark cluster on loopback: a master and workers of one core each."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.prove.duckdb15.other_python import python_with

PACKAGE = "org.apache.spark.deploy"


def python_with_spark(folder: Path) -> Path:
    """This Python if it has pyspark, else an environment upon this one that has; skips without Java or an index."""
    if shutil.which("java") is None:
        pytest.skip("there is no Java on this machine")
    if find_spec("pyspark") and find_spec("dbt.adapters.spark"):
        return Path(sys.executable)
    python = python_with(folder, Path(__file__).parent / "spark.lock")
    (site,) = python.parent.parent.glob("lib/python*/site-packages")
    (site / "beneath.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


class Cluster:
    """The processes of a standalone cluster, by the names of their classes."""

    def __init__(self, python: Path, folder: Path, workers: int) -> None:
        found = subprocess.run(
            [python, "-c", "import pyspark; print(pyspark.__path__[0])"], capture_output=True, text=True, check=True
        )
        self._home = Path(found.stdout.strip())
        self._folder = folder
        port, page = _free_port(), _free_port()
        self.master = f"spark://127.0.0.1:{port}"
        listens = ("--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page))
        self._processes = [self._start("master.Master", *listens)]
        _wait_for(port)
        self.workers = [self._start_worker() for _ in range(workers)]
        self._processes += self.workers

    def _start_worker(self) -> subprocess.Popen[bytes]:
        asked = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1200m", "--webui-port", str(_free_port()))
        return self._start("worker.Worker", *asked, "--work-dir", str(self._folder / "work"), self.master)

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{name}.{time.monotonic_ns()}.log").open("wb")
        environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
        command = [str(self._home / "bin" / "spark-class"), f"{PACKAGE}.{name}", *arguments]
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def executors(self) -> list[int]:
        """The processes that compute for a session, as children of this cluster's workers."""
        found = []
        for worker in self.workers:
            listed = subprocess.run(
                ["pgrep", "-P", str(worker.pid), "-f", "CoarseGrainedExecutorBackend"],
                capture_output=True,
                text=True,
                check=False,
            )
            found += [int(pid) for pid in listed.stdout.split()]
        return found

    def stop(self) -> None:
        """End what was started here, and nothing else."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            process.wait(timeout=60)


@contextmanager
def started(python: Path, folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A cluster for as long as this lasts."""
    cluster = Cluster(python, folder, workers)
    try:
        yield cluster
    finally:
        cluster.stop()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise TimeoutError("Spark's master did not start within two minutes")
