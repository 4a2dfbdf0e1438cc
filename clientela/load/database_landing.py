"""Deliveries that are fetched: what a database has new, landed as a Parquet file like any delivered one.

With a watermark only rows from its highest loaded value on are read again, less the look-back; that value stands in the
file's name, so the ledger knows it once the batch is loaded and not before. A batch that was unloaded counts as seen. How
a database is read stands in `clientela.extract.readers.database`.
"""

import os
import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote

import duckdb
import pyarrow.parquet as pq

from clientela.errors import ConfigError, DeliveryError
from clientela.extract.feed import Feed
from clientela.extract.mapped_columns import named_columns
from clientela.extract.readers import database
from clientela.load.context import LoadContext
from clientela.load.landing import DeliveredFile, content_sha256, stamp
from clientela.masking import shape
from clientela.sql.quoting import quoted

Mark = int | float | datetime | str
_UPTO = "_upto_"
#: a watermark further in the future than this is a typing error, and must not hide what comes before it
_AHEAD = timedelta(days=1)
#: how text begins that sorts by time
_ISO_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"


def fetch_new(context: LoadContext, folder: Path) -> list[DeliveredFile]:
    """The rows that are new or may have changed, as one file in `folder`; none if all of them are loaded already."""
    connection, feed, now = context.connection, context.feed, context.now
    settings = feed.settings.database
    assert settings is not None
    folder.mkdir(parents=True, exist_ok=True)
    loaded = _loaded(context)
    wanted = named_columns(context.connection, feed.settings)
    since = _since(feed, [name for name, _, _ in loaded])
    if loaded and _is_mapped_since(wanted, folder / loaded[-1][2]):
        since = None
    aside = folder / f".{os.getpid()}.part"
    try:
        with database.opened(settings, feed.config.path.parent, feed.source.decimal_style) as source:
            key = [part for part in feed.settings.key if isinstance(part, str)]
            rows = database.fetch(source, key, since, aside, wanted)
        is_whole = settings.watermark is None and feed.settings.delivery == "snapshot"
        if not rows and not is_whole:
            return []
        if settings.watermark:
            _refuse_unsorted(connection, settings.watermark, aside)
        if loaded and content_sha256(aside) == loaded[-1][1]:
            return []
        if settings.watermark and _are_known(
            connection, settings.watermark, aside, since, [folder / f for *_, f in loaded]
        ):
            return []
        if content_sha256(aside) in {sha256 for _, sha256, _ in loaded}:
            # an earlier state of the table is back: the same rows, but a delivery of their own
            _stamp(aside, now)
        name = f"{settings.table or feed.entity.name}_{now.astimezone(UTC):%Y%m%dT%H%M%S}"
        if settings.watermark and (mark := _highest(connection, settings.watermark, aside, now)) is not None:
            name += f"{_UPTO}{quote(str(mark), safe='')}"
        name = re.sub(r"[/\\\s]", "_", name) + ".parquet"
        sha256 = content_sha256(aside)
        landed = folder / f"{sha256[:16]}-{name}"
        stamp(aside, now)
        os.replace(aside, landed)
        return [DeliveredFile(landed, name, sha256, landed.stat().st_size, landed, landed_at=now)]
    finally:
        aside.unlink(missing_ok=True)


def _loaded(context: LoadContext) -> list[tuple[str, str, str]]:
    """(name, content, landed as) of the feed's files that are loaded or were unloaded, in the order they first came.

    A batch that was reloaded has the number of the one that it replaced, and counts in its stead.
    """
    return context.connection.execute(
        """
        select file_name, content_sha256, landed_as from ledger.load_files join ledger.loads using (batch_id)
        where loads.source = ? and loads.feed = ? and loads.status in ('loaded', 'unloaded')
        qualify row_number() over (partition by sequence order by batch_id desc) = 1 order by sequence
        """,
        context.feed_key,
    ).fetchall()


def _is_mapped_since(wanted: Collection[str], landed: Path) -> bool:
    """Whether a column is mapped that was not read when the file was fetched: the rows known lack it."""
    if not landed.is_file():
        return False
    read = {name.lower() for name in pq.read_schema(landed).names}
    return not {name.lower() for name in wanted} <= read


def _since(feed: Feed, names: list[str]) -> Mark | None:
    """From which watermark on to read: the highest that is loaded, less the look-back."""
    settings = feed.settings.database
    assert settings is not None
    if settings.watermark is None:
        return None
    texts = [name.removesuffix(".parquet").rpartition(_UPTO)[2] for name in names if _UPTO in name]
    marks = [mark for text in texts if not isinstance(mark := _parsed(unquote(text)), str) or _day_of(mark)]
    if not marks:
        return None
    kind = type(marks[-1])
    highest = max(mark for mark in marks if type(mark) is kind)  # type: ignore[type-var]
    back = settings.look_back
    where = f"{feed.where}.database.look_back"
    if isinstance(highest, datetime):
        if not isinstance(back, timedelta):
            raise ConfigError(f"{where} = {back!r}: the watermark is a time; write for instance `2 days`.")
        return highest - back
    if isinstance(highest, str):
        if not isinstance(back, timedelta):
            raise ConfigError(f"{where} = {back!r}: the watermark is a text; write for instance `2 days`.")
        # its day is below every way to write that day's times
        day = _day_of(highest)
        assert day is not None
        return (day - back).isoformat()
    if isinstance(back, timedelta):
        if back:
            raise ConfigError(f"{where} = {back}: the watermark is a number; write a number.")
        return highest
    return type(highest)(highest - back)


def _parsed(text: str) -> Mark:
    if text.startswith("text "):
        return text.removeprefix("text ")
    for kind in (int, float, datetime.fromisoformat):
        try:
            return kind(text)  # type: ignore[operator, no-any-return]
        except ValueError:
            continue
    return text


def _day_of(text: str) -> date | None:
    """The day that the text begins with, None where it is no day of the calendar."""
    try:
        return date.fromisoformat(text[:10]) if re.match(_ISO_DAY, text) else None
    except ValueError:
        return None


def _kind_of(connection: duckdb.DuckDBPyConnection, watermark: str, file: Path) -> str:
    """DuckDB's name of the watermark's type."""
    described = connection.execute("describe select * from read_parquet(?)", [str(file)]).fetchall()
    return next(str(row[1]) for row in described if row[0].lower() == watermark.lower())


def _refuse_unsorted(connection: duckdb.DuckDBPyConnection, watermark: str, file: Path) -> None:
    """DeliveryError where the watermark is text that does not sort by time: later rows would be below the highest."""
    if _kind_of(connection, watermark, file) != "VARCHAR":
        return
    column = quoted(watermark)
    (odd,) = connection.execute(
        f"select max({column}) from read_parquet(?) where not regexp_matches({column}, ?)", [str(file), _ISO_DAY]
    ).fetchall()[0]
    if odd is not None:
        raise DeliveryError(
            f"the watermark {watermark} is text such as {shape(odd.strip()) or repr(odd)}, which does not sort by time; "
            "use a query that casts it"
        )


def _highest(connection: duckdb.DuckDBPyConnection, watermark: str, file: Path, now: datetime) -> str | None:
    """The highest watermark in the file that is not in the future, as `_parsed` reads it."""
    column = quoted(watermark)
    kind = _kind_of(connection, watermark, file)
    limit: object = None
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        limit = (now + _AHEAD) if kind.endswith("ZONE") else (now + _AHEAD).astimezone(UTC).replace(tzinfo=None)
    elif kind == "VARCHAR":
        limit = (now + _AHEAD).astimezone(UTC).isoformat()
    is_past = "true" if limit is None else f"{column} <= $limit"
    if kind == "VARCHAR":
        is_past += f" and try_cast(left({column}, 10) as date) >= date '0001-01-01'"
    values = {"file": str(file)} | ({} if limit is None else {"limit": limit})
    highest = connection.execute(f"select max({column}) from read_parquet($file) where {is_past}", values).fetchall()[
        0
    ][0]
    if highest is None:
        return None
    if isinstance(highest, str):
        return f"text {highest}"
    if isinstance(highest, datetime):
        return (highest.astimezone(UTC) if highest.tzinfo else highest).isoformat()
    return datetime(highest.year, highest.month, highest.day).isoformat() if isinstance(highest, date) else str(highest)


def _are_known(
    connection: duckdb.DuckDBPyConnection, watermark: str, file: Path, since: Mark | None, loaded: list[Path]
) -> bool:
    """Whether every row of the file stands in a file with the same columns that was loaded before."""
    names = pq.read_schema(file).names
    kept = [str(path) for path in loaded if path.is_file() and pq.read_schema(path).names == names]
    if not kept or since is None:
        return False
    try:
        new = connection.execute(
            "select count(*) from (select * from read_parquet($file) except select * from read_parquet($kept))",
            {"file": str(file), "kept": kept},
        ).fetchall()[0][0]
    except duckdb.Error:
        # the table's columns have other types than before
        return False
    return not new


def _stamp(file: Path, now: datetime) -> None:
    """Write the file anew with the time in its metadata."""
    with pq.ParquetFile(file) as old:
        schema = old.schema_arrow.with_metadata({"fetched_at": now.isoformat()})
        stamped = file.with_suffix(".stamped")
        with pq.ParquetWriter(stamped, schema, compression="zstd") as writer:
            for group in range(old.num_row_groups):
                writer.write_table(old.read_row_group(group).cast(schema))
    os.replace(stamped, file)
