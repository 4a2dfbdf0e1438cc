"""After how many days of silence a customer is slowing, at risk or lapsed: by their own rhythm, or the same days for all.

The default figures are in `settings`, what follows from the limits in `states`.
"""

import polars as pl

from clientela.retention.settings import StateSettings


def silence_limits(s: StateSettings) -> dict[str, pl.Expr]:
    """Silences in days, per row, beyond which a customer is slowing, at risk, lapsed."""
    names, days = ("slowing_limit", "at_risk_limit", "lapsed_limit"), (s.slowing_days, s.at_risk_days, s.lapsed_days)
    fixed = [pl.lit(float(d)) for d in days]
    if s.rule == "fixed_days":
        return {name: pl.repeat(float(d), pl.len(), dtype=pl.Float64) for name, d in zip(names, days, strict=True)}
    spreads = (s.slowing_spreads, s.at_risk_spreads, s.lapsed_spreads)
    beyond = [pl.col("expected_days_between_orders") + k * pl.col("stddev_days_between_orders") for k in spreads]
    beyond[2] = beyond[2].clip(s.lapsed_at_least_days, s.lapsed_at_most_days)
    return {name: pl.coalesce(b, f) for name, b, f in zip(names, beyond, fixed, strict=True)}
