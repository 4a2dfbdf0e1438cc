"""The parsed project serves every run of the same code, and nothing that others could have written is taken for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dbt.cli.main
import pytest

from clientela import parsed_models, transform
from tests.conftest import Company


@pytest.fixture
def parsed(shop: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The project, kept in a cache folder of this test's own, in a process that has parsed nothing yet."""
    with transform.set_environment(transform.environment(shop.config)):
        manifest = transform._parse(shop.config, "night")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    parsed_models.keep("night", manifest)
    monkeypatch.setattr(transform, "_PARSED", {})
    return manifest


def test_a_new_process_parses_nothing_and_has_the_same_project(
    shop: Company, parsed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_: object, **__: object) -> None:
        raise AssertionError("parsed again")

    monkeypatch.setattr(dbt.cli.main.dbtRunner, "invoke", parse)
    again = transform._parse(shop.config, "night")
    assert again is not parsed
    for part in ("nodes", "sources", "macros", "docs"):
        held, kept = (
            {key: node.to_resource().to_dict() for key, node in getattr(m, part).items()} for m in (parsed, again)
        )
        assert held == kept


def test_other_code_and_another_target_are_parsed_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {parsed_models.path("night"), parsed_models.path("as_of")}
    monkeypatch.setattr(parsed_models, "code_version", lambda: "another")
    assert len(paths | {parsed_models.path("night")}) == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: path.chmod(0o620),
        lambda path: path.parent.chmod(0o777),
    ],
    ids=["cut off", "empty", "gone", "others write the file", "others write the folder"],
)
def test_what_is_no_whole_file_of_ones_own_is_not_read(parsed: Any, spoil: Callable[[Path], None]) -> None:
    assert parsed_models.read("night") is not None
    spoil(parsed_models.path("night"))
    assert parsed_models.read("night") is None


def test_a_folder_that_cannot_be_written_keeps_nothing_and_hinders_nobody(
    parsed: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    parsed_models.keep("night", parsed)
    assert parsed_models.read("night") is None


def test_only_the_newest_few_are_kept_and_nothing_of_a_company_is_in_them(
    shop: Company, parsed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = parsed_models.path("night").parent
    assert str(shop.folder).encode() not in parsed_models.path("night").read_bytes()
    for number in range(parsed_models.KEPT + 2):
        monkeypatch.setattr(parsed_models, "code_version", lambda number=number: str(number))
        parsed_models.keep("night", parsed)
    assert len(list(folder.iterdir())) == parsed_models.KEPT
    assert parsed_models.read("night") is not None
