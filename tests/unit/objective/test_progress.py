"""Objectives against plan: where they begin, the way to the target, what came, where it is heading, and what moved it."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientela.objective.columns import COMPANY
from clientela.objective.kpis import VALUES_SCHEMA
from clientela.objective.progress import STATED_BASELINE, progress
from tests.unit.objective.definitions import kpi, objective

#: what each segment adds in each month: (numerator, denominator)
Parts = dict[str, list[tuple[float, float]]]


def month(number: int) -> date:
    """0 is December 2024."""
    return date(2024 + (number + 11) // 12, (number + 11) % 12 + 1, 1)


def values(parts: Parts, name: str = "churn rate", first: int = 0) -> pl.DataFrame:
    """The values of a KPI from its parts, cut by value_tier."""
    months = []
    for segment, series in parts.items():
        for number, (numerator, denominator) in enumerate(series):
            months.append((month(first + number), "value_tier", segment, float(numerator), float(denominator)))
    for number in range(max(len(series) for series in parts.values())):
        of_month = [row for row in months if row[0] == month(first + number) and row[1] == "value_tier"]
        months.append(
            (month(first + number), COMPANY, COMPANY, sum(r[3] for r in of_month), sum(r[4] for r in of_month))
        )
    rows = [(name, *row, row[3] / row[4] if row[4] else None, None) for row in months]
    return pl.DataFrame(rows, schema=VALUES_SCHEMA, orient="row")


def follow(
    parts: Parts, until: int, kpis: list[dict[str, Any]] | None = None, **given: Any
) -> tuple[Any, pl.DataFrame]:
    reached, moved = progress([objective(**given)], kpis or [kpi()], values(parts), month(until))
    return reached.to_dicts(), moved


def test_a_tenth_less_of_what_it_was_in_the_month_before_by_a_straight_path() -> None:
    rows, _ = follow({"high": [(20, 100)] * 4}, until=3)
    assert [row["month"] for row in rows] == [month(number) for number in range(13)]
    assert rows[0]["baseline"] == 0.2 and rows[0]["target"] == pytest.approx(0.18)
    assert [row["path"] for row in rows] == pytest.approx([0.2 - 0.02 * number / 12 for number in range(13)])
    assert [row["actual"] for row in rows] == [0.2] * 4 + [None] * 9
    assert [row["status"] for row in rows] == ["baseline", "off track", "off track", "off track", *["to come"] * 9]
    assert not any(row["is_on_track"] for row in rows)


def test_it_is_judged_by_its_forecast_and_in_its_month_by_what_came() -> None:
    falling = [(20 - number, 100) for number in range(13)]
    rows, _ = follow({"high": falling}, until=12)
    assert [row["status"] for row in rows[1:]] == ["on track"] * 11 + ["met"]
    assert follow({"high": [(20, 100)] * 13}, until=12)[0][-1]["status"] == "missed"
    # the first months have no forecast yet, and are judged by the path
    assert rows[1]["forecast_at_due"] is None and rows[2]["forecast_at_due"] is not None
    later = rows[8]
    assert later["forecast_at_due_p10"] <= later["forecast_at_due"] <= later["forecast_at_due_p90"] < 0.2


def test_a_target_above_the_baseline_is_reached_from_below() -> None:
    rising, better = {"high": [(10 + number, 100) for number in range(13)]}, [kpi(is_higher_better=True)]
    rows, _ = follow(rising, until=12, kpis=better, target=0.15, target_kind=None)
    assert rows[-1]["status"] == "met" and rows[-1]["path"] == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("is_higher_better", "statuses"),
    [
        # 0.22 of what should be many is above 0.20 in the first month, and falls to 0.10
        (True, {"off track", "missed"}),
        (False, {"on track", "met"}),
        # of a KPI without a better side, the way from the baseline to the target is the wanted one
        (None, {"on track", "met"}),
    ],
)
def test_a_value_that_the_baseline_has_passed_already_is_held_by_the_better_side(
    is_higher_better: bool | None, statuses: set[str]
) -> None:
    falling = [(22 - number, 100) for number in range(13)]
    given = {"target": 0.2, "target_kind": "value"}
    rows, _ = follow({"high": falling}, until=12, kpis=[kpi(is_higher_better=is_higher_better)], **given)
    assert rows[0]["baseline"] == 0.22 and {row["status"] for row in rows[5:]} == statuses


def test_a_value_over_several_months_divides_their_sums() -> None:
    rows, _ = follow({"high": [(1, 10), (2, 10), (9, 30), (4, 10)]}, until=3, months=2, started_on=date(2025, 2, 1))
    assert rows[0]["actual"] == rows[0]["baseline"] == 3 / 20
    assert rows[1]["actual"] == 11 / 40 and rows[2]["actual"] == 13 / 40


def test_of_a_sum_the_mean_of_its_months_is_taken() -> None:
    total = kpi("VIN", aggregation="sum", numerator="vin", denominator=None)
    series = values({"high": [(10, 1), (20, 1), (60, 1)]}, "VIN").with_columns(denominator=pl.lit(None, pl.Float64))
    reached, _ = progress(
        [objective(kpi="VIN", months=2, started_on=date(2025, 2, 1))], [total], series, month(2)
    )  # fmt: skip
    assert reached["actual"].to_list()[:2] == [15, 40]


def test_the_reason_is_said_where_there_is_no_value() -> None:
    rows, moved = follow({"high": [(1, 10)]}, until=3, started_on=date(2024, 11, 1))
    assert rows[0]["no_value_reason"].startswith("there is no value of churn rate in the month until 2024-10")
    assert {row["status"] for row in rows[:4]} == {"no value"} and moved.is_empty()
    reached, _ = progress([objective(kpi="gone")], [kpi()], values({"high": [(1, 10)]}), month(0))
    assert reached["no_value_reason"].to_list() == [
        "the objective 'lose fewer': there is no KPI 'gone'; there are: churn rate."
    ]
    none, _ = progress([objective()], [kpi()], values({"high": [(1, 10)]}), None)
    assert set(none["status"].to_list()) == {"to come"}


SEGMENT = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=4, max_size=4)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["low", "medium", "high", "none"]), SEGMENT, min_size=1),
    st.sampled_from(["share", "sum"]),
    st.sampled_from([None, 0.3]),
    st.integers(1, 2),
)
def test_what_segments_contribute_sums_to_the_change(
    parts: Parts, aggregation: str, baseline: float | None, months: int
) -> None:
    series = values(parts)
    definition = kpi()
    if aggregation == "sum":
        series = series.with_columns(denominator=pl.lit(None, pl.Float64))
        definition = kpi(aggregation="sum", numerator="vin", denominator=None)
    asked = objective(baseline=baseline, months=months, started_on=date(2025, 2, 1))
    reached, moved = progress([asked], [definition], series, month(3))
    summed = dict(moved.group_by("month").agg(pl.col("contribution").sum()).iter_rows())
    for row in reached.filter(pl.col("change").is_not_null(), pl.col("month") > month(1)).iter_rows(named=True):
        if row["month"] in summed:
            assert summed[row["month"]] == pytest.approx(row["change"], abs=1e-9)
    stated = moved.filter(pl.col("segment") == STATED_BASELINE)
    assert stated.is_empty() or baseline is not None


def test_a_segment_moves_it_by_what_it_changes_and_by_what_it_weighs() -> None:
    _, moved = follow({"high": [(10, 100), (20, 100)], "low": [(10, 100), (10, 100)]}, until=1)
    assert {row["segment"]: pytest.approx(row["contribution"]) for row in moved.to_dicts()} == {"high": 0.05, "low": 0}
    # nobody behaves otherwise than before, and there are more of those who leave
    _, moved = follow({"high": [(30, 100), (90, 300)], "low": [(10, 100), (10, 100)]}, until=1)
    contributed = {row["segment"]: row["contribution"] for row in moved.to_dicts()}
    assert contributed["high"] == pytest.approx(0.1 * 300 / 400 - 0.1 * 100 / 200)
    assert contributed["low"] == pytest.approx(-0.1 * 100 / 400 + 0.1 * 100 / 200)
