"""Where the files lie that are no Python package: the dbt project, suites, examples, notebooks and settings of a deployment.

In a checkout they lie beside the package, in an installed one inside it, under `project/`. Nobody else works out such a
path. What is in those files belongs to whoever reads them. They are only read: an installation may be read-only.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

#: the folder of the package itself
PACKAGE = Path(__file__).resolve().parent
IS_INSTALLED = (PACKAGE / "project").is_dir()
#: holds dbt_project.yml, dbt/, models/, seeds/, expectations/, notebooks/, deploy/ and examples/
PROJECT = PACKAGE / "project" if IS_INSTALLED else PACKAGE.parent


def code_files() -> list[tuple[str, Path]]:
    """Everything that computes a figure, sorted: its name, which is the same in a checkout and installed, and its path."""
    code = [path for path in PACKAGE.rglob("*") if PACKAGE / "project" not in path.parents]
    rest = [path for name in ("models", "seeds", "dbt", "expectations") for path in (PROJECT / name).rglob("*")]
    named = [(f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}", path) for path in code]
    named += [(path.relative_to(PROJECT).as_posix(), path) for path in (*rest, PROJECT / "dbt_project.yml")]
    return sorted((name, path) for name, path in named if path.suffix in (".py", ".sql", ".yml", ".csv", ".md"))


@cache
def code_version() -> str:
    """The package's version and a hash of everything that computes a figure, as this process began with it."""
    digest = hashlib.sha256()
    for name, path in code_files():
        digest.update(name.encode() + path.read_bytes())
    return f"{version('clientela')}+{digest.hexdigest()[:12]}"


def example(name: str) -> Path | None:
    """The configuration of an example; None where the package is installed, since its data would lie inside it."""
    return None if IS_INSTALLED else PROJECT / "examples" / name / "clientela.yml"
