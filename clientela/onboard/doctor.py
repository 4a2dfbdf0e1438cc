"""Looking at every source without loading: what is there, how it maps, what the gate would say, how the night would end.

A night is loaded into a warehouse of its own, which is thrown away, so it may be done at any time. The same code extracts,
judges and decides here and in a night, so what the doctor says is what a first night would do; deliveries that are loaded
already are looked at again, and compared with nothing that came before them.
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from clientela import stopping
from clientela.config.company import REFERENCE_SOURCE, Config
from clientela.config.sources import Constant, Expression, Mapping, Translated
from clientela.errors import ClientelaError, ConfigError, RunningError
from clientela.extract.feed import Feed
from clientela.extract.feeds import feeds_of
from clientela.extract.mapped_columns import named_columns
from clientela.extract.readers.database import require_drivers
from clientela.file_modes import too_wide
from clientela.load.context import LoadContext
from clientela.load.gate.suite import suite_of
from clientela.load.gate.validate import Check
from clientela.load.loader import load_feed
from clientela.load.outcome import Outcome
from clientela.load.repeats import REPEAT_MARK, overlapping_files
from clientela.load.staging import StagedBatch, prepare_rates
from clientela.masking import shape
from clientela.pipeline import publication_verdict
from clientela.pipeline.open_run import begin
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.progress import silent
from clientela.pipeline.waiting_lines import lines_waiting
from clientela.privacy import retention
from clientela.warehouse.keys import confirmed_secret
from clientela.warehouse.lock import hold_lock
from clientela.warehouse.schema_version import require_present
from clientela.wording import counted, fault_sentence

#: examples of faults that are shown for each feed
EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """What was seen of one feed. `is_ill`: it would be refused, or rows of it quarantined."""

    source: str
    entity: str
    is_ill: bool
    sentence: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Examination:
    """One finding per feed, and how a first night would end: its exit code and, where nothing would be published, why."""

    findings: list[Finding]
    exit_code: int
    sentence: str


def examine(config: Config, source: str | None = None) -> list[Finding]:
    """One finding per feed. Raises ConfigError for what makes the whole configuration unusable."""
    return foretell(config, source).findings


def foretell(config: Config, source: str | None = None) -> Examination:
    """What a first night would find in each feed, and how it would end; of one source, what stands against it alone.

    Raises ConfigError for what makes the whole configuration unusable.
    """
    require_drivers(config)
    feeds = [feed for feed in feeds_of(config) if source in (None, feed.source_name)]
    if not feeds:
        raise ConfigError(f"There is no source {source!r}; there are: {', '.join(config.sources)}.")
    _confirm_warehouse(config)
    with tempfile.TemporaryDirectory(prefix="clientela-") as folder:
        elsewhere = _elsewhere(config, Path(folder), feeds)
        run = PipelineRun(elsewhere, "doctor", datetime.now(UTC), silent)
        try:
            with stopping.interrupting(run.session.interrupt):
                begin(run)
                _load_rates(run, config, feeds)
                found = [_examined(run, config, replace(feed, config=elsewhere)) for feed in feeds]
                exit_code, sentence = _end(run, source)
                waiting = {(w.source, w.feed): w.sentence for w in lines_waiting(run.connection, run.config)}
                over = retention.due(run.connection, config, run.now.astimezone(config.zone).date())
        finally:
            run.session.close()
    is_unusable = any(error for _, error in found)
    findings = [finding for finding, _ in found]
    for finding, feed in zip(findings, feeds, strict=True):
        if waits := waiting.get((feed.source_name, feed.name)):
            finding.notes.append(f"warning waiting_for_header: {waits}")
        finding.notes.extend(
            f"expires: {item.column or 'facts'} from before {item.before} would go in a night, by privacy.retention_days"
            for item in over
            if (item.source, item.entity) == (feed.source_name, feed.entity.name)
        )
    return Examination(
        findings if source else findings + _of_own(config) + _of_data_folder(config),
        2 if is_unusable else exit_code,
        "The configuration is wrong: a night would touch nothing." if is_unusable else sentence,
    )


def _elsewhere(config: Config, folder: Path, feeds: list[Feed]) -> Config:
    """The same company, whose warehouse and whatever else it keeps lie in another folder."""
    for feed in feeds:
        if feed.source_name == REFERENCE_SOURCE:
            # a reference folder that is away still has the feeds that it ever delivered
            (folder / "landing" / REFERENCE_SOURCE / feed.entity.name).mkdir(parents=True)
    elsewhere = config.model_copy(update={"data_folder": folder})
    elsewhere._path = config.path
    return elsewhere


def _confirm_warehouse(config: Config) -> None:
    """Raise ClientelaError if this code cannot work with the warehouse, or the secret is not its own; a run that is under way
    has looked itself."""
    if not config.warehouse.is_file():
        return
    with suppress(RunningError, duckdb.Error), hold_lock(config.data, "Doctor"):
        connection = duckdb.connect(str(config.warehouse), read_only=True)
        try:
            require_present(connection, config.warehouse, config.memory)
            confirmed_secret(connection, config.data)
        finally:
            connection.close()


def _of_own(config: Config) -> list[Finding]:
    """What the company adds of its own, which only a night builds and only Dagster imports."""
    findings = []
    if config.models is not None:
        models = sum(path.suffix in (".sql", ".py") for path in config.model_files())
        findings.append(
            Finding("own", "models", False, f"{counted(models, 'model')} in {config.models}; a night builds them", [])
        )
    if config.dagster_module is not None:
        findings.append(Finding("own", "dagster_module", False, f"{config.dagster_module}; Dagster imports it", []))
    return findings


def _of_data_folder(config: Config) -> list[Finding]:
    """What others of the machine may reach of what clientela writes."""
    wide = too_wide(config)
    return [Finding("data", "folder", True, wide[0], wide[1:])] if wide else []


def _load_rates(run: PipelineRun, config: Config, feeds: list[Feed]) -> None:
    """Exchange rates, where only another source is asked for: without them its amounts could not be converted."""
    asked = {(feed.source_name, feed.entity.name) for feed in feeds}
    for feed in feeds_of(config):
        if feed.entity.name == "exchange_rates" and (feed.source_name, feed.entity.name) not in asked:
            context = LoadContext(run.connection, replace(feed, config=run.config), run.run_id, run.now, inbox=config)
            load_feed(context)


def _end(run: PipelineRun, source: str | None) -> tuple[int, str]:
    """(exit code, why nothing would be published) of a night with what was loaded here."""
    states = [state for state in run.source_states() if source in (None, state.source)]
    for state in states:
        if reason := publication_verdict.blocking_reason(run.config, state):
            return 4, reason
    if source is None:
        try:
            run.set_context()
        except ClientelaError as error:
            return error.exit_code, error.sentence
    return (3 if any(state.is_stale for state in states) else 0), ""


def _examined(run: PipelineRun, config: Config, feed: Feed) -> tuple[Finding, ConfigError | None]:
    """What was found of the feed, and the error if its configuration cannot be used."""
    name = feed.source_name, feed.name
    notes: list[str] = []

    def look_at(batch: StagedBatch, checks: Sequence[Check]) -> None:
        notes.extend(_notes(context, batch, checks) + _repeats(context))

    context = LoadContext(run.connection, feed, run.run_id, run.now, inbox=config, onlooker=look_at)
    try:
        suite_of(feed.entity, feed.settings, feed.where)
        if feed.entity.name != "exchange_rates":
            prepare_rates(run.connection)
        outcomes = load_feed(context)
    except ConfigError as error:
        return Finding(*name, True, error.sentence), error
    except ClientelaError as error:
        return Finding(*name, True, error.sentence), None
    run.outcomes += outcomes
    ignored = [f"left alone: {sentence}" for outcome in outcomes for sentence in outcome.ignored]
    is_ill = any(outcome.status != "loaded" or outcome.quarantined for outcome in outcomes)
    return Finding(*name, is_ill, _sentence(outcomes), ignored + list(dict.fromkeys(notes))), None


def _sentence(outcomes: list[Outcome]) -> str:
    """What would come of the feed's batches."""
    last = outcomes[-1]
    if last.status != "loaded" and not last.delivered:
        return last.reason
    files = sum(len(outcome.files) for outcome in outcomes)
    counts = {
        "would load": sum(o.loaded for o in outcomes),
        "say what others say": sum(o.unchanged for o in outcomes),
        "left out": sum(o.left_out for o in outcomes),
        "would be quarantined": sum(o.quarantined for o in outcomes),
    }
    delivered = f"{counted(files, 'file')}, {counted(sum(o.delivered for o in outcomes), 'row')}"
    if last.status == "refused":
        return f"{delivered}, and the gate would refuse them: {last.reason}"
    parts = [f"{count:,} {word}" for word, count in counts.items() if count or word == "would load"]
    return ", ".join([delivered, *parts])


def _repeats(context: LoadContext) -> list[str]:
    """Rows that are numbered since they say what an earlier one of their file says, and files that may say the same again."""
    if context.feed.settings.repeats != "number":
        return []
    marked = "select count(*) from staged_rows where faults is null and contains(record_key, ?)"
    numbered = context.connection.execute(marked, [REPEAT_MARK]).fetchall()[0][0]
    notes = []
    if numbered:
        verbs = ("repeats", "counts") if numbered == 1 else ("repeat", "count")
        notes.append(f"{counted(numbered, 'row')} {verbs[0]} an earlier one of the same file, and {verbs[1]} too")
    return notes + [
        f"CHECK: {file} and {other} have {counted(rows, 'row')} in common; without an order nothing tells whether a delivery "
        "overlaps with another: what the later one repeats counts once"
        for file, other, rows in overlapping_files(context)
    ]


def _phones(context: LoadContext) -> list[str]:
    """Phones that identity cannot compare with any other, since nothing says of which country they are."""
    feed = context.feed
    if feed.config.identity.default_country or "phone" not in feed.settings.columns:
        return []
    country = " and country is null" if "country" in feed.settings.columns else ""
    ((bare,),) = context.connection.execute(
        f"""
        select count(*) from staged_rows
        where faults is null and not starts_with(ltrim(phone), '+') and not starts_with(ltrim(phone), '00'){country}
        """
    ).fetchall()
    if not bare:
        return []
    return [
        f"CHECK: {counted(bare, 'phone')} without a country's prefix: `identity: {{default_country: ES}}`, or your country, "
        "lets them be compared with those of other records"
    ]


def _notes(context: LoadContext, batch: StagedBatch, checks: Sequence[Check]) -> list[str]:
    """How columns map, what is not used, what the gate would say beside refusing, and examples of faults."""
    connection, feed = context.connection, context.feed
    mapped = [f"{column} ← {_mapping_text(mapping)}" for column, mapping in feed.settings.columns.items()]
    lowered = {name.lower() for name in named_columns(connection, feed.settings)}
    unused = [name for name in batch.columns if name.lower() not in lowered]
    notes = [f"maps {', '.join(mapped)}"] if mapped else []
    if unused:
        notes.append(f"delivered and not used: {', '.join(unused)}")
    notes += [
        f"warning {c.expect.name}: {c.expect.description} Found: {c.observed}."
        for c in checks
        if not c.is_met and not c.refuses
    ]
    rows = connection.execute(
        """
        select
            fault.field, fault.reason, count(*), arg_min(fault.value, source_row), min(source_row),
            arg_min(source_file, source_row)
        from (select source_file, source_row, unnest(faults) as fault from staged_rows where faults is not null)
        group by all order by count(*) desc limit ?
        """,
        [EXAMPLES],
    ).fetchall()
    for name, reason, count, value, row, file in rows:
        is_shown = name in feed.settings.not_personal
        shown = "" if value is None else f"= {value!r}" if is_shown else f"like {shape(value)!r}"
        place = f"row {row} of {file}" if count == 1 else f"first row {row} of {file}"
        notes.append(f"{counted(count, 'row')}: {fault_sentence(name, reason, shown)}; {place}")
    rows = connection.execute(
        "select source_row, reason from unreadable order by source_row limit ?", [EXAMPLES]
    ).fetchall()
    notes += [f"line {row}: {reason}" for row, reason in rows]
    rows = connection.execute(
        "select reason, count(*) from excluded_rows where disposition = 'quarantined' group by all limit ?", [EXAMPLES]
    ).fetchall()
    return notes + _phones(context) + [f"{counted(count, 'row')}: {reason}" for reason, count in rows]


def _mapping_text(mapping: Mapping) -> str:
    """What a column is mapped to, in short."""
    if isinstance(mapping, Constant):
        return repr(mapping.value)
    if isinstance(mapping, Expression):
        return mapping.sql
    if isinstance(mapping, Translated):
        return mapping.column
    return mapping if isinstance(mapping, str) else " + ".join(mapping)
