"""Looking at every source without loading: what is there, how it maps, what would be quarantined.

It works in a database of its own in memory, so it may run at any time. The same code extracts here and in a night, so what
the doctor says is what the night will do; only what compares with history is not judged.
"""

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from clientela import stopping, warehouse
from clientela.config import Config
from clientela.contracts import SQL_TYPES
from clientela.errors import ClientelaError, ConfigError
from clientela.extract.mapping import RATES, Feed, named_columns
from clientela.extract.typing import Parameters
from clientela.load import candidate as candidates
from clientela.load import landing
from clientela.load.fetched import fetch_new
from clientela.load.suite import suite_of
from clientela.masking import masked
from clientela.night import feeds_of

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
    feeds = [feed for feed in feeds_of(config) if source in (None, feed.source_name)]
    if not feeds:
        raise ConfigError(f"There is no source {source!r}; there are: {', '.join(config.sources)}.")
    limits = config.limits
    with tempfile.TemporaryDirectory(prefix="clientela-") as folder:
        connection = warehouse.connect(
            Path(folder) / "doctor.duckdb", memory_limit=limits.memory.replace(" ", ""), threads=limits.threads
        )
        with connection, stopping.interrupting(connection.interrupt):
            warehouse.prepare(connection)
            _take_rates(connection, config, feeds)
            return [_examine(connection, feed, Path(folder)) for feed in feeds]


def _take_rates(connection: duckdb.DuckDBPyConnection, config: Config, feeds: list[Feed]) -> None:
    """Exchange rates as delivered, so that conversions can be tried; the feed's own finding tells what cannot be read."""
    candidates.prepare_rates(connection)
    for feed in feeds_of(config):
        if feed.entity.name == "exchange_rates":
            path = Path(feed.settings.files[0])
            with suppress(duckdb.Error):
                connection.execute(
                    f"insert into {RATES} "
                    f"select currency, try_cast(valid_from as date), try_cast(rate as {SQL_TYPES['rate']}) "
                    "from read_csv(?, all_varchar = true, header = true)",
                    [str(path)],
                )


def _examine(connection: duckdb.DuckDBPyConnection, feed: Feed, scratch: Path) -> Finding:
    name = feed.source_name, feed.entity.name
    try:
        suite_of(feed.entity, feed.settings, feed.where)
        if feed.settings.database is not None:
            fetched = fetch_new(connection, feed, scratch / "fetched", datetime.now(UTC))
            found = [file.landed for file in fetched]
        else:
            found = landing.found_files(feed.config, feed.settings.files)
        if not found:
            database = feed.settings.database
            told = (
                f"{database.table or 'the query'} gives no rows"
                if database
                else (f"no file matches {', '.join(feed.settings.files)} (seen from {feed.config.path.parent})")
            )
            return Finding(*name, True, told)
        files = [
            landing.DeliveredFile(path, path.name, str(i), path.stat().st_size, path) for i, path in enumerate(found)
        ]
        candidate = candidates.build(connection, feed, files, scratch)
    except ClientelaError as error:
        return Finding(*name, True, error.sentence)
    would = candidate.delivered - candidate.quarantined - candidate.unchanged
    sentence = f"{len(found)} file{'s' if len(found) > 1 else ''}, {candidate.delivered:,} rows, {would:,} would load"
    if candidate.unchanged:
        sentence += f", {candidate.unchanged:,} say what others say"
    if candidate.quarantined:
        sentence += f", {candidate.quarantined:,} would be quarantined"
    return Finding(*name, bool(candidate.quarantined), sentence, _notes(connection, feed, files, scratch))


def _notes(
    connection: duckdb.DuckDBPyConnection, feed: Feed, files: list[landing.DeliveredFile], scratch: Path
) -> list[str]:
    with tempfile.TemporaryDirectory(dir=scratch) as reading:
        opened = candidates.open_file(connection, feed, files[-1].landed, Parameters(), Path(reading))
    mapped = []
    for column, mapping in feed.settings.columns.items():
        told = (
            mapping if isinstance(mapping, str) else getattr(mapping, "sql", None) or getattr(mapping, "column", None)
        )
        mapped.append(f"{column} ← {told or mapping if not hasattr(mapping, 'value') else repr(mapping.value)}")
    lowered = {name.lower() for name in named_columns(connection, feed.settings)}
    unused = [name for name in opened.delivery.columns if name.lower() not in lowered]
    notes = [f"maps {', '.join(mapped)}"] if mapped else []
    if unused:
        notes.append(f"delivered and not used: {', '.join(unused)}")
    personal = {column.name for column in feed.entity.columns if column.personal}
    rows = connection.execute(
        """
        select fault.field, fault.reason, count(*), any_value(fault.value), any_value(source_file)
        from (select source_file, unnest(faults) as fault from candidate where faults is not null)
        group by all order by count(*) desc limit ?
        """,
        [EXAMPLES],
    ).fetchall()
    for name, reason, count, value, file in rows:
        shown = masked(value, feed.secret) if value and name in personal else value
        notes.append(f"{count:,} rows: {name} {f'= {shown!r} ' if shown is not None else ''}is {reason}, in {file}")
    rows = connection.execute(
        "select source_row, reason from unreadable order by source_row limit ?", [EXAMPLES]
    ).fetchall()
    notes += [f"line {row}: {reason}" for row, reason in rows]
    rows = connection.execute(
        "select reason, count(*) from odd_rows where fate = 'quarantined' group by all limit ?", [EXAMPLES]
    ).fetchall()
    notes += [f"{count:,} rows: {reason}" for reason, count in rows]
    return notes
