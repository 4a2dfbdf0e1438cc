select
    month, opening_customers, new_customers, returned_customers, lapsed_customers, closing_customers, is_month_complete
from retention.customer_movements
where segmentation = 'all'
qualify row_number() over (order by month desc) <= 13
order by month
