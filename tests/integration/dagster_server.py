"""`python -m dagster_project.dev` as a server for tests, asked over GraphQL. Only helpers; tests assert."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clientela.transform import PROJECT

PATIENCE_SECONDS = 600
#: as in a terminal: whoever is started in the background is deaf to Ctrl-C, and so is what they start
_DEV = """import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("dagster_project.dev", run_name="__main__")"""


def environment(config: Path, **more: str) -> dict[str, str]:
    """The environment of a server; no proxy and no home, so that nothing outside is asked."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "CLIENTELA_CONFIG": str(config), "HOME": str(config.parent), **more}


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
            reply = json.load(answer)
        assert "errors" not in reply, reply
        return reply["data"]

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


@contextmanager
def serving(company: Path, **more: str) -> Iterator[Server]:
    """The server of a company, until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # a file takes whatever a server writes in two nights; a pipe that nobody reads would make it wait
    log = company.with_name("server.log")
    with log.open("w", encoding="utf-8") as written:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", _DEV],
            cwd=PROJECT,
            env=environment(company, CLIENTELA_PORT=str(port), **more),
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
