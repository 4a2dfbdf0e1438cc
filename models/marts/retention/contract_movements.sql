{%- set movements = {
    'new': 'amount - amount_before',
    'reactivated': 'amount - amount_before',
    'expanded': 'amount - amount_before',
    'contracted': 'amount_before - amount',
    'churned': 'amount_before - amount',
} -%}

with

neighbours as (

    select
        month,
        is_month_complete,
        monthly_recurring_amount as amount,
        coalesce(lag(monthly_recurring_amount) over by_month, 0) as amount_before,
        coalesce(
            sum(abs(monthly_recurring_amount)) over (
                partition by customer_id order by month asc nulls last
                rows between unbounded preceding and 1 preceding
            ), 0
        ) <> 0 as had_before
    from {{ ref('customer_months') }}
    where customer_id <> 0
    window by_month as (partition by customer_id order by month asc nulls last)

),

moved as (

    select
        *,
        case
            when amount_before = 0 and amount <> 0 and not had_before then 'new'
            when amount_before = 0 and amount <> 0 then 'reactivated'
            when amount_before <> 0 and amount = 0 then 'churned'
            when amount > amount_before then 'expanded'
            when amount < amount_before then 'contracted'
        end as movement
    from neighbours

),

counted as (

    select
        month,
        bool_and(is_month_complete) as is_month_complete,
        sum(amount_before) as opening_amount,
        sum(amount) as closing_amount,
        count(*) filter (where amount_before <> 0) as opening_customers,
        {% for movement, change in movements.items() %}
            coalesce(sum({{ change }}) filter (where movement = '{{ movement }}'), 0) as {{ movement }}_amount,
            count(*) filter (where movement = '{{ movement }}') as {{ movement }}_customers,
        {% endfor %}
        count(*) filter (where amount <> 0) as closing_customers
    from moved
    group by month

),

first_month as (

    select min(month) as month
    from counted
    where opening_customers + closing_customers > 0

),

contract_movements as (

    select
        ---------- ids
        counted.month,

        ---------- monthly recurring amounts, company currency, without tax
        {{ money('counted.opening_amount') }} as opening_amount,
        {% for movement in movements %}
            {{ money('counted.' ~ movement ~ '_amount') }} as {{ movement }}_amount,
        {% endfor %}
        {{ money('counted.closing_amount') }} as closing_amount,

        ---------- customers
        counted.opening_customers,
        {% for movement in movements %}
            counted.{{ movement }}_customers,
        {% endfor %}
        counted.closing_customers,

        ---------- booleans
        counted.is_month_complete

    from counted
    inner join first_month on counted.month >= first_month.month

)

select * from contract_movements
