"""The report in a real browser without a network: nothing is fetched, nothing complained of, and axe finds no serious fault,
in both languages, on a light screen and a dark one, on a desk and on a phone."""

import html
import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from clientela.report.write import write_report
from tests.prove.browser.test_page_in_browser import BROWSERS
from tests.unit.report.conftest import Published

#: runs the checker that stands before it, and leaves what it found as text
_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(found => {
  const result = document.createElement("pre");
  result.id = "axe";
  result.textContent = JSON.stringify(found.violations.map(v => [v.impact, v.id, v.nodes[0].html.slice(0, 200)]));
  document.body.replaceChildren(result);
});
"""


def _browse(profile: Path, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"no browser is here ({', '.join(BROWSERS)})")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        f"--user-data-dir={profile}", "--host-resolver-rules=MAP * 127.0.0.1:9", "--enable-logging=stderr", "--v=0",
        "--virtual-time-budget=60000", *options, page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)


@pytest.fixture
def report(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    company = Published(tmp_path / "company")
    company.setting(language=request.param)
    written = write_report(company.config)
    assert written.path is not None and written.warnings == ()
    return written.path


@pytest.mark.prove
@pytest.mark.parametrize("report", ["en", "es"], indirect=True)
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_fetched_and_nothing_complained_of(report: Path, tmp_path: Path, width: int) -> None:
    picture = tmp_path / "report.png"
    done = _browse(tmp_path / "profile", report, f"--window-size={width},2400", f"--screenshot={picture}")
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line or "ERR_" in line]
    assert complaints == [] and picture.stat().st_size > 50_000


@pytest.mark.prove
@pytest.mark.parametrize("report", ["en", "es"], indirect=True)
@pytest.mark.parametrize("options", [(), ("--blink-settings=preferredColorScheme=0",)], ids=["light", "dark"])
def test_axe_finds_no_serious_fault(report: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    assert serious_faults(report, tmp_path, *options) == []


def serious_faults(file: Path, tmp_path: Path, *options: str) -> list[list[str]]:
    """What axe finds in a page that is serious or critical: impact, rule and place."""
    spec = find_spec("axe_core_python")
    assert spec is not None and spec.origin is not None
    checker = Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    # the page lets nothing run, so the checker runs in a copy that does
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", file.read_text(encoding="utf-8"))
    copy = tmp_path / "checked.html"
    copy.write_text(
        page.replace("</body>", f"<script>{checker}</script><script>{_RUN}</script></body>"), encoding="utf-8"
    )
    done = _browse(tmp_path / "profile", copy, *options, "--dump-dom")
    found = re.search(r'<pre id="axe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout[-300:]
    faults = json.loads(html.unescape(found[1]))
    return [fault for fault in faults if fault[0] in ("serious", "critical")]
