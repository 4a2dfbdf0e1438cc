select
    as_of_on, horizon_months, customers, expected_orders, actual_orders, expected_value, actual_value,
    expected_value_p10, expected_value_p90, expected_orders_p10, expected_orders_p90
from quality.value_backtest
where segmentation = 'company' and is_frozen
qualify row_number() over (partition by as_of_on, horizon_months order by predicted_by desc, run_id desc) = 1
order by as_of_on, horizon_months
