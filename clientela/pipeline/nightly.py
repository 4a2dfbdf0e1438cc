"""One night of one company: the steps, in their order, and what each hands to the next.

`run` takes all of them in one process; Dagster's assets take the same ones. How a step does its work stands in
`clientela.load`, `clientela.transform`, `clientela.warehouse.memory` and `clientela.publish`; here stands only when it may be
done: who holds the lock and what stops publication.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from clientela import file_modes, stopping, transform
from clientela.config.company import Config
from clientela.contracts import CONTRACT_VERSION
from clientela.errors import (
    BugError,
    ClientelaError,
    NotPublishedError,
    RunningError,
    StoppedError,
)
from clientela.extract.feeds import entities_without_source, feeds_of
from clientela.extract.mapping import Feed
from clientela.extract.readers.database import require_drivers
from clientela.identity import step
from clientela.load import landing, renew
from clientela.load.context import LoadContext
from clientela.load.ledger import drop_staged
from clientela.load.loader import load_feed
from clientela.load.outcome import Outcome
from clientela.load.staging import prepare_rates
from clientela.masking import read_secret
from clientela.pipeline.leftovers import remove_leftovers
from clientela.pipeline.run_summary import Report, SourceStatus, announce, clean, killed, write_status
from clientela.project_files import code_files
from clientela.publish import MARTS_FILE, Published, is_readable, marts_of, publish_marts, publish_operations
from clientela.sql.quoting import literal
from clientela.transform import NodeResult
from clientela.warehouse import keys, memory, schema_version, tables
from clientela.warehouse.faults import damaged, explained, first_line, is_damage
from clientela.warehouse.lock import RUN_OF, hold_lock
from clientela.warehouse.run_settings import sections_of, write_settings
from clientela.warehouse.transactions import transaction

#: these publish, so `status.json` tells of each; of the others only when they went wrong
_PUBLISHING = ("night", "publish")


#: these a person asked for, who is told at once when it cannot be done
_ASKED_FOR = ("reload", "unload", "train")


QUIET = "Nothing new arrived; the published file is as it was."


#: told to whoever watches: step, subject, and a sentence
Watcher = Callable[[str, str, str], None]


def silent(step: str, subject: str, sentence: str) -> None:
    """The watcher of a run that nobody watches."""


def code_version() -> str:
    """The package's version and a hash of everything that computes a figure."""
    digest = hashlib.sha256()
    for name, path in code_files():
        digest.update(name.encode() + path.read_bytes())
    return f"{version('clientela')}+{digest.hexdigest()[:12]}"


class PipelineRun:
    """One run under way. Made by `open_run`, which holds the lock; every step leaves the warehouse whole."""

    def __init__(self, config: Config, kind: str, now: datetime, watch: Watcher) -> None:
        self.config = config
        self.kind = kind
        self.now = now
        self.watch = watch
        self.run_id = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}"
        self.outcomes: list[Outcome] = []
        self.results: list[NodeResult] = []
        self.published: Published | None = None
        self.as_of_on: date | None = None
        self.known_at = now
        #: more customers than expected may change their id tonight: someone has looked
        self.is_identity_accepted = False
        #: what the run was to do is done: a stop that is asked for now comes too late
        self.is_done = False
        #: why it could not be done, where that is not raised, and what else is to be said of its end
        self.failure: ClientelaError | None = None
        self.message = ""
        #: what `status.json` says, once the end is written
        self.report: Report | None = None
        self._is_begun = False
        self._bug: Exception | None = None
        self.notices: list[str] = []
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._file = config.warehouse

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The file the run builds in, opened when first asked for after dbt had it."""
        if self._connection is None:
            limits = self.config.limits
            self._connection = tables.connect(
                self._file, memory_limit=limits.memory.replace(" ", ""), threads=limits.threads
            )
            if self._file != self.config.warehouse:
                self._connection.execute(f"attach {literal(str(self.config.warehouse))} as warehouse (read_only)")
        return self._connection

    def build_in(self, file: Path) -> None:
        """Build in another file from here on, with the warehouse attached read-only, or in the warehouse again."""
        self.close()
        self._file = file

    def close(self) -> None:
        """Let go of the warehouse, so that dbt can have it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ------------------------------------------------------------------ load

    def load(self, feed: Feed) -> list[Outcome]:
        """Load what one feed has new. A refused batch is an outcome; only a wrong configuration raises."""
        subject = f"{feed.source_name}.{feed.entity.name}"
        stopping.check()
        self.watch("load", subject, "")
        if feed.entity.name != "exchange_rates":
            prepare_rates(self.connection)
        outcomes = load_feed(LoadContext(self.connection, feed, self.run_id, self.now))
        self.outcomes += outcomes
        for outcome in outcomes:
            self.watch("loaded", subject, _told(outcome))
        return outcomes

    def load_all(self) -> None:
        """Load every feed in order, then let landed files go that are older than their retention."""
        for feed in feeds_of(self.config):
            self.load(feed)
        landing.expire(self.config.data / "landing", self.config.landing.keep_days, self.now)

    # ------------------------------------------------------------- transform

    def need_required(self) -> None:
        """Raise NotPublishedError if a required feed was refused, never came, or is older than allowed."""
        for state in self.source_states():
            if reason := self.blocking_reason(state):
                raise NotPublishedError(reason)

    def blocking_reason(self, state: SourceStatus) -> str | None:
        """Why nothing may be published while a feed stands so; None if it may."""
        name = f"{state.source}.{state.entity}"
        if state.is_required and state.status in ("refused", "never delivered"):
            return f"{name} is required and was {state.status}: {state.reason}"
        allowed = self.config.max_age(state.source, state.entity)
        if allowed is not None and state.age_days is not None and timedelta(days=state.age_days) > allowed:
            return f"{name} is {state.age_days} days old, older than its max_age allows."
        return None

    def set_context(self, as_of: date | None = None) -> None:
        """Write the run's two instants and settings, which every model reads."""
        config = self.config
        self.as_of_on = as_of or self._configured_day()
        values = {
            "run_id": self.run_id,
            "as_of_on": self.as_of_on,
            "known_at": self.known_at,
            "company": config.company,
            "currency": config.currency,
            "time_zone": config.time_zone,
            "left_censored_days": config.left_censored_days,
            "config_hash": config.fingerprint(),
            "code_version": code_version(),
            "started_at": self.now,
            "duckdb_version": duckdb.__version__,
            "contract_version": CONTRACT_VERSION,
            "entities_without_source": ", ".join(entities_without_source(config)) or None,
        }
        key = keys.kept_evidence_key(self.connection, config.data)
        with transaction(self.connection):
            self.connection.execute("delete from run.context")
            self.connection.execute(
                f"insert into run.context ({', '.join(values)}) values ({', '.join(f'${name}' for name in values)})",
                values,
            )
            write_settings(self.connection, *sections_of(config))
            step.write_settings(self.connection, config.identity, key, are_changes_accepted=self.is_identity_accepted)

    def _configured_day(self) -> date:
        return self._latest_day() if isinstance(self.config.as_of, str) else self.config.as_of

    def _latest_day(self) -> date:
        """The last business day that the loaded transactions reach, in the company's calendar; never after the last of them
        came, whatever clocks say."""
        ((ordered_on, landed_on),) = self.connection.execute(
            """
            select
                (
                    select cast(timezone($zone, max(ordered_at)) as date) from raw.transactions
                    where not is_deleted and batch_id in (select batch_id from ledger.loads where status = 'loaded')
                ),
                (
                    select cast(timezone($zone, max(coalesce(landed_at, loaded_at))) as date)
                    from ledger.loads left join ledger.load_files using (batch_id)
                    where status = 'loaded' and loads.entity = 'transactions'
                )
            """,
            {"zone": self.config.time_zone},
        ).fetchall()
        if ordered_on is None:
            raise NotPublishedError("No transaction is loaded, so there is no day to publish as of.")
        return min(ordered_on, landed_on)  # type: ignore[no-any-return]

    def has_no_changes(self) -> bool:
        """The published file already says what these batches, these settings and this code would say."""
        if not is_readable(self.config.published / MARTS_FILE):
            return False
        last = self.connection.execute(
            """
            select config_hash, code_version, as_of_on, loads_state from ledger.runs
            where status = 'published' and kind = 'night' order by rowid desc limit 1
            """
        ).fetchall()
        return last == [(self.config.fingerprint(), code_version(), self._configured_day(), self._loads_state())]

    def _loads_state(self) -> str:
        """What is in force, in short: differs as soon as a batch is loaded, replaced or taken back, or a model accepted."""
        return str(
            self.connection.execute(
                """
                select count(*) || ' batches, last ' || coalesce(max(batch_id), 0) || ', sum ' || coalesce(sum(batch_id), 0)
                    || coalesce(', identity ' || (select max_by(model_id, trained_at) from memory.identity_models), '')
                from ledger.loads where status = 'loaded'
                """
            ).fetchall()[0][0]
        )

    def transform(self) -> list[NodeResult]:
        """Build and test all models. Raises NotPublishedError if one failed, with the first fault."""
        self.watch("transform", "models", "")
        is_whole = self._forget_build()
        self.close()
        self.results = transform.build(self.config, self._on_node, is_whole=is_whole)
        self.raise_on_failures(self.results)
        self._remember_build()
        return self.results

    def _forget_build(self) -> bool:
        """Whether all is to be built from nothing: what the last build left was broken off, of other settings or code, or
        somebody dropped a part of it.

        Until this build has succeeded there is none to build upon.
        """
        known = self.connection.execute(
            """
            select 1 from run.built_state, run.context
            where built_state.config_hash = context.config_hash and built_state.code_version = context.code_version
            """
        ).fetchall()
        self.connection.execute("update run.built_state set code_version = 'under way'")
        return not known or not self._stands()

    def _stands(self) -> bool:
        """Whether every seed and view is there: unlike tables they are not built each night."""
        there = self.connection.execute(
            """
            select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()
            union all
            select schema_name || '.' || view_name from duckdb_views() where database_name = current_database()
            """
        ).fetchall()
        return transform.standing(self.config) <= {name for (name,) in there}

    def _remember_build(self) -> None:
        """What this build saw: the macro `changed_order_lines` compares the next one with it."""
        with transaction(self.connection):
            for table, query in {
                "built_state": "select as_of_on, config_hash, code_version from run.context",
                "built_batches": "select batch_id from intermediate.int_active_batches",
                "built_costs": "select * from intermediate.int_cost_basis",
            }.items():
                self.connection.execute(f"delete from run.{table}")
                self.connection.execute(f"insert into run.{table} {query}")

    def raise_on_failures(self, results: list[NodeResult]) -> list[NodeResult]:
        """Remember which models this run built; raise NotPublishedError if anything failed."""
        failed = [r for r in results if r.has_failed]
        if failed and failed[0].kind == "project":
            raise NotPublishedError(failed[0].message)
        if [r.name for r in failed] == [step.RANGES_TEST]:
            raise NotPublishedError(step.out_of_range(self.connection))
        if failed:
            raise NotPublishedError(
                f"{len(failed)} of {len(results)} models and tests failed, first {failed[0].kind} {failed[0].name}: "
                f"{failed[0].cause}",
                "\n".join(f"{r.kind} {r.name}: {r.message}" for r in failed),
            )
        built = [r.unique_id for r in results if r.kind == "model" and r.is_up_to_date]
        nodes = {
            unique_id: f"{node['schema']}.{node['name']}"
            for unique_id, node in self._manifest()["nodes"].items()
            if node["resource_type"] == "model"
        }
        with transaction(self.connection):
            self.connection.execute("delete from run.built")
            self.connection.executemany(
                "insert into run.built values (?, ?)", [(nodes[name], self.run_id) for name in built]
            )
        return results

    def _manifest(self) -> dict[str, Any]:
        return transform.manifest(self.config)

    def _on_node(self, kind: str, name: str, status: str, seconds: float) -> None:
        self.watch("node", name, f"{kind} {status} {seconds:.2f}")

    # --------------------------------------------------------------- publish

    def publish(self) -> Published:
        """Publish the marts of `run.context`; memory is committed after the new file is checked, before it is switched in."""
        self.watch("publish", "marts.duckdb", "")
        config = self.config
        for as_of_on, known_at in self.connection.execute("select as_of_on, known_at from run.context").fetchall():
            self.as_of_on, self.known_at = as_of_on, known_at
        return self._switch_in(config.published, self._remember, self._latest_day())

    def publish_beside(self, as_of: date) -> Published:
        """Publish the marts of a past day, which are remembered nowhere."""
        folder = self.config.published / "as_of" / as_of.isoformat()
        file_modes.make_shared_folder(folder)
        self.watch("publish", f"as_of/{as_of}/marts.duckdb", "")
        return self._switch_in(folder, lambda: None, None)

    def _switch_in(self, folder: Path, before_switch: Callable[[], None], reached_on: date | None) -> Published:
        """Publish. From the last step before the switch on it is done to its end: a stop comes too late then."""
        with ExitStack() as undisturbed:

            def ready() -> None:
                undisturbed.enter_context(stopping.deferred())
                before_switch()

            self.published = publish_marts(
                self.connection,
                self.config,
                marts_of(self._manifest()),
                folder,
                reached_on=reached_on,
                before_switch=ready,
            )
            self.is_done = True
        self.message = self.published.note
        return self.published

    def _remember(self) -> None:
        memory.commit(self.connection)
        memory.export(self.connection, self.config.memory)
        memory.withdraw(self.config.published / "memory")

    # ---------------------------------------------------------------- ending

    def source_states(self) -> list[SourceStatus]:
        """Where every configured feed stands now."""
        last: dict[tuple[str, str], Outcome] = {(o.source, o.entity): o for o in self.outcomes}
        known = {
            (row[0], row[1]): row
            for row in self.connection.execute(
                """
                select source, entity,
                    coalesce(
                        max_by(status, batch_id) filter (status <> 'unloaded' and (status <> 'refused' or retired_at is null)),
                        'unloaded'
                    ),
                    max_by(reason, batch_id), max_by(validation_report, batch_id),
                    max(last_event_on) filter (status = 'loaded'), max(loaded_at) filter (status = 'loaded')
                from ledger.loads group by source, entity
                """
            ).fetchall()
        }
        today = self.now.astimezone(self.config.zone)
        states = []
        for feed in feeds_of(self.config):
            key = feed.source_name, feed.entity.name
            row = known.get(key)
            outcome = last.get(key)
            status = (
                outcome.status
                if outcome and outcome.status != "nothing new"
                else (row[2] if row else "never delivered")
            )
            reason = (
                outcome.reason if outcome and outcome.reason else (row[3] if row and row[2] == "refused" else "")
            ) or ""
            loaded_until = (row[5] or (row[6].astimezone(self.config.zone).date() if row[6] else None)) if row else None
            age = max((today.date() - loaded_until).days, 0) if loaded_until else None
            states.append(
                SourceStatus(
                    *key,
                    status,
                    reason,
                    self.config.is_required(*key),
                    status in ("refused", "never delivered"),
                    age,
                    row[4] if row else None,
                )
            )
        return states

    def begin(self) -> None:
        """Make the warehouse ready, without what a killed run left there, and open the run in the ledger."""
        # before there is a warehouse: beside one a secret is never made anew
        read_secret(self.config.data)
        try:
            schema_version.require_present(self.connection, self.config.warehouse, self.config.memory)
            tables.prepare(self.connection)
            drop_staged(self.connection)
        except (duckdb.Error, OSError) as error:
            raise _unopened(self.config, error) from error
        keys.keep_keys(self.connection, self.config.data)
        renew.renew(self.connection, self.config)
        self.connection.execute(
            "update ledger.runs set status = 'killed', message = 'ended without a word' where status = 'running'"
        )
        same = self.connection.execute(
            "select count(*) from ledger.runs where starts_with(run_id, ?)", [self.run_id]
        ).fetchall()[0][0]
        self.run_id += f"-{same + 1}" if same else ""
        self.connection.execute(
            "insert into ledger.runs values (?, ?, ?, null, 'running', null, ?, ?, ?, null, null, null)",
            [self.run_id, self.kind, self.now, self.known_at, self.config.fingerprint(), code_version()],
        )
        self._is_begun = True

    def interrupt(self) -> None:
        """Break off the query that is under way."""
        if self._connection is not None:
            self._connection.interrupt()

    def end(self, fault: BaseException | None) -> ClientelaError | None:
        """Write the run's end into ledger, `operations.duckdb` and `status.json`, and call the company's command; gives the
        fault as it was explained.

        Where a part of that cannot be written, as on a full disk, the rest is all the same; the next run takes a run whose
        end is not in the ledger for killed.
        """
        with stopping.deferred():
            error = explained(fault, self.config) if fault is not None else self.failure
            try:
                # of a run that never began there is nothing in the ledger
                report = self._recorded(error) if self._is_begun else self._summary(error, [])
            except Exception as unwritten:
                report = self._unrecorded(error, unwritten)
            finally:
                with suppress(Exception):
                    self.close()
            is_refused_wish = self.kind in _ASKED_FOR and self._is_begun and error is fault
            if self.kind in _PUBLISHING or (report.exit_code not in (0, 3) and not is_refused_wish):
                report = announce(self.config, report)
            self.report = report
            if error is not None:
                error.report = report
            elif report.status == "failed":
                error = NotPublishedError(report.message)
                error.report = report
            stopping.settle()
            return error

    def _recorded(self, error: ClientelaError | None) -> Report:
        if error is not None or self.kind not in _PUBLISHING:
            # whatever transaction it broke off in is not to be gone on with, nor are its temporary views
            self.build_in(self.config.warehouse)
        states: list[SourceStatus] = []
        if error is None:
            states = self.source_states()
        else:
            drop_staged(self.connection)
            with suppress(ClientelaError):
                states = self.source_states()
        report = self._summary(error, states)
        self.connection.execute(
            """
            update ledger.runs
            set ended_at = ?, status = ?, message = ?, as_of_on = ?, published_path = ?, loads_state = ?
            where run_id = ?
            """,
            [
                datetime.fromisoformat(report.ended_at),
                report.status,
                report.message or None,
                self.as_of_on,
                self.published.path.name if self.published else None,
                self._loads_state(),
                self.run_id,
            ],
        )
        publish_operations(self.connection, self.config)
        return report

    def _unrecorded(self, error: ClientelaError | None, fault: Exception) -> Report:
        known = explained(fault, self.config) if not stopping.asked_by() else NotPublishedError(first_line(fault))
        if isinstance(known, BugError):
            self._bug = fault
        report = self._summary(error, [])
        unwritten = f"The end of the run could not be written: {known.sentence}"
        if error is not None:
            return (
                report if known.sentence == error.sentence else replace(report, message=f"{error.sentence} {unwritten}")
            )
        if self.published is None:
            return replace(report, status="failed", message=unwritten, exit_code=known.exit_code)
        return replace(report, message=f"{report.message} {unwritten}".strip(), exit_code=3)

    def _summary(self, error: ClientelaError | None, states: list[SourceStatus]) -> Report:
        """What came of the run, with where its sources stand."""
        message, exit_code = self.message, 3 if any(state.is_stale for state in states) else 0
        if error is not None:
            status = "stopped" if isinstance(error, StoppedError) else "failed"
            message, exit_code = error.sentence, error.exit_code
        elif self.published is not None:
            status = "published"
        elif self.kind in _ASKED_FOR:
            status, exit_code = "done", 0
        else:
            status = "nothing new"
        return Report(
            run_id=self.run_id,
            kind=self.kind,
            status=status,
            message=clean(message),
            exit_code=exit_code,
            started_at=self.now.isoformat(timespec="seconds"),
            ended_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            as_of=self.as_of_on.isoformat() if self.as_of_on else None,
            known_at=self.known_at.isoformat(timespec="seconds"),
            published=str(self.published.path) if self.published else None,
            outcomes=[_plain(o) for o in self.outcomes],
            sources=states,
            failures=error.details.splitlines() if error else [],
            notices=self.notices,
        )


def _unopened(config: Config, error: Exception) -> ClientelaError:
    if isinstance(error, duckdb.Error) and is_damage(error):
        return NotPublishedError(damaged(config.warehouse, error, "Put a backup of it in its place."))
    return NotPublishedError(f"The warehouse cannot be opened: {first_line(error)}")


@contextmanager
def open_run(
    config: Config, kind: str = "night", watch: Watcher = silent, now: datetime | None = None
) -> Iterator[PipelineRun]:
    """Hold the company's lock, make the warehouse ready, and open the run in the ledger. However it ends, its end is told.

    What goes wrong is raised as a ClientelaError that bears the run's report; a fault of the program itself as it is.
    Raises RunningError, and says nothing else, if another run holds the lock.
    """
    night = PipelineRun(config, kind, now or datetime.now(UTC), watch)
    with ExitStack() as held:
        try:
            held.enter_context(stopping.interrupting(night.interrupt))
            require_drivers(config)
            notice = held.enter_context(file_modes.closed(config))
            left = held.enter_context(hold_lock(config.data, f"{RUN_OF}{kind}"))
            if notice:
                night.notices.append(notice)
                watch("notice", "data folder", notice)
            if left is not None:
                write_status(config, killed(config, left))
            remove_leftovers(config)
            night.begin()
            stopping.check()
            yield night
            if not night.is_done:
                stopping.check()
        except RunningError:
            raise
        except BaseException as fault:
            # a caller that leaves early has said in `failure` why
            is_left = isinstance(fault, GeneratorExit) and (night.is_done or not stopping.asked_by())
            error = night.end(None if is_left else fault)
            if error is None or isinstance(error, BugError) or not isinstance(fault, Exception | KeyboardInterrupt):
                raise
            raise error from fault
        error = night.end(None)
        if night._bug is not None:
            raise night._bug
        if error is not None and error is not night.failure:
            raise error


# an error that a signal raises amid this would keep the end from being told
stopping.undisturbed(open_run.__wrapped__.__code__)  # type: ignore[attr-defined]


def reported(
    config: Config, kind: str, watch: Watcher, now: datetime | None, steps: Callable[[PipelineRun], None]
) -> Report:
    """Take these steps as one run; gives its report. Raises only what is a fault of the program itself, and RunningError."""
    try:
        with open_run(config, kind, watch, now) as night:
            steps(night)
    except ClientelaError as error:
        if not isinstance(error.report, Report):
            raise
        return error.report
    assert night.report is not None, "a run that ended has a report"
    return night.report


def run(
    config: Config, watch: Watcher = silent, now: datetime | None = None, *, is_identity_accepted: bool = False
) -> Report:
    """The nightly job. Never raises for what a source or a model did wrong; the report's exit code tells.

    `is_identity_accepted`: someone has looked, and more customers than expected may change their id this once.
    """

    def steps(night: PipelineRun) -> None:
        night.is_identity_accepted = is_identity_accepted
        night.load_all()
        night.need_required()
        if night.has_no_changes():
            night.message = QUIET
            return
        night.set_context()
        night.transform()
        night.publish()

    return reported(config, "night", watch, now, steps)


def publish_again(config: Config, watch: Watcher = silent) -> Report:
    """Publish the marts that the last run built, without loading or building."""

    def steps(night: PipelineRun) -> None:
        night.publish()

    return reported(config, "publish", watch, None, steps)


def _told(outcome: Outcome) -> str:
    return "; ".join((_counted(outcome), *(f"left alone: {sentence}" for sentence in outcome.ignored)))


def _counted(outcome: Outcome) -> str:
    if outcome.status == "loaded":
        said = f"{outcome.loaded:,} of {outcome.delivered:,} rows loaded"
        if outcome.unchanged:
            said += f", {outcome.unchanged:,} unchanged"
        if outcome.quarantined:
            said += f", {outcome.quarantined:,} quarantined"
        if outcome.deleted:
            said += f", {outcome.deleted:,} vanished"
        if outcome.new_columns:
            said += f", new columns not used: {', '.join(outcome.new_columns)}"
        return said + (f", {len(outcome.warnings)} warnings" if outcome.warnings else "")
    return f"{outcome.status}{f': {outcome.reason}' if outcome.reason else ''}"


def _plain(outcome: Outcome) -> dict[str, Any]:
    told = {name: value for name, value in outcome.__dict__.items() if name not in ("checks", "validation_report")}
    told["warnings"] = [f"{c.expect.name}: {c.expect.description} Found: {c.observed}" for c in outcome.warnings]
    told["validation_report"] = outcome.validation_report.name if outcome.validation_report else None
    return told
