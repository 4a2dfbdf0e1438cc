"""Installed from its wheel, with nothing but what it requires, clientela does what the checkout does."""

import re
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from clientela.cli.main import main
from tests.conftest import ROOT, Company, marts
from tests.integration.installed_fixture import (
    build_wheel,
    call,
    follow_readme,
    lay_out_examples,
    readme_commands,
)


def _required(requirements: Iterable[str]) -> dict[str, Distribution]:
    """What these requirements bring as it is installed here; of what they themselves offer as extras, only what is asked for."""
    found: dict[str, Distribution] = {}
    met: set[str] = set()
    waiting = [(text, "") for text in requirements]
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        found[name] = distribution(requirement.name)
        for asked in {"", *requirement.extras}:
            if f"{name}[{asked}]" not in met:
                met.add(f"{name}[{asked}]")
                waiting += [(needed, asked) for needed in found[name].requires or []]
    return found


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and, as links to the locked packages, what it requires."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = build_wheel(folder)
    venv.create(folder / "venv", symlinks=True)
    interpreter = folder / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python", interpreter]
    subprocess.run([*map(str, uv), str(wheel)], check=True)
    (packages,) = (folder / "venv" / "lib").glob("*/site-packages")
    (metadata,) = Distribution.discover(name="clientela", path=[str(packages)])
    for needed in _required(metadata.requires or []).values():
        for top in {file.parts[0] for file in needed.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(needed.locate_file(top))))
    return interpreter


def test_the_first_night_of_a_user_compiles_nothing(python: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from clientela import transform; print(len(transform.compiled().steps) > 99, 'dbt' in sys.modules)"
    )
    done = call(tmp_path, python, "-c", code, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.stdout.split() == ["True", "False"], done.stderr


@pytest.fixture(scope="module")
def installed(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The small example after README's commands, by the installed clientela."""
    folder = tmp_path_factory.mktemp("elsewhere")
    follow_readme(python, folder)
    return Company(folder / "examples" / "small")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The small example after the one of README's commands that publishes, by the checkout; `test_cli` gives it the others."""
    folder = tmp_path_factory.mktemp("here")
    lay_out_examples(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in (command for command in readme_commands() if command[0] == "run"):
            answer = CliRunner().invoke(main, command)
            assert answer.exit_code == 0, f"{command}\n{answer.output}"
    return Company(folder / "examples" / "small")


def test_readmes_commands_run_as_written_and_an_installed_clientela_publishes_the_same(
    here: Company, installed: Company
) -> None:
    ours, theirs = marts(here), marts(installed)
    assert len(ours) > 20 and theirs == ours
    versions = "select code_version from operations.publication"
    assert installed.published(versions) == here.published(versions), "the same code has the same version"


def test_an_installation_holds_the_whole_project_and_nothing_is_written_into_it(
    python: Path, installed: Company
) -> None:
    (package,) = (python.parent.parent / "lib").glob("*/site-packages/clientela")
    folders = ("dbt", "models", "seeds", "expectations", "notebooks", "deploy", "examples")
    expected = {Path("dbt_project.yml"), Path("compiled.json.gz")}.union(
        *(_files(ROOT / folder, ROOT) for folder in folders)
    )
    assert len(expected) > 150
    assert _files(package / "project", package / "project") == expected
    assert not (package.parent / "data").exists()


def _files(folder: Path, start: Path) -> set[Path]:
    return {path.relative_to(start) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["-m", "clientela", "simulate", "--out", "invented"], "An invented company needs `pip install 'clientela[simulate]'`"),
        (["-m", "clientela.cli.demo"], "The demonstration needs `pip install 'clientela[demo]'`"),
        (["-m", "dagster_project.dev"], "Dagster's UI needs `pip install 'clientela[dagster]'`"),
    ],
)  # fmt: skip
def test_what_an_extra_brings_is_asked_for_in_one_sentence(
    python: Path, tmp_path: Path, command: list[str], sentence: str
) -> None:
    done = call(tmp_path, python, *command)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "extra"),
    [
        ("postgresql://reader:secret@127.0.0.1:1/crm", "postgres"),
        ("host=127.0.0.1 dbname=crm password=secret", "postgres"),
        ("sqlite:///crm.db", "sqlite"),
    ],
)
@pytest.mark.parametrize("command", ["doctor", "run"])
def test_a_database_whose_driver_is_not_installed_stops_before_anything_is_touched(
    python: Path, shop: Company, url: str, extra: str, command: str
) -> None:
    def from_a_database(settings: dict) -> None:  # type: ignore[type-arg]
        sales = settings["sources"]["till"]["entities"]["transactions"]
        del sales["files"]
        sales["database"] = {"connection_env": "CRM", "table": "sales"}

    shop.change(from_a_database)
    done = call(shop.folder, python, "-m", "clientela", command, CRM=url)
    assert done.returncode == 2, done.stderr
    said = done.stdout + done.stderr
    assert f"`pip install 'clientela[{extra}]'`" in said and "secret" not in said
    assert not shop.config.warehouse.exists()
