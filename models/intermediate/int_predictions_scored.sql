{{ config(materialized="view") }}

with

predictions as (

    select * from {{ ref('int_predictions_followed') }}

),

outcomes as (

    select * from {{ ref('int_predictions_answered') }}

),

scored as (

    select
        coalesce(predictions.as_of_on, outcomes.as_of_on) as as_of_on,
        coalesce(predictions.run_id, outcomes.run_id) as run_id,
        coalesce(predictions.horizon_months, outcomes.horizon_months) as horizon_months,
        predictions.run_id is null as is_newcomer,
        coalesce(predictions.is_split_since, false) as is_split,
        coalesce(predictions.is_merged_since, false) as is_left_out,
        coalesce(predictions.is_frozen, outcomes.is_frozen) as is_frozen,
        coalesce(predictions.customers, 1) as customers,
        predictions.expected_orders,
        predictions.expected_value,
        case
            when not predictions.is_frozen then cast(null as int)
            when
                predictions.expected_orders_p10 <= coalesce(outcomes.actual_orders, 0)
                and predictions.expected_orders_p90 >= coalesce(outcomes.actual_orders, 0)
                then 1
            else 0
        end as is_inside,
        predictions.cohort,
        predictions.decile,
        coalesce(predictions.rfm_group, 'none') as rfm_group,
        predictions.order_model,
        coalesce(outcomes.actual_orders, 0) as actual_orders,
        coalesce(outcomes.actual_value, 0) as actual_value
    from predictions
    full outer join outcomes
        on
            predictions.as_of_on = outcomes.as_of_on
            and predictions.run_id = outcomes.run_id
            and predictions.horizon_months = outcomes.horizon_months
            and predictions.customer_id = outcomes.customer_id

),

-- Who came after the day, or out of a split, was not predicted: their orders stand on a line of their own.
labelled as (

    {% for segmentation, segment, is_counted in [
        ('company', "'all'", 'not is_newcomer'),
        ('decile', 'decile', 'not is_newcomer and not is_split and not is_left_out'),
        ('cohort', 'cohort', 'not is_newcomer and not is_split and not is_left_out'),
        ('rfm_group', 'rfm_group', 'is_frozen and not is_newcomer and not is_split'),
        ('not predicted', "'newcomers'", 'is_newcomer'),
    ] %}
        select
            *,
            '{{ segmentation }}' as segmentation,
            {{ segment }} as segment
        from scored
        where {{ is_counted }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

summed as (

    select
        as_of_on,
        run_id,
        horizon_months,
        segmentation,
        segment,
        is_frozen,
        min(order_model) as order_model,
        sum(case when is_split or is_left_out then 0 else 1 end) as customers,
        sum(case when is_left_out then customers when is_split or is_newcomer then 0 else customers - 1 end)
            as customers_merged,
        sum(case when is_split and not is_left_out then customers else 0 end) as customers_split,
        sum(case when is_split or is_left_out then null else expected_orders end) as expected_orders,
        -- what was one customer then and is several now, or the other way round, answers nothing
        sum(case when not is_frozen and (is_split or is_left_out) then 0 else actual_orders end) as actual_orders,
        sum(case when is_split or is_left_out then null else expected_value end) as expected_value,
        sum(case when not is_frozen and (is_split or is_left_out) then 0 else actual_value end)
            as actual_value,
        sum(case when not is_frozen then null when is_split or is_newcomer then 0 else is_inside end)
            as orders_inside_customers,
        sqrt(
            avg(
                case
                    when not is_split and not is_left_out
                        then (expected_orders - actual_orders) * (expected_orders - actual_orders)
                end
            )
        ) as rmse_orders
    from labelled
    group by as_of_on, run_id, horizon_months, segmentation, segment, is_frozen

)

select * from summed
