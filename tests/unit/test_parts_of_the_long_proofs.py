"""Every long proof stands in a part that `make prove PART=…` knows, and CONTRIBUTING tells of."""

import re

import pytest

from tests.conftest import ROOT
from tests.prove import parts

PROVE = ROOT / "tests" / "prove"
TESTS = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if "pytest.mark.prove" in path.read_text("utf-8")]


def test_every_long_proof_is_in_a_part() -> None:
    here = ROOT / "tests/unit/test_parts_of_the_long_proofs.py"
    assert TESTS and {path.parent for path in TESTS if path != here} == {PROVE / part for part in parts.PARTS}


def test_no_two_files_of_tests_have_one_name() -> None:
    """pytest imports them by their names alone, and would end before its first test."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_the_table_names_every_file_under_its_part() -> None:
    rows = re.findall(r"^\| (\w+) \| .* \| `([\w/.]+)` \|", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    files = {(path.parent.name, path.name) for path in PROVE.rglob("test_*.py")}
    assert {(part, name) for part, name in rows if part in parts.PARTS} == files


def test_a_part_that_is_not_there_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "proved", lambda part: part != "deliveries")
    assert parts.main(["atack"]) == 2
    assert capsys.readouterr().err.startswith(
        "There is no part 'atack' of the long proofs; there are attack, audit, browser, "
    )
    assert (parts.main(["browser"]), parts.main(["deliveries"]), parts.main([])) == (0, 1, 1)
    lines = capsys.readouterr().out.splitlines()[-len(parts.PARTS) :]
    assert [line.split()[:2] for line in lines] == [
        [part, "FAILED" if part == "deliveries" else "passed"] for part in parts.PARTS
    ]
