"""Looking at every source without loading: what is there, how it maps, what would be quarantined.

It works in a database of its own in memory, so it may run at any time. The same code extracts here and in a night, so what
the doctor says is what the night will do; only what compares with history is not judged.
"""

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from clientela import stopping
from clientela.config.company import Config
from clientela.contracts import SQL_TYPES
from clientela.errors import ClientelaError, ConfigError, DeliveryError, RunningError
from clientela.extract.casting import Parameters
from clientela.extract.column_names import shown_names
from clientela.extract.feeds import feeds_of
from clientela.extract.inbox import Found, look, opened
from clientela.extract.mapping import RATES, Feed, named_columns
from clientela.extract.open_file import open_file
from clientela.extract.readers.database import require_drivers
from clientela.file_modes import too_wide
from clientela.load import landing, staging
from clientela.load.context import LoadContext
from clientela.load.database_landing import fetch_new
from clientela.load.gate.suite import suite_of
from clientela.masking import shape
from clientela.warehouse import tables
from clientela.warehouse.keys import confirmed_secret
from clientela.warehouse.lock import hold_lock
from clientela.warehouse.schema_version import require_present

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


def examine(config: Config, source: str | None = None) -> list[Finding]:
    """One finding per feed. Raises ConfigError for what makes the whole configuration unusable."""
    require_drivers(config)
    feeds = [feed for feed in feeds_of(config) if source in (None, feed.source_name)]
    if not feeds:
        raise ConfigError(f"There is no source {source!r}; there are: {', '.join(config.sources)}.")
    _confirm_warehouse(config)
    limits = config.limits
    with tempfile.TemporaryDirectory(prefix="clientela-") as folder:
        connection = tables.connect(
            Path(folder) / "doctor.duckdb", memory_limit=limits.memory.replace(" ", ""), threads=limits.threads
        )
        with connection, stopping.interrupting(connection.interrupt):
            tables.prepare(connection)
            _take_rates(connection, config, feeds, Path(folder))
            found = [_examined(connection, feed, Path(folder)) for feed in feeds]
    return found if source else found + _of_data_folder(config)


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


def _of_data_folder(config: Config) -> list[Finding]:
    """What others of the machine may reach of what clientela writes."""
    wide = too_wide(config)
    return [Finding("data", "folder", True, wide[0], wide[1:])] if wide else []


def _take_rates(connection: duckdb.DuckDBPyConnection, config: Config, feeds: list[Feed], scratch: Path) -> None:
    """Exchange rates as delivered, so that conversions can be tried; the feed's own finding tells what cannot be read."""
    staging.prepare_rates(connection)
    for feed in feeds_of(config):
        if feed.entity.name == "exchange_rates":
            with suppress(duckdb.Error, DeliveryError), tempfile.TemporaryDirectory(dir=scratch) as folder:
                for file in _taken(look(config, feed.settings.files), Path(folder)):
                    connection.execute(
                        f"insert into {RATES} "
                        f"select currency, try_cast(valid_from as date), try_cast(rate as {SQL_TYPES['rate']}) "
                        "from read_csv(?, all_varchar = true, header = true)",
                        [str(file.landed)],
                    )


def _examined(connection: duckdb.DuckDBPyConnection, feed: Feed, scratch: Path) -> Finding:
    with tempfile.TemporaryDirectory(dir=scratch) as inbox:
        return _examine(connection, feed, scratch, Path(inbox))


def _taken(found: Found, folder: Path) -> list[landing.DeliveredFile]:
    """The files as a night takes them: copied once they are open and known to be what may be read."""
    taken = []
    for i, file in enumerate(found.trusted()):
        if file.owners is None:
            taken.append(landing.DeliveredFile(file.path, file.name, str(i), file.seen.st_size, file.path))
            continue
        with opened(file) as source:
            taken.append(replace(landing.land(source, file.path, folder / str(i)), content_sha256=str(i)))
    return [replace(file, landed_at=datetime.now(UTC)) for file in taken]


def _examine(connection: duckdb.DuckDBPyConnection, feed: Feed, scratch: Path, inbox: Path) -> Finding:
    name = feed.source_name, feed.entity.name
    context = LoadContext(connection, feed, "", datetime.now(UTC), scratch)
    found = Found()
    try:
        suite_of(feed.entity, feed.settings, feed.where)
        if feed.settings.database is not None:
            files = [
                replace(file, content_sha256=str(i)) for i, file in enumerate(fetch_new(context, scratch / "fetched"))
            ]
        else:
            found = look(feed.config, feed.settings.files)
            files = _taken(found, inbox)
        if not files:
            database = feed.settings.database
            told = (
                f"{database.table or 'the query'} gives no rows"
                if database
                else (f"no file matches {', '.join(feed.settings.files)} (seen from {feed.config.path.parent})")
            )
            return Finding(*name, True, told, _left_alone(found))
        batch = staging.build(context, files)
    except ClientelaError as error:
        return Finding(*name, True, error.sentence, _left_alone(found))
    would = batch.delivered - batch.quarantined - batch.unchanged
    sentence = f"{len(files)} file{'s' if len(files) > 1 else ''}, {batch.delivered:,} rows, {would:,} would load"
    if batch.unchanged:
        sentence += f", {batch.unchanged:,} say what others say"
    if batch.quarantined:
        sentence += f", {batch.quarantined:,} would be quarantined"
    notes = _left_alone(found) + _notes(connection, feed, files, scratch)
    return Finding(*name, bool(batch.quarantined), sentence, notes)


def _left_alone(found: Found) -> list[str]:
    return [f"left alone: {sentence}" for sentence in found.ignored]


def _notes(
    connection: duckdb.DuckDBPyConnection, feed: Feed, files: list[landing.DeliveredFile], scratch: Path
) -> list[str]:
    with tempfile.TemporaryDirectory(dir=scratch) as reading:
        opened = open_file(connection, feed, files[-1].landed, Parameters(), Path(reading))
    mapped = []
    for column, mapping in feed.settings.columns.items():
        told = (
            mapping if isinstance(mapping, str) else getattr(mapping, "sql", None) or getattr(mapping, "column", None)
        )
        mapped.append(f"{column} ← {told or mapping if not hasattr(mapping, 'value') else repr(mapping.value)}")
    lowered = {name.lower() for name in named_columns(connection, feed.settings)}
    delivered = [*opened.delivery.columns]
    unused = [
        shown for name, shown in zip(delivered, shown_names(delivered), strict=True) if name.lower() not in lowered
    ]
    notes = [f"maps {', '.join(mapped)}"] if mapped else []
    if unused:
        notes.append(f"delivered and not used: {', '.join(unused)}")
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
        told = "" if value is None else f"= {value!r} " if is_shown else f"like {shape(value)!r} "
        place = f"row {row} of {file}" if count == 1 else f"first row {row} of {file}"
        notes.append(f"{count:,} row{'s' * (count != 1)}: {name} {told}is {reason}, {place}")
    rows = connection.execute(
        "select source_row, reason from unreadable order by source_row limit ?", [EXAMPLES]
    ).fetchall()
    notes += [f"line {row}: {reason}" for row, reason in rows]
    rows = connection.execute(
        "select reason, count(*) from excluded_rows where disposition = 'quarantined' group by all limit ?", [EXAMPLES]
    ).fetchall()
    notes += [f"{count:,} rows: {reason}" for reason, count in rows]
    return notes
