"""Rows of the marts that would say of one customer what cannot both be true. Called with any way of asking them."""

from collections.abc import Callable
from typing import Any

_ROWS = """
    with counted as (
        select predicted.*,
            case predicted.horizon_months when 3 then p_no_order_3m when 12 then p_no_order_12m else p_no_order end as none,
            customer_value.expected_contract_value <> 0 as has_contract
        from quality.value_predictions as predicted
        join retention.customer_retention using (customer_id)
        join value.customer_value using (customer_id)
        where predicted.as_of_on = (select max(as_of_on) from quality.value_predictions)
    )

    select count(*) filter (
        (expected_orders_p10 >= 1) <> (none < 0.1) or (expected_orders_p50 >= 1) <> (none < 0.5)
        or (expected_orders_p90 >= 1) <> (none < 0.9) or expected_orders < 1 - none - 1e-9
        or expected_orders_p10 > expected_orders_p50 or expected_orders_p50 > expected_orders_p90
        or not has_contract and expected_value_p50 > 0 and none >= 0.5
    ), count(distinct horizon_months), count(*)
    from counted where none is not null and expected_orders_p50 is not null
"""


def assert_no_row_contradicts_itself(ask: Callable[[str], list[tuple[Any, ...]]], least_rows: int = 300) -> None:
    """P10, P50 and P90 are 0 exactly as far as P(no order) reaches, over every frozen horizon; no money where no order comes."""
    ((wrong, horizons, rows),) = ask(_ROWS)
    assert (wrong, horizons) == (0, 3) and rows > least_rows
