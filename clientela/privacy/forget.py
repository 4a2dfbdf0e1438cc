"""Forgetting persons: their values go from every place there is, and do not come back.

The warehouse is written anew, into a file that never held them, and takes the old one's place in one step: there is no moment at
which half of a person is gone. Landed files that held them are written anew before; those of before, and what else was published
or kept of them, go after it, and again at the next run where that was broken off. Facts stay under an anonymous key where
`privacy.keep_facts` is true. A tombstone keeps them out when they are delivered again.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from clientela import durable, stopping, transform
from clientela.config.company import Config
from clientela.contracts import COMPANY_ENTITIES, ENTITIES, Entity
from clientela.errors import InternalError
from clientela.extract.feeds import feeds_of
from clientela.extract.personal_keys import DECISION_KEYS
from clientela.extract.readers.rewritten import SUFFIX
from clientela.load.context import ACTIVE_BATCHES, LoadContext
from clientela.load.deliveries import landing_folder
from clientela.load.forgotten import DECISIONS, let_go_in_file, remove_originals
from clientela.load.landing import DeliveredFile
from clientela.load.staging import prepare_rates
from clientela.privacy.person import Person
from clientela.privacy.search import search_all
from clientela.sql.quoting import literal, quoted
from clientela.warehouse import audit, ledger_copy, memory, tables, tombstones
from clientela.warehouse.expiries import TOTALS
from clientela.warehouse.transactions import transaction

#: folders of the data folder: where the second warehouse is made, and where proofs are kept
WORK, PROOFS = "forget", "forgotten"
#: files of published/ that every run writes anew at its end
_REWRITTEN = ("operations.duckdb", "index.html", "status.json")


@dataclass(frozen=True)
class Forgotten:
    """What went: persons, their records, and the files that were written anew."""

    persons: int
    records: int
    files: int
    proof: Path

    @property
    def sentence(self) -> str:
        return (
            f"{self.persons:,} {'person was' if self.persons == 1 else 'persons were'} forgotten, with {self.records:,} "
            f"{'record' if self.records == 1 else 'records'}; {self.files:,} kept files were written anew. Proof: {self.proof}."
        )


def forget(config: Config, persons: Sequence[Person], run_id: str, now: datetime) -> Forgotten:
    """Let these persons go from warehouse, landing, quarantine, memory and their copies. Nobody else has the warehouse open.

    What is published goes with the next publication: `clean_published`. The proof is completed by `complete_proofs`.
    """
    records = {record.record_id: record for person in persons for record in person.records}
    values = sorted({value for person in persons for value in person.values})
    before = search_all(config, values)
    with work_folder(config) as work, written_anew(config, work) as connection:
        _write_tombstones(connection, persons, now)
        files = rewrite_landing(connection, config, values, run_id, now)
        _carry(connection, config, values)
        _scrub_quarantine_files(connection, config, values)
        for person in persons:
            subject = f"customer {person.customer_id}" if person.customer_id else f"{len(person.records)} record(s)"
            audit.record(connection, config, "forget", subject)
        proof = _begin_proof(connection, config, run_id, now, len(persons), len(records), before, values)
    return Forgotten(len(persons), len(records), files, proof)


@contextmanager
def work_folder(config: Config) -> Iterator[Path]:
    """An empty folder for a second warehouse, which goes whatever comes; the log of the first is in its file before."""
    work = config.data / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        _settle_log(config)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def written_anew(config: Config, work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A second warehouse, empty, with the one of now as `before`. At the end it takes that one's place in one step."""
    made = work / "warehouse.duckdb"
    limits = config.limits
    connection = tables.connect(made, memory_limit=limits.duckdb_memory, threads=limits.threads)
    with connection, stopping.interrupting(connection.interrupt):
        tables.prepare(connection)
        connection.execute(f"attach {literal(str(config.warehouse))} as before (read_only)")
        yield connection
        connection.execute("detach before")
        connection.execute("checkpoint")
    with stopping.deferred():
        durable.switch_in(made, config.warehouse)
        clean_data_folder(config)


def clean_data_folder(config: Config) -> None:
    """Remove what still holds the forgotten beside the warehouse: done again by the next run where it was broken off."""
    remove_originals(config.data / "landing")
    # what was written out was handed on: who takes it up has had it, and what lies here goes whole
    for name in ("before_upgrade", "dbt/logs", "audiences", "actions"):
        shutil.rmtree(config.data / name, ignore_errors=True)
    for path in (config.data / "dbt").glob("*/run_results.json"):
        path.unlink(missing_ok=True)
    transform.empty_lake(config)


def settle(connection: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Go on with a forgetting that was broken off, if its warehouse took the old one's place; else it is as if never begun."""
    for pending in (config.data / PROOFS).glob("*.pending.json"):
        begun = json.loads(pending.read_text(encoding="utf-8"))["forgotten_at"]
        if connection.execute(
            """
            select 1 from ledger.tombstones where forgotten_at = cast($begun as timestamptz)
            union all select 1 from ledger.expiries where expired_at = cast($begun as timestamptz) limit 1
            """,
            {"begun": begun},
        ).fetchall():
            clean_data_folder(config)
        else:
            pending.unlink()


def export_copies(connection: duckdb.DuckDBPyConnection, config: Config) -> None:
    """The copies of memory and ledger, without the forgotten."""
    memory.export(connection, config.memory)
    ledger_copy.export(connection, config.memory)


def is_unproven(config: Config) -> bool:
    """Whether somebody was forgotten and what was published before is not gone yet."""
    return any((config.data / PROOFS).glob("*.pending.json"))


def clean_published(config: Config, run_id: str) -> None:
    """After a publication without the forgotten: everything that was published before it goes."""
    shutil.rmtree(config.published / "as_of", ignore_errors=True)
    made_at = (config.published / "versions" / f"marts_{run_id}.duckdb").stat().st_mtime_ns
    for path in config.published.rglob("*"):
        is_rewritten = path.parent == config.published and path.name in _REWRITTEN
        is_masked = path.parent == config.published / "gate"
        if path.is_file() and path.stat().st_mtime_ns < made_at and not (is_rewritten or is_masked):
            path.unlink()
    for path in config.data.glob("published_*"):
        if path.name.removeprefix("published_") not in config.publish.profiles:
            shutil.rmtree(path, ignore_errors=True)


def complete_proofs(config: Config, persons: Sequence[Person] = ()) -> list[Path]:
    """Look again at every place, and write what is found: of persons whose values are still known, those; else what was there."""
    values = sorted({value for person in persons for value in person.values})
    done = []
    for pending in sorted((config.data / PROOFS).glob("*.pending.json")):
        proof = json.loads(pending.read_text(encoding="utf-8"))
        path = pending.with_name(pending.name.replace(".pending", ""))
        if "expired" in proof:
            # rows and values that nobody keeps a list of: there is nothing to look for
            durable.switch_in(pending, path)
            done.append(path)
            continue
        after = search_all(config, values) if values else {}
        proof["after"] = (
            after if values else "the run was broken off; look again with `clientela disclose`, which finds nobody"
        )
        proof["is_clean"] = not any(after.values()) if values else None
        durable.write(path, (json.dumps(proof, indent=2, ensure_ascii=False) + "\n").encode())
        pending.unlink()
        done.append(path)
    return done


def _begin_proof(
    connection: duckdb.DuckDBPyConnection,
    config: Config,
    run_id: str,
    now: datetime,
    persons: int,
    records: int,
    before: dict[str, int],
    values: Sequence[str],
) -> Path:
    folder = config.data / PROOFS
    folder.mkdir(mode=0o700, exist_ok=True)
    outside = connection.execute(
        "select action, subject from ledger.audit where action in ('backup', 'export', 'disclose') order by done_at"
    ).fetchall()
    proof: dict[str, Any] = {
        "run_id": run_id, "forgotten_at": now.isoformat(), "persons": persons, "records": records,
        "values_looked_for": len(values), "before": before,
        "not_looked_at": [
            "the company's own inbox, where its exports lie",
            *(f"{action} {subject}" for action, subject in outside),
        ],
    }  # fmt: skip
    pending = folder / f"{run_id}.pending.json"
    durable.write(pending, (json.dumps(proof, indent=2, ensure_ascii=False) + "\n").encode())
    return folder / f"{run_id}.json"


def _settle_log(config: Config) -> None:
    """What the log beside the warehouse holds belongs to that file: beside another one it would be its ruin."""
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute("checkpoint")
    if config.warehouse.with_name(f"{config.warehouse.name}.wal").exists():
        raise InternalError("A log lies beside the warehouse, and would be read into another file.")


def _write_tombstones(connection: duckdb.DuckDBPyConnection, persons: Sequence[Person], now: datetime) -> None:
    """Memory's keys and the tombstones of before, and those of these persons: in the new file, where rows are told by them."""
    connection.execute("delete from memory.keys")
    connection.execute("insert into memory.keys by name select * from before.memory.keys")
    if is_held_before(connection, "ledger", "tombstones"):
        connection.execute("insert into ledger.tombstones by name select * from before.ledger.tombstones")
    key = tombstones.tombstone_key(connection)
    for record in {record.record_id: record for person in persons for record in person.records}.values():
        anonymous = tombstones.anonymous_key(key, record.record_id)
        digest = tombstones.record_hash(key, record.record_id)
        connection.execute("delete from ledger.tombstones where record_hash = ?", [digest])
        connection.execute(
            f"""
            insert into ledger.tombstones
            select $hash, $anonymous, {tombstones.number_sql("$source || '|' || $anonymous")}, $now
            """,
            {"hash": digest, "anonymous": anonymous, "source": record.source, "now": now},
        )


def rewrite_landing(
    connection: duckdb.DuckDBPyConnection,
    config: Config,
    values: Sequence[str],
    run_id: str,
    now: datetime,
    *,
    is_expiry: bool = False,
) -> int:
    """Write the kept files anew that hold rows of the forgotten or expired ones, and note in `gone_lines` which rows those are;
    gives how many files."""
    connection.execute(
        f"create or replace temp view {ACTIVE_BATCHES} as "
        "select batch_id, source, feed from before.ledger.loads where false"
    )
    connection.execute("create or replace temp table renamed_files (source varchar, landed_as varchar)")
    connection.execute(
        "create or replace temp table gone_lines (source varchar, feed varchar, landed_as varchar, source_row bigint)"
    )
    prepare_rates(connection)
    written = 0
    for feed in feeds_of(config):
        folder = landing_folder(feed)
        rows = connection.execute(
            """
            select distinct on (landed_as) file_name, content_sha256, bytes, landed_as, landed_at
            from before.ledger.load_files where source = ? and feed = ? and landed_as is not null
            order by landed_as, landed_at
            """,
            [feed.source_name, feed.name],
        ).fetchall()
        context = LoadContext(connection, feed, run_id, now, scratch=config.data / WORK / "reading")
        for name, content, size, landed_as, landed_at in rows:
            stopping.check()
            path = folder / landed_as
            if not path.is_file() or feed.is_of_guests:
                continue
            file = DeliveredFile(path, name, content, size, path, landed_at=landed_at)
            new, lines = let_go_in_file(context, file, values, is_expiry=is_expiry)
            if new is None:
                continue
            connection.execute("insert into renamed_files values (?, ?)", [feed.source_name, landed_as])
            for line in lines:
                connection.execute(
                    "insert into gone_lines values (?, ?, ?, ?)", [feed.source_name, feed.name, landed_as, line]
                )
            written += 1
    return written


def _carry(connection: duckdb.DuckDBPyConnection, config: Config, values: Sequence[str]) -> None:
    """Carry everything into the new file but what is of the forgotten."""
    key = tombstones.tombstone_key(connection)
    held = connection.execute(
        """
        select schema_name, table_name from duckdb_tables()
        where database_name = 'before' and schema_name in ('raw', 'ledger', 'memory')
        """
    ).fetchall()
    _find_all_forgotten(connection, {table for schema, table in held if schema == "raw"})
    with transaction(connection):
        for schema, table in held:
            if (schema, table) in (("memory", "keys"), ("ledger", "tombstones")):
                continue
            entity = ENTITIES.get(table) if schema == "raw" else None
            connection.execute(f"delete from {schema}.{quoted(table)}")
            if entity is not None:
                _carry_entity(connection, config, entity, key)
            elif (schema, table) == ("ledger", "quarantined_rows"):
                carry_quarantine(connection, values)
            elif schema == "ledger" and table in TOTALS:
                _carry_totals(connection, config, table)
            else:
                _carry_table(connection, schema, table)
        if is_held_before(connection, "run", "context"):
            connection.execute("delete from run.context")
            connection.execute("insert into run.context by name select * from before.run.context")
        _settle_ledger(connection, config)


def _find_all_forgotten(connection: duckdb.DuckDBPyConnection, raw_tables: set[str]) -> None:
    """The temporary table `forgotten_records` over everything that was loaded."""
    numbers = ["select record_id from before.raw.customers"]
    for name in sorted(raw_tables):
        if name in ENTITIES and "customer_key" in ENTITIES[name]:
            numbers.append(f"select customer_record_id from before.raw.{quoted(name)}")
    numbers += [
        f"select customer_record_id from before.ledger.{table}"
        for table in TOTALS
        if is_held_before(connection, "ledger", table)
    ]
    if DECISIONS in raw_tables:
        columns = {column.name for column in ENTITIES[DECISIONS].columns}
        numbers += [f"select {number} from before.raw.{DECISIONS}" for number in _numbers_of_decisions(columns)]
    numbers += [
        f"select record_id from before.memory.{table}"
        for table in memory.BY_RECORD
        if is_held_before(connection, "memory", table)
    ]
    connection.execute(f"create or replace temp table all_records as {' union '.join(numbers)}")
    tombstones.find_forgotten(connection, "all_records", ["record_id"])


def _carry_entity(connection: duckdb.DuckDBPyConnection, config: Config, entity: Entity, key: str) -> None:
    source = f"before.raw.{quoted(entity.name)}"
    target = f"raw.{quoted(entity.name)}"
    if entity.name == DECISIONS:
        _carry_decisions(connection, source, target)
        return
    column = "record_id" if entity.name == "customers" else "customer_record_id" if "customer_key" in entity else None
    if column is None:
        connection.execute(f"insert into {target} by name select * from {source}")
        return
    goes = entity.name in tombstones.SAID_BY_PERSONS or not config.privacy.keep_facts
    connection.execute(
        f"""
        insert into {target} by name select * from {source}
        where {column} is null or {column} not in (select record_id from forgotten_records)
        """
    )
    if goes:
        return
    space = "rows.source || case when loads.feed <> loads.entity then '.' || loads.feed else '' end"
    changes = ", ".join(
        f"{sql} as {quoted(name)}"
        for name, sql in tombstones.anonymised(entity, "$key", f"({space})", "forgotten").items()
    )
    connection.execute(
        f"""
        insert into {target} by name
        select rows.* replace ({changes})
        from {source} as rows
        inner join forgotten_records as forgotten on rows.{column} = forgotten.record_id
        left join before.ledger.loads as loads on rows.batch_id = loads.batch_id
        """,
        {"key": key},
    )


def _carry_decisions(connection: duckdb.DuckDBPyConnection, source: str, target: str) -> None:
    """Decisions about the forgotten go."""
    columns = {row[0] for row in connection.execute(f"describe {source}").fetchall()}
    gone = " or ".join(_named_forgotten(_numbers_of_decisions(columns))) or "false"
    connection.execute(f"insert into {target} by name select * from {source} where not ({gone})")


def _numbers_of_decisions(columns: set[str]) -> list[str]:
    """SQL for the numbers of the two records that a row with these columns decides about; none where it is no decision."""
    return [
        tombstones.number_sql(f"{quoted(owner)} || '|' || {quoted(name)}")
        for name, owner in DECISION_KEYS.items()
        if {owner, name} <= columns
    ]


def _named_forgotten(numbers: Sequence[str]) -> list[str]:
    """SQL: whether each of these numbers is one of `forgotten_records`."""
    return [f"coalesce({number} in (select record_id from forgotten_records), false)" for number in numbers]


def _carry_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    name = f"{schema}.{quoted(table)}"
    chosen = "select * from before." + name
    if (schema, table) == ("memory", "customer_registry"):
        # the number is handed out: it stays so, to a record that is nobody's, or the next customer would bear it
        nobody = tombstones.number_sql("cast(uuid() as varchar)")
        chosen = f"""
            select held.* replace (
                case when forgotten.record_id is null then held.record_id else {nobody} end as record_id
            )
            from before.{name} as held left join forgotten_records as forgotten using (record_id)"""
    elif schema == "memory" and table in memory.BY_RECORD:
        chosen = f"""
            select kept.* replace (coalesce(forgotten.anonymous_id, kept.record_id) as record_id)
            from before.{name} as kept left join forgotten_records as forgotten using (record_id)"""
    connection.execute(f"insert into {name} by name {chosen}")


def _carry_totals(connection: duckdb.DuckDBPyConnection, config: Config, table: str) -> None:
    """What expired facts of the forgotten came to stays under their anonymous number, or goes as the facts would."""
    kept = "" if config.privacy.keep_facts else "where forgotten.record_id is null"
    connection.execute(
        f"""
        insert into ledger.{table} by name
        select totals.* replace (coalesce(forgotten.anonymous_id, totals.customer_record_id) as customer_record_id)
        from before.ledger.{table} as totals
        left join forgotten_records as forgotten on totals.customer_record_id = forgotten.record_id {kept}
        """
    )


def _settle_ledger(connection: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Rows that went count as forgotten, and their money with them; files bear the names that they are kept under now."""
    make_gone(connection)
    for entity in COMPANY_ENTITIES:
        column = (
            "record_id" if entity.name == "customers" else "customer_record_id" if "customer_key" in entity else None
        )
        if column is None or (entity.name not in tombstones.SAID_BY_PERSONS and config.privacy.keep_facts):
            continue
        insert_gone(connection, entity, config.time_zone, f"{column} in (select record_id from forgotten_records)")
    decisions = ENTITIES[DECISIONS]
    if is_held_before(connection, "raw", decisions.name):
        numbers = _numbers_of_decisions({column.name for column in decisions.columns})
        insert_gone(connection, decisions, config.time_zone, " or ".join(_named_forgotten(numbers)))
    settle_gone(connection, "forgotten")


def settle_gone(connection: duckdb.DuckDBPyConnection, disposition: str) -> None:
    """Let the rows of the temporary table `gone` count as what became of them; files bear the names that they are kept under."""
    column = f"{disposition}_rows"
    connection.execute(
        f"""
        update ledger.loads set loaded_rows = loaded_rows - went.row_count, {column} = coalesce({column}, 0) + went.row_count
        from (select batch_id, sum(row_count) as row_count from gone group by batch_id) as went
        where loads.batch_id = went.batch_id
        """
    )
    connection.execute(
        """
        create or replace temp table amounts as
        select
            batch_id, source, entity, month, disposition, sum(row_count) as row_count, sum(net_amount) as net_amount,
            sum(amount_unreadable) as amount_unreadable
        from (
            from ledger.load_amounts
            union all by name
            select gone.batch_id, source, gone.entity, month, unnest([$disposition, 'loaded']) as disposition,
                unnest([1, -1]) * gone.row_count as row_count, unnest([1, -1]) * gone.net_amount as net_amount,
                unnest([1, -1]) * gone.amount_unreadable as amount_unreadable
            from gone inner join ledger.loads using (batch_id) where gone.entity in ('transactions', 'orders')
        )
        where batch_id in (select batch_id from gone) group by all having sum(row_count) <> 0
        """,
        {"disposition": disposition},
    )
    connection.execute("delete from ledger.load_amounts where batch_id in (select batch_id from gone)")
    connection.execute("insert into ledger.load_amounts by name select * from amounts")
    connection.execute(
        f"""
        update ledger.load_files set landed_as = landed_as || '{SUFFIX}'
        where not ends_with(landed_as, '{SUFFIX}')
            and (source, landed_as) in (select source, landed_as from renamed_files)
        """
    )


def make_gone(connection: duckdb.DuckDBPyConnection) -> None:
    """The temporary table of the rows that go, by batch and month."""
    connection.execute(
        """
        create or replace temp table gone (
            batch_id bigint, entity varchar, month date, row_count bigint, net_amount decimal(38,4), amount_unreadable bigint
        )
        """
    )


def insert_gone(connection: duckdb.DuckDBPyConnection, entity: Entity, zone: str, condition: str) -> None:
    """The rows of an entity that go: those of `before` that meet the condition."""
    amount = {"transactions": "net_amount", "orders": OF_ORDERS}.get(entity.name, "null")
    month = (
        f"cast(date_trunc('month', cast(timezone($zone, {quoted(entity.event_time)}) as date)) as date)"
        if entity.event_time and entity[entity.event_time].type == "timestamp"
        else "null"
    )
    connection.execute(
        f"""
        insert into gone
        select batch_id, {literal(entity.name)}, {month}, count(*), sum({amount}), count(*) - count({amount})
        from before.raw.{quoted(entity.name)} where not is_deleted and {condition} group by all
        """,
        {"zone": zone} if "$zone" in month else {},
    )


OF_ORDERS = "coalesce(shipping_amount, 0) + coalesce(fee_amount, 0) - coalesce(discount_amount, 0)"


def carry_quarantine(connection: duckdb.DuckDBPyConnection, values: Sequence[str]) -> None:
    """Rows in quarantine that are of the forgotten, or say a value of theirs, keep place and reason and nothing else."""
    said = "concat_ws(' ', held.delivered_row, held.value, held.personal_value)"
    emptied = ", ".join(
        f"case when is_gone then null else {name} end as {name}"
        for name in ("value", "personal_value", "delivered_row", "shape")
    )
    connection.execute(
        f"""
        insert into ledger.quarantined_rows by name
        with lines as (
            select distinct files.batch_id, files.file_name, gone_lines.source_row
            from gone_lines inner join before.ledger.load_files as files
                on gone_lines.source = files.source and gone_lines.feed = files.feed and gone_lines.landed_as = files.landed_as
        ),
        told as (
            select
                held.*,
                lines.batch_id is not null
                or len(list_filter($values::varchar[], lambda sought: contains({said}, sought))) > 0 as is_gone
            from before.ledger.quarantined_rows as held
            left join lines
                on held.batch_id = lines.batch_id and held.source_file = lines.file_name and held.source_row = lines.source_row
        )
        select * exclude (is_gone) replace ({emptied}) from told
        """,
        {"values": list(values)},
    )


def _scrub_quarantine_files(connection: duckdb.DuckDBPyConnection, config: Config, values: Sequence[str]) -> None:
    """The rows of refused batches that are of the forgotten go; so do validation reports that say a value of theirs."""
    for path in sorted((config.data / "quarantine").glob("*.parquet")):
        columns = {
            row[0] for row in connection.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
        }
        connection.execute("create or replace temp table refused_rows as select * from read_parquet(?)", [str(path)])
        if numbers := [*sorted(columns & {"record_id", "customer_record_id"}), *_numbers_of_decisions(columns)]:
            connection.execute(
                f"create or replace temp table refused_named as select unnest([{', '.join(numbers)}]) as record_id "
                "from refused_rows"
            )
            tombstones.find_forgotten(connection, "refused_named", ["record_id"])
        conditions = _named_forgotten(numbers)
        if values:
            conditions.append(
                "len(list_filter($values::varchar[], lambda sought: contains(cast(refused_rows as varchar), sought))) > 0"
            )
        bound = {"values": list(values)} if values else {}
        gone = " or ".join(conditions) or "false"
        drop_refused(connection, path, gone, bound)
    for path in [*(config.data / "gate").glob("*.html"), *(config.published / "gate").glob("*.html")]:
        text = path.read_text(encoding="utf-8", errors="replace")
        if any(value in text for value in values):
            path.unlink()


def drop_refused(
    connection: duckdb.DuckDBPyConnection, path: Path, gone: str, bound: dict[str, list[str]] | None = None
) -> None:
    """Write a refused batch's file anew without the rows of `refused_rows` that go, if there are any."""
    bound = bound or {}
    if not connection.execute(f"select 1 from refused_rows where {gone} limit 1", bound).fetchall():
        return
    connection.execute(f"delete from refused_rows where {gone}", bound)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    connection.execute("create or replace temp table kept_rows as select * from refused_rows")
    connection.execute(f"copy kept_rows to {literal(str(aside))} (format parquet)")
    durable.switch_in(aside, path)


def is_held_before(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the warehouse of before, attached as `before`, has that table."""
    return bool(
        connection.execute(
            "select 1 from duckdb_tables() where database_name = 'before' and schema_name = ? and table_name = ?",
            [schema, table],
        ).fetchall()
    )
