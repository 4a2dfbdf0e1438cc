"""README is true: its example is the example, the folders it names exist. Its commands run in test_installed.py."""

import re

from clientela.exit_codes import EXIT_CODES
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_example_in_readme_is_the_example_in_its_folder() -> None:
    (shown,) = _blocks("yaml")
    assert shown.strip() == (ROOT / "examples/small/clientela.yml").read_text(encoding="utf-8").strip()


def test_make_targets_and_links_in_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)):
        assert f"\n{target}:" in makefile, target
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_readme_lists_the_exit_codes_that_are() -> None:
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in README
