"""The notebooks run as written, on a published file."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT, Company


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_published_file(running: Company, notebook) -> None:
    done = subprocess.run(
        [sys.executable, str(notebook)],
        env={**os.environ, "CLIENTELA_CONFIG": str(running.config_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
