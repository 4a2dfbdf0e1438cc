"""One run under way: what it has done so far, and the steps that it can take. Each step leaves the warehouse whole.

The steps' order is in `nightly`, `as_of` and `reload`, how a run begins and ends in `open_run`; here each step hands its
inputs to the one function that does the work, and keeps what came of it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import duckdb

from clientela import stopping, transform
from clientela.build_models import NodeResult
from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.extract.feed import Feed
from clientela.extract.feeds import feeds_of
from clientela.load import landing
from clientela.load.context import LoadContext
from clientela.load.loader import load_feed
from clientela.load.outcome import Outcome
from clientela.load.staging import prepare_rates
from clientela.pipeline import build_cache, publication, publication_verdict
from clientela.pipeline.as_of import as_of_day, latest_day, rows_after
from clientela.pipeline.progress import Watcher
from clientela.pipeline.publication import Destination
from clientela.pipeline.run_context import RunContext, write_context
from clientela.pipeline.run_summary import Report, SourceStatus, outcome_sentence
from clientela.pipeline.session import Session
from clientela.pipeline.source_states import source_states
from clientela.pipeline.waiting_lines import lines_waiting
from clientela.privacy import retention
from clientela.privacy.forget import (
    clean_published,
    complete_proofs,
    export_copies,
    forget,
    is_unproven,
)
from clientela.privacy.person import Person, due
from clientela.publish import Published, publish_operations
from clientela.report.lineage import write_catalogue
from clientela.report.places import REPORT_FILE
from clientela.report.write import is_current, write_report
from clientela.warehouse.faults import first_line
from clientela.wording import counted, listed


class PipelineRun:
    """Made by `open_run`, which holds the company's lock while it lasts."""

    def __init__(self, config: Config, kind: str, now: datetime, watch: Watcher) -> None:
        self.config = config
        self.kind = kind
        self.now = now
        self.watch = watch
        self.run_id = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}"
        self.session = Session(config)
        self.outcomes: list[Outcome] = []
        self.results: list[NodeResult] = []
        self.published: Published | None = None
        self.as_of_on: date | None = None
        self.known_at = now
        #: more customers than expected may change their id in this run: someone has looked
        self.is_identity_accepted = False
        #: the month-ends that someone asked to be made anew, or all
        self.refit: str | None = None
        #: it looks whether what was asked for can be done at all: a refusal is for whoever asks, and no night that failed
        self.is_asking = False
        #: the ledger knows of it
        self.has_begun = False
        #: what the run was to do is done: a stop that is asked for now comes too late
        self.is_done = False
        #: why it could not be done, where that is not raised, and what else is to be said of its end
        self.failure: ClientelaError | None = None
        self.message = ""
        #: what the run did besides, such as closing a data folder that was open to others
        self.notices: list[str] = []
        #: what of the pages around the published file could not be made: no reason to hold anything back
        self.warnings: list[str] = []
        #: who was forgotten in it
        self.persons: list[Person] = []
        self.report_path: Path | None = None
        #: what `status.json` says, once the end is written
        self.report: Report | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The file the run builds in."""
        return self.session.connection

    # ------------------------------------------------------------------ load

    def load(self, feed: Feed) -> list[Outcome]:
        """Load what one feed has new. A refused batch is an outcome; only a wrong configuration raises."""
        subject = f"{feed.source_name}.{feed.name}"
        stopping.check()
        self.watch("load", subject, "")
        if feed.entity.name != "exchange_rates":
            prepare_rates(self.connection)
        outcomes = load_feed(LoadContext(self.connection, feed, self.run_id, self.now))
        self.outcomes += outcomes
        for outcome in outcomes:
            self.watch("loaded", subject, outcome_sentence(outcome))
        return outcomes

    def load_all(self) -> None:
        """Load every feed in order, then let landed files go that are older than their retention."""
        for feed in feeds_of(self.config):
            self.load(feed)
        self.expire_landing()

    def expire_landing(self) -> None:
        """Let landed files go that are older than their retention."""
        landing.expire(self.config.data / "landing", self.config.landing.keep_days, self.now)

    # --------------------------------------------------------------- privacy

    def _due(self) -> list[Person]:
        """Those whose request is older than `privacy.grace_days`."""
        by = self.now.astimezone(self.config.zone).date() - timedelta(days=self.config.privacy.grace_days)
        return due(self.connection, by, self.config.time_zone)

    def identify_due(self) -> None:
        """Build before somebody is forgotten whom the last build does not know, or their records in other sources would stay."""
        if any(person.customer_id is None for person in self._due()):
            self.identify()

    def identify(self) -> None:
        """Build, so that it is known who is who among all that is loaded."""
        self.set_context(self.day)
        self.transform()

    def forget_due(self) -> None:
        """Forget those whose request is older than `privacy.grace_days`."""
        if persons := self._due():
            self.forget(persons)

    def forget(self, persons: Sequence[Person]) -> None:
        """Let persons go from everything that is kept; the next publication is without them, and takes what was published."""
        self.watch("forget", counted(len(persons), "person"), "")
        self.persons += persons
        self.session.close()
        with stopping.deferred():
            forgotten = forget(self.config, persons, self.run_id, self.now)
            export_copies(self.connection, self.config)
        # facts that went may have been the last
        self.__dict__.pop("day", None)
        self.notices.append(forgotten.sentence)

    def expire_due(self) -> None:
        """Let go what is over by `privacy.retention_days`: facts become monthly totals, as the models count them."""
        if not self.config.privacy.retention_days:
            return
        today = self.now.astimezone(self.config.zone).date()
        dues = retention.due(self.connection, self.config, today)
        if any(not item.column for item in dues):
            self.identify()
            dues = retention.due(self.connection, self.config, today, self.day)
        if not dues:
            return
        self.watch("expire", listed([f"{item.source}.{item.entity}" for item in dues]), "")
        self.session.close()
        with stopping.deferred():
            expired = retention.expire(self.config, dues, self.run_id, self.now)
            export_copies(self.connection, self.config)
        self.notices.append(expired.sentence)

    def _end_forgetting(self, run_id: str) -> None:
        """What was published of those who were forgotten goes, and the proof of it is written."""
        if is_unproven(self.config):
            with stopping.deferred():
                clean_published(self.config, run_id)
                # what the end of the run would write anew, before it is looked at
                publish_operations(self.connection, self.config)
                complete_proofs(self.config, self.persons)

    # --------------------------------------------------------------- verdict

    def source_states(self) -> list[SourceStatus]:
        """The state of every configured feed."""
        return source_states(self.connection, self.config, self.outcomes, self.now)

    def require_sources(self) -> None:
        """Raise NotPublishedError if a required feed was refused, never came, or is older than allowed."""
        publication_verdict.require_sources(self.config, self.source_states())

    @cached_property
    def day(self) -> date:
        """The day that the configuration asks for, once everything is loaded. Raises NotPublishedError where there is none."""
        return as_of_day(self.connection, self.config)

    def has_no_changes(self) -> bool:
        """Whether the published file already says what this run would say."""
        return build_cache.has_no_changes(self.connection, self.config, self.day)

    def note_rows_after(self) -> None:
        """Say which loaded rows no mart shows yet, since they lie after the day."""
        if sentence := rows_after(self.connection, self.config, self.day):
            self.notices.append(sentence)

    def note_waiting_lines(self) -> None:
        """Say which loaded lines no mart shows yet, since their order's header has not come."""
        self.notices += [
            f"{waiting.source}.{waiting.feed}: warning waiting_for_header: {waiting.sentence}."
            for waiting in lines_waiting(self.connection, self.config)
        ]

    # ------------------------------------------------------------- transform

    def set_context(self, as_of: date | None = None) -> None:
        """Write the run's two instants and settings, which every model reads."""
        self.as_of_on = as_of or self.day
        if as_of is None:
            self.note_rows_after()
            self.note_waiting_lines()
        context = RunContext(self.run_id, self.as_of_on, self.known_at, self.now, self.is_identity_accepted, self.refit)
        write_context(self.connection, self.config, context)

    def transform(self) -> list[NodeResult]:
        """Build and test all models, upon the last build where it can be used. Raises NotPublishedError if one failed."""
        self.watch("transform", "models", "")
        is_full_refresh = build_cache.forget_build(self.connection, self.config)
        self._build(None, is_full_refresh=is_full_refresh)
        build_cache.remember_build(self.connection)
        return self.results

    def transform_scratch(self, scratch: Path) -> list[NodeResult]:
        """Build and test all models in the scratch file. Raises NotPublishedError if one failed."""
        self.watch("transform", "models", "")
        return self._build(scratch, is_full_refresh=True)

    def _build(self, scratch: Path | None, *, is_full_refresh: bool) -> list[NodeResult]:
        self.session.close()
        self.results = transform.build(self.config, self.watch, scratch, is_full_refresh=is_full_refresh)
        publication_verdict.raise_on_failures(self.connection, self.results)
        build_cache.remember_models(self.connection, self.config, self.results, self.run_id)
        return self.results

    # --------------------------------------------------------------- publish

    def publish(self) -> Published:
        """Publish the marts of `run.context`, and remember what the run found out."""
        self.watch("publish", "marts.duckdb", "")
        for as_of_on, known_at in self.connection.execute("select as_of_on, known_at from run.context").fetchall():
            self.as_of_on, self.known_at = as_of_on, known_at
        reached_on = latest_day(self.connection, self.config)
        return self._publish(publication.newest(self.connection, self.config, reached_on))

    def publish_beside(self, as_of: date) -> Published:
        """Publish the marts of a past day, which are remembered nowhere."""
        self.watch("publish", f"as_of/{as_of}/marts.duckdb", "")
        return self._publish(publication.past_day(self.config, as_of))

    def _publish(self, destination: Destination) -> Published:
        with publication.published(self.connection, self.config, destination) as published:
            self.published, self.is_done = published, True
        self.message = published.note
        if published.undeclared:
            self.notices.append(
                f"{listed(list(published.undeclared))}: masked, since the model reads personal columns; a model's YAML says "
                "`meta: {personal: false}` of a column that tells of nobody."
            )
        return published

    # ---------------------------------------------------------------- report

    def write_report(self) -> Path | None:
        """Write the report of what was just published. What goes wrong with it is a warning of the run, never its end."""
        folder = self.published.path.parent if self.published else self.config.published
        self.watch("report", REPORT_FILE, "")
        with stopping.deferred():
            written = write_report(self.config, folder)
        if self.published and folder == self.config.published:
            self._end_forgetting(self.run_id)
        self.warnings += written.warnings
        self._write_catalogue()
        self.report_path = written.path
        return written.path

    def renew_report(self) -> None:
        """Write the report of what is published, if the one that is there is another's, or in another language."""
        if not is_current(self.config):
            self.write_report()
        else:
            self._write_catalogue()

    def _write_catalogue(self) -> None:
        """Write the catalogue of models, where they changed. What goes wrong is a warning too."""
        try:
            write_catalogue(self.config)
        except Exception as error:
            self.warnings.append(f"The catalogue could not be written: {first_line(error)}")
