with

context as (

    select * from {{ source('run', 'context') }}

),

predictions as (

    select * from {{ source('memory', 'value_predictions') }}

),

scored_before as (

    select * from {{ source('memory', 'value_backtest') }}

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

frozen as (

    select distinct
        as_of_on,
        run_id,
        run_sequence,
        horizon_months,
        annual_discount_rate,
        cast(as_of_on + interval '1' month * horizon_months as date) as ends_on
    from predictions

),

-- Horizons that have passed, and have not been scored yet.
due as (

    select frozen.*
    from frozen
    inner join context on frozen.ends_on <= context.as_of_on
    left join scored_before
        on
            frozen.as_of_on = scored_before.as_of_on
            and frozen.run_id = scored_before.predicted_by
            and frozen.horizon_months = scored_before.horizon_months
    where scored_before.as_of_on is null

),

predicted as (

    select predictions.*
    from predictions
    inner join due
        on
            predictions.as_of_on = due.as_of_on
            and predictions.run_id = due.run_id
            and predictions.horizon_months = due.horizon_months

),

known as (

    select distinct
        customer_id,
        run_sequence
    from predicted
    where customer_id is not null

),

-- Whom the records that he had then belong to now: to one customer, or, split, to several.
places as (

    select
        known.customer_id,
        known.run_sequence,
        min(crosswalk.customer_id) as now_id,
        max(crosswalk.customer_id) as last_now_id
    from known
    inner join registry
        on
            known.customer_id = registry.customer_id
            and known.run_sequence >= registry.run_sequence
            and known.run_sequence < coalesce(registry.until_sequence, known.run_sequence + 1)
    inner join crosswalk on registry.record_id = crosswalk.record_id
    group by known.customer_id, known.run_sequence

),

-- Of merged customers the means add; they stand in the groups of the one who was expected to bring most.
mapped as (

    select
        predicted.as_of_on,
        predicted.run_id,
        predicted.horizon_months,
        case when places.now_id = places.last_now_id then places.now_id end as customer_id,
        count(*) as customers,
        sum(predicted.expected_orders) as expected_orders,
        sum(predicted.expected_contribution) as expected_contribution,
        case when count(*) = 1 then max(predicted.expected_orders_p10) end as expected_orders_p10,
        case when count(*) = 1 then max(predicted.expected_orders_p90) end as expected_orders_p90,
        max_by(predicted.cohort, coalesce(predicted.expected_contribution, 0)) as cohort,
        max_by(cast(predicted.decile as string), coalesce(predicted.expected_contribution, 0)) as decile,
        max_by(predicted.segment, coalesce(predicted.expected_contribution, 0)) as segment,
        min(predicted.order_model) as order_model
    from predicted
    left join places
        on predicted.customer_id = places.customer_id and predicted.run_sequence = places.run_sequence
    where predicted.grouping_name = 'customer'
    group by
        predicted.as_of_on,
        predicted.run_id,
        predicted.horizon_months,
        case when places.now_id = places.last_now_id then places.now_id end

),

---------- what happened; where no cost is known at all, revenue stood for contribution when it was predicted

costs as (

    select count(contribution) > 0 as are_known
    from {{ ref('int_order_days') }}

),

happened as (

    select
        customer_id,
        ordered_on as day,
        case when is_order then 1 else 0 end as orders,
        -cost_to_serve as contribution
    from {{ ref('int_purchase_days') }}
    union all
    select
        order_days.customer_id,
        order_days.ordered_on as day,
        0 as orders,
        cast(
            case when costs.are_known then coalesce(order_days.contribution, 0) else order_days.net_amount end as double
        ) as contribution
    from {{ ref('int_order_days') }} as order_days
    cross join costs
    where order_days.customer_id <> 0

),

actual as (

    select
        due.as_of_on,
        due.run_id,
        due.horizon_months,
        happened.customer_id,
        sum(happened.orders) as actual_orders,
        sum(
            happened.contribution
            * exp(-ln(1 + due.annual_discount_rate) * {{ days_from('due.as_of_on', 'happened.day') }} / 365.25)
        ) as actual_contribution
    from due
    inner join happened on due.as_of_on < happened.day and due.ends_on >= happened.day
    group by due.as_of_on, due.run_id, due.horizon_months, happened.customer_id

),

scored as (

    select
        coalesce(mapped.as_of_on, actual.as_of_on) as as_of_on,
        coalesce(mapped.run_id, actual.run_id) as run_id,
        coalesce(mapped.horizon_months, actual.horizon_months) as horizon_months,
        mapped.run_id is null as is_newcomer,
        mapped.run_id is not null and mapped.customer_id is null as is_split,
        coalesce(mapped.customers, 1) as customers,
        mapped.expected_orders,
        mapped.expected_contribution,
        case
            when
                mapped.expected_orders_p10 <= coalesce(actual.actual_orders, 0)
                and mapped.expected_orders_p90 >= coalesce(actual.actual_orders, 0)
                then 1
            else 0
        end as is_inside,
        mapped.cohort,
        mapped.decile,
        coalesce(mapped.segment, 'none') as segment,
        mapped.order_model,
        coalesce(actual.actual_orders, 0) as actual_orders,
        coalesce(actual.actual_contribution, 0) as actual_contribution
    from mapped
    full outer join actual
        on
            mapped.as_of_on = actual.as_of_on
            and mapped.run_id = actual.run_id
            and mapped.horizon_months = actual.horizon_months
            and mapped.customer_id = actual.customer_id

),

-- Who came after the day, or out of a split, was not predicted: his orders stand on a line of their own.
labelled as (

    select
        *,
        'company' as grouping_name,
        'all' as label
    from scored
    where not is_newcomer
    union all
    select
        *,
        'decile' as grouping_name,
        decile as label
    from scored
    where not is_newcomer and not is_split
    union all
    select
        *,
        'cohort' as grouping_name,
        cohort as label
    from scored
    where not is_newcomer and not is_split
    union all
    select
        *,
        'segment' as grouping_name,
        segment as label
    from scored
    where not is_newcomer and not is_split
    union all
    select
        *,
        'not predicted' as grouping_name,
        'newcomers' as label
    from scored
    where is_newcomer

),

summed as (

    select
        as_of_on,
        run_id,
        horizon_months,
        grouping_name,
        label,
        min(order_model) as order_model,
        sum(case when is_split then 0 else 1 end) as customers,
        sum(case when is_split or is_newcomer then 0 else customers - 1 end) as customers_merged,
        sum(case when is_split then customers else 0 end) as customers_split,
        sum(case when is_split then null else expected_orders end) as expected_orders,
        sum(actual_orders) as actual_orders,
        sum(case when is_split then null else expected_contribution end) as expected_contribution,
        sum(actual_contribution) as actual_contribution,
        sum(case when is_split or is_newcomer then 0 else is_inside end) as orders_inside_customers,
        sqrt(
            avg(
                case
                    when not is_split then (expected_orders - actual_orders) * (expected_orders - actual_orders)
                end
            )
        ) as rmse_orders
    from labelled
    group by as_of_on, run_id, horizon_months, grouping_name, label

),

-- A group's interval, from draws, holds for the customers it was drawn of: it is left out where a split took some away.
tonight as (

    select
        summed.as_of_on,
        summed.run_id as predicted_by,
        summed.horizon_months,
        summed.grouping_name,
        summed.label,
        summed.order_model,
        context.run_id,
        cast(null as bigint) as run_sequence,
        context.as_of_on as scored_on,
        summed.customers,
        summed.customers_merged,
        summed.customers_split,
        summed.expected_orders,
        summed.actual_orders,
        summed.expected_contribution,
        summed.actual_contribution,
        case when summed.customers_split = 0 then groups_then.expected_orders_p10 end as expected_orders_p10,
        case when summed.customers_split = 0 then groups_then.expected_orders_p90 end as expected_orders_p90,
        case when summed.customers_split = 0 then groups_then.expected_contribution_p10 end
            as expected_contribution_p10,
        case when summed.customers_split = 0 then groups_then.expected_contribution_p90 end
            as expected_contribution_p90,
        summed.orders_inside_customers,
        summed.rmse_orders
    from summed
    cross join context
    left join predicted as groups_then
        on
            summed.as_of_on = groups_then.as_of_on
            and summed.run_id = groups_then.run_id
            and summed.horizon_months = groups_then.horizon_months
            and summed.grouping_name = groups_then.grouping_name
            and summed.label = groups_then.label

),

together as (

    select
        as_of_on,
        predicted_by,
        horizon_months,
        grouping_name,
        label,
        order_model,
        run_id,
        run_sequence,
        scored_on,
        customers,
        customers_merged,
        customers_split,
        expected_orders,
        actual_orders,
        expected_contribution,
        actual_contribution,
        expected_orders_p10,
        expected_orders_p90,
        expected_contribution_p10,
        expected_contribution_p90,
        orders_inside_customers,
        rmse_orders
    from scored_before
    -- of a horizon that the data do not reach any more nothing is known
    where cast(as_of_on + interval '1' month * horizon_months as date) <= {{ as_of() }}
    union all
    select * from tonight

),

value_backtest as (

    select
        ---------- ids
        as_of_on,
        predicted_by,
        cast(horizon_months as int) as horizon_months,
        grouping_name,
        label,

        ---------- who and when
        order_model,
        run_id,
        run_sequence,
        scored_on,
        cast(customers as bigint) as customers,
        cast(customers_merged as bigint) as customers_merged,
        cast(customers_split as bigint) as customers_split,

        ---------- predicted against actual
        expected_orders,
        cast(actual_orders as bigint) as actual_orders,
        expected_contribution,
        actual_contribution,
        expected_orders_p10,
        expected_orders_p90,
        expected_contribution_p10,
        expected_contribution_p90,
        cast(orders_inside_customers as bigint) as orders_inside_customers,
        rmse_orders

    from together

)

select * from value_backtest
