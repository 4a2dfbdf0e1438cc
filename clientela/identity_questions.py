"""What a person asks of identity between nights: why these records are one, what another rule would do, a new model.

Belongs here: reading what the answer needs and calling `clientela.identity`. Does not belong here: how it is shown
(`clientela.cli`). Nothing is accepted but by `retrain` when it is told to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from clientela import identify, stopping, warehouse
from clientela.ask import reading_published
from clientela.config import Config
from clientela.errors import ClientelaError
from clientela.file_modes import closed
from clientela.identity.settings import IdentitySettings
from clientela.keys import confirmed_secret, kept_evidence_key
from clientela.lock import hold_lock
from clientela.night import open_night
from clientela.run_summary import explained
from clientela.transactions import transaction

if TYPE_CHECKING:
    import polars as pl

    from clientela.identity.model import Model


@dataclass(frozen=True)
class Preview:
    """`changes`: one row per customer that would merge or split, see `identity.preview.DIFF_SCHEMA`; value is net
    revenue. `records`: how many were looked at. `model`: the model that weighed, if one did."""

    changes: pl.DataFrame
    records: int
    model: Model | None


def explain_customer(config: Config, customer_id: int) -> list[str]:
    """Why this customer's records are one, why near ones are not, and where each value comes from, in sentences.

    Read from the published file, so that it may be asked at any time; values are shown as the file shows them.
    """
    from clientela.identity.explain import LINKS_SCHEMA, sentences

    with reading_published(config) as marts:
        now = marts.execute(
            "select current_customer_id, retired_on from customer.customer_ids where customer_id = ?", [customer_id]
        ).fetchall()
        told = []
        if now and now[0][0] != customer_id:
            told = [f"Customer {customer_id} was merged on {now[0][1]}; its records are customer {now[0][0]} today."]
            customer_id = now[0][0]
        params = {"customer": customer_id}
        weights = ", ".join(name for name in LINKS_SCHEMA if name not in ("record_id_l", "record_id_r"))
        links = marts.sql(
            f"""
            select customer_record_id as record_id_l, other_customer_record_id as record_id_r, {weights}
            from customer.identity_links where customer_id = $customer or other_customer_id = $customer
            order by status desc, record_id_l, record_id_r
            """,
            params=params,
        ).pl()
        marts.register("shown_links", links.to_arrow())
        records = marts.sql(
            """
            select customer_record_id as record_id, customer_id, source, customer_key as source_key
            from customer.customer_records
            where customer_id = $customer or customer_record_id in (select unnest([record_id_l, record_id_r]) from shown_links)
            """,
            params=params,
        ).pl()
        values = marts.sql(
            """
            select customer_id, field, value, is_winner, rule, customer_record_id as record_id
            from customer.customer_field_values where customer_id = $customer order by field
            """,
            params=params,
        ).pl()
        crosswalk = records.select("record_id", "customer_id")
        told += sentences(customer_id, crosswalk, links, records, values, show_values=True)
        if values.is_empty() and not crosswalk.is_empty():
            told.append("Every value comes from its only delivered record, or an erasure was requested.")
        for event, on, other, cause in marts.execute(
            """
            select event, occurred_on, case when customer_id = $customer then other_customer_id else customer_id end, cause
            from customer.identity_events where customer_id = $customer or other_customer_id = $customer
            order by occurred_at, event
            """,
            params,
        ).fetchall():
            told.append(f"{on}: {event}{f', with customer {other}' if other is not None else ''}: {cause}.")
    return told


def preview(config: Config, settings: IdentitySettings) -> Preview:
    """What these settings would merge and split of what memory holds now, and what value that moves."""
    with closed(config), hold_lock(config.data, "Preview of identity"), _reading(config) as connection:
        return _compared(config, connection, settings, identify.model_in_force(connection))


def retrain(config: Config, *, accept: bool) -> Preview:
    """Train a new model on the records of the last build, and say what it would change; accepted, it is in force from the
    next night on."""
    from clientela.identity import train_model

    if not accept:
        with (
            closed(config),
            hold_lock(config.data, "Training of identity"),
            _reading(config) as connection,
        ):
            key = kept_evidence_key(connection, config.data)
            model = train_model(_records(connection), config.identity, key=key)
            return _compared(config, connection, config.identity, model)
    with open_night(config, "train") as night:
        connection = night.connection
        key = kept_evidence_key(connection, config.data)
        model = train_model(_records(connection), config.identity, key=key)
        found = _compared(config, connection, config.identity, model)
        as_of = connection.execute("select as_of_on from run.context").fetchall()[0][0]
        with transaction(connection):
            connection.execute(
                "insert into memory.identity_models values (?, ?, ?, ?, 'retrained', ?, ?)",
                [model.id, model.to_json(), model.node_count, model.is_trained, night.run_id, night.now],
            )
        night.as_of_on, night.message = as_of, f"Identity model {model.id} is in force from the next night on."
        return found


def _compared(
    config: Config, connection: duckdb.DuckDBPyConnection, settings: IdentitySettings, model: Model | None
) -> Preview:
    from clientela.identity import resolve
    from clientela.identity.preview import diff

    records = _records(connection)
    pairs = connection.sql(
        """
        select record_id as record_id_l, other_record_id as record_id_r, decision
        from staging.stg_identity_decisions where decision in ('always', 'never')
        """
    ).pl()
    log = connection.sql("select record_id, customer_id, run_sequence as sequence from memory.customer_registry").pl()
    values = connection.sql(
        """
        select customer_record_id as record_id, cast(sum(net_amount) as double) as value
        from intermediate.int_orders where customer_record_id is not null group by customer_record_id
        """
    ).pl()
    key = kept_evidence_key(connection, config.data)
    after = resolve(records, log, settings, model=model, pairs=pairs, key=key)
    before = connection.sql(
        "select record_id, max_by(customer_id, run_sequence) as customer_id from memory.customer_registry group by record_id"
    ).pl()
    return Preview(diff(before, after.crosswalk, values), records.height, after.model)


def _records(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The delivered records as the last build saw them, and those that are only mentioned but decided about."""
    found: pl.DataFrame = connection.sql(
        f"""
        select record_id, source, customer_key as source_key, {identify.SAID} from staging.stg_customers
        union all by name
        select distinct record_id, source, customer_key as source_key from intermediate.int_customer_records
        where not is_delivered and record_id in (
            select unnest([record_id, other_record_id]) from staging.stg_identity_decisions
        )
        """
    ).pl()
    return found


@contextmanager
def _reading(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    if not config.warehouse.is_file():
        raise ClientelaError(f"{config.company} has no warehouse yet; `clientela run` makes it.")
    try:
        with (
            duckdb.connect(str(config.warehouse), read_only=True) as connection,
            stopping.interrupting(connection.interrupt),
        ):
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"set temp_directory = {warehouse.literal(str(config.data / 'spill'))}")
            confirmed_secret(connection, config.data)
            if not connection.execute("select 1 from duckdb_tables() where table_name = 'int_orders'").fetchall():
                raise ClientelaError(f"Nothing was built yet for {config.company}; `clientela run` does.")
            yield connection
    except duckdb.Error as error:
        raise explained(error, config) from error
