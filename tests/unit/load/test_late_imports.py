"""A module that is imported late is there by its name, and is what it always was for whoever uses it."""

import subprocess
import sys
from pathlib import Path

import pytest

from clientela.load.gate.late_imports import import_late


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a module and a package in it, each of which says in a file that it was read."""
    folder = tmp_path / "sayer"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    noting = f"open({str(tmp_path / 'read')!r}, 'a').write(__name__ + ' ')\n"
    (folder / "inner" / "__init__.py").write_text(noting + "from sayer.inner.part import answer\n")
    (folder / "inner" / "part.py").write_text("answer = 42\n")
    (folder / "broken.py").write_text("raise ValueError('broken')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield str(tmp_path / "read")
    for name in [name for name in sys.modules if name.partition(".")[0] == "sayer"]:
        del sys.modules[name]


def test_it_is_read_when_it_is_used_and_not_when_it_is_imported(package: str) -> None:
    import_late("sayer.inner")
    from sayer import inner  # type: ignore[import-not-found]

    assert inner.__file__.endswith("__init__.py")
    assert not Path(package).exists()
    assert inner.answer == 42
    assert Path(package).read_text() == "sayer.inner "
    assert sys.modules["sayer.inner"] is inner


def test_what_lies_in_it_is_found_as_ever(package: str) -> None:
    import_late("sayer.inner")
    from sayer.inner.part import answer  # type: ignore[import-not-found]

    assert answer == 42


def test_a_mistake_in_it_is_told_where_it_is_used(package: str) -> None:
    import_late("sayer.broken")
    from sayer import broken

    with pytest.raises(ValueError, match="broken"):
        broken.answer  # noqa: B018
    assert "sayer.broken" not in sys.modules


def test_what_is_not_installed_stays_so(package: str) -> None:
    import_late("sayer.nothing")
    import_late("no_such_package.nothing")
    with pytest.raises(ImportError):
        from sayer import nothing  # noqa: F401


def test_the_gate_reads_none_of_what_it_never_asks() -> None:
    """`scipy.stats` serves expectations that no suite holds: three quarters of a second in every night with a new batch."""
    code = """
import sys, duckdb
from clientela.contracts.expectations import Expect
from clientela.load.gate.validate import validate
connection = duckdb.connect()
connection.execute("create table gated as select 1 as a; create table batch_metrics as select 1 as b")
checks = validate(connection, [Expect("there", "ExpectColumnValuesToNotBeNull", "critical", "", "a")])
assert [check.is_met for check in checks] == [True]
import inspect
inspect.getmodule(Expect)
print("scipy.stats._stats_py" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
