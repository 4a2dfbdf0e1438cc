"""Rows that a feed's `where` leaves out: a record that counted before, and is left out now, counts no longer.

An order that was paid and is void today is delivered again, and left out: its earlier version would go on counting. So such a
record gets a tombstone. Where the rows themselves order the versions each row left out gets one, since an older version that
is still taken may come later. What a snapshot leaves out has vanished with it: see `snapshots`.
"""

from clientela.load.context import OF_FEED, VERSION, LoadContext
from clientela.sql.quoting import quoted

#: of two equally new versions the one left out counts, or the one taken
_WINS, _LOSES = 2**63 - 1, -1


def withdraw_left_out(context: LoadContext, batch_id: int) -> int:
    """Insert the tombstones; gives how many records counted until now."""
    feed, settings = context.feed, context.feed.settings
    if settings.where is None or feed.is_of_guests:
        # a guest whose order is void is a guest
        return 0
    # records that others refer to may be another feed's too, which takes what this one leaves out
    is_alone = not feed.entity.is_referred_to or len(feed.source.feeds_of(feed.entity.name)) == 1
    keeps_all = is_alone and (settings.version_by is not None or "updated_at" in settings.columns)
    table, content_hash = f"raw.{quoted(feed.entity.name)}", _WINS if is_alone else _LOSES
    context.connection.execute(
        f"""
        create or replace temp table withdrawn as
        with known as (
            select record_id, version, content_hash, is_deleted from {table}
            where source = $source and record_id in (select record_id from staged_rows where is_left_out)
                and (batch_id = $batch_id or batch_id in {OF_FEED})
        ),
        newest as (
            select * from known
            qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
        ),
        left_out as (
            select record_id, {VERSION} as version, staged_rows.version_at, record_key, source_file, source_row
            from staged_rows join batch_files as files using (file_index)
            where is_left_out and record_id is not null
            qualify row_number() over (partition by record_id, {VERSION} order by source_row) = 1
        ),
        taken as (
            select record_id, {VERSION} as version
            from staged_rows join batch_files as files using (file_index)
            where not is_left_out and faults is null
        )
        select left_out.*, not newest.is_deleted and newest.version <= left_out.version as was_counted
        from left_out left join newest using (record_id)
        where (newest.record_id is not null or {str(keeps_all).lower()})
            and not coalesce(newest.is_deleted and newest.version >= left_out.version, false)
            and not exists (select 1 from taken where (taken.record_id, taken.version) = (left_out.record_id, left_out.version))
            and not exists (
                select 1 from known
                where (known.record_id, known.version, known.is_deleted) = (left_out.record_id, left_out.version, true)
            )
        """,
        {"source": feed.source_name, "feed": feed.name, "batch_id": batch_id},
    )
    context.connection.execute(
        f"""
        insert into {table} (
            record_id, source, record_key, batch_id, source_file, source_row, loaded_at, version, version_at, content_hash,
            is_revision, is_deleted
        )
        select
            record_id, $source, record_key, $batch_id, source_file, source_row, $now, version, version_at, {content_hash},
            was_counted is not null, true
        from withdrawn
        """,
        {"source": feed.source_name, "batch_id": batch_id, "now": context.now},
    )
    counted = context.connection.execute("select count(distinct record_id) from withdrawn where was_counted").fetchall()
    return int(counted[0][0])
