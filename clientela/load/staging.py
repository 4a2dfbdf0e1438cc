"""The staged batch: the new files of one feed, typed, in temporary tables of the warehouse's connection.

Which tables these are, and what each holds, is in `StagedBatch`. All are temporary: a killed run leaves none. Nothing loaded
is changed here.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import duckdb

from clientela.errors import DeliveryError, is_resource_error, unreadable
from clientela.extract.column_names import shown_names
from clientela.extract.exchange_rates import RATES
from clientela.extract.feed import Feed
from clientela.extract.file_date import file_date
from clientela.extract.guests import fullness
from clientela.extract.mapping import staged_select
from clientela.extract.open_file import COMPRESSED, open_file
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.extract.row_faults import LONGEST
from clientela.load.context import ACTIVE_BATCHES, LOADABLE, LoadContext
from clientela.load.control_totals import control_totals
from clientela.load.expired import empty_expired_values
from clientela.load.landing import DeliveredFile
from clientela.load.ledger import mapping_hash
from clientela.load.repeats import settle_repeats
from clientela.masking import without_values
from clientela.sql.quoting import literal, quoted
from clientela.wording import counted

#: where the staged rows of large files lie: in a temporary table about 15 bytes a row could not be spilled
STORE = "staged_store"


#: staged rows take about this many times the bytes of their files, and of packed ones
TIMES, TIMES_PACKED = 4, 30


#: keys that are looked at together for those that are there twice
KEYS_AT_ONCE = 4_000_000
#: mappings under which one version of a record may have been loaded; in microseconds, beside the version's own time
MAPPINGS_OF_A_VERSION = 999


@dataclass(frozen=True)
class StagedBatch:
    """A batch that is extracted and not loaded yet: what the connection holds of it in temporary tables, counted.

    | table | holds |
    | --- | --- |
    | `staged_rows` | every row that could be parsed, typed, with its `faults` (null: none) and the number of its file |
    | `unreadable` | the rows that could not be parsed, with their text |
    | `batch_files` | the files, with what each delivered and what its source states of it |
    | `excluded_rows` | staged rows without a fault that are not to be loaded: `quarantined`, `unchanged` or `left out`, and why |
    | `repeated` | the keys that more than one row has |
    | `versioned` (view) | the staged rows with what orders the versions of a key |
    | `gated` (view) | what expectations validate: the rows that would be loaded, and those that are known already |

    The gate adds `batch_history` and `batch_metrics`, the loader `known_before` and `withdrawn`. Rows: `delivered` = in
    `staged_rows` + `unreadable` + lines that are declared to be no rows, and are left out, + rows of the forgotten and
    expired ones.
    """

    delivered: int
    quarantined: int
    unchanged: int
    left_out: int
    #: no column and no file date orders the versions: a later batch wins
    is_batch_ordered: bool
    #: rows whose key is not known, so that a snapshot cannot tell what vanished
    keyless: int
    #: the columns that the newest file delivered
    columns: tuple[str, ...]
    #: rows of the forgotten, which are in no table
    forgotten: int = 0
    #: rows whose time was over, in none either
    expired: int = 0


def see_loaded(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the view of the active batches, unless it was made otherwise."""
    connection.execute(
        f"create temp view if not exists {ACTIVE_BATCHES} as "
        "select batch_id, source, feed from ledger.loads where status = 'loaded'"
    )


def prepare_rates(connection: duckdb.DuckDBPyConnection) -> None:
    """The exchange rates that count now, for the mappings of this run."""
    see_loaded(connection)
    connection.execute(
        f"""
        create or replace temp table {RATES} as
        select currency as rate_currency, valid_from, rate from raw.exchange_rates
        where batch_id in (select batch_id from {ACTIVE_BATCHES})
        qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1 and not is_deleted
        """
    )


def extract(context: LoadContext, files: Sequence[DeliveredFile]) -> tuple[int, tuple[str, ...]]:
    """Type the files' rows into `staged_rows`, `unreadable` and `batch_files`; gives how many rows were delivered, and the
    columns of the newest file. DeliveryError refuses the batch; ConfigError stops the run."""
    connection, feed = context.connection, context.feed
    drop(context)
    _make_tables(connection)
    _make_store(context, files)
    control = control_totals(context)
    delivered = 0
    columns: tuple[str, ...] = ()
    for index, file in enumerate(files):
        try:
            opened, rows, columns = _extract(context, index, file)
        except DeliveryError as error:
            raise DeliveryError(f"{file.name}: {error.sentence}") from error
        except duckdb.Error as error:
            if is_resource_error(error):
                raise
            raise DeliveryError(f"{file.name} cannot be read: {without_values(str(error).splitlines()[0])}") from error
        except UnicodeError as error:
            raise DeliveryError(f"{file.name} is not written in {feed.settings.encoding}") from error
        except OSError as error:
            if is_resource_error(error, feed.config.data):
                raise
            raise DeliveryError(unreadable(error, file.name)) from error
        version_at = file_date(feed, file.name)
        rows_stated, sum_stated = control.get(file.name, (None, None))
        gone = opened.forgotten_rows + opened.expired_rows
        if gone:
            # the sum was stated of rows that are there no more
            sum_stated = None
        if feed.settings.control_totals and file.name not in control:
            raise DeliveryError(f"{file.name}: the control totals do not speak of it")
        connection.execute(
            """
            insert into batch_files
            select ?, ?, ?, ?, ?, ?, epoch_us(cast(? as timestamptz)), ?, ?, ?, ?,
                (select sum(control_amount) from staged_rows where file_index = ?), ?, ?, ?, ?, ?
            """,
            [
                index,
                file.name,
                file.content_sha256,
                file.bytes,
                file.landed.name,
                str(file.path),
                version_at,
                version_at,
                rows + gone,
                rows_stated,
                sum_stated,
                index,
                file.sequence,
                file.landed_at,
                opened.left_out_lines,
                opened.forgotten_rows,
                opened.expired_rows,
            ],
        )
        delivered += rows + opened.left_out_lines + gone
    return delivered, columns


_COUNTS = (
    """
    select count(*) filter (faults is not null), count(*) filter (record_id is null and not is_left_out) from staged_rows
    """,
    "select count(*) from unreadable",
    """
    select
        count(*) filter (disposition = 'quarantined'),
        count(*) filter (disposition = 'unchanged'),
        count(*) filter (disposition = 'left out')
    from excluded_rows
    """,
    "select sum(left_out_lines), sum(forgotten_rows), sum(expired_rows) from batch_files",
)


def build(context: LoadContext, files: Sequence[DeliveredFile]) -> StagedBatch:
    """Extract the files into the temporary tables. DeliveryError refuses the batch; ConfigError stops the run."""
    connection, feed = context.connection, context.feed
    delivered, columns = extract(context, files)
    empty_expired_values(context)
    is_batch_ordered = _is_batch_ordered(feed)
    _find_excluded_rows(context, is_batch_ordered)
    connection.execute(
        f"""
        create or replace temp view gated as
        select * from staged_rows
        where {LOADABLE} and rowid not in (select row_id from excluded_rows where disposition = 'quarantined')
        """
    )
    # one small question to each table: planning all of them as one statement takes longer than a small batch
    faulty, keyless, unreadable, quarantined, unchanged, left_out, left_out_lines, forgotten, expired = (
        int(count or 0) for statement in _COUNTS for count in connection.execute(statement).fetchall()[0]
    )
    return StagedBatch(
        delivered,
        faulty + quarantined + unreadable,
        unchanged,
        left_out + left_out_lines,
        is_batch_ordered,
        keyless + unreadable,
        columns,
        forgotten,
        expired,
    )


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    see_loaded(connection)
    for name, columns in {
        "batch_files": "file_index integer, file_name varchar, content_sha256 varchar, bytes bigint, landed_as varchar, "
        "path varchar, version bigint, version_at timestamptz, delivered_rows bigint, control_rows bigint, "
        "control_sum decimal(18,4), delivered_sum decimal(38,4), sequence bigint, landed_at timestamptz, "
        "left_out_lines bigint, forgotten_rows bigint, expired_rows bigint",
        "unreadable": "file_index integer, source_row bigint, text varchar, reason varchar",
        "excluded_rows": "row_id bigint, disposition varchar, reason varchar",
    }.items():
        connection.execute(f"create or replace temp table {name} ({columns})")


def _extract(context: LoadContext, index: int, file: DeliveredFile) -> tuple[Opened, int, tuple[str, ...]]:
    """Insert one file's rows; gives what was read, how many rows it holds, parsed or not, and its columns.

    No row goes unaccounted for.
    """
    connection = context.connection
    reading = context.scratch_folder / "reading"
    shutil.rmtree(reading, ignore_errors=True)
    reading.mkdir(parents=True)
    try:
        parameters = Parameters()
        opened = open_file(connection, context.feed, file.landed, parameters, reading)

        def take(opened: Opened, parameters: Parameters) -> int:
            _delete(connection, index)
            return _insert(context, index, file, opened, parameters)

        opened, parameters, parsed = take_all(opened, parameters, take)
        if opened.expected_rows not in (None, parsed):
            raise DeliveryError(
                f"it states {counted(opened.expected_rows or 0, 'row')} and {parsed:,} came out; nothing of it is loaded"
            )
        if opened.unreadable is None:
            return opened, parsed, shown_names([*opened.delivery.columns])
        statement = (
            f"insert into unreadable select {parameters.bind(index)}, source_row, left(text, {LONGEST}), reason "
            f"from {opened.unreadable}"
        )
        unreadable = connection.execute(statement, parameters.used_in(statement)).fetchall()[0][0]
        return opened, parsed + int(unreadable), shown_names([*opened.delivery.columns])
    finally:
        shutil.rmtree(reading, ignore_errors=True)


def take_all(
    opened: Opened, parameters: Parameters, take: Callable[[Opened, Parameters], int]
) -> tuple[Opened, Parameters, int]:
    """Take a file's rows, the slower way where the fast one stumbles or the rows do not add up; gives what was read, with
    its parameters, and the rows. `take` reads them in place of those it took before, and counts them."""
    try:
        parsed = take(opened, parameters)
    except duckdb.Error as error:
        if opened.fallback_reader is None or is_resource_error(error):
            raise
        parsed = -1
    if opened.fallback_reader is not None and parsed != opened.expected_rows:
        parameters = Parameters()
        opened = opened.fallback_reader(parameters)
        parsed = take(opened, parameters)
    return opened, parameters, parsed


def _delete(connection: duckdb.DuckDBPyConnection, index: int) -> None:
    """Remove what a file gave."""
    if _has_rows(connection):
        connection.execute("delete from staged_rows where file_index = ?", [index])


def _has_rows(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "select count(*) from duckdb_tables() where (temporary or database_name = ?) and table_name = 'staged_rows'",
        [STORE],
    ).fetchall()
    return bool(found[0][0])


def _has_store(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute("select count(*) from duckdb_databases() where database_name = ?", [STORE]).fetchall()
    return bool(found[0][0])


def _make_store(context: LoadContext, files: Sequence[DeliveredFile]) -> None:
    """A file for staged rows that would not fit into half of the memory allowed, seen as if it were in the warehouse."""
    connection = context.connection
    limit = connection.execute("select current_setting('memory_limit')").fetchall()[0][0]
    size, unit = limit.split()
    allowed = float(size) * 1024 ** ["bytes", "KiB", "MiB", "GiB", "TiB"].index(unit)
    packed = (*COMPRESSED, ".parquet", ".pq", ".xlsx", ".xlsb")
    wanted = sum(f.bytes * (TIMES_PACKED if f.name.lower().endswith(packed) else TIMES) for f in files)
    if wanted > allowed / 2:
        connection.execute(f"attach {literal(str(context.scratch_folder / STORE))} as {STORE}")
        connection.execute(f"set search_path = 'main,{STORE}.main'")


def drop(context: LoadContext) -> None:
    """Let the staged rows go, and their file if they have one."""
    connection, scratch = context.connection, context.scratch_folder
    connection.execute("drop view if exists gated")
    if _has_store(connection):
        connection.execute("reset search_path")
        connection.execute(f"detach {STORE}")
    else:
        connection.execute("drop table if exists staged_rows")
    for leftover in (scratch / STORE, scratch / f"{STORE}.wal"):
        leftover.unlink(missing_ok=True)


def _insert(context: LoadContext, index: int, file: DeliveredFile, opened: Opened, parameters: Parameters) -> int:
    """Type the file's rows into the staged rows; gives how many there were."""
    connection, delivery = context.connection, opened.delivery
    if delivery.is_put_aside:
        aside = f"create or replace temp table put_aside as select * from {delivery.relation}"
        connection.execute(aside, parameters.used_in(aside))
        delivery = replace(delivery, relation="put_aside", is_put_aside=False)
    select = staged_select(connection, context.feed, delivery, file.name, parameters, file.landed_at)
    file_index = parameters.bind(index)
    create = f"create table {STORE}.staged_rows as" if _has_store(connection) else "create temp table staged_rows as"
    into = "insert into staged_rows" if _has_rows(connection) else create
    statement = f"{into} select cast({file_index} as integer) as file_index, * from ({select})"
    connection.execute(statement, parameters.used_in(statement))
    connection.execute("drop table if exists put_aside")
    counted = connection.execute("select count(*) from staged_rows where file_index = ?", [index]).fetchall()
    return int(counted[0][0])


def _is_batch_ordered(feed: Feed) -> bool:
    declared = feed.settings.version_by
    is_snapshot = feed.settings.delivery == "snapshot"
    own = {"updated_at", feed.entity.version_by}
    return declared is None and (is_snapshot or own.isdisjoint(feed.settings.columns))


def _find_repeated_keys(connection: duckdb.DuckDBPyConnection) -> bool:
    """Make the table `repeated`: the keys that more than one row has. Gives whether there are any."""
    connection.execute("create or replace temp table repeated (record_id bigint)")
    rows = connection.execute("select count(*) from staged_rows").fetchall()[0][0]
    shares = rows // KEYS_AT_ONCE + 1
    for share in range(shares):
        of_share = f"and record_id % {shares} = {share}" if shares > 1 else ""
        connection.execute(
            f"""
            insert into repeated
            select record_id from staged_rows where {LOADABLE} {of_share} group by record_id having count(*) > 1
            """
        )
    return bool(connection.execute("select exists (from repeated)").fetchall()[0][0])


def _keep_fullest(context: LoadContext) -> None:
    """Of rows that describe a guest at one time, as the lines of an order do, the fullest counts; the others say no more."""
    context.connection.execute(
        f"""
        insert into excluded_rows
        select rowid, 'unchanged', null from staged_rows where {LOADABLE} and record_id in (select record_id from repeated)
        qualify row_number() over (
            partition by record_id, file_index, version order by {fullness(context.feed.settings.columns)} desc, content_hash desc
        ) > 1
        """
    )


def _pass_former_mappings(context: LoadContext) -> None:
    """Put rows after what the same version of their record became under another mapping.

    A column that is mapped later makes another row of a record that its source has not changed since. Both would be equally
    new, and chance would choose between them.
    """
    connection, feed = context.connection, context.feed
    former = connection.execute(
        f"""
        select batch_id from ledger.loads
        where source = ? and feed = ? and mapping_hash <> ? and batch_id in (select batch_id from {ACTIVE_BATCHES})
        """,
        [*context.feed_key, mapping_hash(feed)],
    ).fetchall()
    if not former or feed.is_of_guests:
        return
    connection.execute(
        f"""
        update staged_rows set version = passed.version
        from (
            select
                staged_rows.rowid as row_id,
                max(known.version)
                + (arg_max(known.content_hash, known.version) <> any_value(staged_rows.content_hash))::bigint as version
            from staged_rows
            join raw.{quoted(feed.entity.name)} as known
                on staged_rows.record_id = known.record_id
                and known.version between staged_rows.version and staged_rows.version + {MAPPINGS_OF_A_VERSION}
            where {LOADABLE} and staged_rows.version_at is not null
                and known.batch_id in (select unnest($former)) and not known.is_deleted
            group by staged_rows.rowid
        ) as passed
        where staged_rows.rowid = passed.row_id
        """,
        {"former": [batch_id for (batch_id,) in former]},
    )


def _keep_last(context: LoadContext) -> None:
    """Of rows of one file that describe the same, as lines of sales describe their customers, the last one counts."""
    context.connection.execute(
        f"""
        insert into excluded_rows
        select rowid, 'unchanged', null from staged_rows where {LOADABLE} and record_id in (select record_id from repeated)
        qualify row_number() over (partition by record_id, file_index, version order by source_row desc, rowid desc) > 1
        """
    )


def _find_excluded_rows(context: LoadContext, is_batch_ordered: bool) -> None:
    """Rows that the feed leaves out, those that conflict within their file, and those that say what is known already."""
    connection, feed = context.connection, context.feed
    if feed.settings.where is not None or feed.is_of_guests:
        connection.execute(
            "insert into excluded_rows select rowid, 'left out', null from staged_rows where is_left_out"
        )
    _pass_former_mappings(context)
    has_repeats = _find_repeated_keys(connection)
    if has_repeats:
        has_repeats = _settle_keys_of_one_file(context)
    connection.execute(
        f"""
        create or replace temp view versioned as
        select
            staged_rows.rowid as row_id, record_id, file_index, content_hash,
            coalesce(staged_rows.version, files.version) as version
        from staged_rows join batch_files as files using (file_index)
        where {LOADABLE}
        """
    )
    if has_repeats:
        _find_repeated_versions(context, is_batch_ordered)
    visible = f"""(
        select record_id, version, content_hash, is_deleted from raw.{quoted(feed.entity.name)}
        where source = $source and batch_id in (select batch_id from {ACTIVE_BATCHES})
            and record_id in (select record_id from staged_rows)
    )"""
    if is_batch_ordered or feed.settings.delivery == "snapshot":
        # what the record was just before: with a file's date a late file looks back to its own day, not to the newest
        known = f"""(
            select record_id, content_hash from {visible}
            where version <= (select coalesce(max(version), max(sequence), {2**62}) from batch_files)
            qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1 and not is_deleted
        )"""
        is_known = "known.content_hash = versioned.content_hash"
        if is_batch_ordered:
            # of a record with several versions here only the first follows upon what is known
            is_known += """ and (
                record_id not in (select record_id from repeated)
                or row_id in (
                    select arg_min(row_id, (version, file_index, row_id)) from versioned
                    where record_id in (select record_id from repeated) and row_id not in (select row_id from excluded_rows)
                    group by record_id
                )
            )"""
    elif feed.is_of_guests:
        # nothing new is what the guest said of themselves the last time before
        known = f"""(
            select row_id, before.content_hash = said.content_hash and not before.is_deleted as is_same
            from versioned as said asof join {visible} as before
                on said.record_id = before.record_id and said.version >= before.version
        )"""
        connection.execute(
            f"""
            insert into excluded_rows
            select row_id, 'unchanged', null from {known} where is_same and row_id not in (select row_id from excluded_rows)
            """,
            {"source": feed.source_name},
        )
        return
    else:
        known = visible
        is_known = "known.content_hash = versioned.content_hash and known.version = versioned.version"
    connection.execute(
        f"""
        insert into excluded_rows
        select distinct row_id, 'unchanged', null
        from versioned join {known} as known using (record_id)
        where {is_known} and row_id not in (select row_id from excluded_rows)
        """,
        {"source": feed.source_name},
    )


def _settle_keys_of_one_file(context: LoadContext) -> bool:
    """What becomes of keys that several rows of one file have; gives whether keys are repeated still."""
    connection, feed = context.connection, context.feed
    if feed.is_of_guests:
        _keep_fullest(context)
    elif feed.settings.repeats == "last":
        _keep_last(context)
    # versions that differ in what wins a tie are no conflict: one of them does
    same_rank = ", content_hash >> 60" if feed.entity.wins_ties else ""
    connection.execute(
        f"""
        insert into excluded_rows
        select rowid, 'quarantined', 'the key is there ' || repeats || ' times in this file, with different content'
        from (
            select
                rowid,
                count(*) over same_key as repeats,
                min(content_hash) over same_key <> max(content_hash) over same_key as is_conflict
            from staged_rows where {LOADABLE} and record_id in (select record_id from repeated)
                and rowid not in (select row_id from excluded_rows)
            window same_key as (partition by record_id, file_index, version{same_rank})
        ) where is_conflict
        """
    )
    return _find_repeated_keys(connection) if settle_repeats(context) else True


def _find_repeated_versions(context: LoadContext, is_batch_ordered: bool) -> None:
    """Of several versions of one key, those that say what the one before says."""
    same = "record_id" if is_batch_ordered or context.feed.is_of_guests else "record_id, version, content_hash"
    context.connection.execute(
        f"""
        insert into excluded_rows
        select row_id, 'unchanged', null
        from (
            select
                row_id, content_hash,
                lag(content_hash) over (partition by {same} order by version nulls first, file_index, row_id) as previous
            from versioned
            where record_id in (select record_id from repeated) and row_id not in (select row_id from excluded_rows)
        ) where content_hash = previous
        """
    )
