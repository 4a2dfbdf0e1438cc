-- Row by row: opening + new + returned - lapsed + moved in - moved out = closing, in customers; with revaluation, in value.
-- A month opens with what the month before closed with; over all segments, as many move in as move out.
with

movements as (

    select * from {{ ref('customer_movements') }}

),

not_adding_up as (

    select
        segmentation || ' ' || segment || ' in ' || cast(month as string) as finding
    from movements
    where
        opening_customers + new_customers + returned_customers - lapsed_customers + moved_in_customers
        - moved_out_customers <> closing_customers
        or abs(
            expected_opening_value + expected_new_value + expected_returned_value - expected_lapsed_value
            + expected_moved_in_value - expected_moved_out_value + expected_revaluation - expected_closing_value
        ) > 0.0001 + 1e-12 * abs(expected_closing_value)

),

not_carried_over as (

    select
        'carried over: ' || coalesce(closing.segmentation, opening.segmentation) || ' '
        || coalesce(closing.segment, opening.segment) as finding
    from (
        select
            segmentation,
            segment,
            {{ month_number('month') }} + 1 as month_number,
            closing_customers
        from movements
        where month < (select max(latest.month) from movements as latest) and closing_customers > 0
    ) as closing
    full outer join (
        select
            segmentation,
            segment,
            {{ month_number('month') }} as month_number,
            opening_customers
        from movements
        where opening_customers > 0
    ) as opening
        on
            closing.segmentation = opening.segmentation
            and closing.segment = opening.segment
            and closing.month_number = opening.month_number
    where coalesce(closing.closing_customers, 0) <> coalesce(opening.opening_customers, 0)

),

not_moving_alike as (

    select 'moves: ' || segmentation || ' in ' || cast(month as string) as finding
    from movements
    group by segmentation, month
    having
        sum(moved_in_customers) <> sum(moved_out_customers)
        or abs(sum(expected_moved_in_value) - sum(expected_moved_out_value)) > 0.0001 + 1e-9 * abs(sum(expected_moved_in_value))

)

select finding from not_adding_up
union all
select finding from not_carried_over
union all
select finding from not_moving_alike
