"""The lines of the load ledger for one batch, loaded or refused, and what quarantine keeps of it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from clientela.contracts import CONTRACT_VERSION
from clientela.extract.mapping import Feed
from clientela.load.context import LoadContext
from clientela.load.gate.validation_report import shown_examples, write_validation_report
from clientela.load.landing import DeliveredFile
from clientela.load.outcome import Outcome
from clientela.masking import shape_sql
from clientela.sql.quoting import quoted
from clientela.warehouse.transactions import transaction


def mapping_hash(feed: Feed) -> str:
    """Hash of what decides how a delivered file becomes rows: the same file under the same hash gives the same batch."""
    decisive = [
        CONTRACT_VERSION,
        feed.source.model_dump(mode="json", exclude={"entities"}),
        feed.settings.model_dump(mode="json", exclude={"not_personal"}),
        feed.config.currency,
        feed.config.time_zone,
    ]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def close_refusals(context: LoadContext) -> None:
    """Whatever was refused lies there no more: it was taken away, or what lies there now is loaded already."""
    context.connection.execute(
        "update ledger.loads set retired_at = ? where source = ? and entity = ? and status = 'refused' and retired_at is null",
        [context.now, context.feed.source_name, context.feed.entity.name],
    )


def first_landings(context: LoadContext) -> dict[str, datetime]:
    """Content → when it first came, for all that the feed ever delivered.

    What was loaded before this was kept counts as come when it was loaded.
    """
    rows = context.connection.execute(
        """
        select content_sha256, min(coalesce(landed_at, loaded_at, started_at))
        from ledger.load_files join ledger.loads using (batch_id)
        where loads.source = ? and loads.entity = ? group by content_sha256
        """,
        [context.feed.source_name, context.feed.entity.name],
    ).fetchall()
    return dict(rows)


def drop_staged(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove what a killed reload has staged: it never counted for anything."""
    staged = connection.execute("select batch_id, entity from ledger.loads where status = 'staged'").fetchall()
    if not staged:
        return
    with transaction(connection):
        for batch_id, entity in staged:
            connection.execute(f"delete from raw.{quoted(entity)} where batch_id = ?", [batch_id])
            for table in ("load_files", "load_checks", "load_amounts", "quarantined_rows", "loads"):
                connection.execute(f"delete from ledger.{table} where batch_id = ?", [batch_id])


def _report_path(feed: Feed, batch_id: int) -> Path:
    return feed.config.data / "gate" / f"{batch_id:06d}-{feed.source_name}-{feed.entity.name}.html"


def write_ledger(context: LoadContext, outcome: Outcome) -> Path:
    """The lines of the ledger for one batch, and its validation report. Quarantine keeps what a person needs to mend the row."""
    assert outcome.batch_id is not None
    connection, feed, now = context.connection, context.feed, context.now
    report = _report_path(feed, outcome.batch_id)
    key = [outcome.batch_id, feed.source_name, feed.entity.name]
    entity = feed.entity
    first, last = None, None
    if entity.event_time and outcome.status == "loaded":
        event = quoted(entity.event_time)
        day = event if entity[entity.event_time].type == "date" else f"cast(timezone(?, {event}) as date)"
        zone = [feed.config.time_zone] if entity[entity.event_time].type != "date" else []
        first, last = connection.execute(
            f"select min(day), max(day) from (select {day} as day from gated)", zone
        ).fetchall()[0]
    connection.execute(
        "insert into ledger.loads values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            outcome.batch_id, context.run_id, feed.source_name, entity.name, feed.settings.delivery, outcome.status,
            outcome.reason or None, mapping_hash(feed), now, now if outcome.status == "loaded" else None,
            len(outcome.files), outcome.delivered, outcome.loaded, outcome.unchanged, outcome.quarantined,
            outcome.deleted, first, last, len(outcome.warnings), report.name, ", ".join(outcome.columns) or None,
            ", ".join(outcome.new_columns) or None,
        ],
    )  # fmt: skip
    for check in outcome.checks:
        connection.execute(
            "insert into ledger.load_checks values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *key, check.expect.name, check.expect.severity, check.is_met, check.expect.column,
                check.expect.description, check.observed, check.unexpected_count, check.unexpected_share,
                ", ".join(shown_examples(feed, check)) or None,
            ],
        )  # fmt: skip
    if outcome.status == "loaded":
        connection.execute(
            """
            insert into ledger.load_files
            select ?, ?, ?, file_name, content_sha256, bytes, landed_as, coalesce(version, sequence), version_at,
                delivered_rows, control_rows, control_sum, delivered_sum, sequence, landed_at
            from batch_files order by file_index
            """,
            key,
        )
        _write_quarantine(context, outcome.batch_id)
        if entity.name == "transactions":
            _write_amounts(context, key)
    write_validation_report(report, context, outcome)
    return report


def _write_quarantine(context: LoadContext, batch_id: int) -> None:
    """What did not fit may be anything, whatever column it is in: it is personal unless the feed declares otherwise."""
    feed = context.feed
    context.connection.execute(
        f"""
        insert into ledger.quarantined_rows
        with faulty as (
            select source_file, source_row as line, unnest(faults) as fault, delivered_row
            from staged_rows where faults is not null
        ),
        conflicting as (
            select source_file, source_row as line, record_key, excluded_rows.reason, delivered_row
            from staged_rows join excluded_rows on staged_rows.rowid = row_id
            where disposition = 'quarantined'
        ),
        refused as (
            select source_file, line, fault.field, fault.value, fault.reason,
                fault.field as declared, delivered_row
            from faulty
            union all
            select source_file, line, 'key', record_key, reason, 'key', delivered_row from conflicting
            union all
            select file_name, source_row, null, text, reason, null, null from unreadable join batch_files using (file_index)
        )
        select
            $batch_id, $source, $entity, source_file, line, field,
            case when is_shown then value end, case when not is_shown then value end,
            reason, delivered_row, $now, {shape_sql("value")}
        from (select *, coalesce(list_contains(cast($shown as varchar[]), declared), false) as is_shown from refused)
        """,
        {
            "shown": feed.settings.not_personal, "batch_id": batch_id, "source": feed.source_name, "entity": feed.entity.name,
            "now": context.now,
        },
    )  # fmt: skip


def _write_amounts(context: LoadContext, key: list[object]) -> None:
    """Net amount delivered by month and disposition: what the reconciliation starts from."""
    connection, zone = context.connection, context.feed.config.time_zone
    connection.execute(
        """
        insert into ledger.load_amounts
        select ?, ?, ?, month, disposition, count(*), sum(net_amount)
        from (
            select
                cast(date_trunc('month', cast(timezone(?, ordered_at) as date)) as date) as month,
                case when faults is not null then 'quarantined' else coalesce(disposition, 'loaded') end as disposition,
                net_amount
            from staged_rows left join excluded_rows on staged_rows.rowid = row_id
            union all
            select null, 'quarantined', null from unreadable
        )
        group by month, disposition
        """,
        [*key, zone],
    )
    # rows that a late snapshot made the loader say again: in raw, and delivered by nobody
    connection.execute(
        """
        insert into ledger.load_amounts
        select
            $batch_id, $source, $entity,
            cast(date_trunc('month', cast(timezone($zone, ordered_at) as date)) as date) as month,
            'restated', count(*), sum(net_amount)
        from raw.transactions
        where batch_id = $batch_id and not is_deleted and version > (select max(version) from batch_files)
        group by month
        """,
        {"batch_id": key[0], "source": key[1], "entity": key[2], "zone": zone},
    )


def record_refusal(context: LoadContext, outcome: Outcome, files: Sequence[DeliveredFile]) -> Outcome:
    """Keep a refused batch, queryable, with its reason; a batch refused again for the same reason is not reported twice."""
    connection, feed = context.connection, context.feed
    contents = sorted(file.content_sha256 for file in files)
    before = connection.execute(
        """
        select loads.batch_id, list(content_sha256 order by content_sha256)
        from ledger.loads join ledger.load_files using (batch_id)
        where loads.source = ? and loads.entity = ? and status = 'refused' and mapping_hash = ? and reason = ?
        group by loads.batch_id order by loads.batch_id desc limit 1
        """,
        [feed.source_name, feed.entity.name, mapping_hash(feed), outcome.reason],
    ).fetchall()
    if before and before[0][1] == contents:
        connection.execute("update ledger.loads set retired_at = null where batch_id = ?", [before[0][0]])
        batch_id = before[0][0]
        return replace(outcome, batch_id=batch_id, validation_report=_report_path(feed, batch_id))
    with transaction(connection):
        report = write_ledger(context, outcome)
        key = outcome.batch_id, feed.source_name, feed.entity.name
        connection.executemany(
            """
            insert into ledger.load_files (
                batch_id, source, entity, file_name, content_sha256, bytes, landed_as, landed_at
            ) values (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [(*key, f.name, f.content_sha256, f.bytes, f.landed.name, f.landed_at) for f in files],
        )
        if outcome.checks:
            kept = feed.config.data / "quarantine" / f"{report.stem}.parquet"
            kept.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(
                """
                copy (
                    select * from staged_rows
                    union all by name
                    select
                        file_index, file_name as source_file, source_row, text as delivered_row,
                        [{'field': null, 'value': null, 'reason': reason}] as faults
                    from unreadable join batch_files using (file_index)
                ) to ? (format parquet)
                """,
                [str(kept)],
            )
    return replace(outcome, validation_report=report)
