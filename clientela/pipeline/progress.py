"""What a run tells of itself while it is under way; how that is shown is in `clientela.cli` and `dagster_project`."""

from collections.abc import Callable

#: called with step, subject, and a sentence: `load`, `loaded`, `transform`, `begin` and `node` (a model or test begins, ends),
#: `publish`, `report`, `notice`, `end`
Watcher = Callable[[str, str, str], None]


def silent(step: str, subject: str, sentence: str) -> None:
    """The watcher of a run that nobody watches."""
