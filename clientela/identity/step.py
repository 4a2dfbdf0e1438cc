"""Identity's step of a night: what it reads in the warehouse, which steps of `clientela.identity` it takes, what it leaves.

Belongs here: relations and tables by name. Does not belong here: deciding anything about records, or writing memory
(`clientela.warehouse.memory` does, once the run's file is known to be good).

A company with one source pays for none of it: no value is normalised, and nothing that matches is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from clientela.identity.settings import GOLDEN_FIELDS, IdentitySettings
from clientela.identity.tables import EVIDENCE_TABLES, RUN_TABLES
from clientela.warehouse import run_settings
from clientela.warehouse.transactions import transaction

if TYPE_CHECKING:
    import polars as pl

    from clientela.identity.model import Model

#: the columns that a customer's record says something about a person in
IDENTIFYING_COLUMNS = (
    "given_name, family_name, full_name, email, phone, tax_id, loyalty_id, birth_date, street, postal_code, city, country, "
    "updated_at"
)


def write_run_tables(
    connection: duckdb.DuckDBPyConnection, settings: IdentitySettings, key: str, *, are_changes_accepted: bool = False
) -> None:
    """Write what models read beside `run.identity_settings`. `key`: the secret under which evidence is hashed."""
    units = [(name, tuple(members)) for name, members in settings.field_groups.items()]
    grouped = {field for _, fields in units for field in fields}
    units += [(field, (field,)) for field in GOLDEN_FIELDS if field not in grouped]
    fields: list[tuple[object, ...]] = [
        (field, unit, sequence, settings.survivorship.get(unit, settings.default_survivorship))
        for unit, members in units
        for sequence, field in enumerate(members)
    ]
    tables: dict[str, list[tuple[object, ...]]] = {
        "identity": [(key, are_changes_accepted)],
        "identity_fields": fields,
        "identity_sources": [(source, rank) for rank, source in enumerate(settings.trusted_sources)],
        "identity_ranges": [(name, held.minimum, held.maximum) for name, held in settings.expected.items()],
    }
    for name, rows in tables.items():
        connection.execute(f"create or replace table run.{name} ({RUN_TABLES[name]})")
        for row in rows:
            connection.execute(f"insert into run.{name} values ({', '.join('?' * len(row))})", list(row))


#: the dbt test that stops a night in which a measure is not as expected
RANGES_TEST = "identity_measures_are_as_expected"


def out_of_range(connection: duckdb.DuckDBPyConnection) -> str:
    """Which measures of the build under way are not as expected, and what to do about it, in one sentence."""
    found = connection.execute(
        """
        select measure, value, expected_from, expected_to from quality.identity_measures where is_out_of_range order by all
        """
    ).fetchall()
    sentences = [
        f"{measure} is {value:.6g}, expected {'' if least is None else f'from {least:.6g} '}"
        f"{'' if most is None else f'up to {most:.6g}'}".strip()
        for measure, value, least, most in found
    ]
    return (
        f"The customers are not as expected: {'; '.join(sentences)}. Look at "
        "`clientela identity diff`; if it is meant, publish it with `clientela run --accept-identity`."
    )


def _frame(connection: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    found: pl.DataFrame = connection.sql(query).pl()
    return found


def read_settings(connection: duckdb.DuckDBPyConnection) -> tuple[IdentitySettings, str]:
    """The run's settings and the key of its evidence."""
    [(key,)] = connection.execute("select evidence_key from run.identity").fetchall()
    return run_settings.read_settings(connection.table("run.identity_settings"), IdentitySettings), key


def active_model(connection: duckdb.DuckDBPyConnection) -> Model | None:
    """The trained model that was accepted last, or None before there was one."""
    rows = connection.execute("select model from memory.identity_models order by trained_at desc limit 1").fetchall()
    if not rows:
        return None
    from clientela.identity.model import Model

    return Model.from_json(rows[0][0])


def identify(
    connection: duckdb.DuckDBPyConnection,
    *,
    known_records: duckdb.DuckDBPyRelation,
    delivered_records: duckdb.DuckDBPyRelation,
    delivered_decisions: duckdb.DuckDBPyRelation,
    customer_registry: duckdb.DuckDBPyRelation,
) -> pl.DataFrame:
    """Which customer each record is: (record_id, customer_id, is_added), `is_added` where memory does not hold it yet.

    known_records: every record that anything names; delivered_records: those that say something of themselves;
    delivered_decisions: what people decided about pairs; customer_registry: which customer each record was in earlier runs. SQL
    reads them under these names. Reads the run's settings too, and leaves evidence, events, measures, placeholders,
    households and a model trained on the way in schema `identity`.
    """
    inputs = {
        "known_records": known_records,
        "delivered_records": delivered_records,
        "delivered_decisions": delivered_decisions,
        "customer_registry": customer_registry,
    }
    for name, relation in inputs.items():
        connection.register(name, relation)
    # evidence that knows a record and not yet its pairs would never look for them again
    with transaction(connection):
        crosswalk = _identify(connection)
    for name in inputs:
        connection.unregister(name)
    return crosswalk


def _identify(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    from clientela.identity.resolution import needs_matching

    settings, key = read_settings(connection)
    [(sources,)] = connection.execute("select count(distinct source) from delivered_records").fetchall()
    for name in ("events", "placeholders", "households", "measures", "trained_model"):
        connection.execute(f"delete from identity.{name}")
    _gather_decisions(connection)
    if needs_matching(settings, sources):
        oversized = _match(connection, settings, key)
    else:
        oversized = 0
        _keep_apart(connection)
    crosswalk = _assign(connection)
    _measure(connection, crosswalk, oversized)
    if settings.find_households:
        _find_households(connection, crosswalk, settings, is_matched=needs_matching(settings, sources))
    connection.execute("drop table if exists temp.decided_pairs; drop table if exists temp.wanted_clusters")
    return crosswalk


def _gather_decisions(connection: duckdb.DuckDBPyConnection) -> None:
    """What people decided about pairs of records that exist; `same` and `different` are only measured against."""
    connection.execute(
        """
        create or replace temp table decided_pairs as
        select distinct
            least(l.record_id, r.record_id) as record_id_l, greatest(l.record_id, r.record_id) as record_id_r, decision
        from delivered_decisions as decisions
        inner join known_records as l on decisions.record_id = l.record_id
        inner join known_records as r on decisions.other_record_id = r.record_id
        where l.record_id <> r.record_id
        """
    )


def _obeyed(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return _frame(connection, "select * from decided_pairs where decision in ('always', 'never') order by all")


def _match(connection: duckdb.DuckDBPyConnection, settings: IdentitySettings, key: str) -> int:
    """Bring the evidence up to date; gives the number of customers that only exact rules hold together beyond plausibility."""
    from clientela.identity.store import Store

    [(code,)] = connection.execute("select code_version from run.context").fetchall()
    # a record that is only mentioned says nothing of itself; someone may have decided about it
    connection.execute(
        f"""
        create or replace temp table identity_records as
        select record_id, source, customer_key as source_key, {IDENTIFYING_COLUMNS} from delivered_records
        union all by name
        select distinct record_id, source, customer_key as source_key
        from known_records
        where not is_delivered and record_id in (select unnest([record_id_l, record_id_r]) from decided_pairs)
        """
    )
    store = Store(connection, "identity")
    held = active_model(connection)
    model = store.update("identity_records", _obeyed(connection), settings, held, key, code)
    if model is not None and held is None:
        connection.execute(
            "insert into identity.trained_model values (?, ?, ?, ?, 'the first')",
            [model.id, model.to_json(), model.node_count, model.is_trained],
        )
    connection.execute(
        f"""
        create or replace temp table wanted_clusters as
        select record_id, coalesce(cluster, -record_id - 1) as cluster
        from known_records left join ({store.clusters_sql()}) using (record_id)
        """
    )
    connection.register("found_placeholders", store.placeholders().to_arrow())
    connection.execute("insert into identity.placeholders by name select * from found_placeholders")
    connection.unregister("found_placeholders")
    connection.execute("drop table identity_records")
    return store.count("select count(distinct cluster) from {clusters} where is_oversized")


def _keep_apart(connection: duckdb.DuckDBPyConnection) -> None:
    """Every record its own customer, but for pairs that someone decided are one; no evidence but those decisions."""
    for name in EVIDENCE_TABLES:
        connection.execute(f"delete from identity.{name}")
    connection.execute(
        "create or replace temp table wanted_clusters as select record_id, record_id as cluster from known_records"
    )
    decided = _obeyed(connection)
    if decided.is_empty():
        return
    import polars as pl

    from clientela.identity.resolution import by_decisions

    joined = by_decisions(pl.concat([decided["record_id_l"], decided["record_id_r"]]).unique(), decided)
    connection.register("joined", joined.to_arrow())
    connection.execute("insert into identity.members select record_id, record_id, false, false from joined")
    connection.execute(
        "update wanted_clusters set cluster = joined.cluster from joined where joined.record_id = wanted_clusters.record_id"
    )
    connection.execute(
        """
        insert into identity.link_evidence by name
        select
            record_id_l as node_l, record_id_r as node_r, decision as rule, false as is_weak, false as is_doubtful,
            false as is_by_home_alone,
            case when l.cluster = r.cluster then 'linked' else 'cut' end as status,
            case when l.cluster <> r.cluster then 'it would join a never-link pair' end as reason
        from decided_pairs
        inner join joined as l on l.record_id = record_id_l inner join joined as r on r.record_id = record_id_r
        where decision = 'always'
        """
    )
    connection.unregister("joined")


def _assign(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Hand out customer ids. Groups that are as memory has them pass by; only the others go through the registry's rules."""
    import polars as pl

    from clientela.identity import registry

    connection.execute(
        """
        create or replace temp table held_ids as
        select record_id, max_by(customer_id, run_sequence) as held from customer_registry group by record_id;
        create or replace temp table unsettled as
        with
        both_sides as (select record_id, cluster, held from wanted_clusters left join held_ids using (record_id)),
        mixed as (
            select cluster from both_sides group by cluster
            having count(held) < count(*) or min(held) <> max(held)
        ),
        parted as (
            select unnest(list(distinct cluster)) as cluster from both_sides where held is not null
            group by held having min(cluster) <> max(cluster)
        ),
        open_clusters as (select cluster from mixed union select cluster from parted),
        -- whoever ever bore an id that is at stake has a say in who bears it next
        at_stake as (
            select distinct customer_id from customer_registry
            semi join (select record_id from wanted_clusters semi join open_clusters using (cluster)) using (record_id)
        ),
        concerned as (
            select cluster from open_clusters
            union
            select cluster from wanted_clusters
            semi join (select record_id from customer_registry semi join at_stake using (customer_id)) using (record_id)
        )
        select record_id, cluster from wanted_clusters semi join concerned using (cluster)
        """
    )
    [(highest_id, sequence)] = connection.execute(
        "select coalesce(max(customer_id), 0), coalesce(max(run_sequence), 0) + 1 from customer_registry"
    ).fetchall()
    wanted = _frame(connection, "select record_id, cluster from unsettled")
    log = _frame(
        connection,
        """
        select record_id, customer_id, run_sequence as sequence from customer_registry
        where record_id in (select record_id from unsettled)
        """,
    )
    links = _frame(
        connection,
        """
        with speakers as (select node, min(record_id) as record_id from identity.members group by node)
        select l.record_id as record_id_l, r.record_id as record_id_r, rule
        from identity.link_evidence
        join speakers as l on l.node = node_l join speakers as r on r.node = node_r
        where status = 'linked' and l.record_id in (select record_id from unsettled)
        """,
    )
    assignment = registry.assign(wanted, log, sequence=sequence, links=links, highest_id=highest_id)
    connection.register("found_events", assignment.events.to_arrow())
    connection.execute(
        "insert into identity.events select event, customer_id, other_customer_id, record_count, cause from found_events"
    )
    connection.unregister("found_events")
    settled = _frame(
        connection,
        "select record_id, held as customer_id, false as is_added from wanted_clusters join held_ids using (record_id) "
        "where record_id not in (select record_id from unsettled)",
    )
    added = assignment.added.select("record_id", pl.lit(True).alias("is_added"))
    decided = assignment.crosswalk.join(added, on="record_id", how="left").with_columns(
        pl.col("is_added").fill_null(False)
    )
    return pl.concat([settled, decided.select(settled.columns)])


def _measure(connection: duckdb.DuckDBPyConnection, crosswalk: pl.DataFrame, oversized: int) -> None:
    from clientela.identity import measure

    previous = _frame(connection, "select record_id, held as customer_id from held_ids")
    links = _frame(connection, "select * from identity.link_evidence where status <> 'near'")
    labels = _frame(
        connection,
        "select record_id_l, record_id_r, decision = 'same' as is_match from decided_pairs "
        "where decision in ('same', 'different')",
    )
    [(doubtful, by_home)] = connection.execute(
        """
        select count(*) filter (is_doubtful) - count(distinct node) filter (is_doubtful),
            count(*) - count(distinct node)
        from identity.members where is_by_home_alone
        """
    ).fetchall()
    identical = measure.Identical(doubtful, by_home)
    found = measure.measures(crosswalk, previous, links, labels, oversized, identical)
    connection.register("found_measures", found.to_arrow())
    connection.execute("insert into identity.measures select measure, part, value from found_measures")
    connection.unregister("found_measures")
    connection.execute(
        """
        insert into identity.measures
        select 'records_of_the_model', null, node_count from (
            select node_count, trained_at from memory.identity_models
            union all select node_count, null from identity.trained_model
        ) order by trained_at desc nulls last limit 1
        """
    )
    connection.execute("drop table held_ids; drop table unsettled")


def _find_households(
    connection: duckdb.DuckDBPyConnection, crosswalk: pl.DataFrame, settings: IdentitySettings, *, is_matched: bool
) -> None:
    from clientela.identity.households import households
    from clientela.identity.normalise import normalise
    from clientela.identity.store import Store

    if is_matched:
        records = Store(connection, "identity").normalised()
    else:
        records = normalise(
            _frame(connection, f"select record_id, {IDENTIFYING_COLUMNS} from delivered_records"), settings
        ).records
    found = households(records, crosswalk.select("record_id", "customer_id"))
    connection.register("found_households", found.to_arrow())
    connection.execute("insert into identity.households by name select * from found_households")
    connection.unregister("found_households")
