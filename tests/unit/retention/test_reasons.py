"""Reasons are few, named in order, and left out where their columns are missing; the two values by their formulas."""

import polars as pl
import pytest

from clientela.retention.calendar import RetentionError
from clientela.retention.reasons import available_reasons, reason_lifts, reasons, values_in_doubt
from clientela.retention.settings import ReasonSettings

ROWS = pl.DataFrame(
    {
        "customer_id": [1, 2, 3, 4],
        "recency_zscore": [2.5, 0.0, None, 2.0],
        "open_complaints": [1, 0, 2, None],
        "categories_now": [1, 2, 0, 0],
        "categories_before": [4, 4, 0, 1],
        "has_withdrawn_consent": [False, None, True, False],
    }
)


def test_the_reasons_are_named_in_order_and_unknown_is_no_reason() -> None:
    out = reasons(ROWS)
    assert out["reasons"].to_list() == [
        "rhythm_broken, complaint_open, fewer_categories",
        None,
        "complaint_open, contact_withdrawn",
        "fewer_categories",
    ]
    assert out["main_reason"].to_list() == ["rhythm_broken", None, "complaint_open", "fewer_categories"]
    turned = reasons(ROWS, ReasonSettings(order=("contact_withdrawn", "complaint_open")))
    assert turned["main_reason"].to_list() == ["complaint_open", None, "contact_withdrawn", None]


def test_a_reason_whose_columns_are_missing_is_left_out_by_name() -> None:
    rows = ROWS.drop("open_complaints", "categories_before")
    assert available_reasons(rows.columns) == ["rhythm_broken", "contact_withdrawn"]
    assert "complaint_open" not in reasons(rows).columns
    nothing = reasons(ROWS.select("customer_id"))
    assert nothing["main_reason"].null_count() == nothing["reasons"].null_count() == 4


def test_the_past_says_which_reason_weighs_most() -> None:
    rows = pl.DataFrame(
        {
            "rhythm_broken": [True] * 4 + [False] * 6,
            "complaint_open": [True, False] * 5,
            "churned": [True, True, True, False, False, False, False, False, True, None],
        }
    )
    out = reason_lifts(rows)
    assert out["reason"].to_list() == ["rhythm_broken", "complaint_open"]
    assert out.row(0, named=True) == {
        "reason": "rhythm_broken",
        "customers": 4,
        "churn_rate_with": 0.75,
        "churn_rate_without": 0.2,
        "lift": pytest.approx(3.75),
    }


def test_value_in_doubt_and_at_risk_follow_their_formulas_and_the_gone_carry_no_risk() -> None:
    rows = pl.DataFrame(
        {
            "state": ["active", "lapsed", "cancelled", "slowing"],
            "expected_value_given_order": [200.0, 50.0, 10.0, -10.0],
            "expected_value": [180.0, 5.0, 0.0, -5.0],
            "churn_probability": [0.25, 0.9, 1.0, 0.5],
        }
    )
    out = values_in_doubt(rows)
    assert out["value_already_discounted"].to_list() == pytest.approx([20.0, 45.0, 10.0, -5.0])
    assert out["value_at_risk"].to_list() == [45.0, 0.0, 0.0, -2.5]
    with pytest.raises(RetentionError, match="between 0 and 1"):
        values_in_doubt(rows.with_columns(churn_probability=pl.lit(1.5)))
