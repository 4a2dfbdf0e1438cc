"""`clientela rebuild`: a lost warehouse is made again from the kept files, memory's copy and the ledger's.

The ledger's verdicts are replayed: each batch is loaded as it was, when it was, in its order, beside the batches that were active
then; what was refused or unloaded stays so. Nothing is judged anew, so every customer keeps their id. The warehouse is made
aside and put in its place in one step. Building and publishing marts is left to the next run.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from clientela import file_modes, stopping
from clientela.config.company import Config
from clientela.durable import switch_in
from clientela.errors import ClientelaError, DeliveryError
from clientela.extract.feed import Feed
from clientela.extract.feeds import feeds_of
from clientela.extract.readers.rewritten import SUFFIX
from clientela.load.context import ACTIVE_BATCHES, LoadContext
from clientela.load.deliveries import landing_folder
from clientela.load.landing import DeliveredFile, content_sha256
from clientela.load.ledger import mapping_hash
from clientela.load.loader import replay_batch
from clientela.load.staging import prepare_rates
from clientela.masking import SECRET_FILE, check_value, read_secret
from clientela.pipeline.leftovers import remove_leftovers
from clientela.pipeline.progress import Watcher, silent
from clientela.sql.quoting import literal
from clientela.warehouse import audit, expiries, keys, ledger_copy, memory, tables
from clientela.warehouse.faults import explained
from clientela.warehouse.lock import hold_lock
from clientela.warehouse.schema_version import SCHEMA_VERSION, version_of_copy
from clientela.warehouse.transactions import transaction
from clientela.wording import counted

#: the folder below the data folder where the warehouse is made
WORK = "rebuild"


@dataclass(frozen=True)
class Rebuilt:
    """What was made again. `notices`: what differs from the warehouse that was lost, in sentences."""

    batches: int
    rows: int
    notices: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return (
            f"The warehouse is made again: {counted(self.batches, 'batch', 'batches')}, {counted(self.rows, 'row')}, every "
            "customer with their id. `clientela run` builds and publishes the marts."
        )


@dataclass(frozen=True)
class _Verdict:
    """A batch as the ledger's copy knows it."""

    batch_id: int
    source: str
    feed_name: str
    status: str
    mapping_hash: str
    run_id: str
    loaded_at: datetime


def rebuild(config: Config, watch: Watcher = silent) -> Rebuilt:
    """Make the lost warehouse again. Whatever it raises, nothing was changed.

    Raises RunningError while a run is under way, and ClientelaError where there is a warehouse, where there is no copy, where a
    file that is needed is no longer kept or is not what it was, and for a feed that is not configured any more.
    """
    _require_loss(config)
    with file_modes.closed(config) as notice, hold_lock(config.data, "Rebuild"):
        if notice:
            watch("notice", "data folder", notice)
        remove_leftovers(config)
        work = config.data / WORK
        work.mkdir(mode=0o700)
        notices: list[str] = []
        had_secret = (config.data / SECRET_FILE).exists()
        try:
            made = work / "warehouse.duckdb"
            limits = config.limits
            connection = tables.connect(made, memory_limit=limits.duckdb_memory, threads=limits.threads)
            with connection, stopping.interrupting(connection.interrupt):
                batches, rows = _fill(connection, config, notices, watch)
                connection.execute("checkpoint")
            with stopping.deferred():
                switch_in(made, config.warehouse)
        except (duckdb.Error, OSError) as error:
            raise explained(error, config) from error
        except BaseException:
            if not had_secret:
                (config.data / SECRET_FILE).unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    for sentence in notices:
        watch("notice", "rebuild", sentence)
    return Rebuilt(batches, rows, tuple(notices))


def _require_loss(config: Config) -> None:
    if config.warehouse.exists():
        raise ClientelaError(
            f"{config.warehouse} is there, so there is nothing to rebuild; if it is damaged, move it and its .wal away first."
        )
    if not ledger_copy.has_copies(config):
        raise ClientelaError(
            f"{config.memory} holds no copy of memory, so nothing can be rebuilt with the same ids; `clientela restore` brings a "
            "backup back, `clientela run` begins anew."
        )
    if not (config.memory / ledger_copy.LEDGER_COPY).is_file():
        raise ClientelaError(
            f"{config.memory} holds no copy of the ledger, as an earlier clientela left it: without the verdicts the warehouse "
            "cannot be rebuilt. Restore a backup of warehouse.duckdb; or move the folder away, and `clientela run` begins anew, "
            "with other ids."
        )
    with duckdb.connect() as reader:
        version = version_of_copy(reader, config.memory)
    if version != SCHEMA_VERSION:
        raise ClientelaError(
            f"{config.memory} has schema version {version}, and this clientela works with {SCHEMA_VERSION}: rebuild with the "
            "clientela that made it, then `clientela upgrade`. Nothing was touched."
        )


def _fill(connection: duckdb.DuckDBPyConnection, config: Config, notices: list[str], watch: Watcher) -> tuple[int, int]:
    """Fill a new warehouse; gives the batches and rows loaded."""
    tables.prepare(connection)
    copy = config.memory / ledger_copy.LEDGER_COPY
    connection.execute(f"attach {literal(str(copy))} as kept (read_only)")
    with transaction(connection):
        for name in memory.MEMORY_TABLES:
            path = config.memory / f"{name}.parquet"
            connection.execute(f"delete from memory.{name}")
            if path.is_file():
                connection.execute(f"insert into memory.{name} by name select * from read_parquet(?)", [str(path)])
        held = ledger_copy.held_tables(connection, "kept")
        wanted = (
            "runs", "seen_files", "audit", "tombstones", "expiries", *expiries.TOTALS, "secret", "renewals", "schema_version",
        )  # fmt: skip
        for name in (name for name in wanted if name in held):
            connection.execute(f"delete from ledger.{name}")
            connection.execute(f"insert into ledger.{name} by name select * from kept.{name}")
    _settle_secret(connection, config, notices)
    keys.keep_keys(connection, config.data)
    batches, rows = _replay(connection, config, notices, watch)
    with transaction(connection):
        _take_verdicts(connection)
        audit.take_in(connection, config.data)
        audit.record(connection, config, "rebuild")
    connection.execute("detach kept")
    return batches, rows


def _settle_secret(connection: duckdb.DuckDBPyConnection, config: Config, notices: list[str]) -> None:
    """With the secret gone as well, a new one masks from here on."""
    if (config.data / SECRET_FILE).exists():
        keys.confirmed_secret(connection, config.data)
        return
    if connection.execute("select 1 from ledger.secret").fetchall():
        secret = read_secret(config.data)
        connection.execute("update ledger.secret set check_value = ?, made_at = now()", [check_value(secret)])
        notices.append(
            "The secret was gone, and a new one was made: customers keep their ids, masked values are others than before, and "
            "joins with older extracts by a masked value end."
        )


def _replay(
    connection: duckdb.DuckDBPyConnection, config: Config, notices: list[str], watch: Watcher
) -> tuple[int, int]:
    feeds = {(feed.source_name, feed.name): feed for feed in feeds_of(config)}
    verdicts = [
        _Verdict(*row)
        for row in connection.execute(
            """
            select batch_id, source, feed, status, mapping_hash, run_id, loaded_at from kept.loads
            where status in ('loaded', 'unloaded') order by batch_id
            """
        ).fetchall()
    ]
    _require_feeds(feeds, verdicts)
    kept = {
        verdict.batch_id: _files(connection, config, feeds.get((verdict.source, verdict.feed_name)), verdict)
        for verdict in verdicts
    }
    _require_files(config, feeds, verdicts, kept)
    done, rows, differing = 0, 0, 0
    forgone: list[int] = []
    for verdict in verdicts:
        stopping.check()
        feed = feeds.get((verdict.source, verdict.feed_name))
        files = kept[verdict.batch_id]
        is_same = feed is not None and mapping_hash(feed) == verdict.mapping_hash
        if verdict.status == "unloaded" and not (is_same and files):
            forgone.append(verdict.batch_id)
            continue
        assert feed is not None and files is not None
        differing += not is_same
        subject = f"{verdict.source}.{verdict.feed_name}"
        watch("load", subject, "")
        _see_active(connection, verdict)
        prepare_rates(connection)
        context = LoadContext(connection, feed, verdict.run_id, verdict.loaded_at)
        try:
            outcome = replay_batch(context, verdict.batch_id, files)
        except DeliveryError as error:
            raise ClientelaError(
                f"{subject}: batch {verdict.batch_id} was loaded and cannot be read any more, so nothing was made: "
                f"{error.sentence}"
            ) from error
        watch("loaded", subject, f"{counted(outcome.loaded, 'row')} of batch {verdict.batch_id}")
        done, rows = done + 1, rows + outcome.loaded
    if differing:
        notices.append(
            f"{counted(differing, 'batch', 'batches')} had been loaded under another mapping than clientela.yml has now, and "
            "came back under the present one, as `clientela reload` would bring them."
        )
    if forgone:
        notices.append(
            f"{counted(len(forgone), 'unloaded batch', 'unloaded batches')} did not come back: a run with a --known-at from "
            "before they were unloaded sees them no more."
        )
    return done, rows


def _require_feeds(feeds: dict[tuple[str, str], Feed], verdicts: Sequence[_Verdict]) -> None:
    gone = sorted(
        {f"{v.source}.{v.feed_name}" for v in verdicts if v.status == "loaded" and (v.source, v.feed_name) not in feeds}
    )
    if gone:
        raise ClientelaError(
            f"{', '.join(gone)} is not configured any more, and batches of it were loaded; put it back into clientela.yml to "
            "rebuild. Nothing was made."
        )


def _files(
    connection: duckdb.DuckDBPyConnection, config: Config, feed: Feed | None, verdict: _Verdict
) -> list[DeliveredFile] | None:
    """The kept files of a batch; None where one is not kept any more."""
    if feed is None:
        return None
    folder = landing_folder(feed)
    rows = connection.execute(
        """
        select file_name, content_sha256, bytes, landed_as, sequence, landed_at from kept.load_files
        where batch_id = ? order by sequence
        """,
        [verdict.batch_id],
    ).fetchall()
    files = [
        DeliveredFile(folder / landed, name, content, size, folder / landed, sequence, landed_at)
        for name, content, size, landed, sequence, landed_at in rows
    ]
    return files if all(file.landed.is_file() for file in files) else None


def _require_files(
    config: Config,
    feeds: dict[tuple[str, str], Feed],
    verdicts: Sequence[_Verdict],
    kept: dict[int, list[DeliveredFile] | None],
) -> None:
    if gone := [verdict for verdict in verdicts if verdict.status == "loaded" and kept[verdict.batch_id] is None]:
        first = gone[0]
        raise ClientelaError(
            f"{first.source}.{first.feed_name}: files of batch {first.batch_id} and of {len(gone) - 1:,} others are no longer "
            f"kept in {config.data / 'landing'} (landing.keep_days), so the warehouse cannot be rebuilt; `clientela restore` "
            "brings it back from a backup that holds it. Nothing was made."
        )
    checked: set[Path] = set()
    for files in kept.values():
        for file in files or ():
            if file.landed in checked:
                continue
            checked.add(file.landed)
            # one that was written anew when somebody was forgotten is ours
            if not file.landed.name.endswith(SUFFIX) and content_sha256(file.landed) != file.content_sha256:
                raise ClientelaError(
                    f"{file.landed} is not what was delivered: its content has another hash than the ledger knows. Put it back "
                    "from a backup; nothing was made."
                )


def _see_active(connection: duckdb.DuckDBPyConnection, verdict: _Verdict) -> None:
    """Let those batches be active that were when this one was loaded."""
    connection.execute(
        f"""
        create or replace temp view {ACTIVE_BATCHES} as
        select loads.batch_id, loads.source, loads.feed
        from ledger.loads inner join kept.loads as verdicts using (batch_id)
        where verdicts.retired_at is null or verdicts.retired_at > timestamptz {literal(verdict.loaded_at.isoformat())}
        """
    )


def _take_verdicts(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the ledger's own lines in the place of those that the replay wrote; the rows that it counted stay."""
    connection.execute("create or replace temp table replayed as select * from ledger.loads")
    counts = (
        "delivered_rows", "loaded_rows", "unchanged_rows", "quarantined_rows", "left_out_rows", "deleted_rows", "forgotten_rows",
        "expired_rows",
    )  # fmt: skip
    held = {row[0] for row in connection.execute("describe kept.loads").fetchall()}
    chosen = ", ".join(
        f"case when replayed.batch_id is null then kept.{name} else replayed.{name} end as {name}"
        for name in counts
        if name in held
    )
    connection.execute("delete from ledger.loads")
    connection.execute(
        f"""
        insert into ledger.loads by name
        select kept.* replace ({chosen}) from kept.loads as kept left join replayed using (batch_id)
        """
    )
    for name in ("load_files", "load_checks"):
        connection.execute(f"delete from ledger.{name}")
        connection.execute(f"insert into ledger.{name} by name select * from kept.{name}")
    connection.execute(f"drop view if exists {ACTIVE_BATCHES}")
