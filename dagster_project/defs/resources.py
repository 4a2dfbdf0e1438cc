"""The night that a run takes: the company's lock and one `Night`, from the run's first step to its last.

Here stands how a step's fault becomes Dagster's, and what is told when the run ends. What the steps do, and whether
anything may be published, stands in `clientela.night`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from clientela.config import load_config
from clientela.errors import ClientelaError, NotPublishedError
from clientela.night import QUIET, Night, Watcher, open_night, silent
from clientela.run_summary import explained

#: the resource's key: steps name it as their parameter
NIGHT = "night"


class NightResource(dg.ConfigurableResource["NightResource"]):
    """Holds the company's lock while the run lasts. Another run at the same time fails at once, naming the holder."""

    config_path: str
    _night: Night | None = PrivateAttr(None)
    _is_quiet: bool = PrivateAttr(False)
    _faults: dict[str, ClientelaError] = PrivateAttr(default_factory=dict)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["NightResource"]:
        """Open the night before the first step; however the run ends, `open_night` tells its end."""
        with open_night(load_config(self.config_path), watch=_watcher(context)) as self._night:
            self._is_quiet, self._faults = False, {}
            try:
                yield self
            finally:
                self._say_how(self.night)

    @property
    def night(self) -> Night:
        """The run under way."""
        assert self._night is not None, "the night is open only while a run lasts"
        return self._night

    @contextmanager
    def step(self, name: str) -> Iterator[Night]:
        """The night, for one step. What the machine did wrong may be tried again; anything else fails with its sentence."""
        try:
            yield self.night
        except ClientelaError as error:
            self.hinder(name, error)
            details = {"details": dg.MetadataValue.text(error.details)} if error.details else None
            raise dg.Failure(error.sentence, metadata=details, allow_retries=False) from error
        except BaseException as error:
            # a transaction may be left open; the run's end is written on a connection of its own
            self.night.close()
            known = explained(error, self.night.config)
            self.hinder(name, known)
            if isinstance(error, duckdb.Error) and not isinstance(error, duckdb.IOException):
                raise dg.Failure(known.sentence, allow_retries=False) from error
            raise
        self._faults.pop(name, None)

    def hinder(self, name: str, error: ClientelaError) -> None:
        """Remember what keeps this run from publishing; a step that succeeds when it is tried again takes it back."""
        self._faults[name] = error

    def rest(self) -> None:
        """Remember that there was nothing to do."""
        self._is_quiet = True

    def _say_how(self, night: Night) -> None:
        """Say what `open_night` cannot see, since Dagster keeps a step's error to itself."""
        if self._faults:
            night.failure = next(iter(self._faults.values()))
        elif self._is_quiet:
            night.message = QUIET
        elif night.published is None:
            sentence = "The run was stopped, or asked for a part of the night only; nothing was published."
            night.failure = NotPublishedError(sentence)


def _watcher(context: dg.InitResourceContext) -> Watcher:
    log = context.log
    if log is None:
        return silent

    def watch(step: str, subject: str, sentence: str) -> None:
        log.info(f"{step} {subject} {sentence}".rstrip())

    return watch
