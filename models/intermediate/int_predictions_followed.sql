{{ config(materialized="view") }}

with

predictions as (

    select * from {{ ref('int_predictions_come_due') }}
    where segmentation = 'customer'

),

registry as (

    select
        record_id,
        customer_id,
        run_sequence,
        lead(run_sequence) over (partition by record_id order by run_sequence asc nulls last) as until_sequence
    from {{ source('memory', 'customer_registry') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

events as (

    select
        customer_id,
        other_customer_id,
        event,
        {{ local_date('occurred_at') }} as occurred_on
    from {{ source('memory', 'identity_events') }}
    union all
    select
        this_run.customer_id,
        this_run.other_customer_id,
        this_run.event,
        {{ local_date('context.started_at') }} as occurred_on
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'events')) }} as this_run
    cross join {{ source('run', 'context') }} as context

),

-- What bears on how a customer is linked: when the last of several records was first seen, and events of the id.
linking as (

    select
        crosswalk.customer_id,
        case when count(*) > 1 then max(customer_records.first_seen_on) end as linked_on,
        cast(null as date) as split_on
    from {{ ref('int_customer_records') }} as customer_records
    inner join crosswalk on customer_records.record_id = crosswalk.record_id
    group by crosswalk.customer_id
    union all
    select
        customer_id,
        case when event in ('merged', 'moved') then occurred_on end as linked_on,
        case when event = 'split' then occurred_on end as split_on
    from events
    union all
    select
        other_customer_id as customer_id,
        case when event = 'moved' then occurred_on end as linked_on,
        case when event = 'split' then occurred_on end as split_on
    from events
    where other_customer_id is not null

),

linked as (

    select
        customer_id,
        max(linked_on) as linked_on,
        max(split_on) as split_on
    from linking
    group by customer_id

),

known_customers as (

    select distinct
        customer_id,
        run_sequence
    from predictions
    where customer_id is not null

),

-- Whom the records that a customer had then belong to now; no one, where a split gave them to several.
customers_now as (

    select
        known_customers.customer_id,
        known_customers.run_sequence,
        case when min(crosswalk.customer_id) = max(crosswalk.customer_id) then min(crosswalk.customer_id) end
            as current_id
    from known_customers
    inner join registry
        on
            known_customers.customer_id = registry.customer_id
            and known_customers.run_sequence >= registry.run_sequence
            and known_customers.run_sequence < coalesce(registry.until_sequence, known_customers.run_sequence + 1)
    inner join crosswalk on registry.record_id = crosswalk.record_id
    group by known_customers.customer_id, known_customers.run_sequence

),

-- Of merged customers the means add; they stand in the groups of the one who was expected to bring most.
followed as (

    select
        predictions.as_of_on,
        predictions.run_id,
        predictions.horizon_months,
        customers_now.current_id as customer_id,
        count(*) as customers,
        sum(predictions.expected_orders) as expected_orders,
        sum(predictions.expected_value) as expected_value,
        case when count(*) = 1 then max(predictions.expected_orders_p10) end as expected_orders_p10,
        case when count(*) = 1 then max(predictions.expected_orders_p90) end as expected_orders_p90,
        max_by(predictions.cohort, coalesce(predictions.expected_value, 0)) as cohort,
        max_by(cast(predictions.decile as string), coalesce(predictions.expected_value, 0)) as decile,
        max_by(predictions.rfm_group, coalesce(predictions.expected_value, 0)) as rfm_group,
        min(predictions.order_model) as order_model,
        true as is_frozen,
        false as is_merged_since,
        customers_now.current_id is null as is_split_since
    from predictions
    left join customers_now
        on predictions.customer_id = customers_now.customer_id and predictions.run_sequence = customers_now.run_sequence
    where predictions.is_frozen
    group by
        predictions.as_of_on,
        predictions.run_id,
        predictions.horizon_months,
        customers_now.current_id
    union all
    -- who bought later was linked later: what was not one customer on the day answers nothing
    select
        predictions.as_of_on,
        predictions.run_id,
        predictions.horizon_months,
        predictions.customer_id,
        1 as customers,
        predictions.expected_orders,
        predictions.expected_value,
        predictions.expected_orders_p10,
        predictions.expected_orders_p90,
        predictions.cohort,
        cast(predictions.decile as string) as decile,
        predictions.rfm_group,
        predictions.order_model,
        false as is_frozen,
        coalesce(linked.linked_on > predictions.as_of_on, false) as is_merged_since,
        coalesce(linked.split_on > predictions.as_of_on, false) as is_split_since
    from predictions
    left join linked on predictions.customer_id = linked.customer_id
    where not predictions.is_frozen

)

select * from followed
