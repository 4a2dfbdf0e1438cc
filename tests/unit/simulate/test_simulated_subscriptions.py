"""Subscriptions churn as the shifted beta-geometric says, and their charges stand in the shop's sales."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import betaln

from clientela.simulate.records import Membership
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.subscriptions import draw_subscriptions


def test_survival_agrees_with_the_shifted_beta_geometric() -> None:
    n = 400_000
    settings = SimulateSettings(customers=n, seed=5)
    everyone = np.arange(n, dtype=np.int64)
    membership = Membership("webshop", everyone, np.zeros(n, dtype=np.bool_), everyone, np.ones(n, dtype=np.int64))
    s = draw_subscriptions(membership, np.zeros(n), settings)
    a, b = settings.subscription.alpha, settings.subscription.beta
    for month in (1, 2, 6, 12, 24):
        theory = np.exp(betaln(a, b + month) - betaln(a, b))
        found = (s.months > month).mean()
        assert abs(found - theory) < 4 * np.sqrt(theory * (1 - theory) / len(s.months))


def test_each_contract_is_delivered_when_it_begins_and_again_when_it_ends(company: Path) -> None:
    delivered = pl.read_parquet(company / "webshop" / "subscriptions_*.parquet")
    truth = pl.read_parquet(company / "truth" / "subscriptions.parquet")
    ended = truth.filter(pl.col("ends_on") <= pl.date(2025, 12, 31))
    assert delivered.height == truth.height + ended.height
    assert set(delivered.filter(pl.col("ended_on").is_not_null())["subscription_id"]) == set(ended["contract_key"])
    last = delivered.sort("updated_at").unique("subscription_id", keep="last")
    both = last.join(truth, left_on="subscription_id", right_on="contract_key").filter(pl.col("ended_on").is_not_null())
    assert (both["ended_on"] == both["ends_on"]).all()


def test_the_charges_of_a_contract_are_lines_of_the_shop_unless_switched_off(company: Path, tmp_path: Path) -> None:
    from clientela.simulate import write_company

    lines = pl.read_parquet(company / "webshop" / "order_lines_*.parquet").unique(["order_id", "line_no"])
    charges = lines.filter(pl.col("channel") == "subscription")
    truth = pl.read_parquet(company / "truth" / "subscriptions.parquet").filter(
        pl.col("started_on") <= pl.date(2025, 12, 31)
    )
    months = pl.min_horizontal(
        "months_paid", ((pl.lit(1096) - (pl.col("started_on") - pl.date(2023, 1, 1)).dt.total_days()) / 30.4375).ceil()
    )
    assert charges.height == pytest.approx(truth.select(months.sum()).item(), abs=truth.height * 0.05)
    assert set(charges["sku"]) <= {"PLAN-S", "PLAN-M", "PLAN-L"}
    write_company(SimulateSettings(customers=150, bills_subscriptions=False), tmp_path)
    silent = pl.read_parquet(tmp_path / "webshop" / "order_lines_*.parquet")
    assert "subscription" not in set(silent["channel"])
