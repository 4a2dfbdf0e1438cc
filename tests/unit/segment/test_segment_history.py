"""Intervals hold exactly what the labels said; flows add up on both sides."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from clientela.segment.history import flows, intervals, segment_at
from clientela.segment.settings import SegmentError

ENDS = [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]
SCHEMA = {"customer_id": pl.Int64, "segmentation": pl.String, "month_end": pl.Date, "segment": pl.String}


def labels(rows: list[tuple[int, str, int, str | None]]) -> pl.DataFrame:
    return pl.DataFrame([(who, kind, ENDS[at], name) for who, kind, at, name in rows], schema=SCHEMA, orient="row")


def test_a_stay_is_one_interval_and_a_return_another() -> None:
    given_labels = labels(
        [
            *[(1, "rfm", i, name) for i, name in enumerate("aaba")],
            *[(2, "rfm", i, "a") for i in (0, 1, 3)],  # missing at the third month-end
            (3, "rfm", 1, "b"),
            (1, "tier", 3, "gold"),
            (3, "rfm", 2, None),
        ]
    )
    assert intervals(given_labels).rows() == [
        (1, "rfm", "a", ENDS[0], ENDS[2], 2),
        (1, "rfm", "b", ENDS[2], ENDS[3], 1),
        (1, "rfm", "a", ENDS[3], None, 1),
        (1, "tier", "gold", ENDS[3], None, 1),
        (2, "rfm", "a", ENDS[0], ENDS[2], 2),
        (2, "rfm", "a", ENDS[3], None, 1),
        (3, "rfm", "b", ENDS[1], ENDS[2], 1),
    ]


def test_flows_show_who_moved_who_came_and_who_went() -> None:
    told = labels(
        [(1, "s", 0, "a"), (1, "s", 2, "b"), (2, "s", 0, "a"), (2, "s", 2, "a"), (3, "s", 2, "b"), (4, "s", 0, "b")]
    )
    out = flows(intervals(told), ENDS[0], ENDS[2]).select("from_segment", "to_segment", "customers")
    assert out.rows() == [("a", "a", 1), ("a", "b", 1), ("b", None, 1), (None, "b", 1)]
    with pytest.raises(SegmentError, match="forward"):
        flows(intervals(told), ENDS[2], ENDS[0])


ANY = st.lists(
    st.tuples(
        st.integers(1, 5), st.sampled_from(["s", "t"]), st.integers(0, 3), st.sampled_from(["a", "b", "c", None])
    ),
    unique_by=lambda row: row[:3],
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(rows=ANY, one=st.integers(0, 2), other=st.integers(1, 3))
def test_intervals_and_flows_agree_with_the_labels(
    rows: list[tuple[int, str, int, str | None]], one: int, other: int
) -> None:
    told = labels(rows)
    history = intervals(told)
    for end in told["month_end"].unique():
        known = told.filter((pl.col("month_end") == end) & pl.col("segment").is_not_null())
        assert_frame_equal(segment_at(history, end), known.drop("month_end").sort("customer_id", "segmentation"))
    assert history["month_ends"].sum() == told["segment"].drop_nulls().len()
    begin, end = ENDS[min(one, other - 1)], ENDS[other]
    out = flows(history, begin, end)
    for day, side in ((begin, "from_segment"), (end, "to_segment")):
        added = out.drop_nulls(side).group_by("segmentation", segment=side).agg(n=pl.col("customers").sum())
        sizes = segment_at(history, day).group_by("segmentation", "segment").agg(n=pl.len().cast(pl.Int64))
        assert_frame_equal(added, sizes, check_row_order=False)


def test_later_labels_only_close_or_add_intervals() -> None:
    rows: list[tuple[int, str, int, str | None]] = [(1, "s", i, name) for i, name in enumerate("aabb")]
    early, whole = intervals(labels(rows[:2])), intervals(labels(rows))
    assert early.row(0)[:4] == whole.row(0)[:4]
    assert (early["valid_to"][0], whole["valid_to"][0]) == (None, ENDS[2])


def test_a_customer_labelled_twice_and_a_missing_column_are_refused() -> None:
    with pytest.raises(SegmentError, match="more than once"):
        intervals(labels([(1, "s", 0, "a"), (1, "s", 0, "b")]))
    with pytest.raises(SegmentError, match="lacks the column segment"):
        intervals(labels([]).drop("segment"))
