"""Rows of one file that say the same: two things, one thing told twice, or nobody knows.

Two caps on one receipt are two lines that are equal. Only whoever exports them knows whether a row that is there twice counts
twice, so the feed says it (`repeats`); where it does not, the repeated row is quarantined with its amount. This concerns
entities whose every row is an event of its own. A customer or a product that is said twice is said, and counts as unchanged.
"""

from clientela.load.context import LOADABLE, LoadContext
from clientela.sql.surrogate_key import surrogate_key

#: between a key and the number of a row that repeats it
REPEAT_MARK = "|#"
#: why a repeated row is quarantined
REPEATED_ROW = (
    "repeated_row: the same as an earlier row of this file; `repeats: number` says that each counts, `repeats: drop` that it "
    "is a duplicate"
)


def settle_repeats(context: LoadContext) -> bool:
    """Number the repeated rows of the staged batch, or exclude them, as the feed says; needs the table `repeated`.

    Gives whether keys were changed, and `repeated` must be found anew.

    Rows are numbered within their file, and so within their order, which one file holds whole: the same file delivered
    again, or another that overlaps with it, numbers them alike. The first keeps its key, as if it were alone.
    """
    connection, feed = context.connection, context.feed
    repeats = feed.settings.repeats
    if repeats in ("drop", "last") or (repeats is None and not feed.entity.is_counted):
        return False
    connection.execute(
        f"""
        create or replace temp table repeats as
        select rowid as row_id, record_key, number
        from (
            select
                rowid, record_key,
                row_number() over (
                    partition by record_id, file_index, version, content_hash order by source_row, rowid
                ) as number
            from staged_rows
            where {LOADABLE} and record_id in (select record_id from repeated)
                and rowid not in (select row_id from excluded_rows)
        ) where number > 1
        """
    )
    if repeats is None:
        connection.execute("insert into excluded_rows select row_id, 'quarantined', ? from repeats", [REPEATED_ROW])
        return False
    numbered = f"repeats.record_key || '{REPEAT_MARK}' || repeats.number"
    connection.execute(
        f"""
        update staged_rows set record_key = {numbered}, record_id = {surrogate_key("$space", numbered)}
        from repeats where staged_rows.rowid = repeats.row_id
        """,
        {"space": feed.key_space},
    )
    return True


def overlapping_files(context: LoadContext) -> list[tuple[str, str, int]]:
    """(file, other file, rows) of the staged batch whose repeated rows are numbered and that hold the same rows.

    Of an entity without an order nothing tells whether a row of the one file is the row of the other, told again: those of
    the later file count as unchanged. Where rows belong to orders no file is named, since an order is in one file whole.
    """
    if context.feed.settings.repeats != "number" or "order_key" in context.feed.settings.columns:
        return []
    return context.connection.execute(
        f"""
        with held as (select distinct file_index, record_id, content_hash from staged_rows where {LOADABLE})
        select files.file_name, others.file_name, count(*)
        from held join held as other using (record_id, content_hash)
        join batch_files as files on files.file_index = held.file_index
        join batch_files as others on others.file_index = other.file_index
        where held.file_index < other.file_index group by all order by all
        """
    ).fetchall()
