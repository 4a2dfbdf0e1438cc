"""The rhythm of each customer: by hand on few rows, and untouched by what comes later."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from clientela.retention.calendar import RetentionError, check_points, month_end, points
from clientela.retention.rhythm import rhythms
from clientela.retention.settings import RhythmSettings

START = date(2024, 1, 1)
END = date(2024, 6, 30)


def bought(**days: list[int]) -> pl.DataFrame:
    """Purchases on these days after the first of January 2024, by customer (c1, c2 ...)."""
    rows = [(int(who[1:]), START + timedelta(days=day)) for who, when in days.items() for day in when]
    return pl.DataFrame(rows, schema={"customer_id": pl.Int64, "ordered_on": pl.Date}, orient="row")


def last(frame: pl.DataFrame, customer: int) -> dict[str, Any]:
    return frame.filter(pl.col("customer_id") == customer).row(-1, named=True)


PLAIN = RhythmSettings(cohort_gaps=2, company_gaps=0, maturity_days=0, least_mature=1, least_gaps=1)


def test_the_rhythm_is_the_mean_of_own_gaps_and_two_of_the_cohorts() -> None:
    r = rhythms(bought(c1=[0, 10, 20, 40], c2=[0, 30]), points(START, END), settings=PLAIN)
    # first gaps of the cohort: 10 and 30, mean 20, mean square 500
    one = last(r, 1)
    assert one["cohort_gap_days"] == 20
    assert one["own_gap_days"] == pytest.approx(40 / 3)
    assert one["expected_days_between_orders"] == pytest.approx((10 + 10 + 20 + 2 * 20) / 5)
    assert one["stddev_days_between_orders"] == pytest.approx(((100 + 100 + 400 + 2 * 500) / 5 - 16**2) ** 0.5)
    assert one["days_since_last_activity"] == (END - START).days - 40
    assert one["recency_ratio"] == pytest.approx(one["days_since_last_activity"] / 16)
    assert one["recency_zscore"] == pytest.approx(
        (one["days_since_last_activity"] - 16) / one["stddev_days_between_orders"]
    )


def test_a_one_time_buyer_takes_his_cohorts_rhythm_and_spread() -> None:
    r = rhythms(bought(c1=[0, 10, 11, 12, 13], c2=[1, 31], c3=[5]), points(START, END), settings=PLAIN)
    once = last(r, 3)
    assert once["own_gap_days"] is None
    assert (once["expected_days_between_orders"], once["cohort_gap_days"]) == (20, 20)  # c1's four gaps count as one
    assert once["stddev_days_between_orders"] == pytest.approx(10)


def test_a_small_cohort_is_shrunk_to_the_company() -> None:
    cohorts = pl.DataFrame({"customer_id": [1, 2, 3], "cohort": ["a", "b", "b"]})
    shrunk = RhythmSettings(company_gaps=3, maturity_days=0, least_mature=1, least_gaps=1)
    r = rhythms(bought(c1=[0, 10], c2=[0, 40], c3=[0, 40]), points(START, END), cohorts, shrunk)
    assert last(r, 1)["cohort_gap_days"] == pytest.approx((10 + 3 * 30) / 4)


def test_a_young_cohort_does_not_teach_its_short_gaps_only() -> None:
    # everyone's first gap is 20 or 100 days; of those who joined last, only the gaps of 20 have closed
    people = {f"c{i}": [0, 20 if i % 2 else 100] for i in range(1, 41)}
    people |= {f"c{i}": [150, 170] if i % 2 else [150] for i in range(101, 141)}
    s = RhythmSettings(company_gaps=0, maturity_days=110, least_mature=10)
    assert last(rhythms(bought(**people), points(START, END), settings=s), 102)["expected_days_between_orders"] == 60
    hasty = s.model_copy(update={"maturity_days": 0})
    assert (
        last(rhythms(bought(**people), points(START, END), settings=hasty), 102)["expected_days_between_orders"] == 20
    )


def test_without_any_second_purchase_there_is_no_rhythm() -> None:
    r = rhythms(bought(c1=[0], c2=[3]), points(START, END))
    assert r["expected_days_between_orders"].null_count() == r["recency_zscore"].null_count() == len(r) == 12
    assert r["days_since_last_activity"].null_count() == 0


def test_every_customer_has_one_row_at_each_month_end_from_his_first_purchase_on() -> None:
    r = rhythms(bought(c1=[0, 100], c2=[70]), points(START, END))
    counts = dict(r.group_by("customer_id").len().iter_rows())
    assert counts == {1: 6, 2: 4}
    assert r.sort("customer_id", "month_end").equals(r)


def test_repeated_days_and_the_order_of_rows_make_no_difference() -> None:
    days = bought(c1=[0, 10, 20, 40], c2=[0, 30], c3=[7])
    assert_frame_equal(rhythms(days, points(START, END)), rhythms(pl.concat([days, days])[::-1], points(START, END)))


@settings(max_examples=30, deadline=None)
@given(
    days=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 300)), min_size=1, max_size=40),
    planted=st.lists(st.tuples(st.integers(1, 9), st.integers(182, 400)), min_size=1, max_size=10),
)
def test_what_comes_after_a_month_end_never_moves_it(
    days: list[tuple[int, int]], planted: list[tuple[int, int]]
) -> None:
    def frame(rows: list[tuple[int, int]]) -> pl.DataFrame:
        return pl.DataFrame(
            [(who, START + timedelta(days=day)) for who, day in rows],
            schema={"customer_id": pl.Int64, "ordered_on": pl.Date},
            orient="row",
        )

    s = RhythmSettings(maturity_days=40, least_mature=2)
    known = frame([row for row in days if row[1] <= (END - START).days])
    alone = rhythms(known, points(START, END), settings=s)
    later = rhythms(pl.concat([known, frame(planted)]), points(START, date(2025, 2, 28)), settings=s)
    assert_frame_equal(alone, later.filter(pl.col("month_end") <= END))


def test_points_end_with_the_as_of_day_and_gaps_between_them_are_refused() -> None:
    assert points(date(2024, 1, 15), date(2024, 3, 10)) == [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 10)]
    assert month_end(date(2024, 11, 30), 3) == date(2025, 2, 28)
    for wrong in (
        [],
        [date(2024, 1, 31), date(2024, 3, 31)],
        [date(2024, 1, 15), date(2024, 1, 31)],
        [date(2024, 1, 31), date(2024, 3, 10)],
        [date(2024, 1, 31), date(2024, 1, 31)],
    ):
        with pytest.raises(RetentionError):
            check_points(wrong)


def test_a_missing_column_or_date_is_said_in_a_sentence() -> None:
    with pytest.raises(RetentionError, match="purchase_days lacks the column ordered_on"):
        rhythms(pl.DataFrame({"customer_id": [1]}), points(START, END))
    nobody = pl.DataFrame({"customer_id": [1, None], "ordered_on": [START, START]})
    with pytest.raises(RetentionError, match="without a customer"):
        rhythms(nobody, points(START, END))


def test_a_company_without_purchases_has_no_rows() -> None:
    assert rhythms(bought(), points(START, END)).is_empty()


def test_too_few_second_purchases_make_no_rhythm() -> None:
    days = bought(**{f"c{i}": [0, 5] for i in range(1, 10)})
    assert rhythms(days, points(START, END))["expected_days_between_orders"].is_null().all()
    more = bought(**{f"c{i}": [0, 5] for i in range(1, 11)})
    assert last(rhythms(more, points(START, END)), 3)["expected_days_between_orders"] == 5
