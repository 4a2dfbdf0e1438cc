"""The parts of a KPI sum to the whole, its ratios come from their parts, and where there is no value the reason says why."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientela.objective.columns import COMPANY, FACTS
from clientela.objective.kpis import NO_SEGMENT, NOTHING, VALUES_SCHEMA, kpi_values
from tests.unit.objective.definitions import kpi, shipped

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
_TYPES: dict[str, Any] = {
    "VARCHAR": pl.String, "DATE": pl.Date, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean, "DOUBLE": pl.Float64,
}  # fmt: skip


def rows(facts: str, *given: dict[str, Any]) -> pl.DataFrame:
    """Rows of the facts; what is not given is null."""
    schema = {name: _TYPES.get(kind, pl.Decimal(18, 4)) for name, kind in FACTS[facts].columns.items()}
    complete: list[dict[str, Any]] = [dict.fromkeys(schema) | {"month": JANUARY} | row for row in given]
    return pl.DataFrame(complete, schema=schema, orient="row")


def values(
    definitions: list[dict[str, Any]], *given: dict[str, Any], delivered: frozenset[str] = frozenset()
) -> pl.DataFrame:
    frame = rows("customer_months", *given).to_arrow()
    return kpi_values({"customer_months": lambda: frame}, definitions, [JANUARY, FEBRUARY], delivered)


def value(frame: pl.DataFrame, segment: str = COMPANY, month: date = JANUARY) -> Any:
    return frame.filter(pl.col("segment") == segment, pl.col("month") == month)["value"].to_list()[0]


CUSTOMER = st.fixed_dictionaries(
    {
        "month": st.sampled_from([JANUARY, FEBRUARY]),
        "value_tier": st.sampled_from([None, "low", "high"]),
        "previous_value_tier": st.sampled_from([None, "low", "high"]),
        "channel": st.sampled_from([None, "web", "store"]),
        "is_current_customer": st.sampled_from([None, True, False]),
        "was_current_customer": st.booleans(),
        "is_in_top_tenth": st.booleans(),
        "is_new_customer": st.booleans(),
        "vin": st.one_of(st.none(), st.floats(-1e6, 1e6)),
        "expected_value": st.one_of(st.none(), st.floats(-1e6, 1e6)),
        "engagement_score": st.one_of(st.none(), st.floats(0, 100)),
        "orders_12m": st.integers(0, 4),
    }
)


@settings(max_examples=25, deadline=None)
@given(st.lists(CUSTOMER, max_size=12))
def test_parts_sum_to_the_whole_and_ratios_come_from_their_parts(customers: list[dict[str, Any]]) -> None:
    found = values(shipped(), *customers)
    assert dict(found.schema) == VALUES_SCHEMA
    whole = found.filter(pl.col("scope") == COMPANY)
    assert whole.group_by("kpi").len()["len"].to_list() == [2] * 16, "every month, whether there is a value or not"
    parts = found.filter(pl.col("scope") != COMPANY).group_by("kpi", "month", "scope")
    summed = parts.agg(pl.col("numerator").sum(), pl.col("denominator").sum())
    for row in summed.join(whole, on=["kpi", "month"], suffix="_whole").iter_rows(named=True):
        assert row["numerator"] == pytest.approx(row["numerator_whole"], abs=1e-6, rel=1e-12), row
        assert row["denominator"] == pytest.approx(row["denominator_whole"] or 0, abs=1e-6, rel=1e-12), row
    for row in found.iter_rows(named=True):
        if row["value"] is None:
            assert row["no_value_reason"], row
        else:
            assert row["value"] == row["numerator"] / (1 if row["denominator"] is None else row["denominator"]), row
            assert row["no_value_reason"] is None


@settings(max_examples=8, deadline=None)
@given(st.lists(CUSTOMER, max_size=12), st.randoms())
def test_the_order_of_rows_changes_nothing(customers: list[dict[str, Any]], chance: Any) -> None:
    shuffled = list(customers)
    chance.shuffle(shuffled)
    assert values(shipped(), *customers).equals(values(shipped(), *shuffled))


def test_sums_are_exact() -> None:
    total = kpi(aggregation="sum", numerator="vin", denominator=None)
    assert value(values([total], {"vin": 1e15}, {"vin": 0.1}, {"vin": -1e15})) == 0.1


def test_a_share_asks_the_rows_of_its_denominator_alone() -> None:
    customers = [
        {"is_current_customer": False, "was_current_customer": True, "previous_value_tier": "high", "value_tier": None},
        {"is_current_customer": True, "was_current_customer": True, "previous_value_tier": "low", "value_tier": "high"},
        {"is_current_customer": True, "was_current_customer": False},
    ]
    found = values([kpi()], *customers)
    assert value(found) == 0.5
    assert value(found.filter(pl.col("scope") == "value_tier"), "high") == 1, "by the segment that they began in"
    at_end = values([kpi(segments_at="end")], *customers).filter(pl.col("scope") == "value_tier")
    assert value(at_end, NO_SEGMENT) == 1 and value(at_end, "high") == 0


def test_a_ratio_counts_a_row_whose_both_sides_are_known() -> None:
    ratio = kpi(aggregation="ratio", numerator="cost_to_serve", denominator="contribution")
    found = values([ratio], {"cost_to_serve": 10, "contribution": 40}, {"cost_to_serve": 5}, {"contribution": 100})
    assert value(found) == 0.25


def test_a_mean_is_over_the_rows_that_know_it_and_true_adds_one() -> None:
    mean = kpi(aggregation="mean", numerator="satisfaction_12m", denominator=None)
    assert value(values([mean], {"satisfaction_12m": 8.0}, {"satisfaction_12m": 6.0}, {})) == 7
    count = kpi(aggregation="sum", numerator="is_customer", denominator=None)
    assert value(values([count], {"is_customer": True}, {"is_customer": True}, {"is_customer": False}, {})) == 2


def test_a_row_that_cannot_be_computed_is_not_known_and_ends_nothing() -> None:
    bad = kpi(aggregation="sum", numerator="cast(state as integer)", denominator=None)
    assert value(values([bad], {"state": "3"}, {"state": "three"})) == 3
    endless = kpi(aggregation="sum", numerator="power(10, orders)", denominator=None)
    assert value(values([endless], {"orders": 2}, {"orders": 400})) == 100


def test_without_a_value_the_reason_says_what_is_missing() -> None:
    asks = kpi(needs="consents, cost_rates")
    reasons = values([asks], delivered=frozenset({"consents"}))["no_value_reason"].to_list()
    assert reasons == ["missing: cost_rates"] * 2
    assert values([asks], delivered=frozenset({"consents", "cost_rates"}))["no_value_reason"].to_list() == [NOTHING] * 2


def test_a_definition_that_no_longer_computes_has_no_value_and_keeps_no_other_from_one() -> None:
    found = values(
        [kpi("old", numerator="gone"), kpi("good")], {"is_current_customer": True, "was_current_customer": True}
    )
    reason = found.filter(pl.col("kpi") == "old")["no_value_reason"].to_list()[0]
    assert "the definition does not compute: the KPI 'old', numerator: customer_months has no column 'gone'" in reason
    assert value(found.filter(pl.col("kpi") == "good")) == 0
