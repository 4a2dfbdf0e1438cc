"""On Pareto/NBD histories whose truth is known silence by rhythm, and P(alive), tell the dead from the living.

Long: minutes. The histories are drawn here, with numpy, from the process itself; nothing of clientela makes them.
"""

from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from clientela.lifetime.histories import Histories
from clientela.lifetime.pareto_nbd import ParetoNBD
from clientela.retention.calendar import points
from clientela.retention.rhythm import rhythms

pytestmark = pytest.mark.prove

START, END = date(2022, 1, 1), date(2024, 12, 31)
DAYS = (END - START).days + 1
# r, alpha, s, beta; times in days
COMPANIES = {
    "a shop": (0.8, 24.0, 1.0, 500.0),
    "CDNOW": (0.553, 74.05, 0.606, 81.68),
    "regulars": (1.5, 30.0, 1.2, 700.0),
}


def drawn(customers: int, seed: int, truth: tuple[float, float, float, float]) -> tuple[pl.DataFrame, np.ndarray]:
    """(purchase days, day of death counted from START) of customers who join evenly over the three years."""
    r, alpha, s, beta = truth
    rng = np.random.default_rng(seed)
    rate, doom = rng.gamma(r, 1 / alpha, customers), rng.gamma(s, 1 / beta, customers)
    birth = rng.uniform(0, DAYS, customers)
    death = birth + rng.exponential(1 / doom)
    seen = np.minimum(death, DAYS) - birth
    who = np.repeat(np.arange(customers), rng.poisson(rate * seen))
    when = birth[who] + rng.uniform(size=len(who)) * seen[who]
    rows = pl.DataFrame({"customer_id": np.r_[np.arange(customers), who], "day": np.r_[birth, when].astype(np.int64)})
    return rows.select("customer_id", ordered_on=pl.lit(START) + pl.duration(days="day")), death


def p_alive(known: pl.DataFrame, truth: tuple[float, float, float, float]) -> pl.Series:
    first = pl.col("first_ordered_on")
    days = known.select(
        x=pl.col("purchase_days") - 1,
        t_x=(pl.col("last_ordered_on") - first).dt.total_days(),
        T=(pl.col("month_end") - first).dt.total_days() + 0.5,
    )
    c = Histories.of(days["x"].to_numpy(), days["t_x"].to_numpy(), days["T"].to_numpy()).compressed()
    return pl.Series("p_alive", ParetoNBD().p_alive(np.array(truth), c.rows)[c.index])


@pytest.mark.parametrize("company", COMPANIES)
@pytest.mark.parametrize("seed", range(3))
def test_silence_by_rhythm_and_p_alive_tell_the_dead_better_than_plain_days_silent(company: str, seed: int) -> None:
    purchases, death = drawn(20_000, seed, COMPANIES[company])
    known = rhythms(purchases, points(START, END)).filter(pl.col("month_end") == END)
    is_dead = death[known["customer_id"].to_numpy()] <= DAYS
    plain = roc_auc_score(is_dead, known["days_since_last_activity"])
    by = {name: roc_auc_score(is_dead, known[name]) for name in ("recency_ratio", "recency_zscore")}
    by["p_alive"] = roc_auc_score(is_dead, -p_alive(known, COMPANIES[company]).to_numpy())
    summary = f"{company} {seed}: plain {plain:.4f}, " + ", ".join(f"{k} {v:.4f}" for k, v in by.items())
    print(summary)
    assert min(by.values()) > plain, summary
