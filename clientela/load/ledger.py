"""The lines of the load ledger for one batch, loaded or refused, and what quarantine keeps of it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from clientela.contracts import CONTRACT_VERSION, Entity
from clientela.extract.feed import Feed
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
        "update ledger.loads set retired_at = ? where source = ? and feed = ? and status = 'refused' and retired_at is null",
        [context.now, *context.feed_key],
    )


def first_landings(context: LoadContext) -> dict[str, datetime]:
    """Content → when it first came, for all that the feed ever delivered.

    What was loaded before this was kept counts as come when it was loaded.
    """
    rows = context.connection.execute(
        """
        select content_sha256, min(coalesce(landed_at, loaded_at, started_at))
        from ledger.load_files join ledger.loads using (batch_id)
        where loads.source = ? and loads.feed = ? group by content_sha256
        """,
        context.feed_key,
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
    return feed.config.data / "gate" / f"{batch_id:06d}-{feed.source_name}-{feed.name}.html"


def write_ledger(context: LoadContext, outcome: Outcome, *, is_reported: bool = True) -> Path:
    """The lines of the ledger for one batch, and its validation report. Quarantine keeps what a person needs to mend the row.

    A batch that is loaded again as it was (not `is_reported`) keeps the report that it has.
    """
    assert outcome.batch_id is not None
    connection, feed, now = context.connection, context.feed, context.now
    report = _report_path(feed, outcome.batch_id)
    key = {"batch_id": outcome.batch_id, "source": feed.source_name, "entity": feed.entity.name}
    entity = feed.entity
    first, last = None, None
    if entity.event_time and outcome.status == "loaded":
        event = quoted(entity.event_time)
        day = event if entity[entity.event_time].type == "date" else f"cast(timezone(?, {event}) as date)"
        zone = [feed.config.time_zone] if entity[entity.event_time].type != "date" else []
        first, last = connection.execute(
            f"select min(day), max(day) from (select {day} as day from gated)", zone
        ).fetchall()[0]
    _insert(
        connection,
        "loads",
        key
        | {
            "feed": feed.name,
            "run_id": context.run_id,
            "delivery": feed.settings.delivery,
            "status": outcome.status,
            "reason": outcome.reason or None,
            "mapping_hash": mapping_hash(feed),
            "started_at": now,
            "loaded_at": now if outcome.status == "loaded" else None,
            "file_count": len(outcome.files),
            "delivered_rows": outcome.delivered,
            "loaded_rows": outcome.loaded,
            "unchanged_rows": outcome.unchanged,
            "quarantined_rows": outcome.quarantined,
            "left_out_rows": outcome.left_out,
            "deleted_rows": outcome.deleted,
            "forgotten_rows": outcome.forgotten,
            "expired_rows": outcome.expired,
            "first_event_on": first,
            "last_event_on": last,
            "warning_count": len(outcome.warnings),
            "validation_report": report.name,
            "columns": ", ".join(outcome.columns) or None,
            "new_columns": ", ".join(outcome.new_columns) or None,
        },
    )
    for check in outcome.checks:
        _insert(
            connection,
            "load_checks",
            key
            | {
                "expectation": check.expect.name,
                "severity": check.expect.severity,
                "is_met": check.is_met,
                "column_name": check.expect.column,
                "description": check.expect.description,
                "observed": check.observed,
                "unexpected_count": check.unexpected_count,
                "unexpected_share": check.unexpected_share,
                "examples": ", ".join(shown_examples(feed, check)) or None,
            },
        )
    if outcome.status == "loaded":
        connection.execute(
            """
            insert into ledger.load_files by name
            select
                $batch_id as batch_id, $source as source, $entity as entity, $feed as feed, file_name, content_sha256,
                bytes, landed_as, coalesce(version, sequence) as version, version_at, delivered_rows, control_rows,
                control_sum, delivered_sum, sequence, landed_at
            from batch_files order by file_index
            """,
            {**key, "feed": feed.name},
        )
        if outcome.quarantined:
            _write_quarantine(context, outcome.batch_id)
        if amount := amount_of(entity):
            _write_amounts(context, key, amount)
    if is_reported:
        write_validation_report(report, context, outcome)
    return report


def _insert(connection: duckdb.DuckDBPyConnection, table: str, values: dict[str, object]) -> None:
    """One line of a table of the ledger."""
    names = ", ".join(values)
    marks = ", ".join(f"${name}" for name in values)
    connection.execute(f"insert into ledger.{table} ({names}) values ({marks})", values)


def amount_of(entity: Entity) -> str | None:
    """SQL for the money of one staged row, of the entities that the accounting follows to the cent; null: it cannot be read."""
    of_orders = "coalesce(shipping_amount, 0) + coalesce(fee_amount, 0) - coalesce(discount_amount, 0)"
    return {"transactions": "net_amount", "orders": of_orders}.get(entity.name)


def _write_quarantine(context: LoadContext, batch_id: int) -> None:
    """What did not fit may be anything, whatever column it is in: it is personal unless the feed declares otherwise."""
    feed = context.feed
    amount = amount_of(feed.entity) or "cast(null as decimal(18,4))"
    context.connection.execute(
        f"""
        insert into ledger.quarantined_rows by name
        with faulty as (
            select
                source_file, source_row as line, unnest(faults) as fault, unnest(range(len(faults))) as number, delivered_row,
                {amount} as amount
            from staged_rows where faults is not null
        ),
        conflicting as (
            select source_file, source_row as line, record_key, excluded_rows.reason, delivered_row, {amount} as amount
            from staged_rows join excluded_rows on staged_rows.rowid = row_id
            where disposition = 'quarantined'
        ),
        refused as (
            select source_file, line, fault.field, fault.value, fault.reason, fault.field as declared, delivered_row,
                case when number = 0 then amount end as amount
            from faulty
            union all
            select source_file, line, 'key', record_key, reason, 'key', delivered_row, amount from conflicting
            union all
            select file_name, source_row, null, text, reason, null, null, null
            from unreadable join batch_files using (file_index)
        )
        select
            $batch_id as batch_id, $source as source, $entity as entity, source_file, line as source_row, field,
            case when is_shown then value end as value, case when not is_shown then value end as personal_value,
            reason, delivered_row, $now as quarantined_at, {shape_sql("value")} as shape, amount
        from (select *, coalesce(list_contains(cast($shown as varchar[]), declared), false) as is_shown from refused)
        """,
        {
            "shown": feed.settings.not_personal, "batch_id": batch_id, "source": feed.source_name, "entity": feed.entity.name,
            "now": context.now,
        },
    )  # fmt: skip


def _write_amounts(context: LoadContext, key: dict[str, object], amount: str) -> None:
    """Money and rows by month and disposition, and all of them as `delivered`: what the reconciliation starts from.

    `delivered` is counted over the rows as they came, without a look at what became of them.
    """
    connection, entity = context.connection, context.feed.entity
    month = f"cast(date_trunc('month', cast(timezone($zone, {quoted(entity.event_time or '')}) as date)) as date)"
    values = {**key, "zone": context.feed.config.time_zone}
    counted = "count(*) as row_count, sum(amount) as net_amount, count(*) - count(amount) as amount_unreadable"
    rows = {
        "delivered": f"select {month} as month, 'delivered' as disposition, {amount} as amount from staged_rows",
        "accounted": f"""
            select {month}, case when faults is not null then 'quarantined' else coalesce(disposition, 'loaded') end, {amount}
            from staged_rows left join excluded_rows on staged_rows.rowid = row_id""",
        "unreadable": """
            select null, unnest(['delivered', 'quarantined']), null from unreadable""",
        "title and footer lines": """
            select null, unnest(['delivered', 'left out']), null
            from (select unnest(range(left_out_lines)) from batch_files)""",
        # rows that a late snapshot made the loader repeat: in raw, and delivered by nobody
        "restated": f"""
            select {month}, 'restated', {amount} from raw.{quoted(entity.name)}
            where batch_id = $batch_id and not is_deleted and version > (select max(version) from batch_files)""",
    }
    connection.execute(
        f"""
        insert into ledger.load_amounts by name
        select $batch_id as batch_id, $source as source, $entity as entity, month, disposition, {counted}
        from ({" union all ".join(rows.values())})
        group by month, disposition
        """,
        values,
    )


def record_refusal(context: LoadContext, outcome: Outcome, files: Sequence[DeliveredFile]) -> Outcome:
    """Keep a refused batch, queryable, with its reason; a batch refused again for the same reason is not reported twice."""
    connection, feed = context.connection, context.feed
    contents = sorted(file.content_sha256 for file in files)
    before = connection.execute(
        """
        select loads.batch_id, list(content_sha256 order by content_sha256)
        from ledger.loads join ledger.load_files using (batch_id)
        where loads.source = ? and loads.feed = ? and status = 'refused' and mapping_hash = ? and reason = ?
        group by loads.batch_id order by loads.batch_id desc limit 1
        """,
        [*context.feed_key, mapping_hash(feed), outcome.reason],
    ).fetchall()
    if before and before[0][1] == contents:
        connection.execute("update ledger.loads set retired_at = null where batch_id = ?", [before[0][0]])
        batch_id = before[0][0]
        return replace(outcome, batch_id=batch_id, validation_report=_report_path(feed, batch_id))
    with transaction(connection):
        report = write_ledger(context, outcome)
        for file in files:
            _insert(
                connection,
                "load_files",
                {
                    "batch_id": outcome.batch_id,
                    "source": feed.source_name,
                    "entity": feed.entity.name,
                    "feed": feed.name,
                    "file_name": file.name,
                    "content_sha256": file.content_sha256,
                    "bytes": file.bytes,
                    "landed_as": file.landed.name,
                    "landed_at": file.landed_at,
                },
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
