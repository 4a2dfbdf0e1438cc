"""Clusters are found, keep their names from fit to fit, and follow from the month-ends up to theirs."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clientela.segment.clusters import (
    ClusterModel,
    clusters_over_time,
    fit_clusters,
    match_names,
    nearest_customers,
)
from clientela.segment.settings import ClusterSettings, SegmentError

FEATURES = ["orders_12m", "net_revenue_12m", "categories_12m"]
FAST = ClusterSettings(most_clusters=5, fitting_rows=600, silhouette_rows=300, bootstraps=3)
KINDS = np.array([[1, 30, 1], [10, 300, 3], [40, 4000, 12]])
DAY = date(2024, 3, 31)


def company(n: int = 600, seed: int = 0, kinds: np.ndarray = KINDS, shift: float = 1.0) -> pl.DataFrame:
    """n customers of equally many kinds, kind i being customer_id modulo the number of kinds."""
    rng = np.random.default_rng(seed)
    who = np.arange(n)
    x = kinds[who % len(kinds)] * shift * rng.lognormal(0, 0.2, (n, 3))
    return pl.DataFrame({"customer_id": who, **{f: x[:, i] for i, f in enumerate(FEATURES)}})


def kinds_of(model: ClusterModel, rows: pl.DataFrame) -> list[set[int]]:
    found = rows.select(kind=pl.col("customer_id") % 3).with_columns(model.assign(rows))
    return [set(found.filter(pl.col("kind") == k)["cluster"]) for k in range(3)]


def test_the_number_of_clusters_and_their_members_are_found() -> None:
    model = fit_clusters(company(), FEATURES, DAY, settings=FAST)
    assert len(model.names) == 3
    assert sorted(map(len, kinds_of(model, company()))) == [1, 1, 1]
    assert model.silhouette > 0.6 and model.least_stability > 0.95


def test_stability_is_low_where_there_is_nothing_to_find() -> None:
    rng = np.random.default_rng(0)
    blob = pl.DataFrame({"customer_id": range(600), **{f: rng.normal(size=600) for f in FEATURES}})
    assert fit_clusters(blob, FEATURES, DAY, settings=FAST).stability < 0.8


def test_neither_the_order_of_rows_nor_a_second_run_changes_a_fit() -> None:
    rows = company(2000)
    first = fit_clusters(rows, FEATURES, DAY, settings=FAST)
    assert first == fit_clusters(rows.sample(fraction=1, shuffle=True, seed=5), FEATURES, DAY, settings=FAST)
    assert first != fit_clusters(rows, FEATURES, DAY, settings=FAST.model_copy(update={"seed": 2}))
    assert ClusterModel(**first.as_values()) == first


def test_a_cluster_keeps_its_name_when_its_numbers_move_and_a_new_kind_gets_a_new_name() -> None:
    before = fit_clusters(company(), FEATURES, DAY, settings=FAST)
    strangers = company(100, 1, np.array([[1, 9000, 1]])).with_columns(pl.col("customer_id") + 600)
    rows = pl.concat([company(600, 1, shift=1.1), strangers])
    after = fit_clusters(rows, FEATURES, date(2024, 6, 30), before, FAST)
    was = kinds_of(before, company())
    assert kinds_of(after, company(600, 1, shift=1.1)) == was
    assert set(after.assign(strangers)) == {4} and after.next_name == 5
    back = fit_clusters(company(), FEATURES, date(2024, 9, 30), after, FAST)
    assert kinds_of(back, company()) == was
    assert back.next_name == 5  # a name that is free again is not given to others


def test_names_pass_along_the_greatest_overlap_and_not_to_strangers() -> None:
    before = np.array([7, 7, 7, 8, 8, 8, 9])
    assert match_names(before, np.array([1, 1, 1, 0, 0, 0, 0]), 0.3, 10) == {0: 8, 1: 7}
    assert match_names(before, np.array([0, 1, 2, 3, 4, 5, 6]), 0.5, 10) == {
        0: 10,
        1: 11,
        2: 12,
        3: 13,
        4: 14,
        5: 15,
        6: 9,
    }


def history(months: int = 8) -> pl.DataFrame:
    ends = pl.date_range(date(2024, 1, 31), date(2024, 12, 31), "1mo", eager=True)[:months].dt.month_end()
    return pl.concat(
        [company(300, seed=i, shift=1 + i / 20).with_columns(month_end=pl.lit(end)) for i, end in enumerate(ends)]
    )


def test_clusters_follow_from_the_month_ends_up_to_theirs() -> None:
    s = FAST.model_copy(update={"most_clusters": 4})
    whole, models = clusters_over_time(history(), FEATURES, s)
    assert [m.fitted_on for m in models] == [date(2024, 3, 31), date(2024, 6, 30)]
    assert whole["month_end"].min() == date(2024, 3, 31)  # no label from a fit that came later
    early, _ = clusters_over_time(history(5), FEATURES, s)
    assert_frame_equal(early, whole.filter(pl.col("month_end") <= early["month_end"].max()))
    kept, again = clusters_over_time(history(), FEATURES, s, known=models[:1])
    assert_frame_equal(kept, whole)
    assert again == models
    late, fits = clusters_over_time(history(), FEATURES, s.model_copy(update={"begin_on": date(2024, 6, 1)}))
    assert [m.fitted_on for m in fits] == [late["month_end"].min()] == [date(2024, 6, 30)]


def test_the_nearest_customers_of_a_customer_are_those_who_behave_alike() -> None:
    rows = pl.DataFrame(
        {
            "customer_id": [5, 3, 8, 1, 9, 2],
            "orders_12m": [10.0, 10.0, 11.0, 40.0, 10.0, 41.0],
            "net_revenue_12m": [100.0, 100.0, 110.0, 900.0, 100.0, 910.0],
            "categories_12m": [2.0, 2.0, 2.0, 9.0, 2.0, 9.0],
        }
    )
    out = nearest_customers(rows, FEATURES, 5, n=2)
    assert out.select("rank", "customer_id", "distance", "orders_12m").rows() == [(1, 3, 0.0, 10.0), (2, 9, 0.0, 10.0)]
    assert nearest_customers(rows, FEATURES, 1, n=2)["customer_id"].to_list() == [2, 8]
    assert len(nearest_customers(rows, FEATURES, 5, n=50)) == 5
    with pytest.raises(SegmentError, match="no customer 77"):
        nearest_customers(rows, FEATURES, 77)


def test_missing_values_are_taken_for_the_mean_and_an_empty_feature_is_refused() -> None:
    rows = company()
    holes = rows.with_columns(categories_12m=pl.when(pl.col("customer_id") % 10 > 0).then("categories_12m"))
    assert len(fit_clusters(holes, FEATURES, DAY, settings=FAST).names) >= 3
    with pytest.raises(SegmentError, match="categories_12m has no value"):
        fit_clusters(rows.with_columns(categories_12m=None), FEATURES, DAY, settings=FAST)
    with pytest.raises(SegmentError, match="too few customers differ"):
        fit_clusters(rows.with_columns(**{f: pl.lit(1.0) for f in FEATURES}), FEATURES, DAY, settings=FAST)
    with pytest.raises(SegmentError, match="more than once"):
        fit_clusters(pl.concat([rows, rows]), FEATURES, DAY, settings=FAST)
