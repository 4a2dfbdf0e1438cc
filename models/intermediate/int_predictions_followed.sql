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
        sum(predictions.expected_contribution) as expected_contribution,
        case when count(*) = 1 then max(predictions.expected_orders_p10) end as expected_orders_p10,
        case when count(*) = 1 then max(predictions.expected_orders_p90) end as expected_orders_p90,
        max_by(predictions.cohort, coalesce(predictions.expected_contribution, 0)) as cohort,
        max_by(cast(predictions.decile as string), coalesce(predictions.expected_contribution, 0)) as decile,
        max_by(predictions.rfm_group, coalesce(predictions.expected_contribution, 0)) as rfm_group,
        min(predictions.order_model) as order_model
    from predictions
    left join customers_now
        on predictions.customer_id = customers_now.customer_id and predictions.run_sequence = customers_now.run_sequence
    group by
        predictions.as_of_on,
        predictions.run_id,
        predictions.horizon_months,
        customers_now.current_id

)

select * from followed
