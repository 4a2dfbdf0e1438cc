"""The measures of a staged batch that no single row shows: one row, `batch_metrics`, that expectations judge.

They are taken in one pass over the batch, and one join where they compare it with what was loaded before. A measure that
does not apply is null, and passes.
"""

from clientela.contracts import Entity
from clientela.extract.future_rows import IN_FUTURE
from clientela.load.context import ACTIVE_BATCHES, OF_FEED, LoadContext
from clientela.load.staging import StagedBatch
from clientela.sql.quoting import quoted

#: of fewer records known than this all but the last may vanish unasked, and fewer rows are compared with no others
FEW = 20
#: whether so many rows came, or usually come, that their number can be compared
_ARE_MANY = f"greatest(count(*), (select median(loaded_rows) from batch_history)) >= {FEW}"

#: what lines say of their whole order beyond the one value that counts, where they contradict each other
_ORDER_AMOUNTS_NOT_TAKEN = """(
    select coalesce(sum(stated - taken), 0) from (
        select sum(abs(amount)) as stated, abs(coalesce(nullif(max(amount), 0), min(amount))) as taken
        from (
            select order_id, unnest(order_amounts) as amount, unnest(range(len(order_amounts))) as kind
            from gated where order_amounts is not null
        )
        group by order_id, kind having count(distinct amount) filter (amount <> 0) > 1
    )
)"""


def take_batch_metrics(context: LoadContext, batch: StagedBatch) -> None:
    """Make the temporary table `batch_metrics` from the temporary view `gated` (the rows that would be loaded).

    Beside a share `x_share` stands `x_share_of`: how many rows it is a share of.
    """
    feed, entity = context.feed, context.feed.entity
    measures = {
        "quarantined_share": "$quarantined / nullif($delivered, 0)",
        "quarantined_share_of": "$delivered",
        "control_rows_off": "(select sum(abs(control_rows - delivered_rows)) from batch_files where control_rows is not null)",
        "control_sum_off": "(select sum(abs(control_sum - delivered_sum)) from batch_files where control_sum is not null)",
        "times_moved": "count(*) filter (is_time_moved)",
        "rows_to_past": f"case when {_ARE_MANY} then count(*) / (select median(loaded_rows) from batch_history) end",
    }
    parameters: dict[str, object] = {
        "quarantined": batch.quarantined,
        "delivered": batch.delivered - batch.left_out - batch.forgotten - batch.expired,
    }
    if feed.settings.delivery == "snapshot":
        measures |= _of_snapshots(entity, batch)
        parameters |= {"source": feed.source_name, "feed": feed.name}
    if entity.event_time:
        event = entity[entity.event_time]
        name = quoted(event.name)
        instant = name if event.type == "timestamp" else f"cast({name} as timestamptz)"
        came_at = "coalesce((select max(landed_at) from batch_files), cast($now as timestamptz))"
        measures["rows_in_future"] = """(
            select count(*) from staged_rows where len(list_filter(faults, lambda fault: fault.reason = $in_future)) > 0
        )"""
        measures["days_since_last_event"] = f"date_diff('day', max({instant}), {came_at})"
        parameters |= {"now": context.now, "in_future": IN_FUTURE}
    measures |= _known_shares(entity)
    if entity.name == "transactions":
        measures["unbalanced_rows"] = "count(*) filter (abs(gross_amount - discount_amount - net_amount) > 0.01)"
        usual = "(select median(net_amount) from batch_history where net_amount <> 0)"
        measures["total_to_past"] = f"case when {_ARE_MANY} then sum(net_amount) / {usual} end"
        measures["returns_of_other_sign"] = (
            "least(count(*) filter (return_sign > 0), count(*) filter (return_sign < 0))"
        )
        measures["order_amounts_not_taken"] = _ORDER_AMOUNTS_NOT_TAKEN
        measures["returns_without_sale"] = """count(*) filter (
            return_of_order_id is not null
            and return_of_order_id not in (select order_id from raw.transactions where order_id is not null)
            and return_of_order_id not in (select order_id from gated where order_id is not null))"""
    selected = ", ".join(f"cast({sql} as double) as {name}" for name, sql in measures.items())
    connection = context.connection
    connection.execute(
        f"""
        create or replace temp table batch_history as
        select
            loads.batch_id, any_value(loads.loaded_rows) as loaded_rows, any_value(loads.file_count) as files,
            sum(amounts.net_amount) as net_amount
        from ledger.loads left join ledger.load_amounts as amounts
            on amounts.batch_id = loads.batch_id and amounts.disposition = 'loaded'
        where
            loads.source = ? and loads.feed = ? and loads.loaded_rows > 0
            and loads.batch_id in (select batch_id from {ACTIVE_BATCHES})
        group by loads.batch_id
        """,
        context.feed_key,
    )
    used = {name: value for name, value in parameters.items() if f"${name}" in selected}
    connection.execute(f"create or replace temp table batch_metrics as select {selected} from gated", used)


def _of_snapshots(entity: Entity, batch: StagedBatch) -> dict[str, str]:
    """What of the records in force a snapshot no longer holds, and whether more of its undated files came than usual."""
    measures = {
        "snapshot_files_to_past": "(select count(*) from batch_files where version is null)"
        " / (select median(files) from batch_history)"
    }
    # where a key cannot be read nothing vanishes
    if not batch.keyless:
        measures["vanished_share"] = f"""(
            select
                case
                    when not exists (select 1 from staged_rows) or count(*) >= {FEW}
                        then count(*) filter (record_id not in (select record_id from staged_rows)) / nullif(count(*), 0)
                end
            from (
                select record_id, is_deleted from raw.{quoted(entity.name)}
                where source = $source and batch_id in {OF_FEED}
                    and version <= (select coalesce(max(version), max(sequence)) from batch_files)
                qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
            ) where not is_deleted
        )"""
    return measures


def _known_shares(entity: Entity) -> dict[str, str]:
    """Share of the given references whose record is in raw already; null where raw knows none of that entity."""
    shares = {}
    for column in entity.references():
        known = f"raw.{quoted(column.refers_to or '')}"
        held = quoted(column.id_name)
        shares[f"known_{column.refers_to}_share"] = f"""
            case when (select count(*) from (select 1 from {known} limit 1)) > 0 then
                count(*) filter ({held} in (select record_id from {known}))
                / nullif(count({held}), 0) end"""
        shares[f"known_{column.refers_to}_share_of"] = f"count({held})"
    return shares
