"""The page of a refused batch, opened by a real browser without a network: it says what happened, and fetches nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

from clientela.extract.feeds import feeds_of
from clientela.pipeline.open_run import open_run
from tests.conftest import NOW, SALES, Company

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")


@pytest.mark.prove
def test_the_page_of_a_refused_batch_opens_in_a_browser(shop: Company, tmp_path: Path) -> None:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"no browser is here ({', '.join(BROWSERS)})")
    shop.write("sales_1.csv", SALES + "9,1,a,<b>bread</b>,2.00,2027-01-05 10:00:00\n")
    gate = {"rows_in_future": {"severity": "critical"}}
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(gate=gate))
    with open_run(shop.config, now=NOW) as run:
        (feed,) = [f for f in feeds_of(shop.config) if f.entity.name == "transactions"]
        page = run.load(feed)[-1].validation_report
    assert page is not None
    started = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * 127.0.0.1:9",
    ]  # fmt: skip
    shown = subprocess.run([*started, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120)
    assert shown.returncode == 0, shown.stderr[-500:]
    assert "Refused; what was loaded before stays as it was." in shown.stdout
    assert "rows_in_future" in shown.stdout and "ERR_" not in shown.stdout
    picture = tmp_path / "page.png"
    subprocess.run([*started, f"--screenshot={picture}", page.as_uri()], capture_output=True, timeout=120, check=True)
    assert picture.stat().st_size > 5_000
