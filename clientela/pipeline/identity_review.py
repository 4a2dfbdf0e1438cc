"""Identity between nights: what another rule would do, and a new model, before either is accepted.

Belongs here: reading what the answer needs and calling `clientela.identity`. Does not belong here: how it is shown
(`clientela.cli`). Nothing is accepted but by `retrain` with `accept`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from clientela.config.company import Config
from clientela.file_modes import closed
from clientela.identity import step
from clientela.identity.settings import IdentitySettings
from clientela.pipeline.built_warehouse import built_warehouse
from clientela.pipeline.open_run import open_run
from clientela.warehouse.keys import kept_evidence_key
from clientela.warehouse.lock import hold_lock
from clientela.warehouse.transactions import transaction

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


def preview(config: Config, settings: IdentitySettings) -> Preview:
    """What these settings would merge and split of what memory holds now, and what value that moves."""
    with closed(config), hold_lock(config.data, "Preview of identity"), built_warehouse(config) as connection:
        return _compared(config, connection, settings, step.active_model(connection))


def retrain(config: Config, *, accept: bool) -> Preview:
    """Train a new model on the records of the last build, and say what it would change; accepted, it is the active one
    from the next night on."""
    from clientela.identity import train_model

    if not accept:
        with (
            closed(config),
            hold_lock(config.data, "Training of identity"),
            built_warehouse(config) as connection,
        ):
            key = kept_evidence_key(connection, config.data)
            model = train_model(_records(connection), config.identity, key=key)
            return _compared(config, connection, config.identity, model)
    with open_run(config, "train") as run:
        connection = run.connection
        key = kept_evidence_key(connection, config.data)
        model = train_model(_records(connection), config.identity, key=key)
        found = _compared(config, connection, config.identity, model)
        as_of = connection.execute("select as_of_on from run.context").fetchall()[0][0]
        with transaction(connection):
            connection.execute(
                "insert into memory.identity_models values (?, ?, ?, ?, 'retrained', ?, ?)",
                [model.id, model.to_json(), model.node_count, model.is_trained, run.run_id, run.now],
            )
        run.as_of_on, run.message = as_of, f"Identity model {model.id} is active from the next night on."
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
        select record_id, source, customer_key as source_key, {step.IDENTIFYING_COLUMNS} from staging.stg_customers
        union all by name
        select distinct record_id, source, customer_key as source_key from intermediate.int_customer_records
        where not is_delivered and record_id in (
            select unnest([record_id, other_record_id]) from staging.stg_identity_decisions
        )
        """
    ).pl()
    return found
