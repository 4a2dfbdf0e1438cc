"""Survival curves reproduce published figures; lapses are dated by the silence."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from clientela.retention.calendar import RetentionError, points
from clientela.retention.rhythm import rhythms
from clientela.retention.settings import StateSettings
from clientela.retention.states import states
from clientela.retention.survival import contract_durations, lapse_durations, survival_curves

START = date(2024, 1, 1)
FIXED = StateSettings(rule="fixed_days", slowing_days=30, at_risk_days=60, lapsed_days=100)
# Freireich et al. 1963, weeks of remission under 6-mercaptopurine; + is censored
SIX_MP = "6 6 6 7 10 13 16 22 23 6+ 9+ 10+ 11+ 17+ 19+ 20+ 25+ 32+ 32+ 34+ 35+".split()


def six_mp() -> pl.DataFrame:
    return pl.DataFrame(
        {"duration_days": [int(t.strip("+")) for t in SIX_MP], "has_ended": [not t.endswith("+") for t in SIX_MP]}
    )


def test_freireichs_remissions_come_out_as_published() -> None:
    curve = survival_curves(six_mp())
    at = dict(curve.select("days", "survival").iter_rows())
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {t: round(at[t], 3) for t in published} == published
    # log(-log) interval at 6 weeks (Kalbfleisch & Prentice; R survfit, conf.type = "log-log")
    row = curve.filter(pl.col("days") == 6).row(0, named=True)
    assert (round(row["survival_low"], 3), round(row["survival_high"], 3)) == (0.620, 0.952)
    assert (row["customers_at_risk"], row["customers_lapsed"], row["customers_censored"]) == (21, 3, 1)


def test_each_group_has_its_own_curve_and_nobody_is_counted_twice() -> None:
    other = pl.DataFrame({"duration_days": [5, 5, 9], "has_ended": [True, False, True], "cohort": ["b"] * 3})
    rows = pl.concat([six_mp().with_columns(cohort=pl.lit("a")), other])
    both = survival_curves(rows, "cohort")
    alone = survival_curves(six_mp())
    assert both.filter(pl.col("group") == "a").drop("group").equals(alone.drop("group"))
    ended = pl.col("customers_lapsed", "customers_censored").sum()
    assert both.group_by("group").agg(ended).sort("group").rows() == [("a", 9, 12), ("b", 2, 1)]


def test_the_curve_and_its_interval_are_those_of_an_independent_library() -> None:
    random = np.random.default_rng(11)
    days, is_lapsed = random.geometric(0.02, 400), random.random(400) < 0.6
    curve = survival_curves(pl.DataFrame({"duration_days": days, "has_ended": is_lapsed}), confidence=0.9)
    assert (curve["days"][0], curve["survival"][0], curve["survival_low"][0]) == (0, 1, 1)
    theirs = stats.ecdf(stats.CensoredData(days[is_lapsed], right=days[~is_lapsed])).sf
    interval = theirs.confidence_interval(0.9, method="log-log")
    assert curve["days"][1:].to_list() == theirs.quantiles.tolist()
    # scipy gives no interval where nobody has left or nobody is left
    is_known = np.isfinite(interval.low.probabilities)
    for name, expected in (
        ("survival", theirs.probabilities),
        ("survival_low", interval.low.probabilities),
        ("survival_high", interval.high.probabilities),
    ):
        ours = curve[name][1:].to_numpy()
        assert np.allclose(ours[is_known], expected[is_known], rtol=1e-12, atol=1e-12), name
    assert is_known.sum() > 50


@pytest.mark.parametrize(
    ("days", "ended", "expected"),
    [
        # what lifelines 0.30.3 gave: a curve has a day 0, and where all or none are left the interval is that point
        (
            [0, 0, 3, 3, 5, 5, 9],
            [0, 1, 1, 0, 1, 1, 1],
            [
                (0, 7, 1, 1, 0.8571428571428572, 0.33405387929222174, 0.9785610585261755),
                (3, 5, 1, 1, 0.6857142857142858, 0.21279740542935327, 0.9121117612054142),
                (5, 3, 2, 0, 0.22857142857142865, 0.0097796888917712, 0.6245432619841714),
                (9, 1, 1, 0, 0, 0, 0),
            ],
        ),
        (
            [2, 2, 3, 7],
            [0, 0, 1, 0],
            [
                (0, 4, 0, 0, 1, 1, 1),
                (2, 4, 0, 2, 1, 1, 1),
                (3, 2, 1, 0, 0.5, 0.005983087639145736, 0.9104100848367374),
                (7, 1, 0, 1, 0.5, 0.005983087639145736, 0.9104100848367374),
            ],
        ),
        ([2, 2], [1, 1], [(0, 2, 0, 0, 1, 1, 1), (2, 2, 2, 0, 0, 0, 0)]),
    ],
)
def test_curves_begin_on_day_0_and_end_at_a_point(
    days: list[int], ended: list[int], expected: list[tuple[float, ...]]
) -> None:
    curve = survival_curves(pl.DataFrame({"duration_days": days, "has_ended": [bool(e) for e in ended]}))
    assert curve.height == len(expected)
    for row, wanted in zip(curve.drop("group").rows(), expected, strict=True):
        assert row == pytest.approx(wanted, abs=1e-9)


def bought(**days: list[int]) -> pl.DataFrame:
    rows = [(int(who[1:]), START + timedelta(days=day)) for who, when in days.items() for day in when]
    return pl.DataFrame(rows, schema={"customer_id": pl.Int64, "ordered_on": pl.Date}, orient="row")


def test_a_lapse_is_dated_at_the_threshold_only_the_first_counts_and_silence_not_yet_passed_is_censored() -> None:
    as_of = date(2024, 12, 15)
    r = rhythms(bought(c1=[0, 20, 200], c2=[0, 300]), points(START, as_of))
    r = pl.concat([r, rhythms(bought(c3=[290]), points(START, as_of)).select(r.columns)])
    out = lapse_durations(r, states(r, FIXED))
    total = (as_of - START).days
    assert out.select("customer_id", "duration_days", "has_ended").rows() == [
        (1, 20 + 101, True),  # not 20, the day of the order before it; the lapse after day 200 is his second
        (2, 101, True),
        (3, total - 290, False),
    ]


def test_contracts_are_exact_and_what_has_not_ended_by_the_as_of_day_is_censored() -> None:
    contracts = pl.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "started_on": [START] * 3 + [date(2025, 1, 1)],
            "ends_on": [date(2024, 3, 1), date(2024, 12, 1), date(2024, 2, 1), None],
            "cancelled_on": [date(2024, 2, 1), date(2024, 5, 1), None, None],
            "cancelled_by": ["customer", "customer", None, None],
        },
        schema_overrides={"ends_on": pl.Date},
    )
    as_of = date(2024, 6, 30)
    assert contract_durations(contracts, as_of).select("customer_id", "duration_days", "has_ended").rows() == [
        (1, 60, True),
        (2, (as_of - START).days, False),  # cancelled, but it runs until December
        (3, 31, True),
    ]
    by_customer = contract_durations(contracts, as_of, only_by="customer")
    assert by_customer["has_ended"].to_list() == [True, False, False]


def test_a_confidence_that_is_none_is_refused_and_nobody_gives_no_curve() -> None:
    with pytest.raises(RetentionError, match="between 0 and 1"):
        survival_curves(six_mp(), confidence=95)
    assert survival_curves(six_mp().head(0)).is_empty()


def test_a_contract_that_came_into_sight_late_is_at_risk_from_then_on() -> None:
    # by hand: on day 10 two of three in sight; on day 20 three of four; on day 30 one of two
    durations = pl.DataFrame(
        {
            "duration_days": [10, 20, 30, 30, 20],
            "has_ended": [True, True, True, False, False],
            "entered_days": [0, 0, 0, 15, 10],
        }
    )
    curve = survival_curves(durations)
    assert curve.select("days", "customers_at_risk").rows() == [(0, 3), (10, 3), (20, 4), (30, 2)]
    assert curve["survival"].to_list() == pytest.approx([1, 2 / 3, 2 / 3 * 3 / 4, 2 / 3 * 3 / 4 / 2])


def test_what_had_ended_before_the_data_begin_is_not_taken_for_everlasting() -> None:
    rng = np.random.default_rng(1)
    days = 17_532 + rng.integers(0, 2000, 6000)  # from the first of January 2018 on
    rows = pl.DataFrame({"customer_id": np.arange(6000), "life": rng.exponential(300, 6000).astype(int)}).with_columns(
        started_on=pl.Series(days.astype(np.int32)).cast(pl.Date)
    )
    ends = (pl.col("started_on") + pl.duration(days=pl.col("life"))).cast(pl.Date)
    as_of, begin = date(2023, 6, 30), date(2022, 6, 30)
    seen = rows.with_columns(ends_on=ends).filter(pl.col("ends_on") >= begin)
    seen = seen.with_columns(
        ends_on=pl.when(pl.col("ends_on") <= as_of).then("ends_on"), cancelled_by=pl.lit("customer")
    ).with_columns(cancelled_on=pl.col("ends_on"))
    curve = survival_curves(contract_durations(seen, as_of))
    at = curve.filter(pl.col("days") <= 300)["survival"].last()
    assert at == pytest.approx(np.exp(-1), abs=0.04), "of exponential lives of 300 days"


def test_a_renewed_contract_goes_on_in_the_one_that_renews_it() -> None:
    rows = {
        "customer_id": [1, 1], "started_on": [START, date(2024, 3, 1)], "ends_on": [date(2024, 2, 29), date(2024, 5, 31)],
        "cancelled_on": [None, date(2024, 5, 1)], "cancelled_by": [None, "customer"],
        "first_started_on": [START, START], "renewed_on": [date(2024, 3, 1), None],
    }  # fmt: skip
    durations = contract_durations(pl.DataFrame(rows), date(2024, 6, 30)).sort("duration_days")
    assert durations.select("duration_days", "has_ended", "entered_days").rows() == [(59, False, 0), (151, True, 60)]
