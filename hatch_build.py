"""What a wheel brings beside the files of the checkout: the models as dbt compiles them, so that no first night has to.

Only where the environment that builds holds what compiles: `pip wheel --no-deps --no-build-isolation .` in a checkout's own.
Any other wheel is whole without it, and each user's first night compiles once.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WRITE = """
import sys
from pathlib import Path
from clientela import compiled_models, transform
compiled_models.write_for_wheel(transform.compiled(), Path(sys.argv[1]))
"""


class CompiledModels(BuildHookInterface[Any]):
    """Hatchling calls it for each wheel."""

    _folder: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An installation in place reads the checkout, and keeps what it compiled in the user's cache."""
        if version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp(prefix="clientela-wheel-"))
        written = self._folder / "compiled.json.gz"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", WRITE, str(written)],
            env={**os.environ, "PYTHONPATH": self.root}, capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode == 0 and written.is_file():
            build_data["force_include"][str(written)] = "clientela/project/compiled.json.gz"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """What was written aside is in the wheel."""
        if self._folder is not None:
            shutil.rmtree(self._folder)
