"""The outlook reads a few days, and of no others does it know anything."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clientela.retention.month_ends import states_at_month_ends
from clientela.retention.outlook import STATE_COLUMNS, OutlookInputs, days_read, outlook
from clientela.retention.settings import RetentionSettings

SETTINGS = RetentionSettings()


@pytest.mark.parametrize("as_of_on", [date(2026, 11, 28), date(2026, 11, 30), date(2026, 2, 28)])
def test_days_that_are_not_read_change_nothing(as_of_on: date) -> None:
    rng = np.random.default_rng(3)
    days = pl.DataFrame(
        {
            "customer_id": rng.integers(1, 80, 600),
            "ordered_on": [as_of_on - timedelta(days=int(day)) for day in rng.integers(0, 500, 600)],
        }
    ).unique()
    seen = days.group_by("customer_id").agg(
        first_ordered_on=pl.col("ordered_on").min(), first_seen_on=pl.col("ordered_on").min()
    )
    contracts = pl.DataFrame(
        schema=dict.fromkeys(("started_on", "ends_on", "cancelled_on"), pl.Date)
        | {"customer_id": pl.Int64, "cancelled_by": pl.String}
    )
    states = states_at_month_ends(as_of_on, 90, seen, days, contracts).select(STATE_COLUMNS)
    months = states.select("customer_id", "measured_on").with_columns(
        categories_6m=pl.Series(rng.integers(0, 9, states.height)),
        open_complaints=pl.Series(rng.integers(0, 2, states.height)),
        has_withdrawn_consent=pl.Series(rng.random(states.height) < 0.1),
    )
    forecasts = states.filter(pl.col("measured_on") == as_of_on).select(
        "customer_id", *(pl.lit(0.3).alias(f"p_no_order_{horizon}m") for horizon in (3, 6, 12)),
        expected_value=pl.lit(10.0), expected_value_given_order=pl.lit(20.0),
    )  # fmt: skip
    read = pl.col("measured_on").is_in(days_read(as_of_on, SETTINGS))
    whole = outlook(as_of_on, OutlookInputs(states, months, forecasts), SETTINGS)
    told = outlook(as_of_on, OutlookInputs(states.filter(read), months.filter(read), forecasts), SETTINGS)
    assert whole.filter(row_type="reason").height > 1
    assert_frame_equal(told, whole, check_row_order=False)
