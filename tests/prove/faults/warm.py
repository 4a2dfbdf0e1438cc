"""What a forked night needs and has not to load again: the slow imports, and the compiled models.

Imported by the server that forks the nights (`set_forkserver_preload`). No connection is opened and no frame is made here:
threads would not survive the fork.
"""

import importlib
import tempfile
from pathlib import Path

import yaml

from clientela import transform
from clientela.config.read import load_config
from tests.conftest import SHOP

for module in (
    "clientela.pipeline.nightly",
    "great_expectations.expectations",
    "pyarrow.parquet",
):
    importlib.import_module(module)

with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "clientela.yml").write_text(yaml.safe_dump(SHOP), encoding="utf-8")
    transform.manifest(load_config(Path(folder) / "clientela.yml"))
