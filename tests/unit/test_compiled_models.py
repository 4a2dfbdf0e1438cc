"""The compiled project serves every run of the same code, and nothing that others could have written is taken for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clientela import compiled_models, transform
from clientela.compiled_models import Compiled
from tests.conftest import Company


@pytest.fixture
def kept(shop: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Compiled:
    """The project, kept in a cache folder of this test's own, in a process that has read nothing yet."""
    project = transform.compiled()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiled_models.keep(project)
    monkeypatch.setattr(transform, "_COMPILED", {})
    return project


def test_a_new_process_compiles_nothing_and_has_the_same_project(
    shop: Company, kept: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_project(*_: object, **__: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(compiled_models, "compile_project", compile_project)
    again = transform.compiled()
    assert again is not kept
    assert again == kept


def test_what_a_wheel_brings_is_taken_where_it_is_of_this_code_and_these_libraries(
    kept: Compiled, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    brought = tmp_path / "compiled.json.gz"
    monkeypatch.setattr(compiled_models, "SHIPPED", brought)
    compiled_models.write_for_wheel(kept, brought)
    whole = brought.read_bytes()
    compiled_models.path().unlink()
    assert compiled_models.read() == kept
    brought.write_bytes(whole[:-1000])
    assert compiled_models.read() is None
    brought.write_bytes(whole)
    for name in ("code_version", "version"):
        with monkeypatch.context() as other:
            other.setattr(compiled_models, name, lambda *_: "another")
            assert compiled_models.read() is None
    compiled_models.keep(kept)
    assert compiled_models.read() == kept


def test_other_code_is_compiled_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiled_models.path()
    monkeypatch.setattr(compiled_models, "code_version", lambda: "another")
    assert compiled_models.path() != before


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
def test_what_is_no_whole_file_of_ones_own_is_not_read(kept: Compiled, spoil: Callable[[Path], None]) -> None:
    assert compiled_models.read() is not None
    spoil(compiled_models.path())
    assert compiled_models.read() is None


def test_a_folder_that_cannot_be_written_keeps_nothing_and_hinders_nobody(
    kept: Compiled, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    compiled_models.keep(kept)
    assert compiled_models.read() is None


def test_only_the_newest_few_are_kept_and_nothing_of_a_company_is_in_them(
    shop: Company, kept: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = compiled_models.path().parent
    assert str(shop.folder).encode() not in compiled_models.path().read_bytes()
    for number in range(compiled_models.KEPT + 2):
        monkeypatch.setattr(compiled_models, "code_version", lambda number=number: str(number))
        compiled_models.keep(kept)
    assert len(list(folder.iterdir())) == compiled_models.KEPT
    assert compiled_models.read() is not None


def test_what_is_in_use_outlives_what_is_newer_and_is_not(kept: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(compiled_models.KEPT + 2):
        monkeypatch.setattr(compiled_models, "code_version", lambda: "in use")
        assert compiled_models.read() is not None or number == 0
        if number == 0:
            compiled_models.keep(kept)
        monkeypatch.setattr(compiled_models, "code_version", lambda number=number: str(number))
        compiled_models.keep(kept)


def test_what_is_kept_names_no_database_and_no_company(kept: Compiled) -> None:
    assert compiled_models.DATABASE not in compiled_models.path().read_text()
    steps = [(step.relation, step.sql, step.sql_upon, step.before, step.after) for step in kept.steps]
    assert '"warehouse".' not in repr(steps)
