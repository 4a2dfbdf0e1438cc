with

context as (

    select * from {{ source('run', 'context') }}

),

rfm_groups as (

    select * from {{ ref('stg_rfm_groups') }}

),

customers as (

    select
        customer_value.customer_id,
        customer_value.orders,
        customer_value.net_revenue,
        {{ days_from('customer_value.last_order_on', 'context.as_of_on') }} as days_since_last_order
    from {{ ref('customer_value') }} as customer_value
    cross join context

),

-- How many buyers do strictly worse than this one: equal buyers share the count, whatever the order of the rows.
ranked as (

    select
        customer_id,
        days_since_last_order,
        orders,
        net_revenue,
        rank() over (order by days_since_last_order desc nulls last) - 1 as less_recent_buyers,
        rank() over (order by orders asc nulls last) - 1 as less_frequent_buyers,
        rank() over (order by net_revenue asc nulls last) - 1 as lesser_spenders,
        count(*) over () as buyers
    from customers
    where customer_id <> 0 and orders > 0

),

scored as (

    select
        *,
        cast(floor(5 * less_recent_buyers / buyers) as int) + 1 as recency_score,
        cast(floor(5 * less_frequent_buyers / buyers) as int) + 1 as frequency_score,
        cast(floor(5 * lesser_spenders / buyers) as int) + 1 as monetary_score
    from ranked

),

score_combinations as (

    select distinct
        recency_score,
        frequency_score,
        monetary_score
    from scored

),

-- The first rule that fits wins.
named_combinations as (

    select
        score_combinations.*,
        rfm_groups.group_name,
        rfm_groups.advice
    from score_combinations
    inner join rfm_groups
        on
            score_combinations.recency_score between rfm_groups.recency_from and rfm_groups.recency_to
            and score_combinations.frequency_score between rfm_groups.frequency_from and rfm_groups.frequency_to
            and score_combinations.monetary_score between rfm_groups.monetary_from and rfm_groups.monetary_to
    qualify
        row_number() over (
            partition by
                score_combinations.recency_score,
                score_combinations.frequency_score,
                score_combinations.monetary_score
            order by rfm_groups.rank asc nulls last
        ) = 1

),

customer_segments as (

    select
        ---------- ids
        customers.customer_id,

        ---------- RFM
        case
            when customers.customer_id = 0 then 'Not identified'
            when scored.customer_id is null then 'No orders'
            else coalesce(named_combinations.group_name, 'No group')
        end as rfm_group,
        named_combinations.advice as rfm_advice,
        scored.recency_score,
        scored.frequency_score,
        scored.monetary_score,

        ---------- what the scores rest on
        customers.days_since_last_order,
        customers.orders,
        customers.net_revenue

    from customers
    left join scored on customers.customer_id = scored.customer_id
    left join named_combinations
        on
            scored.recency_score = named_combinations.recency_score
            and scored.frequency_score = named_combinations.frequency_score
            and scored.monetary_score = named_combinations.monetary_score

)

select * from customer_segments
