"""The catalogue: dbt's own documentation as one page beside the report, with lineage from delivered files to report and notebook.

dbt brings the page, a program that draws what it is given; here it is given the models as they were parsed, and of this company
what delivers each table and how old it may be. It fetches nothing: its policy allows nothing. It is written again only when
models, feeds or the company's own marts changed.
"""

import hashlib
import json
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clientela import transform
from clientela.compiled_models import declared_personal
from clientela.config.company import Config
from clientela.contracts import ENTITIES
from clientela.project_files import code_version
from clientela.report.places import CATALOGUE_FILE, replace_text

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)
_MANIFEST, _COLUMNS = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'
#: what the page asks for before its program runs, and no file of ours is
_MENDED = (
    ("${require('./assets/favicons/favicon.ico')}", "data:,"),
    ('<use xlink:href="{{', '<use ng-attr-xlink:href="{{'),
)


def write_catalogue(config: Config) -> Path | None:
    """Write `published/catalogue.html` if what it says has changed; gives its path then. Raises OSError where it cannot."""
    path = config.published / CATALOGUE_FILE
    mark = _mark(config)
    with suppress(OSError), path.open(encoding="utf-8") as page:
        if page.read(len(mark)) == mark:
            return None
    replace_text(path, mark + _page(config))
    return path


def _mark(config: Config) -> str:
    """How a catalogue begins that is of these models and feeds."""
    own = [f"{file.name}:{file.stat().st_mtime_ns}" for file in config.model_files()]
    made_of = json.dumps([code_version(), config.company, own, deliveries(config)], sort_keys=True)
    return f"<!doctype html><!-- {hashlib.sha256(made_of.encode()).hexdigest()[:16]} -->\n"


def deliveries(config: Config) -> dict[str, list[dict[str, str]]]:
    """Entity → the feeds that deliver it: source, files or kind, and how old it may become, as the configuration says."""
    found: dict[str, list[dict[str, str]]] = {}
    for source_name, source in config.sources.items():
        for name, settings in source.entities.items():
            entity = ENTITIES[settings.entity or name].name
            # a database's address and query are nobody's who reads what is published
            told = {"feed": f"{source_name}.{name}", "delivered as": ", ".join(settings.files) or "a database's table"}
            if settings.max_age is not None:
                told["no older than"] = str(settings.max_age)
            found.setdefault(entity, []).append(told)
    return found


def _page(config: Config) -> str:
    project = dict(transform.project(config))
    delivered = deliveries(config)
    project["nodes"] = {key: _marked(node) for key, node in project["nodes"].items()}
    project["sources"] = {key: _delivered(source, delivered) for key, source in project["sources"].items()}
    metadata = {"project_name": "clientela", "adapter_type": "duckdb", "send_anonymous_usage_stats": False, "env": {}}
    manifest = {"metadata": metadata, **project}
    spec = find_spec("dbt.task.docs")
    assert spec is not None and spec.origin is not None
    page = Path(spec.origin).with_name("index.html").read_text(encoding="utf-8")
    for before, after in _MENDED:
        page = page.replace(before, after)
    page = page.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{_POLICY}">', 1)
    page = page.replace(_MANIFEST, _inlined(manifest)).replace(_COLUMNS, _inlined(_typed(project["nodes"])))
    return page.removeprefix("<!doctype html>").lstrip()


def _delivered(source: dict[str, Any], delivered: dict[str, list[dict[str, str]]]) -> dict[str, Any]:
    """A table that models read, with what of this company delivers it."""
    if source["source_name"] != "raw":
        return source
    feeds = delivered.get(source["name"], [])
    told = [", ".join(f"{key}: {value}" for key, value in feed.items()) for feed in feeds]
    meaning = ENTITIES[source["name"]].description
    return source | {
        "description": "\n\n".join([meaning, *(told or ["No source of this company delivers it."])]),
        "loader": ", ".join(feed["feed"] for feed in feeds),
    }


def _marked(node: dict[str, Any]) -> dict[str, Any]:
    """A node whose personal columns say so where they are described."""
    columns = {
        name: column | {"description": f"{column['description'].strip()} Personal.".strip()}
        for name, column in node.get("columns", {}).items()
        if declared_personal(column)
    }
    return node | {"columns": {**node["columns"], **columns}} if columns else node


def _inlined(data: Any) -> str:
    """As JSON within a script: no text of it can end the script."""
    return json.dumps(data, default=str).replace("</", "<\\/")


def _typed(nodes: dict[str, Any]) -> dict[str, Any]:
    """The columns of models as dbt's catalogue has them, typed by their contracts."""
    return {
        "metadata": {}, "errors": None, "sources": {},
        "nodes": {
            key: {
                "unique_id": key, "stats": {},
                "metadata": {
                    "type": node["config"].get("materialized"), "schema": node["schema"], "name": node["name"],
                    "database": None, "comment": node["description"], "owner": node.get("group"),
                },
                "columns": {
                    name: {"name": name, "type": column.get("data_type"), "index": place, "comment": column["description"]}
                    for place, (name, column) in enumerate(node["columns"].items(), 1)
                },
            }
            for key, node in nodes.items()
            if node["resource_type"] in ("model", "seed")
        },
    }  # fmt: skip
