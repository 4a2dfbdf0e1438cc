"""dbt's manifest, from which the model assets are made: as it is kept compiled, which a night reads too.

With a company's own models it is parsed, when it is missing or older than the project. That one lies apart from the one a
night writes, so that a server which loads its definitions while a night runs meets neither half a file nor dbt at work in the
same folder.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from clientela import transform
from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.file_modes import make_data_folder
from clientela.project_files import PROJECT

_PARSED = ("models", "seeds", "dbt/macros", "dbt/tests", "dbt/profiles.yml", "dbt_project.yml")
_METADATA = {"metadata": {"project_name": "clientela", "adapter_type": "duckdb"}}


def read_manifest(config: Config) -> dict[str, Any]:
    """The manifest of the project as it is now. Raises ClientelaError with dbt's words if it cannot be parsed."""
    if config.models is None:
        return _METADATA | transform.project(config)
    path = transform.target_folder(config) / "graph" / "manifest.json"
    if not path.is_file() or path.stat().st_mtime_ns < _last_change(config):
        _parse(config, path)
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _last_change(config: Config) -> int:
    """When the newest file or folder that dbt parses changed, in ns since 1970; a deleted file changes its folder."""
    newest = 0
    roots = [PROJECT / name for name in _PARSED] + [config.models] * (config.models is not None)
    for root in (root for root in roots if root is not None):
        for path in (root, *root.rglob("*")):
            if path.name != "__pycache__" and path.suffix != ".pyc":
                newest = max(newest, path.stat().st_mtime_ns)
    return newest


def _parse(config: Config, path: Path) -> None:
    """Let dbt parse in a folder of its own and put the result in place in one step: others may be reading or parsing."""
    from dbt.cli.main import dbtRunner

    began = time.time_ns()
    make_data_folder(config.data)
    for folder in (transform.target_folder(config), path.parent):
        make_data_folder(folder)
    with tempfile.TemporaryDirectory(dir=path.parent) as aside:
        arguments = [*transform.arguments(config, "parse"), "--target-path", aside, "--log-path", aside]
        with transform.set_environment(transform.environment(config)):
            answer = dbtRunner().invoke([*arguments, "--no-partial-parse"])
        if not answer.success:
            raise ClientelaError(f"dbt cannot parse the models: {str(answer.exception).splitlines()[0]}", str(answer))
        made = Path(aside) / "manifest.json"
        # a file that changed while dbt was at work is newer than this, and is parsed the next time
        os.utime(made, ns=(began, began))
        os.replace(made, path)
