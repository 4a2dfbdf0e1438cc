"""Audiences: whom a campaign is for, looked at before, and written out once.

Belongs here: who is in an audience at an instant, and what is written of each. Does not belong here: who may be contacted
(`clientela.pipeline.permission_now`), who is highest (`clientela.pipeline.audience_figures`), how what is written is handed out
(`clientela.pipeline.audience_writes`), how it is shown.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from clientela.config.company import Config
from clientela.errors import ClientelaError, ConfigError, DeliveryError
from clientela.file_modes import closed
from clientela.pipeline import audience_table, audience_writes
from clientela.pipeline.audience_figures import highest
from clientela.pipeline.built_warehouse import built_warehouse, require_built
from clientela.pipeline.campaign_plan import customers_of, what_they_show
from clientela.pipeline.open_run import open_run
from clientela.pipeline.permission_now import permissions_now
from clientela.pipeline.quiet_hours_now import require_no_quiet_hour
from clientela.relationship.campaign_plan import CHOSEN, SampleSize, draw_arms
from clientela.relationship.settings import FILE_NAME, AudienceSettings
from clientela.segment.columns import RULE_COLUMNS
from clientela.sql.quoting import literal, quoted
from clientela.warehouse import audit
from clientela.warehouse.lock import hold_lock
from clientela.wording import did_you_mean

#: SQL of what may be written out and is no column of a rule
_COLUMNS = {
    "customer_id": "customers.customer_id",
    "source": "keys.source",
    "customer_key": "keys.customer_key",
    "value_tier": "named.value_tier",
    "engagement_tier": "named.engagement_tier",
    "rfm_group": "named.rfm_group",
    "value_at_risk": "retention.expected_value_at_risk",
}
_SCORES = ("engagement_score", "recency_score", "frequency_score", "monetary_score")


@dataclass(frozen=True)
class AudiencePreview:
    """An audience as it would be written now.

    `customers`: of whom its rule speaks. `not_contactable`: why so many of them are left out; `contactable_by`: how many could be
    reached by each channel. `members`: those who are left, cut to the highest where that was asked for; their `expected_value`
    and `value_at_risk`. `cost`: of contacting those not held out; None where none is given. `size`, `measure`, `buyer_share`: as
    in a campaign's plan; `size` is None where nobody is held out.
    """

    audience: str
    customers: int
    not_contactable: dict[str, int]
    contactable_by: dict[str, int]
    members: int
    held_out_share: float
    expected_value: float
    value_at_risk: float
    cost: float | None
    size: SampleSize | None
    measure: str
    buyer_share: float
    written_at: datetime | None


@dataclass(frozen=True)
class AudienceWritten:
    """What `write_audience` did, and where. `was_written`: it had been handed out before, and nothing was written."""

    campaign_key: str
    written_at: datetime
    was_written: bool
    path: Path | None = None
    table: str | None = None
    chosen: int = 0
    held_out: int = 0


def preview_audience(
    config: Config, name: str, effect: float | None = None, campaign_key: str | None = None, now: datetime | None = None
) -> AudiencePreview:
    """Who would be written out now, and what so many can show. Nothing is written."""
    audience = _settings(config, name)
    key = _campaign_key(name, campaign_key)
    moment = now or datetime.now(config.zone)
    with closed(config), hold_lock(config.data, "Preview of an audience"), built_warehouse(config) as connection:
        customers, permissions, members = _members(connection, config, name, moment)
        own = permissions.filter(pl.col("customer_id").is_in(customers))
        reasons = own.filter(pl.col("channel") == audience.channel, pl.col("reason").is_not_null())[
            "reason"
        ].value_counts()
        reachable = own.filter(pl.col("reason").is_null())["channel"].value_counts().sort("channel")
        ((expected, at_risk),) = connection.execute(
            """
            select coalesce(sum(months.expected_value), 0), coalesce(sum(retention.expected_value_at_risk), 0)
            from intermediate.int_customer_months as months
            left join retention.customer_retention as retention using (customer_id)
            where months.is_as_of and months.customer_id in (select unnest(?::bigint[]))
            """,
            [members],
        ).fetchall()
        contacts = round(len(members) * (1 - audience.held_out))
        size, measure, buyer_share = what_they_show(connection, config, members, audience.held_out or 0.5, effect)
        unit, fixed = audience.unit_cost, audience.fixed_cost
        return AudiencePreview(
            audience=name,
            customers=len(customers),
            not_contactable=dict(sorted(reasons.iter_rows())),
            contactable_by=dict(reachable.iter_rows()),
            members=len(members),
            held_out_share=audience.held_out,
            expected_value=float(expected),
            value_at_risk=float(at_risk),
            cost=None if unit is None and fixed is None else (fixed or 0) + (unit or 0) * contacts,
            size=size if audience.held_out else None,
            measure=measure,
            buyer_share=buyer_share,
            written_at=audience_writes.written_at(connection, key),
        )


def write_audience(
    config: Config, name: str, campaign_key: str | None = None, now: datetime | None = None
) -> AudienceWritten:
    """Write an audience out, for a campaign that has had none: those drawn by lot to be contacted, and of each what is asked for.

    Permission, frequency and quiet hours are looked at again. Raises ClientelaError where nobody may be contacted, or not now.
    """
    audience = _settings(config, name)
    key = _campaign_key(name, campaign_key)
    with open_run(config, "audience", now=now) as run:
        connection = run.connection
        require_built(connection, config)
        run.as_of_on = connection.execute("select as_of_on from run.context").fetchall()[0][0]
        if earlier := audience_writes.written_at(connection, key):
            run.message = f"The audience of the campaign {key} was written out before; nothing was written."
            return AudienceWritten(key, earlier, was_written=True)
        if audience_writes.is_pending(connection, key):
            raise ClientelaError(
                f"Whether the audience of the campaign {key} was written to its database is not known: the run that wrote it was "
                f"broken off, and the database cannot be asked. Make it reachable and try again; nothing was written."
            )
        require_no_quiet_hour(config, audience.channel, run.now)
        _, _, members = _members(connection, config, name, run.now)
        arms, salt = _arms(connection, key, members, audience.held_out)
        chosen = [customer_id for customer_id, arm in arms.items() if arm == CHOSEN]
        if not chosen:
            raise ClientelaError(
                f"The audience {name} holds nobody to be contacted: `clientela audience preview {name}` says why; "
                "nothing was written."
            )
        write = {
            "run_id": run.run_id, "campaign_key": key, "occurred_at": run.now, "audience": name, "purpose": audience.purpose,
            "channel": audience.channel, "approach": audience.approach, "fixed_cost": audience.fixed_cost,
            "unit_cost": audience.unit_cost, "held_out_share": audience.held_out, "salt": salt,
            "file_name": None if audience.database else f"{key}.{audience.format}",
        }  # fmt: skip
        path, table = None, None
        with _written_out(connection, chosen):
            selected = _selected(audience, key)
            if audience.database is None:
                (config.data / audience_writes.FOLDER).mkdir(mode=0o700, exist_ok=True)
                options = "(format parquet)" if audience.format == "parquet" else "(format csv, header)"
                aside = audience_writes.prepared_path(config, run.run_id)
                connection.execute(f"copy ({selected}) to {literal(str(aside))} {options}")
                path = audience_writes.hand_out(connection, config, write, arms)
            else:
                described = connection.sql(selected)
                columns = dict(zip(described.columns, map(str, described.types), strict=True))
                rows = described.fetchall()
                table = f"{audience.database.table} of the database of {audience.database.connection_env}"
                try:
                    audience_table.require_table(audience.database, config.path.parent, columns)
                    audience_writes.hand_over(connection, config, audience.database, write, arms, (columns, rows))
                except DeliveryError as error:
                    raise ClientelaError(f"The audience {name} was not written: {error}.") from error
        run.message = f"The audience {name} was written out for the campaign {key}."
        audit.record(connection, config, "audience", f"{len(chosen)} customers to {path or table}")
        return AudienceWritten(
            key,
            run.now,
            was_written=False,
            path=path,
            table=table,
            chosen=len(chosen),
            held_out=len(arms) - len(chosen),
        )


def _settings(config: Config, name: str) -> AudienceSettings:
    if name not in config.audiences:
        hint = did_you_mean(name, config.audiences, is_quoted=False) or "."
        raise ConfigError(f"There is no audience {name!r} among `audiences` of the configuration{hint}")
    return config.audiences[name]


def _campaign_key(name: str, campaign_key: str | None) -> str:
    key = campaign_key or name
    if not re.fullmatch(FILE_NAME, key):
        raise ConfigError(
            f"{key!r} cannot be a campaign's key here, since its file bears it: use letters, digits, `_`, `.` and `-`."
        )
    return key


def _members(
    connection: duckdb.DuckDBPyConnection, config: Config, name: str, now: datetime
) -> tuple[list[int], pl.DataFrame, list[int]]:
    """Of whom the rule speaks, what they permit now, and who is in the audience."""
    audience = config.audiences[name]
    customers = customers_of(connection, audience.rule)
    permissions = permissions_now(connection, config, audience.purpose, now)
    may = permissions.filter(pl.col("channel") == audience.channel, pl.col("reason").is_null())["customer_id"]
    members = sorted(set(customers) & set(may.to_list()))
    return customers, permissions, highest(connection, name, audience, members)


def _arms(
    connection: duckdb.DuckDBPyConnection, campaign_key: str, members: list[int], held_out_share: float
) -> tuple[dict[int, str], str]:
    """The arm of each member, and the salt of the lot. A campaign whose split is kept goes on with its lot, and its arms stay."""
    planned = connection.execute(
        """
        select crosswalk.customer_id, min(splits.arm), any_value(splits.salt), any_value(splits.held_out_share),
            count(distinct splits.arm)
        from memory.campaign_splits as splits
        inner join intermediate.int_customer_crosswalk as crosswalk on splits.record_id = crosswalk.record_id
        where splits.campaign_key = ? group by crosswalk.customer_id
        """,
        [campaign_key],
    ).fetchall()
    if not planned:
        salt = secrets.token_hex(16)
        return draw_arms(members, salt, held_out_share), salt
    arms = {customer_id: arm for customer_id, arm, _, _, arm_count in planned if arm_count == 1}
    torn = {customer_id for customer_id, *_, arm_count in planned if arm_count > 1}
    _, _, salt, share, _ = planned[0]
    drawn = draw_arms(members, salt, share)
    return {member: arms.get(member, arm) for member, arm in drawn.items() if member not in torn}, salt


@contextmanager
def _written_out(connection: duckdb.DuckDBPyConnection, customers: list[int]) -> Iterator[None]:
    connection.execute(
        "create or replace temp table written_out as select unnest(?::bigint[]) as customer_id", [customers]
    )
    yield
    connection.execute("drop table written_out")


def _selected(audience: AudienceSettings, campaign_key: str) -> str:
    """SQL: the columns that were asked for of who is written out, in the order of their numbers."""
    shown = ", ".join(f"{_sql_of(column, campaign_key)} as {quoted(column)}" for column in audience.columns)
    of_source = f"where source = {literal(audience.keys_of)}" if audience.keys_of else ""
    return f"""
        select {shown}
        from written_out
        inner join intermediate.int_customers as customers using (customer_id)
        inner join intermediate.int_customer_months as months
            on customers.customer_id = months.customer_id and months.is_as_of
        inner join intermediate.int_rfm_scored as labels
            on months.customer_id = labels.customer_id and months.measured_on = labels.measured_on
        left join intermediate.int_customer_months_labelled as named
            on months.customer_id = named.customer_id and months.measured_on = named.measured_on
        left join intermediate.int_golden_records_chosen as golden on customers.customer_id = golden.customer_id
        left join retention.customer_retention as retention on customers.customer_id = retention.customer_id
        left join (
            select crosswalk.customer_id, arg_min(source, record_id) as source,
                arg_min(customer_key, record_id) as customer_key
            from intermediate.int_customer_records as records
            inner join intermediate.int_customer_crosswalk as crosswalk using (record_id)
            {of_source} group by crosswalk.customer_id
        ) as keys on customers.customer_id = keys.customer_id
        order by customers.customer_id
    """


def _sql_of(column: str, campaign_key: str) -> str:
    if column == "campaign_key":
        return literal(campaign_key)
    if column in RULE_COLUMNS:
        return f"{'labels' if column in _SCORES else 'months'}.{quoted(column)}"
    return _COLUMNS.get(column, f"golden.{quoted(column)}")
