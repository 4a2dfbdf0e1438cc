"""Who was written out with an audience is who a campaign contacted: the models over what memory holds."""

from typing import Any

import duckdb
import pytest

from tests.unit.rendering import rendered

TABLES = """
    set timezone = 'UTC';
    create schema run; create table run.context as select date '2026-03-05' as as_of_on, 'Europe/Madrid' as time_zone;
    create table audience_writes (
        run_id varchar, campaign_key varchar, event varchar, occurred_at timestamptz, audience varchar, channel varchar,
        approach varchar, fixed_cost decimal(18, 4), unit_cost decimal(18, 4)
    );
    create table audience_members (run_id varchar, campaign_key varchar, record_id bigint, customer_id bigint, arm varchar);
    create table stg_campaigns (
        campaign_id bigint, source varchar, campaign_key varchar, campaign_name varchar, kind varchar, approach varchar,
        channel varchar, goal varchar, budget_amount decimal(18, 4), fixed_cost decimal(18, 4), unit_cost decimal(18, 4),
        started_on date, ended_on date
    );
    create table stg_campaign_contacts (
        campaign_contact_id bigint, customer_record_id bigint, campaign_id bigint, source varchar, campaign_contact_key varchar,
        customer_key varchar, campaign_key varchar, role varchar, channel varchar, is_date_assumed boolean,
        contacted_at timestamptz, contacted_on date
    );
    insert into audience_writes values
        ('r1', 'spring', 'prepared', '2026-03-01 23:30:00+00', 'friends', 'email', 'market', 10, 0.5),
        ('r1', 'spring', 'written', '2026-03-01 23:31:00+00', null, null, null, null, null),
        ('r2', 'broken', 'prepared', '2026-03-02 08:00:00+00', 'friends', 'email', null, null, null),
        ('r2', 'broken', 'abandoned', '2026-03-03 08:00:00+00', null, null, null, null, null),
        ('r3', 'under way', 'prepared', '2026-03-02 08:00:00+00', 'friends', 'email', null, null, null),
        ('r4', 'later', 'prepared', '2026-03-07 08:00:00+00', 'friends', 'email', null, null, null),
        ('r4', 'later', 'written', '2026-03-07 08:00:00+00', null, null, null, null, null);
    insert into audience_members
    select run_id, campaign_key, record_id, record_id * 10, case when record_id = 3 then 'held_out' else 'chosen' end
    from (select distinct run_id, campaign_key from audience_writes) cross join (select unnest([1, 2, 3]) as record_id);
"""


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as made:
        made.execute(TABLES)
        for model in ("int_campaigns_known", "int_campaign_contacts_dated"):
            made.execute(f"create view {model} as {rendered(model).replace('memory.', '')}")
        yield made


def contacts(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    return connection.execute(
        """
        select campaign_key, customer_record_id, role, source, channel, cast(contacted_on as varchar)
        from int_campaign_contacts_dated order by all
        """
    ).fetchall()


def test_only_what_was_handed_out_by_the_day_is_a_campaign(connection: duckdb.DuckDBPyConnection) -> None:
    known = (
        "select campaign_key, campaign_name, source, unit_cost, cast(started_on as varchar) from int_campaigns_known"
    )
    assert connection.execute(known).fetchall() == [("spring", "friends", "clientela", 0.5, "2026-03-02")]
    assert contacts(connection) == [
        ("spring", 1, "contacted", "clientela", "email", "2026-03-02"),
        ("spring", 2, "contacted", "clientela", "email", "2026-03-02"),
        ("spring", 3, "held_out", "clientela", "email", "2026-03-02"),
    ]


def test_a_source_that_tells_of_the_campaign_knows_who_was_contacted(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into stg_campaigns (campaign_id, source, campaign_key, started_on) "
                       "values (7, 'mailer', 'spring', '2026-03-01')")  # fmt: skip
    assert connection.execute("select campaign_id, source from int_campaigns_known").fetchall() == [(7, "mailer")]
    assert {role for _, _, role, *_ in contacts(connection)} == {"contacted", "held_out"}
    connection.execute(
        "insert into stg_campaign_contacts (campaign_contact_id, customer_record_id, campaign_id, source, campaign_key, role, "
        "contacted_on) values (70, 1, 7, 'mailer', 'spring', 'contacted', '2026-03-03')"
    )
    assert [(record, role, source) for _, record, role, source, *_ in contacts(connection)] == [
        (1, "chosen", "clientela"), (1, "contacted", "mailer"), (2, "chosen", "clientela"), (3, "held_out", "clientela"),
    ]  # fmt: skip
