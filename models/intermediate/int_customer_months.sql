{#- Sums over the last twelve months: what a month brought is taken away again twelve months later. -#}
{%- set trailing = [
    'orders', 'active_months', 'gross_revenue', 'discounts', 'net_revenue', 'contribution',
] -%}
{%- set held = [
    'products', 'categories', 'categories_6m', 'channels', 'contracts', 'complaints', 'campaign_contacts',
    'campaign_answers', 'satisfaction', 'satisfaction_answers', 'withdrawn_contacts',
] -%}

with

context as (

    select * from {{ source('run', 'context') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

customer_states as (

    select * from {{ ref('int_customer_states') }}

),

forecasts as (

    select * from {{ ref('int_customer_forecasts') }}

),

months as (

    select distinct
        month,
        month_end,
        year * 12 + month_of_year as month_number
    from {{ ref('calendar') }}

),

as_of_month as (

    select {{ month_number('as_of_on') }} as month_number
    from context

),

order_months as (

    select
        *,
        {{ month_number('month') }} as month_number,
        case when orders > 0 then 1 else 0 end as active_months
    from {{ ref('int_customer_order_months') }}

),

-- A customer may be seen before he orders: that month is one too.
first_months as (

    select
        customer_id,
        {{ month_number('first_seen_on') }} as month_number
    from customers
    where first_seen_on is not null

),

events as (

    select
        customer_id,
        month_number,
        last_order_on,
        orders,
        order_lines,
        gross_revenue,
        discounts,
        returns,
        net_revenue,
        cost_of_goods,
        contribution,
        net_revenue_without_cost,
        {% for measure in trailing %}
            {{ measure }} as {{ measure }}_12m,
        {% endfor %}
        {% for measure in held %}
            0 as {{ measure }},
        {% endfor %}
        is_assumed
    from order_months
    union all
    select
        order_months.customer_id,
        order_months.month_number + 12 as month_number,
        null as last_order_on,
        0 as orders,
        0 as order_lines,
        0 as gross_revenue,
        0 as discounts,
        0 as returns,
        0 as net_revenue,
        null as cost_of_goods,
        null as contribution,
        0 as net_revenue_without_cost,
        {% for measure in trailing %}
            -order_months.{{ measure }} as {{ measure }}_12m,
        {% endfor %}
        {% for measure in held %}
            0 as {{ measure }},
        {% endfor %}
        false as is_assumed
    from order_months
    inner join as_of_month on order_months.month_number + 12 <= as_of_month.month_number
    union all
    select
        changes.customer_id,
        changes.month_number,
        null as last_order_on,
        0 as orders,
        0 as order_lines,
        0 as gross_revenue,
        0 as discounts,
        0 as returns,
        0 as net_revenue,
        null as cost_of_goods,
        null as contribution,
        0 as net_revenue_without_cost,
        {% for measure in trailing %}
            0 as {{ measure }}_12m,
        {% endfor %}
        {% for measure in held %}
            changes.{{ measure }},
        {% endfor %}
        false as is_assumed
    from {{ ref('int_customer_changes') }} as changes
    inner join as_of_month on changes.month_number <= as_of_month.month_number
    union all
    select
        customer_id,
        month_number,
        null as last_order_on,
        0 as orders,
        0 as order_lines,
        0 as gross_revenue,
        0 as discounts,
        0 as returns,
        0 as net_revenue,
        null as cost_of_goods,
        null as contribution,
        0 as net_revenue_without_cost,
        {% for measure in trailing %}
            0 as {{ measure }}_12m,
        {% endfor %}
        {% for measure in held %}
            0 as {{ measure }},
        {% endfor %}
        false as is_assumed
    from first_months

),

months_of_change as (

    select
        customer_id,
        month_number,
        max(last_order_on) as last_order_on,
        {% for measure in [
            'orders', 'order_lines', 'gross_revenue', 'discounts', 'returns', 'net_revenue', 'cost_of_goods', 'contribution',
            'net_revenue_without_cost',
        ] %}
            sum({{ measure }}) as {{ measure }},
        {% endfor %}
        {% for measure in trailing %}
            sum({{ measure }}_12m) as {{ measure }}_12m,
        {% endfor %}
        {% for measure in held %}
            sum({{ measure }}) as {{ measure }},
        {% endfor %}
        bool_or(is_assumed) as is_assumed
    from events
    group by customer_id, month_number

),

-- Each of these months with what had come together by its end, and the month that follows it.
spells as (

    select
        months_of_change.customer_id,
        months_of_change.month_number as from_month_number,
        {% for measure in [
            'orders', 'order_lines', 'gross_revenue', 'discounts', 'returns', 'net_revenue', 'cost_of_goods', 'contribution',
            'net_revenue_without_cost', 'is_assumed',
        ] %}
            months_of_change.{{ measure }},
        {% endfor %}
        sum(months_of_change.orders) over until_then as cumulative_orders,
        sum(months_of_change.net_revenue) over until_then as cumulative_net_revenue,
        sum(months_of_change.contribution) over until_then as cumulative_contribution,
        max(months_of_change.last_order_on) over until_then as last_order_until_then_on,
        {% for measure in trailing %}
            sum(months_of_change.{{ measure }}_12m) over until_then as {{ measure }}_12m,
        {% endfor %}
        {% for measure in held %}
            sum(months_of_change.{{ measure }}) over until_then as {{ measure }},
        {% endfor %}
        coalesce(
            lead(months_of_change.month_number) over by_month, as_of_month.month_number + 1
        ) as before_month_number
    from months_of_change
    cross join as_of_month
    window
        by_month as (
            partition by months_of_change.customer_id order by months_of_change.month_number asc nulls last
        ),
        until_then as (
            partition by months_of_change.customer_id order by months_of_change.month_number asc nulls last
            rows between unbounded preceding and current row
        )

),

-- Months in which nothing happened repeat the state that the last change left.
filled as (

    select
        spells.*,
        customers.first_seen_on,
        customers.is_left_censored,
        months.month,
        months.month_end,
        spells.from_month_number = months.month_number as is_change,
        least(months.month_end, context.as_of_on) as measured_on
    from spells
    inner join months
        on
            spells.from_month_number <= months.month_number
            and spells.before_month_number > months.month_number
    inner join customers on spells.customer_id = customers.customer_id
    cross join context

),

customer_months as (

    select
        ---------- ids
        filled.customer_id,
        filled.month,
        filled.month_end,
        filled.measured_on,

        ---------- state
        case
            when filled.customer_id <> 0 then coalesce(customer_states.state, 'prospect')
        end as state,
        coalesce(customer_states.state not in ('lapsed', 'cancelled'), false) as is_customer,
        customer_states.rhythm_days,
        customer_states.rhythm_spread_days,
        customer_states.silence_multiple,
        customer_states.silence_spreads,
        customer_states.lapses_after_days,
        customer_states.lapsed_on,
        customer_states.returned_on,
        customer_states.cancelled_by,

        ---------- counts
        cast(case when filled.is_change then filled.orders else 0 end as bigint) as orders,
        cast(case when filled.is_change then filled.order_lines else 0 end as bigint) as order_lines,

        ---------- amounts, company currency, without tax
        {% for measure in ['gross_revenue', 'discounts', 'returns', 'net_revenue'] %}
            {{ money('case when filled.is_change then filled.' ~ measure ~ ' else 0 end') }} as {{ measure }},
        {% endfor %}
        {% for measure in ['cost_of_goods', 'contribution'] %}
            {{ money('case when filled.is_change and filled.order_lines > 0 then filled.' ~ measure ~ ' else 0 end') }}
                as {{ measure }},
        {% endfor %}
        {{ money('case when filled.is_change then filled.net_revenue_without_cost else 0 end') }}
            as net_revenue_without_cost,

        ---------- since the beginning
        cast(filled.cumulative_orders as bigint) as cumulative_orders,
        {{ money('filled.cumulative_net_revenue') }} as cumulative_net_revenue,
        {{ money('filled.cumulative_contribution') }} as cumulative_contribution,
        {{ days_from('filled.last_order_until_then_on', 'filled.measured_on') }} as days_since_last_order,
        case
            when filled.customer_id <> 0 then {{ days_from('filled.first_seen_on', 'filled.measured_on') }}
        end as tenure_days,

        ---------- the last twelve months
        cast(filled.orders_12m as bigint) as orders_12m,
        cast(filled.active_months_12m as bigint) as active_months_12m,
        {{ money('filled.net_revenue_12m') }} as net_revenue_12m,
        {{ money('case when filled.cumulative_contribution is not null then filled.contribution_12m end') }}
            as contribution_12m,
        case
            when filled.gross_revenue_12m > 0
                then cast(filled.discounts_12m as double) / cast(filled.gross_revenue_12m as double)
        end as discount_share_12m,
        cast(filled.categories as bigint) as categories_12m,
        cast(filled.categories_6m as bigint) as categories_6m,
        cast(filled.products as bigint) as products_12m,
        cast(filled.channels as bigint) as channels_12m,
        cast(filled.campaign_contacts as bigint) as campaign_contacts_12m,
        cast(filled.campaign_answers as bigint) as campaign_answers_12m,
        case
            when filled.satisfaction_answers > 0
                then cast(filled.satisfaction as double) / cast(1000 * filled.satisfaction_answers as double)
        end as satisfaction_12m,

        ---------- at the month's end
        cast(filled.contracts as bigint) as contracts_running,
        cast(filled.complaints as bigint) as open_complaints,

        ---------- forecast
        forecasts.p_alive,
        forecasts.expected_contribution,

        ---------- booleans
        filled.withdrawn_contacts > 0 as has_withdrawn_contact,
        filled.is_left_censored,
        filled.is_change and filled.is_assumed as is_assumed,
        filled.month_end = filled.measured_on as is_month_complete,
        filled.measured_on = context.as_of_on as is_as_of

    from filled
    cross join context
    left join customer_states
        on filled.customer_id = customer_states.customer_id and filled.measured_on = customer_states.measured_on
    left join forecasts
        on filled.customer_id = forecasts.customer_id and filled.measured_on = forecasts.month_end

)

select * from customer_months
