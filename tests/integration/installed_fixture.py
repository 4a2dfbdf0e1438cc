"""A wheel of the checkout, and README's commands as a person gives them to an installed clientela in a folder of their own."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def readme_commands() -> list[list[str]]:
    """What README tells to type that begins with `clientela`, split into words, the first one left out."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("clientela ")]
    assert len(lines) >= 6
    return [shlex.split(line)[1:] for line in lines]


def build_wheel(folder: Path) -> Path:
    """The wheel, built by the locked hatchling without an environment of its own."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def call(folder: Path, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run in `folder`, where nothing of the checkout is on Python's path."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CLIENTELA_CONFIG")}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder, env={**kept, **variables}, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def lay_out_examples(folder: Path) -> None:
    """A copy of the examples; the small one masks with a secret that is always the same, so that two can be compared."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    secret = folder / "data" / "small" / "secret"
    secret.parent.mkdir(parents=True)
    secret.write_text("0" * 64, encoding="ascii")


def follow_readme(python: Path, folder: Path) -> None:
    """Give README's commands to the clientela beside `python`, in a folder that holds nothing but a copy of the examples."""
    lay_out_examples(folder)
    for command in readme_commands():
        done = call(folder, python.with_name("clientela"), *command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
