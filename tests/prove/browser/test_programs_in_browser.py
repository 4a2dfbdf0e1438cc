"""Pages that are programs, and a customer's page, in a real browser without a network: nothing fails, nothing is asked for
elsewhere, nothing is complained of, and they show what they are for."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.report.customer.page import write_customer
from clientela.simulate import SimulateSettings, write_company
from tests.conftest import ROOT, Company
from tests.integration.dagster_server import serving
from tests.prove.browser.devtools import Tab, browsing
from tests.prove.browser.test_report_in_browser import serious_faults


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The demonstration's invented company, one night old. `CLIENTELA_SIMULATED` names a folder where it is already."""
    kept = os.environ.get("CLIENTELA_SIMULATED")
    if kept:
        return Company(Path(kept))
    company = Company(tmp_path_factory.mktemp("simulated"))
    write_company(SimulateSettings(customers=300), company.folder)
    assert company.night().status == "published"
    return company


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures go: `CLIENTELA_PICTURES`, for whoever wants to look at them."""
    folder = Path(os.environ.get("CLIENTELA_PICTURES") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def assert_quiet(tab: Tab) -> None:
    assert (tab.failed, tab.elsewhere, tab.complaints) == ([], [], [])


@contextmanager
def notebooks_served(company: Company, port: int) -> Iterator[str]:
    """`make notebooks`, on a port of the test's own."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("marimo"), "run", "notebooks", "--host", "127.0.0.1", "--port", str(port), "--headless"],
        cwd=ROOT,
        env={
            **os.environ, "CLIENTELA_CONFIG": str(company.config_path), "MARIMO_SKIP_UPDATE_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        ended = time.monotonic() + 60
        while time.monotonic() < ended:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.prove
def test_the_notebooks_app(simulated: Company, tmp_path: Path, pictures: Path) -> None:
    with notebooks_served(simulated, 27181) as url, browsing(tmp_path / "profile") as tab:
        tab.open(url, "Leaving", "Own Question")
        tab.picture(pictures / "notebooks.png")
        shown = tab.open(f"{url}?file=leaving.py", "Whom would it pay to call", "customers are slowing or at risk")
        # pictures are drawn after the text, each in its turn
        tab.wait_until("document.querySelectorAll('.vega-embed .marks').length", 4)
        tab.picture(pictures / "notebook_leaving.png")
        assert "How long do customers of each value tier stay?" in shown
        tab.open(f"{url}?file=own_question.py", "Your own question", "Ask")
        tab.picture(pictures / "notebook_own_question.png")
        assert_quiet(tab)
    left = subprocess.run(
        ["git", "status", "--porcelain", "notebooks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert left.stdout == ""


@pytest.mark.prove
def test_an_exported_notebook(simulated: Company, tmp_path: Path, pictures: Path) -> None:
    file = tmp_path / "value.html"
    done = CliRunner().invoke(main, ["notebook", "value", "--html", str(file), "-c", str(simulated.config_path)])
    assert done.exit_code == 0, done.output
    with browsing(tmp_path / "profile") as tab:
        tab.open(file.as_uri(), "What are our customers worth?", "Who are the twenty most valuable customers?")
        tab.picture(pictures / "exported_notebook.png")
        assert tab.evaluate("document.querySelectorAll('svg').length") == 3
        assert_quiet(tab)


@pytest.mark.prove
@pytest.mark.parametrize(("language", "text"), [("en", "What they are worth"), ("es", "Lo que vale")])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_customers_page(
    simulated: Company, tmp_path: Path, pictures: Path, language: str, text: str, width: int
) -> None:
    config = simulated.config.model_copy(update={"language": language})
    ((customer_id,),) = simulated.published(
        "select customer_id from value.customer_value where customer_id > 0 order by vin desc nulls last limit 1"
    )
    page = write_customer(config, customer_id)
    with browsing(tmp_path / "profile", width, 3000) as tab:
        tab.open(page.as_uri(), text)
        tab.picture(pictures / f"customer_{language}_{width}.png")
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert_quiet(tab)


@pytest.mark.prove
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("options", [(), ("--blink-settings=preferredColorScheme=0",)], ids=["light", "dark"])
def test_axe_finds_no_serious_fault_in_a_customers_page(
    simulated: Company, tmp_path: Path, language: str, options: tuple[str, ...]
) -> None:
    config = simulated.config.model_copy(update={"language": language})
    ((customer_id,),) = simulated.published(
        "select customer_id from value.customer_value where customer_id > 0 order by vin desc nulls last limit 1"
    )
    assert serious_faults(write_customer(config, customer_id), tmp_path, *options) == []


@pytest.mark.prove
def test_the_catalogue(simulated: Company, tmp_path: Path, pictures: Path) -> None:
    page = (simulated.config.published / "catalogue.html").as_uri()
    with browsing(tmp_path / "profile") as tab:
        tab.open(f"{page}#!/model/model.clientela.customer_value", "customer_value", "Depends On")
        tab.picture(pictures / "catalogue_model.png")
        tab.open(f"{page}#!/source/source.clientela.raw.transactions", "delivered as")
        tab.open(f"{page}#!/exposure/exposure.clientela.morning_report", "CRM")
        tab.picture(pictures / "catalogue_exposure.png")
        assert_quiet(tab)


@pytest.mark.prove
def test_dagsters_pages(simulated: Company, tmp_path: Path, pictures: Path) -> None:
    with serving(simulated.config_path) as server, browsing(tmp_path / "profile", 1500, 1200) as tab:
        server.wait_for("{ repositoriesOrError { __typename } }", lambda told: told["repositoriesOrError"])
        for name, path, *texts in (
            ("graph", "asset-groups", "marts_value"),
            ("asset", "assets/value/customer_value", "customer_value", "Controlling", "warehouse.value.customer_value"),
            ("checks", "assets/raw/transactions?view=checks", "till_gate"),
            ("schedules", "automation", "nightly", "arriving_files"),
            ("jobs", "jobs", "night", "as_of"),
        ):
            tab.open(f"{server.url}/{path}", *texts, seconds=180)
            tab.picture(pictures / f"dagster_{name}.png")
        assert_quiet(tab)
