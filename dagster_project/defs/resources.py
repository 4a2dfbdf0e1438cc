"""The pipeline run beneath a Dagster run: the company's lock and one `PipelineRun`, from the first step to the last.

Here is how a step's fault becomes Dagster's, and what `PipelineRun` learns of it before it ends. What the steps do, and
whether anything may be published, is in `clientela.pipeline`.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from clientela.config.read import load_config
from clientela.errors import ClientelaError, NotPublishedError, RunningError
from clientela.pipeline.open_run import open_run
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.progress import Watcher, silent
from clientela.pipeline.run_summary import NOTHING_NEW
from clientela.warehouse.faults import explained

#: the resource's key: steps name it as their parameter
RUN_RESOURCE = "pipeline_run"
#: how long a run waits for one that Dagster's queue does not know, such as `clientela run`, and how often it looks
PATIENCE_SECONDS = 3600
SECONDS_BETWEEN_LOOKS = 5


class PipelineRunResource(dg.ConfigurableResource["PipelineRunResource"]):
    """Holds the company's lock while the run lasts; waits for whoever holds it, and fails, naming them, if they never end."""

    config_path: str
    _run: PipelineRun | None = PrivateAttr(None)
    _has_no_changes: bool = PrivateAttr(False)
    _faults: dict[str, ClientelaError] = PrivateAttr(default_factory=dict)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["PipelineRunResource"]:
        """Open the run before the first step; however it ends, `open_run` writes its end."""
        with ExitStack() as stack:
            self._run = self._open(stack, context)
            self._has_no_changes, self._faults = False, {}
            try:
                yield self
            finally:
                self._set_end(self.run)

    def _open(self, stack: ExitStack, context: dg.InitResourceContext) -> PipelineRun:
        """The run, once the company's lock is free: what asked for this run is not lost because a person's came first."""
        watch = _watcher(context)
        until = time.monotonic() + PATIENCE_SECONDS
        is_waiting = False
        while True:
            try:
                return stack.enter_context(open_run(load_config(self.config_path), watch=watch))
            except RunningError as error:
                if time.monotonic() >= until:
                    raise
                if not is_waiting:
                    watch("wait", "", error.sentence)
                is_waiting = True
                time.sleep(SECONDS_BETWEEN_LOOKS)

    @property
    def run(self) -> PipelineRun:
        """The run under way."""
        assert self._run is not None, "it is open only while a Dagster run lasts"
        return self._run

    @contextmanager
    def step(self, name: str) -> Iterator[PipelineRun]:
        """The run, for one step. What the machine did wrong may be tried again; anything else fails with its sentence."""
        try:
            yield self.run
        except ClientelaError as error:
            self.record_failure(name, error)
            details = {"details": dg.MetadataValue.text(error.details)} if error.details else None
            raise dg.Failure(error.sentence, metadata=details, allow_retries=False) from error
        except BaseException as error:
            # a transaction may be left open; the run's end is written on a connection of its own
            self.run.session.close()
            known = explained(error, self.run.config)
            self.record_failure(name, known)
            if isinstance(error, duckdb.Error) and not isinstance(error, duckdb.IOException):
                raise dg.Failure(known.sentence, allow_retries=False) from error
            raise
        self._faults.pop(name, None)

    def record_failure(self, name: str, error: ClientelaError) -> None:
        """Remember what keeps this run from publishing; a step that succeeds when it is tried again clears it."""
        self._faults[name] = error

    def mark_skipped(self) -> None:
        """Remember that there was nothing to do."""
        self._has_no_changes = True

    def _set_end(self, run: PipelineRun) -> None:
        """Hand on what `open_run` cannot see, since Dagster keeps a step's error to itself."""
        if self._faults:
            run.failure = next(iter(self._faults.values()))
        elif self._has_no_changes:
            run.message = NOTHING_NEW
        elif run.published is None:
            run.failure = _why_unpublished(run)


def _why_unpublished(run: PipelineRun) -> ClientelaError:
    """What no step of this run could say: a run that Dagster repeats begins after the load that was refused."""
    try:
        run.require_sources()
    except NotPublishedError as error:
        return error
    return NotPublishedError("The run was stopped, or asked for a part of the night only; nothing was published.")


def _watcher(context: dg.InitResourceContext) -> Watcher:
    log = context.log
    if log is None:
        return silent

    def watch(step: str, subject: str, sentence: str) -> None:
        if step not in ("begin", "end"):
            log.info(f"{step} {subject} {sentence}".rstrip())

    return watch
