"""`clientela doctor --propose`: a first clientela.yml for a company whose files or tables were never seen before.

Here only the steps: look at every table (`profile`), guess what it is (`guess`, by the words of `words`), write it down
with the evidence beside (`write`). The proposal is for a person to correct; nothing is loaded.
"""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientela.config.read import package_path
from clientela.contracts import ENTITIES
from clientela.errors import ConfigError, DeliveryError
from clientela.extract.inbox import PACKAGE
from clientela.onboard.propose import profile, words, write
from clientela.onboard.propose.arrange import arranged
from clientela.onboard.propose.guess import Guesser
from clientela.onboard.propose.model import SourceGuess, TableGuess
from clientela.onboard.propose.sources import sources_of
from clientela.warehouse.tables import READ_ANEW
from clientela.wording import listed

#: names of folders that name no company
_GENERAL = ("data", "datos", "exports", "export", "files", "ficheros", "csv", "in", "landing")


@dataclass(frozen=True)
class Proposal:
    """The text of a clientela.yml, and what it rests on. `refusal`: why it is of no use, where nothing was recognised."""

    text: str
    sources: list[SourceGuess]
    left_out: list[TableGuess]
    unknown: list[str]
    unread: list[profile.Unread]
    refusal: str = ""


def propose(place: str, home: Path) -> Proposal:
    """A proposal for a folder (`package:NAME/path` too), or for the database whose connection such a variable holds.

    `home` is the folder of the configuration to be: its paths are told from there. Raises ConfigError where there is
    nothing to look at.
    """
    is_package = place.startswith(PACKAGE)
    folder = Path(package_path(place) if is_package else place)
    is_database = not folder.exists() and re.fullmatch(r"[A-Za-z_]\w*", place) and place in os.environ
    if not folder.is_dir() and not is_database:
        raise ConfigError(
            f"{place}: there is no such folder, and no environment variable of that name that holds a "
            "database's connection."
        )
    with tempfile.TemporaryDirectory(prefix="clientela-") as scratch:
        connection = duckdb.connect()
        try:
            connection.execute("set temp_directory = ?", [scratch])
            connection.execute(READ_ANEW)
            if is_database:
                tables, unread = profile.of_database(connection, place, home, Path(scratch))
            else:
                tables, unread = profile.of_folder(connection, folder.resolve(), Path(scratch), is_trusted=is_package)
            references = [t for t in tables if t.name in ENTITIES and ENTITIES[t.name].is_reference]
            tables = [t for t in tables if t not in references]
            if not tables:
                reason = f" ({unread[0].name}: {unread[0].reason})" if unread else ""
                raise ConfigError(f"{place}: no file or table there can be read{reason}.")
            guesser = Guesser(connection, tables)
            guesses = arranged(connection, guesser)
        except DeliveryError as error:
            raise ConfigError(f"{place}: {error.sentence}.") from error
        finally:
            connection.close()
    root = folder.resolve()
    name = root.parent.name if root.name.lower() in _GENERAL else root.name
    name = normal_name(place if is_database else name)
    sources = sources_of([guess for guess in guesses if not guess.left_out], name)
    left_out = [guess for guess in guesses if guess.left_out]
    reference = references[0].folder if references else None

    def named(path: str) -> str:
        if is_package:
            return f"{place.rstrip('/')}/{Path(path).relative_to(root)}"
        return profile.relative(path, home)

    text = write.configuration(name, sources, left_out, guesser.others, guesser.unknown, unread, reference, named)
    refusal = "" if sources else f"{place}: {_nothing_recognised(guesser, unread)}"
    return Proposal(text, sources, left_out, [table.name for table in guesser.unknown], unread, refusal)


def _nothing_recognised(guesser: Guesser, unread: list[profile.Unread]) -> str:
    """What was looked for, what was found instead, and what to do."""
    found = [f"{t.name} ({guesser.others.get(t.name) or listed(list(t.columns), 5)})" for t in guesser.tables]
    more = f"; {unread[0].name} could not be read: {unread[0].reason}" if unread else ""
    return (
        f"looked for {listed(list(words.FIELDS), 20)} by the names and values of columns, and found {listed(found, 3)}, none of "
        f"which looks like one of them{more}. Map what you know by hand: docs/contract.md says what can be mapped."
    )


def normal_name(name: str) -> str:
    """A company's name from a folder's."""
    return re.sub(r"[_\-]+", " ", name).strip().capitalize() or "Company"
