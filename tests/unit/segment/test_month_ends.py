"""Where the value tiers begin: the smallest values that at least such shares of a month-end's customers do not exceed."""

from datetime import date

import duckdb
import polars as pl
import pytest

from clientela.segment.month_ends import _value_bounds


@pytest.mark.parametrize("shares", [(0.3, 0.75), (0.5, 0.8), (0.1, 0.7), (0.001, 0.999), (1 / 3, 2 / 3)])
def test_the_bounds_are_those_of_an_exact_discrete_quantile(shares: tuple[float, float]) -> None:
    ends = [date(2025, month, 28) for month in range(1, 13)]
    rows = pl.DataFrame(
        [
            {"month_end": day, "tier_value": None if number % 7 == 3 else (number * 7919 % 101) / 7}
            for size, day in enumerate(ends)
            for number in range(size * 3)
        ],
        schema={"month_end": pl.Date, "tier_value": pl.Float64},
    )
    found = _value_bounds(rows, shares).sort("month_end")
    connection = duckdb.connect()
    connection.register("incoming", rows.to_arrow())
    listed = ", ".join(str(share) for share in shares)
    expected = connection.execute(
        f"""
        select month_end, b[1], b[2] from (
            select month_end, quantile_disc(tier_value, [{listed}]) as b from incoming
            where tier_value is not null group by month_end
        ) order by 1
        """
    ).fetchall()
    assert found.rows() == expected and len(expected) == 11
