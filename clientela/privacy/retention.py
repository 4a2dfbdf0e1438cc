"""What expires by `privacy.retention_days`: facts become monthly totals, personal values become null, by whole months.

It takes the same road as forgetting: the warehouse is written anew into a file that never held them and takes the old one's place
in one step, with the totals and the ledger's lines; landed files are written anew before. So there is no moment at which half
of it is gone. What is delivered again of it is told in `clientela.load.expired`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from clientela import durable
from clientela.config.company import EXPIRING_ENTITIES, Config
from clientela.contracts import ENTITIES, Entity
from clientela.load.expired import event_day
from clientela.privacy.forget import (
    PROOFS,
    carry_quarantine,
    drop_refused,
    insert_gone,
    is_held_before,
    make_gone,
    rewrite_landing,
    settle_gone,
    work_folder,
    written_anew,
)
from clientela.sql.quoting import literal, quoted
from clientela.warehouse import audit, tombstones
from clientela.warehouse.expiries import expiry_of
from clientela.warehouse.transactions import transaction
from clientela.wording import counted, listed

#: the entities whose rows go with those of the one that is named
_TOGETHER = {"transactions": ("transactions", "orders"), "interactions": ("interactions",)}


@dataclass(frozen=True)
class Due:
    """What of one source's entity is over: rows (no column), or values of a column, from before the first day of a month."""

    source: str
    entity: str
    column: str
    before: date


@dataclass(frozen=True)
class Expired:
    """What went: facts, values, and the files that were written anew."""

    rows: int
    values: int
    files: int
    before: date

    @property
    def sentence(self) -> str:
        gone = [counted(self.rows, "fact")] * bool(self.rows) + [counted(self.values, "personal value")] * bool(
            self.values
        )
        return (
            f"Expired by privacy.retention_days, from before {self.before}: {listed(gone or ['what was loaded no more'])}; "
            f"{counted(self.files, 'kept file was', 'kept files were')} written anew. Their monthly totals stay in the ledger."
        )


def due(connection: duckdb.DuckDBPyConnection, config: Config, today: date, as_of: date | None = None) -> list[Due]:
    """What has come to be over since the last time. `as_of`: facts from after its month begins cannot be totalled yet."""
    found = []
    for name, days in config.privacy.retention_days.items():
        entity, _, column = name.partition(".")
        before = (today - timedelta(days=days)).replace(day=1)
        if not column and as_of is not None:
            before = min(before, as_of.replace(day=1))
        old = _is_old(ENTITIES[entity], column)
        sources = connection.execute(
            f"select distinct source from raw.{quoted(entity)} as rows where {old} order by source",
            {"zone": config.time_zone, "before": before},
        ).fetchall()
        for (source,) in sources:
            expiry = expiry_of(connection, source, entity)
            last = expiry.values_before.get(column) if column else expiry.rows_before
            if last is None or before > last:
                found.append(Due(source, entity, column, before))
    return found


def expire(config: Config, dues: Sequence[Due], run_id: str, now: datetime) -> Expired:
    """Let what is due go from warehouse, landing and quarantine. Nobody else has the warehouse open, and its models are built
    upon all that is loaded: the totals are the ledger's own lines.

    What is published goes with the next publication, as after forgetting.
    """
    with work_folder(config) as work:
        _plan(config, dues, work)
        with written_anew(config, work) as connection:
            connection.execute(
                "create temp table going as select * from read_parquet(?)", [str(work / "going.parquet")]
            )
            with transaction(connection):
                values = _carry(connection, config, dues)
                _note(connection, dues, work, now)
            files = rewrite_landing(connection, config, (), run_id, now)
            with transaction(connection):
                rows = _settle(connection, config, dues)
            _scrub_refused(connection, config, dues)
            for item in dues:
                audit.record(
                    connection, config, "expire", f"{item.source}.{item.entity}{item.column and f'.{item.column}'}"
                )
            _begin_proof(config, dues, run_id, now, rows, values)
    return Expired(rows, values, files, max(item.before for item in dues))


def _is_old(entity: Entity, column: str) -> str:
    """SQL: whether a row of raw is over, or its value; $zone and $before are bound. `rows` is the row."""
    if column:
        return f"rows.{quoted(column)} is not null and {_value_day(entity)} < $before"
    # the instant at which the day begins, rather than the day of each of millions of rows
    return f"rows.{quoted(entity.event_time or '')} < timezone($zone, cast($before as timestamp))"


def _value_day(entity: Entity, schema: str = "ledger") -> str:
    landed = (
        f"(select min(landed_at) from {schema}.load_files as files "
        "where files.batch_id = rows.batch_id and files.file_name = rows.source_file)"
    )
    when = [f"cast(timezone($zone, {at}) as date)" for at in ("rows.version_at", landed, "rows.loaded_at")]
    return f"coalesce({', '.join([event_day(entity, 'rows'), *when])})"


def _plan(config: Config, dues: Sequence[Due], work: Path) -> None:
    """Write aside which records go whole (`going`), and what they came to in the value ledger (`totals`).

    An order goes once its last line and its header are over; a line that waits for its header stays, since no mart knows it.
    """
    with duckdb.connect(str(config.warehouse), read_only=True) as connection:
        connection.execute("set memory_limit = ?", [config.limits.memory.replace(" ", "")])
        connection.execute("set threads = ?", [config.limits.threads])
        connection.execute("set timezone = 'UTC'")
        connection.execute("create temp table ends (source varchar, entity varchar, before date)")
        for item in dues:
            if not item.column:
                connection.execute("insert into ends values (?, ?, ?)", [item.source, item.entity, item.before])
        connection.execute("create temp table going (entity varchar, record_id bigint)")
        connection.execute(
            "create temp table totals as select * exclude (expired_at) from ledger.expired_amounts where false"
        )
        if any(item.entity == "transactions" and not item.column for item in dues):
            _take(connection, _GOING_SALES + _SALES_TOTALLED, config.time_zone)
        if any(item.entity == "interactions" and not item.column for item in dues):
            _take(connection, _GOING_INTERACTIONS + _INTERACTIONS_TOTALLED, config.time_zone)
        for table in ("going", "totals"):
            connection.execute(f"copy {table} to {literal(str(work / f'{table}.parquet'))} (format parquet)")


def _take(connection: duckdb.DuckDBPyConnection, statements: str, zone: str) -> None:
    for statement in statements.split(";"):
        connection.execute(statement, {"zone": zone} if "$zone" in statement else {})


_GOING_SALES = """
    create temp table going_orders as
    select orders.order_id
    from intermediate.int_orders as orders
    inner join ends on orders.source = ends.source and ends.entity = 'transactions' and orders.last_line_on < ends.before
    where orders.order_id not in (
        select headers.record_id from raw.orders as headers
        where cast(timezone($zone, headers.ordered_at) as date) >= ends.before
    );
    insert into going
    select 'orders', order_id from going_orders
    union
    select 'transactions', order_line_id from intermediate.int_order_lines
    where order_id in (select order_id from going_orders)
    union
    -- what no mart knows: deleted, or of a batch that was unloaded
    select 'transactions', rows.record_id
    from raw.transactions as rows
    inner join ends on rows.source = ends.source and ends.entity = 'transactions'
    where rows.record_id not in (select order_line_id from intermediate.int_order_lines)
        and rows.record_id not in (select order_line_id from intermediate.int_order_lines_waiting)
    group by rows.record_id
    having max(cast(timezone($zone, coalesce(rows.ordered_at, rows.loaded_at)) as date)) < any_value(ends.before)
    union
    select 'orders', rows.record_id
    from raw.orders as rows
    inner join ends on rows.source = ends.source and ends.entity = 'transactions'
    where rows.record_id not in (select order_id from intermediate.int_orders)
        and rows.record_id not in (
            select order_id from raw.transactions
            where record_id in (select order_line_id from intermediate.int_order_lines_waiting)
        )
    group by rows.record_id
    having max(cast(timezone($zone, coalesce(rows.ordered_at, rows.loaded_at)) as date)) < any_value(ends.before);
"""

#: as intermediate.int_sales_entered enters them, by record
_SALES_TOTALLED = """
    create temp table going_lines as
    select
        lines.*, orders.customer_record_id as owner_id, cast(date_trunc('month', lines.ordered_on) as date) as month
    from intermediate.int_order_lines as lines
    inner join intermediate.int_orders as orders on lines.order_id = orders.order_id
    where lines.order_id in (select order_id from going_orders);
    create temp table goods as
    select
        source, owner_id, month, cost_rule, is_cost_assumed,
        count(*) filter (where not is_return) as sales,
        count(*) filter (where is_return) as returns,
        coalesce(sum(gross_amount) filter (where not is_return), 0) as gross_amount,
        coalesce(sum(discount_amount) filter (where not is_return), 0) as discount_amount,
        coalesce(sum(net_amount) filter (where is_return), 0) as return_amount,
        sum(shipping_amount) as shipping_amount, sum(fee_amount) as fee_amount,
        coalesce(sum(cost_amount), 0) as cost_amount, sum(net_amount) as net_amount
    from going_lines group by all;
    create temp table sums as
    select
        source, owner_id, month, sum(sales) as sales, sum(returns) as returns, sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount, sum(return_amount) as return_amount,
        sum(shipping_amount) as shipping_amount, sum(fee_amount) as fee_amount
    from goods group by all;
    insert into totals
    select source, owner_id, month, 'revenue', '', 'sales before discounts', false, sales, gross_amount, null
    from sums where sales > 0
    union all
    select source, owner_id, month, 'discounts', '', 'discounts on sales', false, sales, -discount_amount, null
    from sums where discount_amount <> 0
    union all
    select source, owner_id, month, 'returns', '', 'goods returned', false, returns, return_amount, null
    from sums where returns > 0
    union all
    select source, owner_id, month, 'shipping', '', 'shipping charged on orders', false, sales + returns, shipping_amount, null
    from sums where shipping_amount <> 0
    union all
    select source, owner_id, month, 'fees', '', 'fees of orders', false, sales + returns, fee_amount, null
    from sums where fee_amount <> 0
    union all
    select source, owner_id, month, 'cost of goods', '', cost_rule, is_cost_assumed, sales + returns, -cost_amount, net_amount
    from goods
    union all
    select source, owner_id, month, 'offers', offer, 'unit cost of the offer used', false, count(*), -sum(unit_cost), null
    from (
        select distinct lines.order_id, lines.source, lines.owner_id, lines.month, offers.offer, offers.unit_cost
        from going_lines as lines
        inner join staging.stg_offers as offers on lines.coupon = offers.offer
        where offers.unit_cost is not null and not lines.is_return
    )
    group by all
"""

_GOING_INTERACTIONS = """
    insert into going
    select 'interactions', rows.interaction_id
    from staging.stg_interactions as rows
    inner join ends on rows.source = ends.source and ends.entity = 'interactions' and rows.opened_on < ends.before
    union
    select 'interactions', rows.record_id
    from raw.interactions as rows
    inner join ends on rows.source = ends.source and ends.entity = 'interactions'
    where rows.record_id not in (select interaction_id from staging.stg_interactions)
    group by rows.record_id
    having max(cast(timezone($zone, coalesce(rows.opened_at, rows.loaded_at)) as date)) < any_value(ends.before);
"""

#: as intermediate.int_services_entered enters them, by record
_INTERACTIONS_TOTALLED = """
    insert into totals
    select
        priced.source, case when priced.is_priced then rows.customer_record_id end,
        cast(date_trunc('month', priced.opened_on) as date), 'cost to serve', priced.kind, priced.rule, priced.is_assumed,
        count(*), -sum(priced.cost_amount), null
    from intermediate.int_contact_costs as priced
    inner join staging.stg_interactions as rows on priced.interaction_id = rows.interaction_id
    where priced.interaction_id in (select record_id from going where entity = 'interactions')
    group by all
"""


def _carry(connection: duckdb.DuckDBPyConnection, config: Config, dues: Sequence[Due]) -> int:
    """Carry raw, memory and ledger into the new file but what is over; quarantine waits for the files. Gives the values that
    became null."""
    held = connection.execute(
        """
        select schema_name, table_name from duckdb_tables()
        where database_name = 'before' and schema_name in ('raw', 'ledger', 'memory')
        """
    ).fetchall()
    emptied = 0
    # first the keys, by which hashes are made
    for schema, table in sorted(held, key=lambda name: name != ("memory", "keys")):
        if (schema, table) == ("ledger", "quarantined_rows"):
            continue
        name = f"{schema}.{quoted(table)}"
        connection.execute(f"delete from {name}")
        if schema == "raw" and table in ENTITIES:
            emptied += _carry_entity(connection, config, ENTITIES[table], dues)
        else:
            connection.execute(f"insert into {name} by name select * from before.{name}")
    if is_held_before(connection, "run", "context"):
        connection.execute("delete from run.context")
        connection.execute("insert into run.context by name select * from before.run.context")
    return emptied


def _carry_entity(connection: duckdb.DuckDBPyConnection, config: Config, entity: Entity, dues: Sequence[Due]) -> int:
    name = f"raw.{quoted(entity.name)}"
    kept = f"rows.record_id not in (select record_id from going where entity = {literal(entity.name)})"
    columns = [item for item in dues if item.entity == entity.name and item.column]
    if not columns:
        connection.execute(f"insert into {name} by name select * from before.{name} as rows where {kept}")
        return 0
    emptied = 0
    conditions: dict[str, str] = {}
    for item in columns:
        over = (
            f"rows.source = {literal(item.source)} and rows.{quoted(item.column)} is not null "
            f"and {_value_day(entity, 'before.ledger')} < date {literal(item.before.isoformat())}"
        )
        conditions[item.column] = f"{conditions[item.column]} or {over}" if item.column in conditions else over
        emptied += connection.execute(
            f"select count(*) from before.{name} as rows where {kept} and {over}", {"zone": config.time_zone}
        ).fetchall()[0][0]
    changes = [
        f"case when {over} then null else {quoted(column)} end as {quoted(column)}"
        for column, over in conditions.items()
    ]
    # the hash of the values as delivered would tell the one that went to whoever tries all
    any_over = " or ".join(f"({over})" for over in conditions.values())
    digest = tombstones.number_sql("$key || '|' || cast(content_hash as varchar)")
    changes.append(f"case when {any_over} then {digest} else content_hash end as content_hash")
    connection.execute(
        f"insert into {name} by name select rows.* replace ({', '.join(changes)}) from before.{name} as rows where {kept}",
        {"zone": config.time_zone, "key": tombstones.tombstone_key(connection)},
    )
    return emptied


def _note(connection: duckdb.DuckDBPyConnection, dues: Sequence[Due], work: Path, now: datetime) -> None:
    """Up to when it expired, and what it came to."""
    for item in dues:
        for entity in (item.entity,) if item.column else _TOGETHER[item.entity]:
            connection.execute(
                "insert into ledger.expiries values (?, ?, ?, ?, ?)",
                [item.source, entity, item.column, item.before, now],
            )
    connection.execute(
        "insert into ledger.expired_amounts by name select *, cast(? as timestamptz) as expired_at from read_parquet(?)",
        [now, str(work / "totals.parquet")],
    )


def _settle(connection: duckdb.DuckDBPyConnection, config: Config, dues: Sequence[Due]) -> int:
    """Quarantine without what is over, and the ledger's counts; gives the rows of facts that went."""
    carry_quarantine(connection, ())
    make_gone(connection)
    for name in EXPIRING_ENTITIES:
        if any(item.entity == name and not item.column for item in dues):
            for entity in _TOGETHER[name]:
                condition = f"record_id in (select record_id from going where entity = {literal(entity)})"
                insert_gone(connection, ENTITIES[entity], config.time_zone, condition)
    settle_gone(connection, "expired")
    return int(connection.execute("select coalesce(sum(row_count), 0) from gone").fetchall()[0][0])


def _scrub_refused(connection: duckdb.DuckDBPyConnection, config: Config, dues: Sequence[Due]) -> None:
    """Rows of refused batches that are over go whole, for the sake of a value too."""
    for item in dues:
        source = config.sources.get(item.source)
        for name in (item.entity,) if item.column else _TOGETHER[item.entity]:
            entity = ENTITIES[name]
            day = event_day(entity, "refused_rows").replace("$zone", literal(config.time_zone))
            if entity.event_time is None:
                day = "cast(refused_rows.version_at as date)"
            for feed in source.feeds_of(name) if source else {}:
                for path in sorted((config.data / "quarantine").glob(f"*-{item.source}-{feed}.parquet")):
                    connection.execute(
                        "create or replace temp table refused_rows as select * from read_parquet(?)", [str(path)]
                    )
                    drop_refused(connection, path, f"{day} < date {literal(item.before.isoformat())}")


def _begin_proof(config: Config, dues: Sequence[Due], run_id: str, now: datetime, rows: int, values: int) -> None:
    folder = config.data / PROOFS
    folder.mkdir(mode=0o700, exist_ok=True)
    proof = {
        "run_id": run_id, "forgotten_at": now.isoformat(), "rows": rows, "values": values,
        "expired": [
            {"source": item.source, "entity": item.entity, "column": item.column or None, "before": item.before.isoformat()}
            for item in dues
        ],
        "not_looked_at": ["the company's own inbox, where its exports lie", "backups, exports and disclosures made before"],
    }  # fmt: skip
    pending = folder / f"{run_id}-retention.pending.json"
    durable.write(pending, (json.dumps(proof, indent=2, ensure_ascii=False) + "\n").encode())
