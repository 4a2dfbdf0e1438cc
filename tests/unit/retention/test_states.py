"""States follow their rules at every month-end, and from nothing that comes after it."""

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from clientela.retention.calendar import RetentionError, points
from clientela.retention.rhythm import rhythms
from clientela.retention.settings import RhythmSettings, StateSettings
from clientela.retention.states import contract_months, states

START = date(2024, 1, 1)
END = date(2024, 12, 31)
FIXED = StateSettings(rule="fixed_days", slowing_days=30, at_risk_days=60, lapsed_days=100)


def bought(**days: list[int]) -> pl.DataFrame:
    rows = [(int(who[1:]), START + timedelta(days=day)) for who, when in days.items() for day in when]
    return pl.DataFrame(rows, schema={"customer_id": pl.Int64, "ordered_on": pl.Date}, orient="row")


def states_of(frame: pl.DataFrame, customer: int) -> list[str]:
    return frame.filter(pl.col("customer_id") == customer)["state"].to_list()


def contract(
    who: int, start: date, ends: date | None = None, cancelled: date | None = None, by: str | None = None
) -> pl.DataFrame:
    schema = {
        "customer_id": pl.Int64,
        "started_on": pl.Date,
        "ends_on": pl.Date,
        "cancelled_on": pl.Date,
        "cancelled_by": pl.String,
    }
    return pl.DataFrame([(who, start, ends, cancelled, by)], schema=schema, orient="row")


def test_a_customer_goes_down_the_ladder_of_the_fixed_rule_and_returns() -> None:
    r = rhythms(bought(c1=[0, 250]), points(START, END))
    # silent 30, 59, 90, 120 ... days; he orders again on the 7th of September and is at rest after that
    assert states_of(states(r, FIXED), 1) == [
        "new",
        "slowing",
        "at_risk",
        *["lapsed"] * 5,
        "returned",
        "slowing",
        "at_risk",
        "lapsed",
    ]


def test_new_and_returned_wear_off_into_active() -> None:
    r = rhythms(bought(c1=[*range(0, 60, 10), *range(200, 366, 10)]), points(START, END))
    s = StateSettings(rule="fixed_days", new_days=30, returned_days=40)
    assert states_of(states(r, s.model_copy(update={"lapsed_days": 110})), 1) == [
        "new",
        "active",
        "active",
        "slowing",
        "at_risk",
        "lapsed",  # silent 126 days
        "returned",
        "returned",
        *["active"] * 4,
    ]


def test_who_was_there_before_the_data_begin_is_never_called_new() -> None:
    r = rhythms(bought(c1=range(0, 360, 10), c2=range(60, 360, 10)), points(START, END))  # type: ignore[arg-type]
    out = states(r, FIXED, new_from=date(2024, 2, 1))
    assert "new" not in states_of(out, 1) and states_of(out, 2)[:2] == ["new"] * 2


def test_by_rhythm_the_weekly_buyer_lapses_before_the_quarterly_one() -> None:
    weekly, quarterly = list(range(0, 180, 7)), [0, 90, 180]
    r = rhythms(bought(c1=weekly, c2=quarterly), points(START, END), settings=RhythmSettings(cohort_gaps=0.01))
    by_rhythm = states(r)
    assert states_of(by_rhythm, 1).index("lapsed") < len(states_of(by_rhythm, 2))
    assert "lapsed" in states_of(by_rhythm, 1) and states_of(by_rhythm, 2)[7] in ("active", "slowing")
    assert states_of(states(r, FIXED), 1)[-1] == states_of(states(r, FIXED), 2)[-1] == "lapsed"


def test_the_rules_are_read_in_spreads_beyond_the_rhythm_and_within_limits() -> None:
    rows = pl.DataFrame(
        {
            "customer_id": range(1, 8),
            "month_end": [END] * 7,
            "first_ordered_on": [START] * 7,
            "last_ordered_on": [END - timedelta(days=d) for d in (40, 41, 61, 81, 44, 46, 800)],
            "days_since_last_activity": [40, 41, 61, 81, 44, 46, 800],
            "expected_days_between_orders": [20.0, 20.0, 20.0, 20.0, 3.0, 3.0, 500.0],
            "stddev_days_between_orders": [20.0, 20.0, 20.0, 20.0, 2.0, 2.0, 400.0],
        }
    )
    out = states(rows)
    assert out["state"].to_list() == ["active", "slowing", "at_risk", "lapsed", "at_risk", "lapsed", "lapsed"]
    assert out["lapses_after_days"].to_list() == [80, 80, 80, 80, 45, 45, 730]


def test_a_lapse_is_dated_when_the_silence_passes_and_ends_with_an_order_only() -> None:
    r = rhythms(bought(c1=[0, 250]), points(START, END))
    out = states(r, FIXED)
    lapsed = out.filter(pl.col("state") == "lapsed")
    assert lapsed["lapsed_on"].to_list() == [START + timedelta(days=101)] * 5 + [START + timedelta(days=351)]
    assert set(lapsed["lapses_after_days"]) == {100}


def test_what_a_silence_is_measured_by_does_not_move_while_it_lasts() -> None:
    r = rhythms(bought(c1=[0, 200]), points(START, END)).with_columns(
        expected_days_between_orders=pl.when(pl.col("month_end") > date(2024, 6, 1)).then(300.0).otherwise(30.0),
        stddev_days_between_orders=pl.lit(5.0),
    )
    out = states(r)
    assert states_of(out, 1) == ["new", *["lapsed"] * 5, "returned", "returned", "returned", *["active"] * 3]
    assert out["lapses_after_days"].to_list() == [45] * 6 + [315] * 6
    assert set(out["lapsed_on"][1:6]) == {START + timedelta(days=46)}


def test_a_contract_keeps_a_silent_customer_and_its_end_is_reported_with_the_will() -> None:
    ends = points(START, END)
    contracts = pl.concat(
        [
            contract(1, START, date(2024, 9, 15), date(2024, 8, 1), "customer"),
            contract(2, START, date(2024, 3, 31)),
            contract(3, START, None, date(2024, 5, 5), "company"),
            contract(3, date(2024, 8, 1)),
            contract(4, date(2024, 2, 1)),
        ]
    )
    out = states(rhythms(bought(c1=[0], c4=[0]), ends), FIXED, contract_months(contracts, ends))
    assert states_of(out, 1) == ["new", *["slowing"] * 7, *["cancelled"] * 4]
    assert out.filter(pl.col("state") == "cancelled").group_by("customer_id").agg(pl.col("cancelled_by").unique()).sort(
        "customer_id"
    ).rows() == [(1, ["customer"]), (2, ["expiry"]), (3, ["company"])]
    assert states_of(out, 2) == ["new", "new", "new", *["cancelled"] * 9]  # its last day is the 31st of March
    assert states_of(out, 3)[4:9] == ["cancelled"] * 3 + ["returned"] * 2
    assert states_of(out, 4)[-1] == "slowing"


def test_a_silent_customer_is_gone_from_the_day_after_the_contract_that_kept_them() -> None:
    ends = points(START, END)
    contracts = pl.concat([contract(1, START, date(2024, 9, 15)), contract(2, START, date(2024, 2, 10))])
    out = states(rhythms(bought(c1=[0], c2=[0]), ends), FIXED, contract_months(contracts, ends))
    lapsed = out.drop_nulls("lapsed_on").group_by("customer_id").agg(pl.col("lapsed_on").unique()).sort("customer_id")
    assert lapsed.rows() == [(1, [date(2024, 9, 16)]), (2, [START + timedelta(days=101)])]


def test_who_buys_on_after_his_contract_is_judged_by_his_purchases() -> None:
    ends = points(START, END)
    ended = contract_months(contract(1, START, date(2024, 2, 10)), ends)
    out = states(rhythms(bought(c1=range(0, 180, 10)), ends), FIXED, ended)  # type: ignore[arg-type]
    assert states_of(out, 1) == ["new"] * 3 + ["active"] * 3 + [
        "slowing",
        "at_risk",
        "lapsed",
        "lapsed",
        "lapsed",
        "lapsed",
    ]


def test_an_end_announced_ahead_is_no_end_yet() -> None:
    ends = points(START, date(2024, 6, 30))
    announced = contract(1, START, date(2024, 9, 30), date(2024, 3, 1), "customer")
    assert contract_months(announced, ends)["has_contract"].all()


def test_where_only_the_cancellation_is_known_it_is_over_on_that_day() -> None:
    ends = points(START, date(2024, 6, 30))
    last = date(2024, 5, 31)
    known = pl.concat([contract(1, START, None, last, "customer"), contract(2, START, last, last, "customer")])
    at = contract_months(known, ends).filter(pl.col("month_end") == last)
    assert dict(at.select("customer_id", "has_contract").iter_rows()) == {1: False, 2: True}


def test_the_state_at_a_month_end_follows_from_the_month_ends_up_to_it() -> None:
    days = bought(**{f"c{i}": [i * 3 % 50 + j * (5 + i) for j in range(i % 7 + 1)] for i in range(1, 60)})
    cut = date(2024, 7, 31)
    planted = pl.concat([days, bought(c1=[300], c2=[301, 310], c99=[290])])
    whole = states(rhythms(planted, points(START, END)))
    early = states(rhythms(days, points(START, cut)))
    assert_frame_equal(early, whole.filter(pl.col("month_end") <= cut))


def test_thresholds_out_of_order_and_doubled_rows_are_refused() -> None:
    with pytest.raises(ValidationError, match="must not fall"):
        StateSettings(slowing_spreads=3, at_risk_spreads=2)
    r = rhythms(bought(c1=[0, 10]), points(START, END))
    with pytest.raises(RetentionError, match="more than once"):
        states(pl.concat([r, r]))
