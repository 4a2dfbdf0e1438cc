"""The churn model learns from known outcomes only, is used only where it wins, and always gives the same figures."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clientela.retention.calendar import RetentionError, month_end, points
from clientela.retention.churn import Comparison, deciles_of, fit_churn, outcomes, snapshots
from clientela.retention.rhythm import rhythms
from clientela.retention.settings import ChurnSettings
from clientela.retention.states import states

AS_OF = date(2024, 9, 30)
FAST = ChurnSettings(boosting_rounds=20, origins=2, training_snapshots=4, max_training_rows=20_000)
ENDS = [month_end(date(2024, 1, 1), k) for k in range(9)]


def rows(truth: str, customers: int = 1200, seed: int = 0) -> pl.DataFrame:
    """Nine month-ends whose churn follows days_since_last_activity, p_alive, or an interaction only a model sees."""
    rng = np.random.default_rng(seed)
    n = customers * len(ENDS)
    silent, alive, complaints = rng.integers(0, 200, n), rng.uniform(0.02, 0.98, n), rng.integers(0, 2, n)
    chance = {
        "recency": silent / 220,
        "p_alive": 1 - alive,
        "model": np.where((complaints > 0) == (silent > 100), 0.9, 0.1),
    }[truth]
    return pl.DataFrame(
        {
            "customer_id": np.tile(np.arange(1, customers + 1), len(ENDS)),
            "month_end": np.repeat(np.array(ENDS, dtype="datetime64[D]"), customers),
            "days_since_last_activity": silent,
            "p_alive": alive,
            "complaints": complaints,
            "churned": rng.random(n) < chance,
        }
    )


FEATURES = ["days_since_last_activity", "p_alive", "complaints"]


@pytest.mark.parametrize("truth", ["recency", "p_alive", "model"])
def test_the_model_is_used_only_where_it_beats_both_baselines(truth: str) -> None:
    model = fit_churn(rows(truth), AS_OF, FEATURES, FAST)
    assert model.chosen == truth, model.reason
    assert model.scores.filter("is_chosen")["candidate"].unique().to_list() == [truth]
    assert model.scores["origin_on"].unique().sort().to_list() == [date(2024, 5, 31), date(2024, 6, 30)]


def test_an_outcome_beyond_the_horizon_moves_nothing() -> None:
    given = rows("model")
    late = pl.col("month_end") > date(2024, 6, 30)  # their three months end after the 30th of September
    planted = given.with_columns(
        churned=pl.when(late).then(pl.col("days_since_last_activity") < 3).otherwise("churned")
    )
    hidden = given.with_columns(churned=pl.when(~late).then("churned"))
    models = [fit_churn(frame, AS_OF, FEATURES, FAST) for frame in (given, planted, hidden)]
    today = given.filter(pl.col("month_end") == AS_OF)
    for other in models[1:]:
        assert models[0].probability(today).equals(other.probability(today))
        assert_frame_equal(models[0].scores, other.scores)
        assert_frame_equal(models[0].deciles, other.deciles)
    assert max(models[0].trained_on) == date(2024, 6, 30)
    touched = given.with_columns(churned=pl.col("churned") ^ (pl.col("month_end") == date(2024, 6, 30)))
    moved = fit_churn(touched, AS_OF, FEATURES, FAST)
    assert not models[0].probability(today).equals(moved.probability(today))


def test_the_same_data_in_another_order_give_the_same_figures() -> None:
    given = rows("model")
    small = FAST.model_copy(update={"max_training_rows": 2000})
    today = given.filter(pl.col("month_end") == AS_OF)
    first = fit_churn(given, AS_OF, FEATURES, small)
    again = fit_churn(given.sample(fraction=1.0, shuffle=True, seed=3), AS_OF, FEATURES, small)
    assert first.probability(today).equals(again.probability(today))
    assert_frame_equal(first.scores, again.scores)


def test_a_comparison_stands_where_it_was_made_from_the_very_same_and_nowhere_else() -> None:
    given = rows("model")
    first = fit_churn(given, AS_OF, FEATURES, FAST, "code")
    planted = Comparison(first.made_from, "recency", "planted", first.scores.head(0), first.deciles.head(0))

    def reason(frame: pl.DataFrame, settings: ChurnSettings = FAST, code: str = "code") -> str:
        return fit_churn(frame, AS_OF, FEATURES, settings, code, planted).reason

    late = given.with_columns(complaints=pl.when(pl.col("month_end") == AS_OF).then(0).otherwise("complaints"))
    assert reason(given.reverse()) == reason(late) == "planted", "what is not learnt from makes no difference"
    one = (pl.col("month_end") == date(2024, 5, 31)) & (pl.col("customer_id") == given["customer_id"][0])
    for column in ("complaints", "days_since_last_activity"):
        assert reason(given.with_columns(pl.when(one).then(pl.col(column) + 1).otherwise(column))) != "planted"
    assert reason(given.with_columns(churned=pl.col("churned") ^ one)) != "planted"
    assert reason(given, FAST.model_copy(update={"seed": 2})) != "planted"
    assert reason(given, code="other") != "planted"


def test_a_company_without_known_outcomes_takes_p_alive_as_it_is_or_nothing() -> None:
    given = rows("model").filter(pl.col("month_end") > date(2024, 7, 1))
    model = fit_churn(given, AS_OF, FEATURES, FAST)
    assert model.chosen == "uncalibrated" and "fewer than 50" in model.reason
    assert np.allclose(model.probability(given), 1 - given["p_alive"])
    bare = given.drop("p_alive")
    assert fit_churn(bare, AS_OF, ["days_since_last_activity"], FAST).probability(bare).null_count() == len(bare)


def test_an_untested_model_is_not_used() -> None:
    given = rows("model").filter(pl.col("month_end") >= date(2024, 6, 1))  # one snapshot to learn from, none to test on
    model = fit_churn(given, AS_OF, FEATURES, FAST)
    assert model.chosen == "p_alive" and "untested" in model.reason
    assert model.scores.is_empty()


def test_the_chosen_model_is_calibrated_and_its_scores_say_so() -> None:
    given = rows("model", 3000)
    model = fit_churn(given, AS_OF, FEATURES, FAST)
    chosen = model.scores.filter("is_chosen")
    assert (chosen["brier"] < 0.11).all() and (chosen["auc"] > 0.85).all()  # the truth's own Brier score is 0.09
    assert np.allclose(chosen["mean_probability"], chosen["churn_rate"], atol=0.02)
    table = model.deciles.filter(pl.col("candidate") == "model").group_by("origin_on").agg(pl.col("customers").sum())
    assert table["customers"].to_list() == [3000, 3000]


def test_deciles_find_a_probability_that_is_off() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0.05, 0.6, 20_000)
    y = rng.random(20_000) < p
    right = deciles_of(p, y)
    assert right["is_inside_interval"].all() and right["customers"].to_list() == [2000] * 10
    assert right["lift"][-1] == pytest.approx(right["churn_rate"][-1] / y.mean())
    assert not deciles_of(p * 1.2, y)["is_inside_interval"].all()


def test_churn_is_being_gone_when_the_horizon_is_over_and_unknown_beyond_the_as_of_day() -> None:
    story = {1: ["active"] * 5, 2: ["active", "active", "lapsed", "lapsed", "returned"], 3: ["cancelled"] * 5}
    frame = pl.DataFrame(
        [(who, ENDS[i], state) for who, states in story.items() for i, state in enumerate(states)],
        schema=["customer_id", "month_end", "state"],
        orient="row",
    )
    out = outcomes(frame, 2, ENDS[4])
    assert out.filter(pl.col("customer_id") == 1)["churned"].to_list() == [False] * 3 + [None] * 2
    assert out.filter(pl.col("customer_id") == 2)["churned"].to_list() == [True, True, None]
    assert 3 not in out["customer_id"].to_list()  # who is gone cannot go
    assert outcomes(frame, 2, ENDS[3]).filter(pl.col("customer_id") == 2)["churned"].to_list() == [True, True]


def test_snapshots_hold_those_who_are_not_gone_and_what_was_known_then() -> None:
    days = pl.DataFrame({"customer_id": [1, 1, 2, 2], "ordered_on": [date(2024, 1, d) for d in (1, 11, 1, 2)]})
    known = rhythms(days, points(date(2024, 1, 1), date(2024, 12, 31)))
    judged = states(known)
    out = snapshots(known, judged)
    assert not set(out["state"]) & {"lapsed", "cancelled"}
    assert len(out) == judged.filter(~pl.col("state").is_in(["lapsed"])).height < len(judged)
    first = out.row(0, named=True)
    assert (first["tenure_days"], first["days_since_last_activity"]) == (30, 20)
    assert first["spare_days"] == judged["lapses_after_days"][0] - 20 - 90  # the end of April is 90 days away


def test_a_customer_twice_at_a_month_end_is_refused() -> None:
    given = rows("model", 100)
    with pytest.raises(RetentionError, match="more than once"):
        fit_churn(pl.concat([given, given]), AS_OF, FEATURES, FAST)
    with pytest.raises(RetentionError, match="p_alive must be known"):
        fit_churn(given.with_columns(p_alive=pl.lit(None, pl.Float64)), AS_OF, FEATURES, FAST)
