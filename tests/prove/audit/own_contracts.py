"""How the monthly recurring amount moved, recounted from the contracts."""

MOVEMENTS = """
    with month_ends as (
        select distinct date_trunc('month', day)::date as month, least(last_day(day), as_of_on) as on_day
        from value.calendar cross join operations.publication
        where day <= as_of_on
            and date_trunc('month', day) >= (select date_trunc('month', min(started_on)) from customer.contracts)
    ),
    amounts as (
        select month, customer_id, sum(recurring_amount / period_months) as amount
        from month_ends join customer.contracts
            on started_on <= on_day
                and (ends_on >= on_day or (ends_on is null and (cancelled_on is null or cancelled_on > on_day)))
        group by all
        having amount > 0
    ),
    pairs as (
        select month, customer_id, coalesce(amounts.amount, 0) as amount, coalesce(before.amount, 0) as before,
            exists (select 1 from amounts as once where once.customer_id = pair.customer_id
                and once.month < pair.month) as had_once
        from (
            select month, customer_id from amounts
            union select (month + interval 1 month)::date, customer_id from amounts
        ) as pair
        left join amounts using (month, customer_id)
        left join (select (month + interval 1 month)::date as month, customer_id,
            amount from amounts) as before using (month, customer_id)
    ),
    moved as (
        select month,
            sum(before) as opening_amount, sum(amount) as closing_amount,
            sum(case when before = 0 and not had_once then amount else 0 end) as new_amount,
            sum(case when before = 0 and had_once then amount else 0 end) as reactivated_amount,
            sum(case when before > 0 and amount > before then amount - before else 0 end) as expanded_amount,
            sum(case when amount > 0 and amount < before then before - amount else 0 end) as contracted_amount,
            sum(case when amount = 0 then before else 0 end) as churned_amount,
            count(*) filter (before > 0) as opening_customers, count(*) filter (amount > 0) as closing_customers,
            count(*) filter (before = 0 and not had_once) as new_customers,
            count(*) filter (before = 0 and had_once) as reactivated_customers,
            count(*) filter (before > 0 and amount > before) as expanded_customers,
            count(*) filter (amount > 0 and amount < before) as contracted_customers,
            count(*) filter (amount = 0) as churned_customers
        from pairs group by month
    )
    select month, last_day(month) <= as_of_on as is_month_complete,
        moved.* exclude (month) from month_ends
    left join moved using (month) cross join (select as_of_on from operations.publication)
"""
