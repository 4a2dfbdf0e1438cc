select
    horizon_months, expected_orders, expected_orders_p10, expected_orders_p90,
    expected_contribution, expected_contribution_p10, expected_contribution_p90
from quality.value_predictions
where segmentation = 'company' and run_id = (select run_id from operations.publication)
order by horizon_months
