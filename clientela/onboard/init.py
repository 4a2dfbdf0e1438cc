"""`clientela init FOLDER`: a newcomer's first minutes. Looks, proposes, writes `clientela.yml` beside the files, and tries it.

What is proposed stands in `propose`, what a night would do with it in `doctor`; here only their order, and five lines that say
what a person must still look at.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from clientela.config.company import DEFAULT_CONFIG
from clientela.config.read import load_config
from clientela.errors import ConfigError
from clientela.onboard.doctor import Examination, foretell
from clientela.onboard.propose import Proposal, propose
from clientela.wording import counted, listed

#: words in a proposal's comments that ask for a person's knowledge
_MARKS = ("YOURS", "CHECK", "ASSUMED", "TRANSLATE")


@dataclass(frozen=True)
class Start:
    """What was written, what is said of it, and what a first night would make of it."""

    path: Path
    sentences: list[str]
    examination: Examination

    @property
    def next_command(self) -> str:
        """What to type now."""
        command = "run" if self.examination.exit_code == 0 else "doctor"
        return f"clientela {command} -c {self.path}"


def start(folder: Path, *, overwrite: bool = False) -> Start:
    """Write the folder's `clientela.yml` and try it. Raises ConfigError if there is one, or nothing to look at."""
    path = folder / DEFAULT_CONFIG
    if path.exists() and not overwrite:
        raise ConfigError(f"{path} is there already; --overwrite writes it anew, and what it says now is gone.")
    proposal = propose(str(folder), folder.resolve())
    if proposal.refusal:
        raise ConfigError(proposal.refusal)
    path.write_text(proposal.text, encoding="utf-8")
    return Start(path, explained(proposal), foretell(load_config(path)))


def explained(proposal: Proposal) -> list[str]:
    """Five lines: what was found, what is missing, what was left out, what is never taken, what is only guessed."""
    tables = [guess for source in proposal.sources for guess in source.tables]
    entities = list(dict.fromkeys(guess.entity for guess in tables))
    found = (
        f"Found: {counted(len(tables), 'table')} of {listed(entities)}." if tables else "Found: nothing that it knows."
    )
    lacking = [
        f"{guess.entity} lacks {listed(guess.missing)} ({guess.table.name})" for guess in tables if guess.missing
    ]
    if not {"transactions", "contracts"} & set(entities):
        lacking.insert(0, "there are no transactions and no contracts, and a company needs one of them")
    missing = f"Missing: {'; '.join(lacking)}." if lacking else "Missing: nothing that a night needs."
    left = [guess.table.name for guess in proposal.left_out] + proposal.unknown
    left += [item.name for item in proposal.unread]
    never = [name for guess in tables for name in guess.table.never]
    marked = sum(any(mark in line for mark in _MARKS) for line in re.findall(r"# .*", proposal.text))
    return [
        found,
        missing,
        f"Left out: {listed(left)}; the file says why." if left else "Left out: nothing.",
        f"Never taken: {listed(never)}."
        if never
        else "Never taken: nothing here looks like a secret or a card number.",
        f"Guessed: {counted(marked, 'line')} of the file bear {', '.join(_MARKS[:-1])} or {_MARKS[-1]}: "
        "what only you can know, the currency and the time zone among it.",
    ]
