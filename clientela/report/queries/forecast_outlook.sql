select
    horizon_months, expected_orders, expected_orders_p10, expected_orders_p90,
    expected_value, expected_value_p10, expected_value_p90
from quality.value_predictions
where segmentation = 'company' and run_id = (select run_id from operations.publication)
order by horizon_months
