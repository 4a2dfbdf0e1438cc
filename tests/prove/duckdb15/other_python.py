"""A Python of its own with pinned packages, for the proofs that need another DuckDB; skipped where no index is reached."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def python_with(folder: Path, lock: Path) -> Path:
    """A new environment under `folder` that holds what the lock file lists; its interpreter."""
    environment = {**os.environ, "VIRTUAL_ENV": str(folder / "venv")}
    python = folder / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv")], check=True)
    install = [
        *uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python),
        "--no-deps",
        "--require-hashes",
        "-r",
        str(lock),
    ]
    done = subprocess.run(install, env=environment, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{lock.name} cannot be installed here: {done.stderr.strip().splitlines()[-1][:200]}")
    return python
