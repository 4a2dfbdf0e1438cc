"""Renewals due ahead are told with their chance and amount, those behind beside what had been expected of them."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from clientela.lifetime.forecast import add_months
from clientela.lifetime.renewal_outlook import renewal_outlook

AS_OF = date(2025, 12, 31)


def yearly(contracts: int = 600, seed: int = 1, rate: float = 0.7) -> pl.DataFrame:
    """Contracts of a year, paid monthly, renewed at the end of each with one rate; cancelled a month ahead."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(contracts):
        start = add_months(date(2020, 1, 15), int(rng.integers(0, 70)))
        over = add_months(start, 12 * int(rng.geometric(1 - rate)))
        is_known = add_months(over, -1) <= AS_OF
        rows.append(
            {
                "contract_id": number,
                "customer_id": number,
                "started_on": start,
                "ends_on": over - timedelta(days=1) if is_known else None,
                "cancelled_on": add_months(over, -1) if is_known else None,
                "period_months": 1,
                "term_months": 12,
                "contribution": 10.0,
                "monthly_amount": 10.0,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"ends_on": pl.Date, "cancelled_on": pl.Date})


def test_renewals_are_those_of_the_term_and_what_was_expected_of_the_past_ones_came() -> None:
    frame = yearly()
    outlook = renewal_outlook(frame, AS_OF, 365.0, 0.0, "renewal_regression")
    own = outlook.filter(pl.col("row_type") == "contract").join(frame, on="contract_id")
    leaving = own.filter(pl.col("cancelled_on").is_not_null())
    assert leaving.height and leaving["renews_on"].null_count() == leaving.height, "who leaves has none"
    running = own.filter(pl.col("cancelled_on").is_null())
    assert running.select((pl.col("renews_on") > AS_OF).all()).item()
    assert running.select((pl.col("renews_on").dt.month() == pl.col("started_on").dt.month()).all()).item()
    # who has given no notice within the month before will renew, by all that is known
    near = running.filter(pl.col("renews_on") <= date(2026, 1, 15))
    assert near.height and near["renewal_probability"].min() > 0.95  # type: ignore[operator]
    far = running.filter(pl.col("renews_on") > date(2026, 2, 15))
    assert far["renewal_probability"].mean() == pytest.approx(0.7, abs=0.06)

    months = outlook.filter(pl.col("row_type") == "month")
    ahead = months.filter("is_ahead")
    assert ahead["renewals_due"].sum() == running.height and ahead["renewals"].null_count() == ahead.height
    assert ahead["due_amount"].sum() == pytest.approx(10.0 * running.height)
    assert ahead["expected_renewed_amount"].sum() == pytest.approx(10 * running["renewal_probability"].sum())
    past = months.filter(~pl.col("is_ahead"))
    assert past["month"].min() == date(2025, 1, 1) and past["month"].max() == date(2025, 12, 1)
    due, came, expected = (past[name].sum() for name in ("renewals_due", "renewals", "expected_renewals"))
    assert due > 100 and came == pytest.approx(0.7 * due, abs=3 * (0.21 * due) ** 0.5)
    assert expected == pytest.approx(came, abs=3 * (0.21 * due) ** 0.5)


def test_a_contract_that_ends_within_its_term_had_no_renewal_at_stake() -> None:
    one = yearly(1).with_columns(
        started_on=pl.lit(date(2025, 2, 1)), ends_on=pl.lit(date(2025, 8, 31)), cancelled_on=pl.lit(date(2025, 8, 31))
    )
    assert renewal_outlook(one, AS_OF, 365.0, 0.0, "tenure_curve").is_empty()
    in_the_month_of_its_renewal = one.with_columns(
        started_on=pl.lit(date(2024, 8, 31)), ends_on=pl.lit(date(2025, 8, 10))
    )
    assert renewal_outlook(in_the_month_of_its_renewal, AS_OF, 365.0, 0.0, "tenure_curve").is_empty()
    with_its_term = one.with_columns(started_on=pl.lit(date(2024, 8, 31)), ends_on=pl.lit(date(2025, 8, 29)))
    assert renewal_outlook(with_its_term, AS_OF, 365.0, 0.0, "tenure_curve")["renewals"].to_list() == [0]
    rolling = one.with_columns(term_months=pl.lit(1))
    outlook = renewal_outlook(rolling, AS_OF, 365.0, 0.0, "tenure_curve").sort("month")
    assert outlook["renewals"].to_list() == [1, 1, 1, 1, 1, 1, 0], "one that runs from month to month had, each month"
