"""The dbt project from raw to marts on a small company made by hand: what each mart must say, and what must never move it."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from clientela.publish import MACROS
from tests.integration.kpi_queries import assert_kpis_are_as_written_apart
from tests.integration.marts_fixture import AS_OF, Company, build_marts, failed, fill, line
from tests.integration.questions_page import PAGE, answers, questions

ROOT = Path(__file__).parents[2]
AREAS = ("customer", "value", "retention", "segment", "relationship", "objective", "quality")


def dbt(folder: Path, *command: str) -> dict[str, str]:
    """Run dbt in-process on the company in the folder: the status of every node that ran; exposures have nothing to run."""
    settings = {
        "CLIENTELA_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "CLIENTELA_MEMORY_LIMIT": "1GB",
    }
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        outcome = dbtRunner().invoke(
            [
                *command, "--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "dbt"), 
                "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), "--quiet",
            ]
        )  # fmt: skip
    finally:
        # dbt-duckdb keeps its connection for the next command of the process
        if DuckDBConnectionManager._ENV is not None:
            DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()
        os.environ.clear()
        os.environ.update(before)
    assert outcome.exception is None, outcome.exception
    return {
        result.node.name: str(result.status)
        for result in outcome.result  # type: ignore[union-attr]
        if str(result.node.resource_type) != "exposure"
    }


def read(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(query).fetchall()


def marts(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every mart's rows, in an order of their own, whatever run made them."""
    areas = ", ".join(f"'{area}'" for area in AREAS)
    tables = read(
        path, f"select table_schema, table_name from information_schema.tables where table_schema in ({areas})"
    )
    return {f"{area}.{name}": sorted(map(repr, read(path, f"from {area}.{name}"))) for area, name in tables}  # type: ignore[misc]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acme")
    company = Company(folder / "warehouse.duckdb")
    fill(company)
    company.close()
    assert failed(dbt(folder, "build")) == {}
    return folder


@pytest.fixture(scope="module")
def ask(built: Path) -> Iterator[Any]:
    connection = duckdb.connect(str(built / "warehouse.duckdb"), read_only=True)
    connection.execute("set timezone = 'UTC'")
    yield lambda query: connection.execute(query).fetchall()
    connection.close()


def ids(ask: Any) -> dict[str, int]:
    return dict(ask("select customer_key, customer_id from customer.customer_records"))


def test_every_cost_rule_gives_its_cost(ask: Any) -> None:
    assert ask("select line_key, cost_rule, cost_amount from value.order_lines where order_key = '1' order by 1") == [
        ("1", "product unit cost", Decimal("3.0000")),
        ("2", "category margin", Decimal("6.0000")),
        ("3", "product margin", Decimal("2.0000")),
        ("4", "department margin", Decimal("5.6000")),
        ("5", "company margin", Decimal("0.8000")),
        ("6", "company margin", Decimal("4.0000")),
        ("7", "line cost", Decimal("1.9000")),
    ]


def test_a_correction_replaces_a_deletion_removes_and_the_future_is_left_out(ask: Any) -> None:
    orders = dict(ask("select order_key, net_amount from value.orders where source = 'till'"))
    assert orders == {"1": 33, "2": 21, "3": 0, "5": -10, "7": Decimal("2.5"), "9": -5}


def test_days_are_those_of_the_companys_zone(ask: Any) -> None:
    days = dict(ask("select order_key, ordered_on from value.orders where order_key in ('2', '3')"))
    assert days == {"2": date(2026, 1, 31), "3": date(2026, 2, 1)}


def test_months_are_filled_and_a_late_return_counts_in_its_own(ask: Any) -> None:
    ben = ids(ask)["ben"]
    assert ask(
        "select extract(month from month), orders, net_revenue, returns, cumulative_net_revenue, days_since_last_order "
        f"from value.customer_months where customer_id = {ben} order by 1"
    ) == [(1, 1, 21, 0, 21, 0), (2, 1, 30, 0, 51, 27), (3, 0, -30, -30, 21, 58)]


def test_what_nobody_can_be_named_for_is_kept_under_customer_0(ask: Any) -> None:
    assert ask("select is_identified, life_cycle_stage from customer.customers where customer_id = 0") == [
        (False, "not identified")
    ]
    assert ask("select net_revenue, net_revenue_rank from value.customer_value where customer_id = 0") == [
        (Decimal("2.5"), None)
    ]


def test_customers_known_only_from_facts_are_customers_too(ask: Any) -> None:
    assert set(ids(ask)) == {"ana", "ben", "pia", "rita", "zoe", "W1", "W2", "W3", "W4"}
    assert ask("select customer_key from customer.customer_records where is_delivered order by 1") == [
        ("W1",), ("ana",), ("ben",), ("pia",),
    ]  # fmt: skip


def test_the_record_changed_last_is_the_golden_one(ask: Any) -> None:
    assert ask(f"select given_name from customer.customers where customer_id = {ids(ask)['ana']}") == [("Ana María",)]


def test_a_customer_who_asked_to_be_forgotten_has_no_personal_fields(ask: Any) -> None:
    query = (
        "select given_name, email, attributes, withheld_reason, erasure_requested_on, orders "
        "from customer.customers join value.customer_value using (customer_id)"
    )
    assert ask(f"{query} where is_erasure_requested") == [(None, None, None, "erasure requested", date(2026, 3, 20), 2)]


def test_the_latest_consents_count(ask: Any) -> None:
    query = "select relationship_consent, granted_purposes, last_consent_on from customer.customers"
    # the relationship that was withdrawn covers the news by e-mail that had been granted
    assert ask(f"{query} where customer_id = {ids(ask)['W1']}") == [("withdrawn", None, date(2026, 3, 17))]


def test_who_asked_to_be_forgotten_has_granted_nothing(ask: Any) -> None:
    query = "select granted_purposes, relationship_consent, last_consent_on from customer.customers"
    assert ask(f"{query} where customer_id = {ids(ask)['ben']}") == [(None, "withdrawn", date(2026, 2, 1))]


def test_the_marts_agree_on_who_took_back_a_consent_and_who_has_a_complaint_open(ask: Any) -> None:
    """Of prospects too: pia never bought, nor did W3, whose complaint is open."""
    found = {
        mart: dict(ask(f"select customer_id, {columns} from {mart} where {where}"))
        for mart, columns, where in (
            ("retention.customer_retention", "(has_withdrawn_consent, is_complaint_open)", "customer_id > 0"),
            ("value.customer_months", "(has_withdrawn_consent, open_complaints > 0)", "customer_id > 0 and is_as_of"),
        )
    }
    months = found["value.customer_months"]
    assert {customer: found["retention.customer_retention"][customer] for customer in months} == months
    people = {number: customer for customer, number in ids(ask).items()}
    assert {people[c] for c, (withdrawn, _) in months.items() if withdrawn} == {"ben", "pia", "W1"}
    assert {people[c] for c, (_, complains) in months.items() if complains} == {"W3"}


def test_life_cycle_stages(ask: Any) -> None:
    stages = dict(ask("select customer_id, life_cycle_stage from customer.customers"))
    found = {key: stages[customer_id] for key, customer_id in ids(ask).items()}
    assert found == {
        "ana": "declining",  # silent for 85 days; nobody has a rhythm yet, and 60 fixed days call that slowing
        "ben": "active",
        "pia": "prospect",
        "rita": "declining",  # silent for 80 days since she brought something back
        "zoe": "prospect",  # held out of a campaign, never seen
        "W1": "active",
        "W2": "new",
        "W3": "prospect",
        "W4": "lapsed",  # his contract ended
    }


def test_there_is_one_population(ask: Any) -> None:
    flagged = ask("select customer_id, is_customer, is_buyer, is_current_customer, is_prospect from customer.customers")
    people = {number: customer for customer, number in ids(ask).items()}
    assert {people[c]: flags for c, *flags in flagged if c} == {
        "ana": [True, True, True, False],
        "ben": [True, True, True, False],
        "pia": [False, False, False, True],
        "rita": [True, False, True, False],  # only brought something back
        "zoe": [False, False, False, True],
        "W1": [True, True, True, False],
        "W2": [True, True, True, False],
        "W3": [False, False, False, True],
        "W4": [True, False, False, False],  # the contract is over
    }
    prospects = "select customer_id from customer.customers where is_prospect"
    for mart, columns in (
        ("retention.customer_retention", "state"),
        ("segment.customer_segments", "coalesce(engagement_tier, value_tier, strategy, 'prospect')"),
    ):
        assert ask(f"select distinct {columns} from {mart} where customer_id in ({prospects})") == [("prospect",)], mart


def test_customers_are_ranked_among_customers_and_tenths_are_equally_large(ask: Any) -> None:
    ranked = ask(
        "select count(*), max(vin_rank) <= 6, min(net_revenue_decile), max(net_revenue_decile), "
        "count(distinct net_revenue_decile) from value.customer_value where vin_rank is not null"
    )
    assert ranked == [(6, True, 1, 9, 6)], "W1 and W2 bought for as much, and stand in two tenths"


def test_every_kind_of_event_is_on_the_timeline(ask: Any) -> None:
    assert dict(ask("select event_kind, count(*) from customer.customer_timeline group by 1")) == {
        "order": 6, "return": 2, "interaction": 4, "campaign contact": 1, "campaign holdout": 1, "reward": 1,
        "consent": 8, "contract start": 2, "contract end": 1, "erasure request": 1, "resolution": 1,
    }  # fmt: skip


def test_the_queries_of_the_page_on_the_relationship_run(built: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "relationship.md").read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    named = {name for query in queries for name in re.findall(r"(?:relationship|customer)\.\w+", query)}
    marts = {f"relationship.{path.stem}" for path in (ROOT / "models" / "marts" / "relationship").glob("*.sql")}
    assert marts <= named
    with duckdb.connect(tmp_path / "published.duckdb") as connection:
        connection.execute(f"attach '{built / 'warehouse.duckdb'}' as warehouse (read_only)")
        for schema in ("relationship", "customer", "quality"):
            connection.execute(f"create schema {schema}")
            for (mart,) in connection.execute(
                "select distinct table_name from duckdb_columns() where database_name = 'warehouse' and schema_name = ?",
                [schema],
            ).fetchall():
                connection.execute(f"create table {schema}.{mart} as from warehouse.{schema}.{mart}")
        for _, signature, query, _ in MACROS:
            connection.execute(f"create macro {signature} as table {query}")
        for query in queries:
            connection.execute(query).fetchall()
        # what may be asked for any day is, for the as-of day, what the mart says
        differing = connection.execute(
            f"""
            select count(*) from relationship.contact_permissions as today
            full join relationship.permission_as_of(date '{AS_OF}') as asked using (customer_id, purpose, channel)
            where today.basis is distinct from asked.basis or today.status is distinct from asked.status
            """
        ).fetchall()
        assert differing == [(0,)]


def test_every_shipped_kpi_is_what_a_query_written_apart_makes_of_it(built: Path) -> None:
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as connection:
        assert_kpis_are_as_written_apart(connection)


def test_nobody_is_contactable_without_a_ground(ask: Any) -> None:
    assert ask("select count(*) > 0 from relationship.contact_permissions where is_contactable") == [(True,)]
    assert ask(
        "select count(*) from relationship.contact_permissions as permissions "
        "left join relationship.consents as consents using (consent_id) "
        "where permissions.is_contactable and permissions.purpose <> 'transactional' "
        "and not coalesce(consents.status = 'granted' and consents.is_active, permissions.is_granted_by_default)"
    ) == [(0,)]


def test_rows_that_the_as_of_day_leaves_out_are_counted(ask: Any) -> None:
    later = ask(
        "select source, entity, rows_after_as_of from operations.sources where rows_after_as_of > 0 order by all"
    )
    # an order line of 1 April, a consent of 15 April; a campaign contact of 2 April and one without a day
    assert later == [("till", "campaign_contacts", 2), ("till", "transactions", 1), ("web", "consents", 1)]
    assert ask("select loaded_rows from operations.sources where entity = 'campaign_contacts'") == [(4,)]
    assert ask("select count(*) from customer.customer_timeline where event_kind like 'campaign %'") == [(2,)]


def test_every_question_of_the_page_is_one_query_of_two_joins_at_most_and_runs(built: Path) -> None:
    asked = questions()
    assert len(asked) >= 30 and len(asked) == PAGE.read_text(encoding="utf-8").count("```sql")
    marts = {f"{path.parent.name}.{path.stem}" for path in (ROOT / "models" / "marts").glob("*/*.sql")}
    for question in asked:
        assert len(re.findall(r"\bjoin\b", question.query)) <= 2, question.text
        assert ";" not in question.query, question.text
        named = set(re.findall(r"\b(?:from|join) (\w+\.\w+)", question.query))
        assert named and {question.waits_for} - {""} == named - marts, (
            f"{question.text}: has {question.waits_for} come?"
        )
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as connection:
        assert sum(rows > 0 for rows in answers(connection).values()) > 15


def test_one_row_says_of_each_customer_today_what_the_homes_of_the_figures_say(ask: Any) -> None:
    assert ask("select count(*), count(distinct customer_id) from customer.customer_today") == ask(
        "select count(*), count(*) from customer.customers"
    )
    for home, least in (
        ("customer.customers", 20),
        ("value.customer_value", 10),
        ("retention.customer_retention", 8),
        ("segment.customer_segments", 6),
        ("segment.customer_engagement", 3),
    ):
        names = [
            name
            for (name,) in ask(
                f"""
                select column_name from information_schema.columns where table_schema || '.' || table_name = '{home}'
                intersect
                select column_name from information_schema.columns where table_name = 'customer_today'
                """
            )
        ]
        assert len(names) >= least, home
        shown = ", ".join(names)
        differing = (
            f"select {shown} from {home} where customer_id <> 0 except select {shown} from customer.customer_today"
        )
        assert ask(differing) == [], home
    # what was bought last, and what is open
    assert ask(
        "select last_category, open_complaints, orders_12m from customer.customer_today where customer_id = "
        f"{ids(ask)['ana']}"
    ) == [("bakery", 0, 1)]
    assert ask("select sum(open_complaints) from customer.customer_today") == [(1,)]


def test_orders_know_their_place_and_what_came_back(ask: Any) -> None:
    ana = ids(ask)["ana"]
    assert ask(
        "select order_number, is_first_order, is_last_order, is_return, main_category, returned_amount_share, items, delivery "
        f"from value.orders where customer_id = {ana} order by ordered_on"
    ) == [(1, True, True, False, "bakery", pytest.approx(10 / 33), 8, "not promised"),
          (None, False, False, True, None, None, -1, "not promised")]  # fmt: skip
    # the first and the one a day later, of which all came back; nobody's orders have no place
    ben = ids(ask)["ben"]
    assert ask(
        "select order_number, days_since_previous_order, is_last_order, returned_amount_share from value.orders "
        f"where customer_id = {ben} order by 1"
    ) == [(1, None, False, 0), (2, 1, True, 1)]
    assert ask("select count(*) from value.orders where customer_id = 0 and order_number is not null") == [(0,)]


def test_products_sold_but_never_delivered_are_known_by_their_key(ask: Any) -> None:
    assert ask("select product_key, order_lines from value.products where not is_known order by 1 nulls last") == [
        ("ebook", 2), ("never delivered", 1), (None, 1),
    ]  # fmt: skip


def test_neither_the_future_nor_the_time_zone_of_session_or_machine_moves_a_figure(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Company(tmp_path / "warehouse.duckdb")
    fill(company)
    company.deliver(
        "transactions", "till",
        line("8/1", "ana", "bread", "2026-03-31 22:00:00+00", 50.00),  # 1 April in Madrid
        line("8/2", "new one", "other", "2026-04-30 22:00:00+00", 50.00),
    )  # fmt: skip
    company.deliver(
        "products", "till",
        {"key": "bread", "product_name": "Dear bread", "unit_cost": 9, "version_at": "2026-04-02 00:00:00+00"},
    )  # fmt: skip
    company.deliver("erasures", "till", {"key": "e2", "customer_key": "ana", "requested_at": "2026-04-02 12:00:00+00"})
    company.deliver("campaign_contacts", "till", {
        "key": "spring|new", "campaign_key": "spring", "customer_key": "new two", "contacted_at": "2026-04-02 05:00:00+00",
    })  # fmt: skip
    company.close()
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    try:
        assert failed(build_marts(tmp_path, zone="Pacific/Kiritimati")) == {}
    finally:
        monkeypatch.undo()
        time.tzset()
    assert marts(tmp_path / "warehouse.duckdb") == marts(built / "warehouse.duckdb")


def test_money_that_is_missing_from_the_marts_turns_the_reconciliation_red(built: Path, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes((built / "warehouse.duckdb").read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "update ledger.load_amounts set net_amount = net_amount + 0.01 where month = date '2026-02-01'"
        )
    statuses = build_marts(tmp_path, "money_delivered_is_in_the_marts")
    assert statuses == {"money_delivered_is_in_the_marts": "fail"}


def test_what_is_built_from_compiled_text_is_what_dbt_builds(built: Path, tmp_path: Path) -> None:
    """Every table and view of every layer, its columns and rows, and every test's outcome."""
    shutil.copyfile(built / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        # neither taken over from the first build, nor learnt already
        for table in ("forecast.days", "memory.settled_month_ends", "memory.settled_fits"):
            connection.execute(f"delete from {table}")
    assert failed(build_marts(tmp_path)) == {}
    columns = """
        select schema_name, table_name, column_name, data_type from duckdb_columns()
        where not internal and schema_name not in ('raw', 'ledger', 'run', 'memory', 'identity') order by all
    """
    by_dbt, by_us = (folder / "warehouse.duckdb" for folder in (built, tmp_path))
    assert read(by_dbt, columns) == read(by_us, columns)
    for schema, table in sorted({row[:2] for row in read(by_us, columns)}):
        first, second = (sorted(map(repr, read(path, f"from {schema}.{table}"))) for path in (by_dbt, by_us))
        assert first == second, (schema, table)


def test_a_past_day_is_built_aside_from_a_company_that_has_transactions_only(tmp_path: Path) -> None:
    """Its currency has many zeros: no product of two amounts may leave the digits that DuckDB gives it."""
    company = Company(tmp_path / "warehouse.duckdb", as_of=AS_OF)
    company.deliver(
        "transactions", "till",
        line("1/1", "ana", "bread", "2026-01-05 11:00:00+00", 3e9),
        line("2/1", "ana", "bread", "2026-02-05 11:00:00+00", 4e9),
        line("3/1", "ben", "bread", "2026-03-05 11:00:00+00", 5e9),
    )  # fmt: skip
    company.close()
    with duckdb.connect(str(tmp_path / "scratch.duckdb")) as scratch:
        scratch.execute(f"attach '{tmp_path / 'warehouse.duckdb'}' as warehouse (read_only)")
        for schema, table in scratch.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'warehouse' "
            "union all select schema_name, view_name from duckdb_views() where database_name = 'warehouse' and not internal"
        ).fetchall():
            scratch.execute(f"create schema if not exists {schema}")
            kind = "table" if schema in ("identity", "forecast") else "view"  # caches of the build's own
            scratch.execute(f"create {kind} {schema}.{table} as from warehouse.{schema}.{table}")
        scratch.execute("drop view run.context; create table run.context as from warehouse.run.context")
        scratch.execute("update run.context set as_of_on = date '2026-02-10'")
    assert failed(build_marts(tmp_path, target="as_of")) == {}
    with duckdb.connect(str(tmp_path / "scratch.duckdb"), read_only=True) as scratch:
        scratch.execute(f"attach '{tmp_path / 'warehouse.duckdb'}' as warehouse (read_only)")
        value = scratch.execute(
            "select orders, net_revenue, net_revenue_without_cost, contribution from value.customer_value order by customer_id"
        ).fetchall()
        assert value == [(0, 0, 0, 0), (2, 7 * 10**9, 7 * 10**9, None)]
        cohorts = scratch.execute(
            "select period, customers, active_customers, is_period_complete from retention.cohort_retention "
            "where segmentation = 'month'"
        )
        assert sorted(cohorts.fetchall()) == [(0, 1, 1, True), (1, 1, 1, False)]
    assert read(tmp_path / "warehouse.duckdb", "select count(*) from duckdb_tables() where schema_name = 'value'") == [
        (0,)
    ]
