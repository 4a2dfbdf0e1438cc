"""Service judged by its targets, who stays after a complaint, and what a new customer costs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest

from clientela.relationship.complaint_comparison import compare_complaints
from tests.unit.rendering import rendered

AS_OF = date(2026, 6, 30)


def tables(given: dict[str, tuple[str, list[tuple[Any, ...]]]]) -> duckdb.DuckDBPyConnection:
    """A connection with a table per name: its columns, and its rows in their order."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'; create schema run; create table run.context (as_of_on date)")
    connection.execute("insert into run.context values (?)", [AS_OF])
    for name, (columns, rows) in given.items():
        connection.execute(f"create table {name} ({columns})")
        if rows:
            connection.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)
    return connection


def test_service_is_summed_by_the_month_in_which_a_case_was_opened() -> None:
    day = date(2026, 5, 4)
    connection = tables(
        {
            "service_cases": (
                """kind varchar, channel varchar, opened_on date, is_open boolean, has_target boolean, is_within_target boolean,
                reopened_count bigint, satisfaction decimal(18, 6), hours_to_first_answer double, hours_to_resolution double,
                cost_amount decimal(18, 4)""",
                [
                    ("complaint", None, day + timedelta(days=n), False, n < 9, n < 6, int(n == 2), 8 if n < 2 else None,
                     None, float(n), 1) for n in range(10)
                ] + [("complaint", None, date(2026, 6, 1), True, True, False, 0, None, None, None, None)],
            ),
        }
    )  # fmt: skip
    rows = connection.execute(
        f"""
        select month, channel, cases, open_cases, cases_with_target, within_target_share, reopened_cases, satisfaction,
            hours_to_first_answer_p50, hours_to_resolution_p50, hours_to_resolution_p90, cost_amount
        from ({rendered("service_levels")}) order by month
        """
    ).fetchall()
    assert rows == [
        (date(2026, 5, 1), "", 10, 0, 9, 6 / 9, 1, 8.0, None, 4.0, 8.0, 10),
        (date(2026, 6, 1), "", 1, 1, 1, 0.0, 0, None, None, None, None, None),
    ]


def test_a_complaint_counts_as_it_stood_at_the_landmark() -> None:
    """Customer by customer: resolved in time; later; in time, by a target beyond the landmark; not watched for long."""
    opened = datetime(2025, 9, 1, 10, tzinfo=UTC)
    late = datetime(2026, 2, 1, 10, tzinfo=UTC)

    def complaint(customer: int, at: datetime, days: int | None, channel: str = "phone") -> tuple[Any, ...]:
        resolved = None if days is None else at + timedelta(days=days)
        return (customer, customer, "complaint", channel, at, at.date(), resolved, resolved and resolved.date())

    complaints = [
        complaint(1, opened, 1), complaint(2, opened, 5), complaint(3, opened, 40, "post"), complaint(4, late, 1),
        complaint(5, opened, None), complaint(6, opened, 1),
    ]  # fmt: skip
    before, after, within = date(2025, 8, 1), date(2025, 10, 15), date(2025, 9, 20)
    orders = [(n, before, 1) for n in range(1, 6)] + [(1, after, 1), (2, within, 1), (3, after, 1), (3, before, 1)]
    connection = tables(
        {
            "stg_service_targets": (
                "kind varchar, channel varchar, first_answer_hours double, resolution_hours double",
                [("", "", None, 9999.0), ("complaint", "", None, 48.0), ("complaint", "post", None, 2000.0)],
            ),
            "int_interactions_identified": (
                """interaction_id bigint, customer_id bigint, kind varchar, channel varchar, opened_at timestamptz,
                opened_on date, resolved_at timestamptz, resolved_on date""",
                complaints,
            ),
            "int_order_days": ("customer_id bigint, ordered_on date, sale_line_count bigint", orders),
        }
    )
    rows = connection.execute(
        f"""
        select customer_id, is_within_target, orders_before_group, is_retained
        from ({rendered("int_complaints_followed")}) order by customer_id
        """
    ).fetchall()
    # the one of customer 3 was resolved in time, and not yet by the landmark; customer 6 had bought nothing before
    assert rows == [(1, True, "1", True), (2, False, "1", False), (3, False, "2-3", True), (5, False, "1", False)]


def test_retention_is_compared_among_those_who_bought_as_often() -> None:
    """Who buys often stays and is served first: among equals service makes no difference here."""
    rows = [("1", False, n < 20) for n in range(100)] + [("1", True, n < 2) for n in range(10)]
    rows += [("8+", False, n < 9) for n in range(10)] + [("8+", True, n < 90) for n in range(100)]
    followed = pl.DataFrame(rows, schema=["orders_before_group", "is_within_target", "is_retained"], orient="row")
    found = {row["orders_before_group"]: row for row in compare_complaints(followed).to_dicts()}
    assert found["all"]["retained_within"] / found["all"]["customers_within"] == pytest.approx(92 / 110)
    assert found["all"]["retained_later"] / found["all"]["customers_later"] == pytest.approx(29 / 110)
    assert found["all"]["difference"] == pytest.approx(0)
    assert found["all"]["low"] < 0 < found["all"]["high"]
    assert compare_complaints(followed.clear()).is_empty()
    alone = compare_complaints(followed.filter("is_within_target"))
    assert alone["difference"].null_count() == alone.height == 3, (
        "without others there is no comparison, not one with before"
    )


def test_a_channel_has_paid_back_once_its_new_customers_brought_what_they_cost() -> None:
    january, march = date(2025, 1, 10), date(2026, 3, 10)
    connection = tables(
        {
            "int_golden_records_chosen": (
                "customer_id bigint, acquisition_channel varchar, acquired_on date",
                [(1, "fair", january), (2, "fair", january), (3, None, march), (4, "fair", march), (5, "fair", january)],
            ),
            "int_contracts_identified": ("customer_id bigint, started_on date", [(3, march)]),
            "int_customers": (
                "customer_id bigint, first_seen_on date, first_ordered_on date, is_left_censored boolean",
                [(1, january, january, False), (2, january, january, False), (3, march, None, False), (4, march, None, False),
                 (5, january, january, True), (0, None, january, False)],
            ),
            "int_order_days": (
                "customer_id bigint, ordered_on date, contribution decimal(18, 4)",
                [(1, january, 10), (2, january + timedelta(days=70), 30), (1, january + timedelta(days=400), 100),
                 (5, january, 500)],
            ),
            "int_acquisitions_entered": (
                "activity varchar, month date, amount decimal(18, 4), is_assumed boolean",
                [("fair", date(2025, 1, 1), -35, False), ("fair", date(2025, 2, 1), -7, True)],
            ),
            "customer_value": ("customer_id bigint, expected_value double", [(1, 2.5), (2, 3.0)]),
        }
    )  # fmt: skip
    for model in ("int_customers_won", "int_acquisition_paid_back"):
        connection.execute(f"create view {model} as {rendered(model)}")
    rows = connection.execute(
        f"""
        select acquisition_channel, month, entered, prospects, new_customers, cost_amount, cost_per_new_customer,
            first_year_contribution, expected_value, months_to_pay_back, has_paid_back
        from ({rendered("acquisition")}) order by 1, 2
        """
    ).fetchall()
    assert rows == [
        ("", date(2026, 3, 1), 1, 0, 1, None, None, None, None, None, False),
        ("fair", date(2025, 1, 1), 2, 0, 2, 35, 17.5, 40, 5.5, 3, True),
        ("fair", date(2025, 2, 1), 0, 0, 0, 7, None, None, None, None, False),
        ("fair", date(2026, 3, 1), 1, 1, 0, None, None, None, None, None, False),
    ]
