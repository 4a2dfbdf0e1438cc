"""The value ledger, and what is summed from it for each customer, recounted from the facts by the rules of docs/value.md."""

from tests.prove.audit.own_relationship import PRICED


def spread(total: str, over: str, by: str) -> str:
    """SQL for one row's even share of `total`, to the cent; the cents left over go to the first by `by`."""
    cents = f"round({total} * 100)::bigint"
    rows, row = f"count(*) over (partition by {over})", f"row_number() over (partition by {over} order by {by})"
    return f"(({cents} // {rows}) + ({row} <= {cents} % {rows})::integer) / 100"


#: what a line's goods cost: its own cost, else the product's, else by the margin of product, category, department or company
COSTS = """
    with rates as (
        select coalesce(department, '') as department, coalesce(category, '') as category, margin_rate,
            is_assumed from margin_rates
    ),
    based as (
        select line.order_line_id, line.net_amount, line.quantity, said.cost_amount as own_cost, delivered.unit_cost,
            delivered.margin_rate,
            coalesce(exact.margin_rate, category.margin_rate) as category_margin, department.margin_rate as department_margin,
            company.margin_rate as company_margin, coalesce(exact.is_assumed, category.is_assumed) as category_assumed,
            department.is_assumed as department_assumed, company.is_assumed as company_assumed
        from value.order_lines as line join raw_transactions as said on said.record_id = line.order_line_id
        join value.products as product using (product_id)
            left join raw_products as delivered on delivered.record_id = line.product_id
        left join rates as exact on exact.department = product.department and exact.category = product.category
        left join rates as category on category.department = '' and category.category = product.category
        left join rates as department on department.department = product.department and department.category = ''
        left join rates as company on company.department = '' and company.category = ''
    )
    select order_line_id,
        case
            when own_cost is not null then 'line cost' when unit_cost is not null then 'product unit cost'
            when margin_rate is not null then 'product margin' when category_margin is not null then 'category margin'
            when department_margin is not null then 'department margin'
                when company_margin is not null then 'company margin' else 'missing'
        end as cost_rule,
        round(coalesce(
            own_cost, unit_cost * quantity,
                net_amount * (1 - coalesce(margin_rate, category_margin, department_margin, company_margin))
        ), 4)::decimal(18, 4) as cost_amount,
        own_cost is null and unit_cost is null and margin_rate is null and coalesce(
            case when category_margin is not null then category_assumed
                when department_margin is not null then department_assumed
                else company_assumed end, false
        ) as is_cost_assumed
    from based
"""

LEDGER = f"""
    with priced as ({PRICED}),
    sales as (
        select *, date_trunc('month', ordered_on)::date as month from value.order_lines
    ),
    -- won once, by the channel of their first record that names one, in the month in which that record says so
    won as (
        select record.customer_id, said.acquisition_channel, date_trunc('month', said.acquired_on)::date as month,
            said.record_id
        from customer.customer_records as record join raw_customers as said on said.record_id = record.customer_record_id
        where said.acquisition_channel is not null and said.acquired_on is not null
        qualify row_number() over (partition by record.customer_id order by said.acquired_on, said.record_id) = 1
    ),
    spent as (
        select won.customer_id, cost.month, cost.acquisition_channel, cost.is_assumed, cost_amount,
            {spread("cost_amount", "cost.acquisition_channel, cost.month", "won.record_id")} as share
        from acquisition_costs as cost join operations.publication on cost.month <= as_of_on
        left join won on won.acquisition_channel = cost.acquisition_channel and won.month = cost.month
    ),
    reached as (
        select record.customer_id, campaign.campaign_id, campaign.campaign_key, campaign_name, campaign.source,
            unit_cost, fixed_cost,
            date_trunc('month', coalesce((contact.contacted_at at time zone zone)::date, campaign.started_on))::date as month,
            {spread("coalesce(fixed_cost, 0)", "campaign.campaign_id", "contact.record_id")} as share
        from raw_campaign_contacts as contact cross join company
        join relationship.campaigns as campaign on campaign_id = campaign_record_id
        join customer.customer_records as record using (customer_record_id) cross join operations.publication
        where role = 'contacted' and coalesce((contact.contacted_at at time zone zone)::date, campaign.started_on) <= as_of_on
    ),
    entries as (
        select customer_id, month, 'revenue' as component, 'sales before discounts' as rule, source,
            count(*) as entries, sum(gross_amount) as amount
        from sales where not is_return group by all
        union all by name
        select customer_id, month, 'discounts' as component, 'discounts on sales' as rule, source,
            count(*) as entries, -sum(discount_amount) as amount
        from sales where not is_return group by all having sum(discount_amount) <> 0
        union all by name
        select customer_id, month, 'returns' as component, 'goods returned' as rule, source, count(*) as entries,
            sum(net_amount) as amount
        from sales where is_return group by all
        union all by name
        select customer_id, month, 'cost of goods' as component, cost_rule as rule, source,
            is_cost_assumed as is_assumed, count(*) as entries,
            -coalesce(sum(cost_amount), 0) as amount
        from sales group by all
        union all by name
        select case when cost_amount is null then 0 else customer_id end as customer_id,
            date_trunc('month', opened_on)::date as month, 'cost to serve' as component, kind as activity, source,
            is_cost_assumed as is_assumed,
            case
                when cost_amount is null then 'missing' when rate_channel <> ''
                    and rate_kind <> '' then 'rate of channel and kind'
                when rate_kind <> '' then 'rate of kind' when rate_channel <> '' then 'rate of channel'
                    else 'rate of the company'
            end as rule,
            count(*) as entries, -coalesce(sum(cost_amount), 0) as amount
        from priced group by all
        union all by name
        select case when value_amount is null then 0 else customer_id end as customer_id,
            date_trunc('month', rewarded_on)::date as month, 'rewards' as component, kind as activity, source,
            case when value_amount is null then 'missing' else 'stated value' end as rule,
            count(*) as entries, -coalesce(sum(value_amount), 0) as amount
        from relationship.rewards where kind in ('redeemed', 'gift') group by all
        union all by name
        select coalesce(customer_id, 0) as customer_id, month, 'acquisition' as component,
            acquisition_channel as activity, 'reference' as source,
            case when customer_id is null then 'nobody won to spread it over'
                else 'spread over the customers won' end as rule, is_assumed,
            count(*) as entries, -sum(case when customer_id is null then cost_amount else share end) as amount
        from spent group by all
        union all by name
        select customer_id, month, 'campaigns' as component, campaign_name as activity, campaign_key, source,
            'unit cost' as rule,
            count(*) as entries, -sum(unit_cost) as amount
        from reached where unit_cost is not null group by all
        union all by name
        select customer_id, month, 'campaigns' as component, campaign_name as activity, campaign_key, source,
            'fixed cost spread over those contacted' as rule, count(*) as entries, -sum(share) as amount
        from reached where fixed_cost is not null group by all
        union all by name
        select 0 as customer_id, month, 'campaigns' as component, campaign_name as activity, campaign_key, source,
            'missing' as rule,
            count(*) as entries, 0 as amount
        from reached where unit_cost is null and fixed_cost is null group by all
    )
    select customer_id, month, component, coalesce(activity, '') as activity,
        coalesce(campaign_key, '') as campaign_key, rule, source,
        coalesce(is_assumed, false) as is_assumed, entries::bigint as entries, amount::decimal(18, 4) as amount
    from entries
"""

#: reads the table `ledger`, which is LEDGER
CUSTOMERS = f"""
    with sums as (
        select customer_id, {
    ", ".join(
        f"{sign}sum(case when component in ({components}) then amount else 0 end) as {name}"
        for name, sign, components in (
            ("gross_revenue", "", "'revenue'"),
            ("discounts", "-", "'discounts'"),
            ("returns", "", "'returns'"),
            ("net_revenue", "", "'revenue', 'discounts', 'returns'"),
            ("cost_to_serve", "-", "'cost to serve'"),
            ("reward_cost", "-", "'rewards'"),
            ("acquisition_cost", "-", "'acquisition'"),
            ("campaign_cost", "-", "'campaigns'"),
        )
    )
}, sum(amount) as realised_value
        from ledger group by customer_id
    ),
    costs as (
        select customer_id, sum(cost_amount) as cost_of_goods, sum(contribution) as contribution,
            sum(case when cost_amount is null then net_amount else 0 end) as net_revenue_without_cost, count(*) as order_lines
        from value.order_lines group by customer_id
    ),
    sales as (
        select customer_id, count(distinct order_id) as orders from value.order_lines where not is_return group by customer_id
    ),
    valued as (
        select customer.customer_id, customer.is_customer, coalesce(sales.orders, 0) as orders,
            coalesce(order_lines, 0) as order_lines,
            {
    ", ".join(
        f"coalesce({name}, 0) as {name}"
        for name in (
            "gross_revenue",
            "discounts",
            "returns",
            "net_revenue",
            "cost_to_serve",
            "reward_cost",
            "acquisition_cost",
            "campaign_cost",
            "realised_value",
            "net_revenue_without_cost",
        )
    )
},
            case when order_lines is null then 0 else cost_of_goods end as cost_of_goods,
            case when order_lines is null then 0 else contribution end as contribution,
            case when customer_id > 0 then coalesce(realised_value, 0)::double + coalesce(expected_value, 0) end as vin,
            expected_value, customer.last_ordered_on, first_record_id
        from (select customer_id, is_customer, last_ordered_on from customer.customers) as customer
        left join (select customer_id,
            min(customer_record_id) as first_record_id from customer.customer_records group by all) using (customer_id)
        join (select customer_id, expected_value from value.customer_value) as expected using (customer_id)
        left join sums using (customer_id) left join costs using (customer_id) left join sales using (customer_id)
    ),
    ranked as (
        select customer_id, rank() over (order by net_revenue desc) as net_revenue_rank,
            rank() over (order by vin desc) as vin_rank,
            1 + 10 * (row_number() over (order by net_revenue desc, last_ordered_on desc nulls last,
                first_record_id) - 1) // count(*) over () as net_revenue_decile,
            1 + 10 * (row_number() over (order by vin desc, last_ordered_on desc nulls last,
                first_record_id) - 1) // count(*) over () as vin_decile,
            (sum(realised_value) over (order by realised_value desc))::double / (sum(realised_value) over ())::double
                as cumulative_realised_share,
            sum(round(vin, 4)) over (order by round(vin, 4) desc) / sum(round(vin, 4)) over () as cumulative_vin_share
        from valued where is_customer and customer_id > 0
    )
    select valued.* exclude (is_customer, expected_value, last_ordered_on, first_record_id),
        ranked.* exclude (customer_id)
    from valued left join ranked using (customer_id)
"""

#: kinds of cost of which nothing is known: one line each, on customer 0
NOTHING_KNOWN = """
    select component, 0 as customer_id, date_trunc('month', as_of_on)::date as month, 'nothing delivered that tells it' as rule,
        0 as entries, 0::decimal(18, 4) as amount
    from (select unnest(['acquisition', 'campaigns', 'cost to serve', 'offers', 'rewards', 'cost of goods']) as component)
    cross join operations.publication
    where component not in (select component from ledger where rule <> 'missing')
"""
