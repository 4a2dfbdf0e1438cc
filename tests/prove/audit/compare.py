"""What an audit compares with: the published file beside what was delivered, and how two tables differ, column by column.

Counts, words and days are to be equal, money as it is stored (four decimals), floats to 1e-9. No rule of a mart is known here.
"""

from pathlib import Path

import duckdb

CLOSE = 1e-9
#: columns of the reference tables as the audit reads them
REFERENCE = {
    "cost_rates": "channel, kind, valid_from::date as valid_from, cost_per_contact::decimal(18, 4) as cost_per_contact,"
    " cost_per_minute::decimal(18, 4) as cost_per_minute, is_assumed::boolean as is_assumed",
    "acquisition_costs": "acquisition_channel, month::date as month, cost_amount::decimal(18, 4) as cost_amount,"
    " is_assumed::boolean as is_assumed",
    "margin_rates": "department, category, margin_rate::decimal(18, 6) as margin_rate, is_assumed::boolean as is_assumed",
    "rfm_groups": "rank::bigint as rank, group_name, life_cycle_stage, columns('.*_(from|to)')::bigint",
    "service_targets": "kind, channel, columns('.*_hours')::double",
    "engagement_weights": "part, weight::double as weight, full_at::double as full_at",
}


def open_files(
    published: Path, warehouse: Path, reference: Path, defaults: Path, zone: str
) -> duckdb.DuckDBPyConnection:
    """The published file, read-only, in a private database whose session is in UTC; beside it, as tables, what no mart says:
    raw records in force, the reference tables (the company's, else the defaults), the company's time zone."""
    connection = duckdb.connect(config={"memory_limit": "3GB", "threads": 2})
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"attach '{warehouse}' as delivered (read_only)")
    for entity in ("customers", "products", "transactions", "campaign_contacts"):
        connection.execute(
            f"""
            create temp table raw_{entity} as from delivered.raw.{entity}
            qualify row_number() over (partition by record_id order by version desc) = 1
            """
        )
    connection.execute("detach delivered")
    connection.execute(f"attach '{published}' as marts (read_only)")
    connection.execute("use marts")
    for name, columns in REFERENCE.items():
        own = reference / f"{name}.csv"
        file = own if own.exists() else defaults / f"default_{name}.csv"
        connection.execute(
            f"create temp table {name} as select {columns} from read_csv(?, header = true, all_varchar = true)",
            [str(file)],
        )
    connection.execute("create temp table company as select ? as zone", [zone])
    return connection


def differences(connection: duckdb.DuckDBPyConnection, told: str, own: str, keys: str) -> list[str]:
    """How the rows of two queries differ: a sentence for each column, and for the rows that one of them alone has.

    `own` names the columns that are compared, `told` must have them too; `keys` are those that tell one row from another.
    """
    connection.execute(f"create or replace temp table own as {own}")
    described = connection.execute("describe own").fetchall()
    names = [row[0] for row in described]
    floats = {row[0] for row in described if row[1] in ("DOUBLE", "FLOAT")}
    connection.execute(f"create or replace temp table told as select {', '.join(names)} from ({told})")
    for table in ("own", "told"):
        repeated = f"select count(*) from (select 1 from {table} group by {keys} having count(*) > 1)"
        if connection.execute(repeated).fetchall() != [(0,)]:
            return [f"{table} has several rows of one {keys}"]
    key = [name.strip() for name in keys.split(",")]
    same = " and ".join(f"own.{name} is not distinct from told.{name}" for name in key)
    found = []
    for one, other in (("own", "told"), ("told", "own")):
        alone = f"from {one} where not exists (select 1 from {other} where {same})"
        ((count,),) = connection.execute(f"select count(*) {alone}").fetchall()
        if count:
            sample = connection.execute(f"{alone} order by all limit 2").fetchall()
            found.append(f"{count} rows are {one} alone, as {sample}")
    for name in names:
        if name in key:
            continue
        differs = f"own.{name} is distinct from told.{name}"
        if name in floats:
            far = f"abs(own.{name} - told.{name}) > {CLOSE} * greatest(1, abs(own.{name}))"
            differs = f"coalesce({far}, {differs})"
        listed = ", ".join(f"own.{column}" for column in key)
        rows = f"select {listed}, own.{name}, told.{name} from own join told on {same} where {differs}"
        ((count,),) = connection.execute(f"select count(*) from ({rows})").fetchall()
        if count:
            sample = connection.execute(f"{rows} order by all limit 3").fetchall()
            found.append(f"{name}: {count} differ (key, own, told), as {sample}")
    return found
