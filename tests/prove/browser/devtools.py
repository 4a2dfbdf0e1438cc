"""A headless browser driven over its own debugging protocol, for pages that are programs.

Every host but this machine is unknown to it. Only the driving; what a page must show is asserted by the tests.
"""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.prove.browser.test_page_in_browser import BROWSERS


@dataclass
class Tab:
    """One page: what it asked for that failed or went elsewhere, and what it wrote to its console as an error."""

    socket: ClientConnection
    number: int = 0
    failed: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser; what it reports meanwhile is noted."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("id") == self.number:
                result: dict[str, Any] = message.get("result", {})
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        name, said = message.get("method"), message.get("params", {})
        if name == "Network.requestWillBeSent":
            url = said["request"]["url"]
            self.urls[said["requestId"]] = url
            if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1", "ws://127.0.0.1", "chrome")):
                self.elsewhere.append(url)
        elif name == "Network.loadingFailed" and not said.get("canceled"):
            self.failed.append(f"{said.get('errorText')} {self.urls.get(said['requestId'], '')}")
        elif name == "Network.responseReceived" and said["response"]["status"] >= 400:
            self.failed.append(f"{said['response']['status']} {said['response']['url']}")
        elif name == "Runtime.consoleAPICalled" and said["type"] in ("error", "assert"):
            self.complaints.append(" ".join(str(part.get("value", part.get("description"))) for part in said["args"]))
        elif name == "Runtime.exceptionThrown":
            self.complaints.append(str(said["exceptionDetails"].get("exception", {}).get("description")))
        elif name == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")

    def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression gives."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True).get("result", {}).get("value")

    def open(self, url: str, *texts: str, seconds: float = 60) -> str:
        """Go there and wait until all the texts are shown; gives what the page shows."""
        self.call("Page.navigate", url=url)
        ended = time.monotonic() + seconds
        shown = ""
        while time.monotonic() < ended:
            shown = self.evaluate("document.body ? document.body.innerText : ''") or ""
            if all(text in shown for text in texts):
                time.sleep(1)
                return str(self.evaluate("document.body.innerText"))
            time.sleep(0.3)
        missing = [text for text in texts if text not in shown]
        raise AssertionError(f"{url} does not show {missing}; it shows: {shown[:1500]}")

    def wait_until(self, expression: str, wanted: Any, seconds: float = 30) -> None:
        """Wait until a JavaScript expression gives what is wanted."""
        ended = time.monotonic() + seconds
        while (found := self.evaluate(expression)) != wanted:
            assert time.monotonic() < ended, f"{expression} gives {found}, not {wanted}"
            time.sleep(0.3)

    def picture(self, path: Path) -> None:
        """The window as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browsing(profile: Path, width: int = 1280, height: int = 1600) -> Iterator[Tab]:
    """A tab of a browser that reaches this machine alone. Skips the test where there is no browser."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"no browser is here ({', '.join(BROWSERS)})")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        f"--user-data-dir={profile}", "--host-resolver-rules=MAP * 127.0.0.1:9, EXCLUDE 127.0.0.1",
        f"--window-size={width},{height}", "--remote-debugging-port=0", "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        said = profile / "DevToolsActivePort"
        ended = time.monotonic() + 30
        while not (said.is_file() and said.read_text().count("\n")) and time.monotonic() < ended:
            time.sleep(0.1)
        port, path = said.read_text().splitlines()[:2]
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as control:
            control.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
            targets = json.loads(control.recv(timeout=30))["result"]["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        with connect(f"ws://127.0.0.1:{port}/devtools/page/{page}", max_size=None) as socket:
            tab = Tab(socket)
            for domain in ("Page", "Network", "Runtime", "Log"):
                tab.call(f"{domain}.enable")
            yield tab
    finally:
        process.terminate()
        process.wait(timeout=30)
