select
    component, activity, rule, is_assumed, sum(amount) as amount, sum(entries) as entries, min(month) as first_month,
    max(month) as last_month
from value.value_ledger
where customer_id = cast($customer_id as bigint)
group by component, activity, rule, is_assumed
order by
    case component
        when 'revenue' then 1 when 'discounts' then 2 when 'returns' then 3 when 'shipping' then 4 when 'fees' then 5
        when 'cost of goods' then 6 when 'cost to serve' then 7 else 8
    end, component, abs(sum(amount)) desc, activity, rule
