"""README is true: its example is the example, its commands run, the folders it names exist."""

import re
import shlex
import shutil
from pathlib import Path

from click.testing import CliRunner

from clientela.cli import main
from clientela.errors import EXIT_CODES
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_example_in_readme_is_the_example_in_its_folder() -> None:
    (shown,) = _blocks("yaml")
    assert shown.strip() == (ROOT / "examples/small/clientela.yml").read_text(encoding="utf-8").strip()


def test_every_clientela_command_in_readme_runs_as_written(tmp_path: Path, monkeypatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    commands = [line for block in _blocks("sh") for line in block.splitlines() if line.startswith("clientela ")]
    assert len(commands) >= 6
    for command in commands:
        answer = CliRunner().invoke(main, shlex.split(command)[1:])
        # doctor says 3: the example holds one line that is wrong on purpose
        assert answer.exit_code == (3 if " doctor " in command else 0), f"{command}\n{answer.output}"


def test_make_targets_and_links_in_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)):
        assert f"\n{target}:" in makefile, target
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_readme_lists_the_exit_codes_that_are() -> None:
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in README
