"""Customer x month, recounted from order lines, contacts, contracts and campaigns: everything that is counted and summed."""

MONTHS = """
    with spine as (
        select customer_id, first_seen_on, is_left_censored, calendar.month,
            least(last_day(calendar.month), as_of_on) as on_day,
            calendar.month = date_trunc('month', as_of_on) as is_as_of,
                last_day(calendar.month) <= as_of_on as is_month_complete
        from customer.customers cross join operations.publication
        join (select distinct date_trunc('month', day)::date as month from value.calendar) as calendar
            on calendar.month between date_trunc('month', first_seen_on) and as_of_on
    ),
    first_sales as (
        select customer_id, order_id, date_trunc('month', min(ordered_on))::date as month
        from value.order_lines where not is_return group by all
    ),
    orders as (select customer_id, month, count(*) as orders from first_sales group by all),
    lines as (
        select customer_id, date_trunc('month', ordered_on)::date as month, count(*) as order_lines,
            sum(case when is_return then 0 else gross_amount end) as gross_revenue,
            sum(case when is_return then 0 else discount_amount end) as discounts,
            sum(case when is_return then net_amount else 0 end) as returns,
            sum(net_amount) as net_revenue, sum(cost_amount) as cost_of_goods, sum(contribution) as contribution,
            sum(case when cost_amount is null then net_amount else 0 end) as net_revenue_without_cost,
            max(case when not is_return then ordered_on end) as last_sale_on
        from value.order_lines group by all
    ),
    summed as (
        select spine.*, coalesce(orders, 0) as orders, coalesce(order_lines, 0) as order_lines,
            coalesce(gross_revenue, 0) as gross_revenue,
            coalesce(discounts, 0) as discounts, coalesce(returns, 0) as returns, coalesce(net_revenue, 0) as net_revenue,
            case when order_lines is null then 0 else cost_of_goods end as cost_of_goods,
            case when order_lines is null then 0 else contribution end as contribution,
            coalesce(net_revenue_without_cost, 0) as net_revenue_without_cost, contribution as known_contribution, last_sale_on
        from spine left join orders using (customer_id, month) left join lines using (customer_id, month)
    ),
    rolled as (
        select *, sum(orders) over so_far as cumulative_orders, sum(net_revenue) over so_far as cumulative_net_revenue,
            sum(known_contribution) over so_far as cumulative_contribution, max(last_sale_on) over so_far as last_ordered_on,
            sum(orders) over year as orders_12m, count(*) filter (orders > 0) over year as active_months_12m,
            sum(net_revenue) over year as net_revenue_12m, sum(known_contribution) over year as contribution_12m,
            sum(discounts) over year as discounts_12m, sum(gross_revenue) over year as gross_revenue_12m
        from summed
        window so_far as (partition by customer_id order by month),
            year as (partition by customer_id order by month rows between 11 preceding and current row)
    ),
    bought as (
        select line.customer_id, spine.month, count(distinct coalesce(category, '')) as categories_12m,
            count(distinct line.product_id) as products_12m
        from spine join (
            select distinct customer_id, date_trunc('month', ordered_on)::date as month, product_id from value.order_lines
            where not is_return and customer_id > 0
        ) as line
            on line.customer_id = spine.customer_id and line.month <= spine.month
                and line.month > spine.month - interval 12 month
        join value.products using (product_id)
        group by all
    ),
    came as (
        select customer_id, date_trunc('month', ordered_on)::date as month, channel from value.orders
        where not is_return and channel is not null and customer_id > 0
        union
        select customer_id, date_trunc('month', opened_on)::date, channel from customer.interactions
        where direction = 'inbound' and channel is not null and customer_id > 0
    ),
    channels as (
        select spine.customer_id, spine.month, count(distinct channel) as channels_12m
        from spine join came on came.customer_id = spine.customer_id
            and came.month <= spine.month and came.month > spine.month - interval 12 month
        group by all
    ),
    campaigns as (
        select spine.customer_id, spine.month, count(*) as campaign_contacts_12m,
            count(*) filter (responded_on <= on_day) as campaign_answers_12m
        from spine join relationship.campaign_contacts as contact on contact.customer_id = spine.customer_id
            and first_contacted_on between first_seen_on and on_day
                and date_trunc('month', first_contacted_on) > spine.month - interval 12 month
        group by all
    ),
    opinions as (
        select spine.customer_id, spine.month, avg(satisfaction)::double as satisfaction_12m
        from spine join customer.interactions as contact on contact.customer_id = spine.customer_id
            and coalesce(resolved_on, opened_on) <= on_day
            and date_trunc('month', coalesce(resolved_on, opened_on)) > spine.month - interval 12 month
        where satisfaction is not null
        group by all
    ),
    complaints as (
        select spine.customer_id, spine.month, count(*) as open_complaints
        from spine join customer.interactions as contact on contact.customer_id = spine.customer_id
            and contact.opened_on <= on_day and coalesce(contact.resolved_on > on_day, opened_on + interval 1 year > on_day)
        where kind = 'complaint'
        group by all
    ),
    contracts as (
        select spine.customer_id, spine.month, count(*) as active_contracts,
            sum(recurring_amount / period_months) as monthly_recurring_amount
        from spine join customer.contracts as contract on contract.customer_id = spine.customer_id
            and started_on <= on_day
                and (ends_on >= on_day or (ends_on is null and (cancelled_on is null or cancelled_on > on_day)))
        group by all
    )
    select customer_id, month, on_day as month_end, orders, order_lines, gross_revenue, discounts, returns,
        net_revenue, cost_of_goods,
        contribution, net_revenue_without_cost, cumulative_orders, cumulative_net_revenue, cumulative_contribution,
        on_day - last_ordered_on as days_since_last_order,
        case when customer_id > 0 then on_day - first_seen_on end as tenure_days,
        orders_12m, active_months_12m, net_revenue_12m,
        case when cumulative_contribution is not null then coalesce(contribution_12m, 0) end as contribution_12m,
        (discounts_12m / nullif(gross_revenue_12m, 0))::double as discount_share_12m,
        coalesce(categories_12m, 0) as categories_12m, coalesce(products_12m, 0) as products_12m,
            coalesce(channels_12m, 0) as channels_12m,
        coalesce(campaign_contacts_12m, 0) as campaign_contacts_12m, coalesce(campaign_answers_12m, 0) as campaign_answers_12m,
        satisfaction_12m, coalesce(active_contracts, 0) as active_contracts,
        round(coalesce(monthly_recurring_amount, 0), 4)::decimal(18, 4) as monthly_recurring_amount,
        coalesce(open_complaints, 0) as open_complaints, customer_id > 0 and cumulative_orders > 0 as is_buyer,
            is_left_censored, is_as_of, is_month_complete
    from rolled
    left join bought using (customer_id, month) left join channels using (customer_id, month)
        left join campaigns using (customer_id, month)
    left join opinions using (customer_id, month) left join complaints using (customer_id, month)
        left join contracts using (customer_id, month)
"""
