"""Staged rows whose time is over by `privacy.retention_days`: delivered again, they leave nothing, and are counted.

A fact is as old as its day, a value of a customer's record as the day on which its source last changed it or, where it does
not say, on which its file came. How a file is written anew without them is in `clientela.load.forgotten`, when they expire in
`clientela.privacy.retention`.
"""

from clientela.contracts import Entity
from clientela.load.context import LoadContext
from clientela.sql.quoting import literal, quoted
from clientela.warehouse.expiries import Expiry, expiry_of

#: staged rows beside the file that they came in
_STAGED = "staged_rows inner join batch_files as files using (file_index)"

#: of each record the row that says the last of it
_LAST_ROWS = f"""
    select staged_rows.* from {_STAGED}
    qualify row_number() over (
        partition by staged_rows.record_id
        order by coalesce(staged_rows.version_at, files.version_at, files.landed_at) desc nulls last, source_row desc
    ) = 1
"""
#: entities whose rows are as old as another day than that of their event time; a contract that has no last day is not over
OWN_DAYS = {
    "contracts": "coalesce({row}.ends_on, {row}.cancelled_on)",
    "campaign_contacts": "coalesce(cast(timezone($zone, {row}.contacted_at) as date), (select max(campaigns.started_on) "
    "from raw.campaigns as campaigns where campaigns.record_id = {row}.campaign_record_id))",
}


def event_day(entity: Entity, row: str) -> str:
    """SQL for the day of the row's event in the company's calendar, null where it has none; $zone is bound."""
    if entity.name in OWN_DAYS:
        return OWN_DAYS[entity.name].format(row=row)
    if entity.event_time is None:
        return "cast(null as date)"
    event = f"{row}.{quoted(entity.event_time)}"
    is_day = entity[entity.event_time].type == "date"
    return event if is_day else f"cast(timezone($zone, {event}) as date)"


def find_expired_lines(context: LoadContext, expiry: Expiry, *, is_expiry: bool = False) -> None:
    """Make the temporary tables `expired_lines` (source_row) and `expired_values` (source_row, columns) of the staged rows.

    A row that raw holds all the same, such as a line of an order that goes on, is not over. `is_expiry`: the connection has the
    temporary table `going` of the records that expire just now, whatever a file said of them.
    """
    connection, entity = context.connection, context.feed.entity
    zone = {"zone": context.feed.config.time_zone}
    came = "cast(timezone($zone, files.landed_at) as date)"
    over = "false"
    if expiry.rows_before is not None:
        kept = [f"staged_rows.record_id not in (select record_id from raw.{quoted(entity.name)})"]
        if entity.name == "transactions":
            kept.append(
                "staged_rows.order_id not in (select order_id from raw.transactions where order_id is not null)"
            )
        if entity.name == "orders":
            kept.append(
                "staged_rows.record_id not in (select order_id from raw.transactions where order_id is not null)"
            )
        if entity.name == "campaign_contacts":
            kept.append("staged_rows.campaign_record_id not in (select campaign_record_id from raw.campaign_contacts)")
        held = " and ".join(f"coalesce({condition}, true)" for condition in kept)
        day = event_day(entity, "staged_rows")
        day = day if entity.name == "contracts" else f"coalesce({day}, {came})"
        before = f"date {literal(expiry.rows_before.isoformat())}"
        over = f"{day} < {before} and {held}"
        if entity.name == "contracts":
            # an earlier row of it may know of no end yet: the last one tells
            ended = f"select record_id from ({_LAST_ROWS}) as staged_rows where {day} < {before}"
            over = f"staged_rows.record_id in ({ended}) and {held}"
        if is_expiry:
            going = f"select record_id from going where entity = {literal(entity.name)}"
            over = f"({over}) or staged_rows.record_id in ({going})"
    connection.execute(
        f"create or replace temp table expired_lines as select distinct source_row from {_STAGED} where coalesce({over}, false)",
        zone if "$zone" in over else {},
    )
    columns = ", ".join(
        f"case when staged_rows.{quoted(name)} is not null and {_value_day(entity)} < date {literal(day.isoformat())} "
        f"then {literal(name)} end"
        for name, day in expiry.values_before.items()
    )
    connection.execute(
        f"""
        create or replace temp table expired_values as
        select source_row, list_distinct(flatten(list(columns))) as columns
        from (select source_row, list_filter([{columns}], lambda name: name is not null)::varchar[] as columns from {_STAGED})
        where len(columns) > 0 group by source_row
        """,
        zone if columns else {},
    )


def empty_expired_values(context: LoadContext) -> None:
    """Values that are over go from the staged rows too: a delivered column may be kept for the sake of another."""
    expiry = expiry_of(context.connection, context.feed.source_name, context.feed.entity.name)
    for name, day in expiry.values_before.items():
        context.connection.execute(
            f"""
            update staged_rows set {quoted(name)} = null from batch_files as files
            where staged_rows.file_index = files.file_index and staged_rows.{quoted(name)} is not null
                and {_value_day(context.feed.entity)} < date {literal(day.isoformat())}
            """,
            {"zone": context.feed.config.time_zone},
        )


def _value_day(entity: Entity) -> str:
    when = [
        f"cast(timezone($zone, {at}) as date)"
        for at in ("staged_rows.version_at", "files.version_at", "files.landed_at")
    ]
    return f"coalesce({', '.join([event_day(entity, 'staged_rows'), *when])})"
