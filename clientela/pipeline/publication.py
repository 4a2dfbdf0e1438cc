"""When a run publishes, and what goes with it: memory on the same instant, and a stop that comes too late.

How the file is written, checked and switched in is in `clientela.publish`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from clientela import file_modes, stopping, transform
from clientela.config.company import Config
from clientela.publish import Published, marts_of, publish_marts
from clientela.warehouse import memory


@dataclass(frozen=True)
class Destination:
    """Where marts are published. `reached_on`: the last day that the loaded transactions reach, where that counts;
    `before_switch` runs once the new file is known to be good."""

    folder: Path
    reached_on: date | None = None
    before_switch: Callable[[], None] = lambda: None


def newest(connection: duckdb.DuckDBPyConnection, config: Config, reached_on: date) -> Destination:
    """Where the company reads; memory is committed after the new file is checked, before it is switched in."""

    def remember() -> None:
        memory.commit(connection)
        memory.export(connection, config.memory)
        memory.withdraw(config.published / "memory")

    return Destination(config.published, reached_on, remember)


def past_day(config: Config, as_of: date) -> Destination:
    """Beside the newest, for the marts of a past day, which are remembered nowhere."""
    folder = config.published / "as_of" / as_of.isoformat()
    file_modes.make_shared_folder(folder)
    return Destination(folder)


@contextmanager
def published(connection: duckdb.DuckDBPyConnection, config: Config, destination: Destination) -> Iterator[Published]:
    """Publish. From the last step before the switch until this is left, a stop comes too late."""
    with ExitStack() as undisturbed:

        def before_switch() -> None:
            undisturbed.enter_context(stopping.deferred())
            destination.before_switch()

        yield publish_marts(
            connection,
            config,
            marts_of(transform.manifest(config)),
            destination.folder,
            reached_on=destination.reached_on,
            before_switch=before_switch,
        )
