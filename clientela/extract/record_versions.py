"""Which version of a record is the newest: what orders the versions of one feed, and whether the clock moved it."""

from collections.abc import Collection
from collections.abc import Mapping as Dict

import duckdb

from clientela.contracts import Column
from clientela.extract.casting import blank_to_null, is_clock_time, local_time, typed
from clientela.extract.delivery import Delivery
from clientela.extract.feed import Feed
from clientela.extract.file_date import FILE_DATE
from clientela.extract.mapped_expression import column_sql, types_of
from clientela.extract.parameters import Parameters
from clientela.extract.time_zones import was_skipped
from clientela.sql.quoting import quoted

#: the time that orders a record's versions and is no event
VERSION_TIME = "updated_at"


def is_time_moved(
    feed: Feed, mapped_types: Dict[str, str], locals_read: Collection[str], parameters: Parameters
) -> str:
    """Whether the clock skipped the time that orders the row's versions, so that it was moved on."""
    moved = "_is_version_moved"
    delivered_type = mapped_types.get(VERSION_TIME, "")
    if VERSION_TIME in locals_read:
        local = quoted(f"l_{VERSION_TIME}")
    elif is_clock_time(delivered_type):
        local = f"cast({quoted(f'm_{VERSION_TIME}')} as timestamp)"
    else:
        return moved
    return f"{moved} or {was_skipped(local, feed.style.time_zone, parameters)}"


def version_order(
    connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, parameters: Parameters
) -> tuple[str, str, str]:
    """How versions are ordered: SQL for the mapped layer's `_version, _version_at, _is_version_moved`, and the final pair.

    Null where the file's date or the batch must order them; the loader knows those.
    """
    declared = feed.settings.version_by
    not_moved = "false as _is_version_moved"
    nothing = f"cast(null as bigint) as _version, cast(null as timestamptz) as _version_at, {not_moved}"
    if declared is None or declared == "updated_at":
        if "updated_at" not in feed.settings.columns:
            own = feed.entity.version_by or ""
            if declared is None and own in feed.settings.columns and feed.settings.delivery != "snapshot":
                return nothing, f"coalesce(epoch_us({quoted(own)}), 0)", quoted(own)
            return nothing, "_version", "_version_at"
        if feed.settings.delivery == "snapshot":
            # a later snapshot wins, whatever its rows say of themselves: a record may vanish and come back as it was
            return nothing, "_version", "updated_at"
        return nothing, "coalesce(epoch_us(updated_at), 0)", "updated_at"
    if declared.startswith(FILE_DATE):
        return nothing, "_version", "_version_at"
    column = column_sql(f"{feed.where}.version_by", declared, delivery)
    (delivered_type,) = types_of(connection, delivery, [column], parameters)
    family = delivered_type.split("(")[0]
    if family in ("DATE", "VARCHAR") or family.startswith("TIMESTAMP"):
        version, value = Column("version", "timestamp", ""), blank_to_null(column, family)
        at = typed(version, value, delivered_type, feed.style, parameters, moves_skipped=True)
        local = local_time(version, value, delivered_type, feed.style, parameters)
        if is_clock_time(delivered_type):
            local = f"cast({column} as timestamp)"
        moved = "false" if local is None else was_skipped(local, feed.style.time_zone, parameters)
        as_number = f"try_cast({column} as bigint)" if family == "VARCHAR" else "null"
        mapped = f"coalesce({as_number}, epoch_us({at}), 0) as _version, {at} as _version_at"
        return f"{mapped}, {moved} as _is_version_moved", "_version", "_version_at"
    return (
        f"coalesce(try_cast({column} as bigint), 0) as _version, cast(null as timestamptz) as _version_at, {not_moved}",
        "_version",
        "_version_at",
    )
