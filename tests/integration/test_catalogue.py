"""The catalogue: written with the report, from delivered file to report, and again only when something changed."""

import json
import re

from clientela import transform
from clientela.project_files import PROJECT
from clientela.report.lineage import write_catalogue
from tests.conftest import Company


def test_a_night_writes_the_catalogue_once(running: Company) -> None:
    page = running.config.published / "catalogue.html"
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "default-src 'none'" in text and page.stat().st_size < 6_000_000
    assert "till.transactions, delivered as: sales*.csv" in text and str(running.folder) not in text
    assert 'href="catalogue.html"' in (running.config.published / "index.html").read_text(encoding="utf-8")
    before = page.stat().st_mtime_ns
    assert write_catalogue(running.config) is None and page.stat().st_mtime_ns == before
    # how old a delivery may be is in it, so that it is written again
    running.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(max_age="900 days"))
    assert write_catalogue(running.config) == page
    assert "no older than: 900 days" in page.read_text(encoding="utf-8")


def test_the_lineage_leads_from_a_delivered_table_to_report_and_notebook(running: Company) -> None:
    project = transform.project(running.config)
    reached, waiting = set(), ["source.clientela.raw.transactions"]
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += project["child_map"].get(node, [])
    named = {name for name in reached if name.startswith("exposure.")}
    assert {
        "exposure.clientela.morning_report",
        "exposure.clientela.notebook_value",
        "exposure.clientela.customer_page",
    } <= named
    text = (running.config.published / "catalogue.html").read_text(encoding="utf-8")
    inlined = re.search(r'manifest:(\{"metadata".*?\}),catalog:', text, re.DOTALL)
    assert inlined is not None
    manifest = json.loads(inlined[1].replace("<\\/", "</"))
    groups = {
        node["group"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and "marts" in node["fqn"]
    }
    assert groups == {"customer", "value", "retention", "segment", "relationship", "objective", "quality", "operations"}
    # the page opens on our own words, says which columns are personal, and nothing of this machine
    assert "Begin with **customer_today**" in manifest["docs"]["doc.clientela.__overview__"]["block_contents"]
    customers = manifest["nodes"]["model.clientela.customers"]["columns"]
    assert customers["email"]["description"].endswith(" Personal.")
    assert not customers["customer_id"]["description"].endswith("Personal.")
    assert str(PROJECT) not in text
    assert {macro["package_name"] for macro in manifest["macros"].values()} == {"clientela"}
    assert manifest["metadata"]["send_anonymous_usage_stats"] is False
