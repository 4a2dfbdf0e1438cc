"""A customer at a boundary does not flip; held values follow from the month-ends up to them."""

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from clientela.segment.hysteresis import hold_labels, hold_tiers
from clientela.segment.settings import SegmentError


def months(n: int) -> list[date]:
    return [date(2024 + i // 12, i % 12 + 1, 28) for i in range(n)]


def frame(**customers: Sequence[object]) -> pl.DataFrame:
    parts = [
        pl.DataFrame({"customer_id": int(who[1:]), "month_end": months(len(seen)), "x": seen})
        for who, seen in customers.items()
    ]
    return pl.concat(parts, how="vertical_relaxed")


def tiers(values: Sequence[object], margin: float) -> list[object]:
    return hold_tiers(frame(c1=values), "x", [100, 1000], margin)["tier"].to_list()


def test_a_value_that_wavers_about_a_boundary_keeps_its_tier() -> None:
    wavering = [98.0, 103.0, 97.0, 105.0, 99.0]
    assert tiers(wavering, 0.0) == [0, 1, 0, 1, 0]
    assert tiers(wavering, 0.1) == [0] * 5
    assert tiers([103.0, *wavering], 0.1) == [1] * 6


def test_a_value_clear_of_the_boundary_moves_at_once_over_several_tiers_too() -> None:
    assert tiers([50.0, 110.0, 95.0, 89.0, 5000.0, 950.0, 80.0], 0.1) == [0, 1, 1, 0, 2, 2, 0]


def test_gaps_keep_the_tier_and_nobody_has_one_before_his_first_value() -> None:
    assert tiers([None, 95.0, None, 2000.0, None], 0.1) == [None, 0, 0, 2, 2]
    two = hold_tiers(frame(c1=[2000.0, None], c2=[None, 95.0]), "x", [100, 1000], 0.1)
    assert two["tier"].to_list() == [2, 2, None, 0]  # and nobody has another's


def test_boundaries_may_be_columns_of_the_month_and_must_rise() -> None:
    rows = frame(c1=[10.0, 10.0, 10.0]).with_columns(low=pl.Series([5.0, 20.0, 5.0]), high=pl.Series([30.0] * 3))
    assert hold_tiers(rows, "x", ["low", "high"], 0.1)["tier"].to_list() == [1, 0, 1]
    with pytest.raises(SegmentError, match="must rise"):
        hold_tiers(rows, "x", ["high", "low"], 0.1)


def test_a_negative_boundary_has_its_band_around_it() -> None:
    seen = hold_tiers(frame(c1=[-101.0, -99.0, -95.0, -89.0, -105.0, -111.0]), "x", [-100], 0.1)
    assert seen["tier"].to_list() == [0, 0, 0, 1, 1, 0]


def test_a_label_is_taken_once_it_has_stood_long_enough() -> None:
    rows = frame(c1=["a", "b", "a", "b", "b", "b", "c", "a"], c2=["b", "a", "a", "b", "b", "b", "b", "b"])
    held = hold_labels(rows, "x", 2)
    assert held.filter(pl.col("customer_id") == 1)["x"].to_list() == ["a", "a", "a", "a", "b", "b", "b", "b"]
    assert held.filter(pl.col("customer_id") == 2)["x"].to_list() == ["b", "b", "a", "a", "b", "b", "b", "b"]
    assert hold_labels(rows, "x", 2, "held").columns == ["customer_id", "month_end", "x", "held"]


def test_a_customer_without_a_label_before_has_their_first_at_once() -> None:
    rows = frame(c1=[None, None, "a", "b", "b", None, "b", None, None, "a", "a"], c2=[None])
    held = hold_labels(rows.with_columns(score=pl.int_range(pl.len())), "x", 2, reason="score")
    one = held.filter(pl.col("customer_id") == 1)
    assert one["x"].to_list() == [None, None, "a", "a", "b", "b", "b", "b", None, None, "a"]
    assert one["held_score"].to_list() == [0, 1, 2, 2, 4, 4, 6, 6, 8, 8, 10]


LABELS = st.lists(st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=10), min_size=1, max_size=4)
VALUES = st.lists(st.lists(st.floats(0, 2000), min_size=1, max_size=10), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(seen=LABELS, wait=st.integers(1, 4), cut=st.integers(1, 9))
def test_held_labels_follow_from_the_month_ends_up_to_them(seen: list[list[str | None]], wait: int, cut: int) -> None:
    rows = frame(**{f"c{i}": list(one) for i, one in enumerate(seen)}).with_columns(pl.col("x").cast(pl.String))
    whole = hold_labels(rows.sample(fraction=1, shuffle=True, seed=1), "x", wait)
    early = pl.col("month_end") <= months(cut)[-1]
    assert_frame_equal(hold_labels(rows.filter(early), "x", wait), whole.filter(early))
    assert_frame_equal(hold_labels(rows, "x", 1), rows.sort("customer_id", "month_end"))
    for one, held in zip(seen, whole.group_by("customer_id", maintain_order=True).agg("x")["x"], strict=True):
        assert held.to_list() == _held_slowly(one, wait)


def _held_slowly(seen: list[str | None], wait: int) -> list[str | None]:
    """The rule as one would tell it, month by month."""
    held, stood, out = seen[0], 0, []
    for i, label in enumerate(seen):
        stood = stood + 1 if i and label == seen[i - 1] else 1
        if stood >= wait or not any(seen[:i]):
            held = label
        out.append(held)
    return out


@settings(max_examples=40, deadline=None)
@given(seen=VALUES, cut=st.integers(1, 9), margin=st.sampled_from([0.0, 0.1, 0.5]))
def test_held_tiers_follow_from_the_month_ends_up_to_them(seen: list[list[float]], cut: int, margin: float) -> None:
    rows = frame(**{f"c{i}": list(one) for i, one in enumerate(seen)})
    whole = hold_tiers(rows, "x", [100, 1000], margin)
    early = pl.col("month_end") <= months(cut)[-1]
    assert_frame_equal(hold_tiers(rows.filter(early), "x", [100, 1000], margin), whole.filter(early))
    plain = hold_tiers(rows, "x", [100, 1000], 0.0)
    assert plain["tier"].equals(plain.select((pl.col("x") >= 100).cast(int) + (pl.col("x") >= 1000).cast(int))["x"])


def test_a_customer_twice_at_a_month_end_and_margins_out_of_range_are_refused() -> None:
    rows = frame(c1=[1.0])
    with pytest.raises(SegmentError, match="more than once"):
        hold_labels(pl.concat([rows, rows]), "x", 2)
    with pytest.raises(SegmentError, match="margin"):
        hold_tiers(rows, "x", [1], 1.0)
    with pytest.raises(SegmentError, match="one month-end or more"):
        hold_labels(rows, "x", 0)
    with pytest.raises(SegmentError, match="at least one boundary"):
        hold_tiers(rows, "x", [], 0.1)


def test_the_reason_beside_a_held_label_is_the_last_that_gave_it() -> None:
    rows = frame(c1=["a", "a", "b", "a", "b", "b"], c2=["b"]).with_columns(
        score=pl.Series([11, 12, 21, 13, 22, 23, 24])
    )
    held = hold_labels(rows, "x", 2, reason="score")
    assert held["x"].to_list() == ["a", "a", "a", "a", "a", "b", "b"]
    assert held["held_score"].to_list() == [11, 12, 12, 13, 13, 23, 24]
    assert held["score"].to_list() == rows["score"].to_list()
