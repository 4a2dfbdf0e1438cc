"""Snapshots: what a delivery that is the whole no longer holds gets a tombstone."""

from clientela.contracts.raw_table import raw_columns
from clientela.load.context import OF_FEED, LoadContext
from clientela.load.staging import StagedBatch
from clientela.sql.quoting import quoted

#: versions of a feed whose batches order them: room for this many files in one batch
FILES_PER_BATCH = 1_000_000


def insert_tombstones(context: LoadContext, batch: StagedBatch, batch_id: int) -> int:
    """What the snapshot no longer holds gets a tombstone; what a later snapshot says is said again after a late one."""
    connection, feed = context.connection, context.feed
    table = f"raw.{quoted(feed.entity.name)}"
    columns = [
        name
        for name in raw_columns(feed.entity)
        if name not in ("batch_id", "loaded_at", "version", "version_at", "is_revision", "is_deleted")
    ]
    copied = ", ".join(quoted(name) for name in columns)
    parameters = {"source": feed.source_name, "feed": feed.name, "batch_id": batch_id, "now": context.now}
    loaded = f"batch_id in {OF_FEED}"

    def state(upto: str, batches: str) -> str:
        return f"""(
            select * from {table} where source = $source and version <= {upto} and ({batches})
            qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
        ) as state"""

    version, version_at, sequence = connection.execute(
        "select max(version), max(version_at), max(sequence) from batch_files"
    ).fetchall()[0]
    this = version if version is not None else sequence // FILES_PER_BATCH * FILES_PER_BATCH + FILES_PER_BATCH - 1
    deleted = 0
    if not batch.keyless:
        deleted = connection.execute(
            f"""
            insert into {table} ({copied}, batch_id, loaded_at, version, version_at, is_revision, is_deleted)
            select {copied}, $batch_id, $now, $version, $version_at, true, true
            from {state("$version", f"batch_id = $batch_id or {loaded}")}
            where not is_deleted and record_id not in (
                select record_id from staged_rows where record_id is not null and not is_left_out
            )
            """,
            {**parameters, "version": this, "version_at": version_at},
        ).fetchall()[0][0]
    later = connection.execute(
        f"""
        select version, version_at from ledger.load_files
        where source = $source and feed = $feed and version > $version and {loaded} order by version limit 1
        """,
        {"source": feed.source_name, "feed": feed.name, "version": this},
    ).fetchall()
    if later and version is not None:
        touched = (
            f"record_id in (select record_id from {table} where source = $source and batch_id = $batch_id "
            "and version = $version)"
        )
        values = {**parameters, "version": this, "later": later[0][0], "later_at": later[0][1]}
        into = f"insert into {table} ({copied}, batch_id, loaded_at, version, version_at, is_revision, is_deleted)"
        connection.execute(
            f"""
            {into}
            select {copied}, $batch_id, $now, $later, $later_at, true, is_deleted from {state("$later", loaded)}
            where version < $later and {touched}
            """,
            values,
        )
        # what no snapshot up to the later one knows vanished with it, unless it stands there among refused rows
        connection.execute(
            f"""
            {into}
            select {copied}, $batch_id, $now, $later, $later_at, true, true from {table}
            where source = $source and batch_id = $batch_id and version = $version and not is_deleted
                and record_id not in (select record_id from {table} where source = $source and version <= $later and {loaded})
                and not exists (
                    select 1 from ledger.load_files join ledger.loads using (batch_id)
                    where loads.source = $source and loads.feed = $feed and version = $later
                        and quarantined_rows > 0 and {loaded}
                )
            """,
            values,
        )
    return int(deleted)
