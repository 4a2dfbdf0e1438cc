"""Who did not come back: the outcome that reasons are weighed by."""

from datetime import date

import polars as pl

from clientela.retention.calendar import month_end
from clientela.retention.churn_outcomes import outcomes

ENDS = [month_end(date(2024, 1, 31), months) for months in range(5)]


def test_churn_is_no_order_until_the_horizon_is_over_and_unknown_beyond_the_as_of_day() -> None:
    # customer: state and days with an order so far at each month-end; of whom no purchase is known, the state tells
    story = {
        1: [("active", count) for count in (1, 1, 2, 2, 2)],
        2: [("active", 1), ("slowing", 1), ("lapsed", 1), ("lapsed", 1), ("returned", 2)],
        3: [("cancelled", None)] * 5,
        4: [("active", None), ("active", None), ("active", None), ("cancelled", None), ("cancelled", None)],
    }
    frame = pl.DataFrame(
        [(who, ENDS[i], *at) for who, life in story.items() for i, at in enumerate(life)],
        schema={"customer_id": pl.Int64, "month_end": pl.Date, "state": pl.String, "purchase_days": pl.Int64},
        orient="row",
    )
    out = outcomes(frame, 2, ENDS[4])

    def of(customer: int) -> list[bool | None]:
        return out.filter(pl.col("customer_id") == customer)["churned"].to_list()

    assert of(1) == [False, False, True, None, None]
    assert of(2) == [True, True, None], "who is gone is not asked"
    assert of(3) == []
    assert of(4) == [False, True, True]
    assert outcomes(frame, 2, ENDS[3]).filter(pl.col("customer_id") == 1)["churned"].to_list() == [
        False,
        False,
        None,
        None,
    ]
