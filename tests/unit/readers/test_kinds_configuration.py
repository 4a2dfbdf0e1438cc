"""What the configuration says of a kind of source is checked before anything is read."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from reading import feed_of

from clientela.config.read import json_schema, load_config
from clientela.config.sources import EntityConfig
from clientela.errors import ConfigError, DeliveryError
from clientela.extract.open_file import kind_of

DATABASE = {"connection_env": "CRM", "table": "t"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.csv", "csv"), ("X.TSV.GZ", "csv"), ("x.txt", "csv"), ("x.2024.csv.zst", "csv"), ("x.json", "json"),
        ("x.jsonl.gz", "json_lines"), ("x.ndjson", "json_lines"), ("x.XLSX", "excel"), ("x.ods", "excel"),
        ("x.parquet", "parquet"),
    ],
)  # fmt: skip
def test_the_ending_tells_the_format(tmp_path: Path, name: str, kind: str) -> None:
    assert kind_of(feed_of(tmp_path), Path(name)) == kind


def test_an_ending_that_tells_nothing_asks_for_the_format(tmp_path: Path) -> None:
    for name in ("x", "x.dat", "x.gz"):
        with pytest.raises(
            DeliveryError, match=r"does not tell its format; mend .*: one of csv, fixed, json, json_lines"
        ):
            kind_of(feed_of(tmp_path), Path(name))
    assert kind_of(feed_of(tmp_path, {"format": "csv"}), Path("x.dat")) == "csv"
    assert kind_of(feed_of(tmp_path, {"fixed": {"columns": {"id": [1, 2]}}}), Path("x.dat")) == "fixed"


@pytest.mark.parametrize(
    ("entity", "sentence"),
    [
        ({"key": "id"}, "sources.crm.entities.customers: it needs either `files` or `database`."),
        ({"files": "x.csv", "database": DATABASE, "key": "id"}, "it needs either `files` or `database`."),
        ({"files": "x", "format": "fixed", "key": "id"}, "format `fixed` needs `fixed.columns`"),
        ({"files": "x", "format": "xml", "key": "id"}, "sources.crm.entities.customers.format = 'xml'"),
        ({"files": "x", "encoding": "utf-9", "key": "id"}, "encoding = 'utf-9': is no encoding of text"),
        ({"files": "x", "fixed": {"columns": {"id": [0, 5]}}, "key": "id"}, "fixed.columns.id.start = 0"),
        ({"files": "x", "csv": {"delimiter": ";;"}, "key": "id"}, "csv.delimiter = ';;'"),
        ({"files": "x", "csv": {"delimiter": '"'}, "key": "id"}, "cannot part fields: it is the quote or a line break"),
        ({"database": {"connection_env": "CRM"}, "key": "id"}, "database: it needs either `table` or `query`."),
        ({"database": {**DATABASE, "query": "select 1"}, "key": "id"}, "it needs either `table` or `query`."),
        ({"database": {**DATABASE, "look_back": "2 days"}, "key": "id"}, "name the watermark's column too"),
        (
            {"database": {**DATABASE, "watermark": "w", "look_back": "soon"}, "key": "id"},
            "look_back = 'soon': is no age",
        ),
        (
            {"database": {"connection_env": "postgresql://u:p@h/d", "table": "t"}, "key": "id"},
            "connection_env: write the name of an environment variable, such as CRM_DATABASE",
        ),
        (
            {"database": {**DATABASE, "watermark": "w"}, "delivery": "snapshot", "key": "id"},
            "a snapshot is the whole each time; leave `database.watermark` out",
        ),
    ],
)
def test_a_mistake_gets_one_sentence(tmp_path: Path, entity: dict[str, Any], sentence: str) -> None:
    values = {
        "company": "Acme", "currency": "EUR", "time_zone": "Europe/Madrid",
        "sources": {"crm": {"entities": {"customers": entity}}},
    }  # fmt: skip
    (tmp_path / "clientela.yml").write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "clientela.yml")
    assert sentence in caught.value.sentence
    assert "u:p@h" not in str(caught.value)
    assert "\n" not in caught.value.sentence


def test_editors_complete_every_kind() -> None:
    properties = json_schema()["$defs"]["EntityConfig"]["properties"]
    assert {"files", "database", "format", "encoding", "csv", "fixed", "json", "excel"} <= set(properties)
    assert "json" not in EntityConfig.model_fields
