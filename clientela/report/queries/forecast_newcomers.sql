select as_of_on, horizon_months, customers, actual_value
from quality.value_backtest
where segmentation = 'not predicted'
qualify row_number() over (partition by horizon_months order by as_of_on desc, is_frozen desc, predicted_by desc) = 1
order by horizon_months
