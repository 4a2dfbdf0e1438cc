with

context as (

    select * from {{ source('run', 'context') }}

),

interactions as (

    select
        customer_id,
        kind,
        satisfaction,
        opened_on,
        cast(date_trunc('quarter', coalesce(resolved_on, opened_on)) as date) as answer_quarter,
        cast(date_trunc('quarter', opened_on) as date) as complaint_quarter
    from {{ ref('int_interactions_identified') }}
    where customer_id <> 0 and (satisfaction is not null or kind = 'complaint')

),

spoken as (

    select
        customer_id,
        answer_quarter as quarter,
        count(*) as answers,
        sum(satisfaction) as satisfaction_sum,
        0 as complaints,
        cast(null as date) as complained_on
    from interactions
    where satisfaction is not null
    group by customer_id, answer_quarter
    union all
    select
        customer_id,
        complaint_quarter as quarter,
        0 as answers,
        cast(null as decimal(18, 6)) as satisfaction_sum,
        count(*) as complaints,
        max(opened_on) as complained_on
    from interactions
    where kind = 'complaint'
    group by customer_id, complaint_quarter

),

quarters as (

    select
        customer_id,
        quarter,
        cast(sum(answers) as bigint) as answers,
        cast(sum(satisfaction_sum) as double) / nullif(sum(answers), 0) as satisfaction,
        cast(sum(complaints) as bigint) as complaints,
        max(complained_on) as complained_on
    from spoken
    group by customer_id, quarter

),

-- The trend goes from one quarter in which the customer answered to the next.
answered as (

    select
        customer_id,
        quarter,
        lag(satisfaction) over (partition by customer_id order by quarter asc nulls last) as previous_satisfaction
    from quarters
    where answers > 0

),

customer_satisfaction as (

    select
        ---------- ids
        quarters.customer_id,
        quarters.quarter,

        ---------- what they said
        round(quarters.satisfaction, 2) as satisfaction,
        round(answered.previous_satisfaction, 2) as previous_satisfaction,
        round(quarters.satisfaction - answered.previous_satisfaction, 2) as satisfaction_change,
        case
            when quarters.satisfaction - answered.previous_satisfaction >= 0.5 then 'rising'
            when quarters.satisfaction - answered.previous_satisfaction <= -0.5 then 'falling'
            when answered.previous_satisfaction is not null then 'steady'
        end as trend,

        ---------- counts
        quarters.answers,
        quarters.complaints,

        ---------- booleans
        row_number() over (partition by quarters.customer_id order by quarters.quarter desc nulls last) = 1
            as is_latest,
        cast(date_trunc('quarter', context.as_of_on) as date) > quarters.quarter as is_quarter_complete,

        ---------- dates
        max(quarters.complained_on) over (
            partition by quarters.customer_id
            order by quarters.quarter asc nulls last
            rows between unbounded preceding and current row
        ) as last_complained_on

    from quarters
    cross join context
    left join answered on quarters.customer_id = answered.customer_id and quarters.quarter = answered.quarter

)

select * from customer_satisfaction
