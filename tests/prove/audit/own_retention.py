"""Movements and cohorts, recounted from customer x month and from order lines."""

SEGMENTATIONS = ("life_cycle_stage", "value_tier", "engagement_tier", "rfm_group", "rule_segment", "micro_segment")

#: every customer-month once for each segmentation, and once for all
LABELLED = "\nunion all\n".join(
    f"""select customer_id, month, month_end, is_current_customer, is_month_complete,
        round(expected_value, 4) as expected_value,
        '{name}' as segmentation, {f"coalesce({name}, 'none')" if name != "all" else "'all'"} as segment
    from value.customer_months where customer_id > 0 and is_customer"""
    for name in ("all", *SEGMENTATIONS)
)

MOVEMENTS = f"""
    with labelled as ({LABELLED}),
    stays as (
        select *, lag(is_current_customer) over past as was_current, lag(segment) over past as segment_before,
            lag(expected_value) over past as value_before
        from labelled window past as (partition by customer_id, segmentation order by month)
    ),
    forecast as (
        select month, count(expected_value) > 0 as is_forecast from value.customer_months
        where customer_id > 0 group by month
    ),
    both_forecast as (
        select month, is_forecast and coalesce(lag(is_forecast) over (order by month), false) as is_forecast from forecast
    ),
    moves as (
        -- where they are now
        select month, segmentation, segment,
            count(*) filter (is_current_customer) as closing_customers,
            count(*) filter (is_current_customer and was_current is null) as new_customers,
            count(*) filter (is_current_customer and was_current = false) as returned_customers,
            count(*) filter (is_current_customer and was_current and segment <> segment_before) as moved_in_customers,
            0 as opening_customers, 0 as lapsed_customers, 0 as moved_out_customers,
            sum(expected_value) filter (is_current_customer) as expected_closing_value,
            sum(expected_value) filter (is_current_customer and was_current is null) as expected_new_value,
            sum(expected_value) filter (is_current_customer and was_current = false) as expected_returned_value,
            sum(value_before) filter (is_current_customer and was_current
                and segment <> segment_before) as expected_moved_in_value,
            sum(coalesce(expected_value, 0) - coalesce(value_before, 0)) filter (is_current_customer and was_current)
                as expected_revaluation,
            0 as expected_opening_value, 0 as expected_lapsed_value, 0 as expected_moved_out_value
        from stays group by all
        union all by name
        -- where they were
        select month, segmentation, segment_before as segment,
            count(*) as opening_customers, count(*) filter (not is_current_customer) as lapsed_customers,
            count(*) filter (is_current_customer and segment <> segment_before) as moved_out_customers,
            sum(value_before) as expected_opening_value,
                sum(value_before) filter (not is_current_customer) as expected_lapsed_value,
            sum(value_before) filter (is_current_customer and segment <> segment_before) as expected_moved_out_value
        from stays where was_current group by all
    )
    select month, segmentation, segment,
        {
    ", ".join(
        f"coalesce(sum({n}_customers), 0)::bigint as {n}_customers"
        for n in ("opening", "new", "returned", "lapsed", "moved_in", "moved_out", "closing")
    )
},
        {
    ", ".join(
        f"case when any_value(is_forecast) then coalesce(sum(expected_{n}), 0) end as expected_{n}"
        for n in (
            "opening_value",
            "new_value",
            "returned_value",
            "lapsed_value",
            "moved_in_value",
            "moved_out_value",
            "revaluation",
            "closing_value",
        )
    )
},
        last_day(month) <= any_value(as_of_on) as is_month_complete
    from moves join both_forecast using (month) cross join operations.publication
    group by month, segmentation, segment
    having coalesce(sum(opening_customers), 0) + coalesce(sum(closing_customers), 0) > 0
"""

COHORTS = """
    with began as (
        select customer_id, acquisition_channel, is_left_censored, first_ordered_on from customer.customers
        where customer_id > 0 and first_ordered_on is not null
    ),
    sales as (
        select customer_id, date_trunc('month', ordered_on)::date as month, sum(net_amount) as net_revenue,
            sum(contribution) as contribution
        from value.order_lines where customer_id > 0 group by all
    ),
    placed as (
        select customer_id, date_trunc('month', day)::date as month, count(*) as orders
        from (select customer_id, order_id, min(ordered_on) as day from value.order_lines where not is_return
            and customer_id > 0 group by all)
        group by all
    ),
    named as (
        select customer_id, is_left_censored, 'month' as segmentation, strftime(first_ordered_on, '%Y-%m') as cohort,
            date_trunc('month', first_ordered_on)::date as began_on, 1 as step from began
        union all
        select customer_id, is_left_censored, 'quarter', strftime(first_ordered_on, '%Y') || '-Q' || quarter(first_ordered_on),
            date_trunc('quarter', first_ordered_on)::date, 3 from began
        union all
        select customer_id, is_left_censored, 'acquisition_channel', coalesce(acquisition_channel, 'not known'),
            date_trunc('month', first_ordered_on)::date, 1 from began
    ),
    periods as (
        select named.*, period, (began_on + to_months((step * period)::integer))::date as period_from_on,
            (began_on + to_months((step * (period + 1))::integer))::date as period_until_on
        from named cross join operations.publication
        cross join (select unnest(range(0, 600)) as period)
        where began_on + to_months((step * period)::integer) <= as_of_on
    ),
    active as (
        select periods.*, coalesce(sum(orders), 0) as orders from periods left join placed
            on placed.customer_id = periods.customer_id and placed.month >= period_from_on and placed.month < period_until_on
        group by all
    ),
    bought as (
        select active.*, sum(net_revenue) as net_revenue, case when count(net_revenue) = 0 then 0
            else sum(contribution) end as contribution
        from active left join sales
            on sales.customer_id = active.customer_id and sales.month >= period_from_on and sales.month < period_until_on
        group by all
    ),
    beside as (
        select *, max(case when orders > 0 then period end) over (partition by customer_id, segmentation) as last_period,
            first_value(coalesce(net_revenue, 0)) over first_period as first_revenue,
            first_value(contribution) over first_period as first_contribution
        from bought window first_period as (partition by customer_id, segmentation order by period)
    )
    select segmentation, cohort, is_left_censored, period,
        case when segmentation <> 'acquisition_channel' then any_value(began_on) end as cohort_began_on,
        case when segmentation <> 'acquisition_channel' then any_value(period_from_on) end as period_began_on,
        count(*) as customers, count(*) filter (orders > 0) as active_customers,
            count(*) filter (last_period >= period) as repeat_customers,
        sum(orders)::bigint as orders, coalesce(sum(net_revenue), 0) as net_revenue, sum(contribution) as contribution,
        count(*) filter (orders > 0) / count(*) as share_active,
            count(*) filter (last_period >= period) / count(*) as repeat_purchase_rate,
        (coalesce(sum(net_revenue), 0) / nullif(sum(first_revenue), 0))::double as revenue_retention,
        (sum(contribution) / nullif(sum(first_contribution), 0))::double as contribution_retention,
        max(period_until_on) - 1 <= any_value(as_of_on) as is_period_complete
    from beside cross join operations.publication group by segmentation, cohort, is_left_censored, period
"""
