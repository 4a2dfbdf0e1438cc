"""States at the month-ends of the data: who only brought something back is a customer, judged by fixed days until they buy."""

from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clientela.retention.month_ends import Company, states_at_month_ends, states_of
from clientela.retention.settings import RetentionSettings
from clientela.warehouse.customer_blocks import CustomerBlocks

AS_OF = date(2026, 12, 31)
NO_CONTRACTS = pl.DataFrame(
    schema={
        "customer_id": pl.Int64,
        "started_on": pl.Date,
        "ends_on": pl.Date,
        "cancelled_on": pl.Date,
        "cancelled_by": pl.String,
    }
)


def days_of(*rows: tuple[int, date]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"customer_id": pl.Int64, "ordered_on": pl.Date}, orient="row")


def states_by_month(
    bought: pl.DataFrame, returned: pl.DataFrame, contracts: pl.DataFrame = NO_CONTRACTS
) -> dict[Any, Any]:
    customers = bought.group_by("customer_id").agg(
        pl.col("ordered_on").min().alias("first_ordered_on"), pl.col("ordered_on").min().alias("first_seen_on")
    )
    found = states_at_month_ends(AS_OF, 30, customers, bought, contracts, return_days=returned)
    return {(row["customer_id"], row["measured_on"].month): row for row in found.iter_rows(named=True)}


def test_who_only_brought_something_back_is_judged_by_fixed_days() -> None:
    found = states_by_month(days_of((1, date(2026, 1, 1))), days_of((2, date(2026, 2, 10)), (2, date(2026, 3, 31))))
    states = {month: row["state"] for (customer, month), row in found.items() if customer == 2}
    assert states == {
        2: "active", 3: "active", 4: "active", 5: "slowing", 6: "at_risk", 7: "at_risk", 8: "at_risk", 9: "lapsed",
        10: "lapsed", 11: "lapsed", 12: "lapsed",
    }  # fmt: skip
    assert found[2, 9]["lapsed_on"] == date(2026, 9, 28)
    assert found[2, 9]["first_ordered_on"] is None and found[2, 9]["purchase_days"] is None


def test_the_first_purchase_ends_it_and_contracts_judge_alone() -> None:
    signed = pl.DataFrame(
        {
            "customer_id": [3],
            "started_on": [date(2026, 1, 5)],
            "ends_on": [date(2026, 3, 5)],
            "cancelled_on": [date(2026, 3, 1)],
            "cancelled_by": ["customer"],
        }
    )
    found = states_by_month(
        days_of((1, date(2026, 1, 1)), (2, date(2026, 4, 15))),
        days_of((2, date(2026, 2, 10)), (2, date(2026, 5, 20)), (3, date(2026, 3, 5))),
        signed,
    )
    assert [found[2, month]["purchase_days"] for month in (2, 3, 4, 5)] == [None, None, 1, 1]
    assert found[2, 5]["days_since_last_activity"] == 46, "from the purchase, not from what came back of it"
    assert found[3, 3]["state"] == "cancelled"


def test_a_company_whose_data_begin_with_a_return_is_judged_from_there_on() -> None:
    found = states_by_month(days_of((1, date(2026, 5, 1))), days_of((2, date(2026, 3, 1))))
    assert min(month for customer, month in found if customer == 2) == 3


@pytest.mark.parametrize("customers", [1, 7, 200])
def test_customers_a_block_at_a_time_are_judged_as_all_at_once(customers: int) -> None:
    random = Random(5)
    bought = days_of(
        *((who, date(2024, 6, 1) + timedelta(random.randrange(900))) for who in range(60) for _ in range(who % 6))
    )
    returned = days_of(*((who, date(2024, 7, 1) + timedelta(random.randrange(500))) for who in range(0, 70, 7)))
    began = date(2025, 3, 1)
    contracts = NO_CONTRACTS.vstack(
        pl.DataFrame(
            [
                (3, began, None, None, None),
                (66, began, None, date(2026, 2, 3), "company"),
                (12, began, AS_OF, None, None),
            ],
            schema=NO_CONTRACTS.schema,
            orient="row",
        )
    )
    seen = bought.group_by("customer_id").agg(first_ordered_on=pl.col("ordered_on").min(), first_seen_on=None)
    whole = states_at_month_ends(AS_OF, 30, seen, bought, contracts, return_days=returned)
    assert whole["expected_days_between_orders"].is_not_null().any(), "there are rhythms to learn of others"

    connection = duckdb.connect()
    read = {"purchase_days": bought, "return_days": returned, "contracts": contracts}
    relations = {name: connection.from_arrow(frame.to_arrow()) for name, frame in read.items()}
    everybody = connection.sql("select range as customer_id from range(70)")
    company = Company.of(
        AS_OF,
        30,
        (bought["ordered_on"].min(), returned["ordered_on"].min(), began),  # type: ignore[arg-type]
        (bought["ordered_on"].min(), None),  # type: ignore[arg-type]
        RetentionSettings(),
    )
    blocks = CustomerBlocks(connection, everybody, relations, customers)
    made = blocks.made(partial(states_of, company.knowing(blocks.frames("purchase_days"))))
    assert_frame_equal(pl.DataFrame(made.reader().read_all()), whole, check_exact=True)
