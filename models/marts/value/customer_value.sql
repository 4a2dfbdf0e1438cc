with

customers as (

    select * from {{ ref('int_customer_orders_summed') }}

),

-- What no order line says: costs that the ledger gives to a customer.
further_costs as (

    select
        customer_id,
        sum(amount) as realised_value,
        coalesce(sum(amount) filter (where component = 'shipping'), 0) as shipping_amount,
        coalesce(sum(amount) filter (where component = 'fees'), 0) as fee_amount,
        -coalesce(sum(amount) filter (where component = 'cost to serve'), 0) as cost_to_serve,
        -coalesce(sum(amount) filter (where component = 'rewards'), 0) as reward_cost,
        -coalesce(sum(amount) filter (where component = 'acquisition'), 0) as acquisition_cost,
        -coalesce(sum(amount) filter (where component = 'campaigns'), 0) as campaign_cost,
        -coalesce(sum(amount) filter (where component = 'offers'), 0) as offer_cost,
        bool_or(is_assumed) as is_assumed
    from {{ ref('value_ledger') }}
    group by customer_id

),

forecasts as (

    select * from {{ ref('int_customer_forecasts') }}
    where is_as_of

),

valued as (

    select
        customers.*,
        customers.is_assumed or coalesce(further_costs.is_assumed, false) as is_any_assumed,
        coalesce(further_costs.shipping_amount, 0) as shipping_amount,
        coalesce(further_costs.fee_amount, 0) as fee_amount,
        coalesce(further_costs.cost_to_serve, 0) as cost_to_serve,
        coalesce(further_costs.reward_cost, 0) as reward_cost,
        coalesce(further_costs.acquisition_cost, 0) as acquisition_cost,
        coalesce(further_costs.campaign_cost, 0) as campaign_cost,
        coalesce(further_costs.offer_cost, 0) as offer_cost,
        coalesce(further_costs.realised_value, 0) as realised_value,
        forecasts.p_no_order,
        forecasts.expected_orders,
        forecasts.expected_value,
        forecasts.expected_value_p10,
        forecasts.expected_value_p50,
        forecasts.expected_value_p90,
        forecasts.expected_contract_value,
        forecasts.horizon_months,
        forecasts.order_model,
        forecasts.spend_model,
        forecasts.contract_model,
        forecasts.fallback_reason,
        forecasts.season,
        forecasts.is_left_truncated,
        forecasts.decile as expected_decile,
        forecasts.customer_id is not null as is_forecast,
        -- of whom nothing can be expected brings what they have brought; of the anonymous nothing is forecast
        coalesce(forecasts.expected_value, 0) as expected_or_nothing,
        cast(coalesce(further_costs.realised_value, 0) as double)
        + coalesce(forecasts.expected_value, 0) as vin
    from customers
    left join further_costs on customers.customer_id = further_costs.customer_id
    left join forecasts on customers.customer_id = forecasts.customer_id

),

-- Customers alone are ranked: neither prospects nor the row of those nobody could be named for have a place there.
-- Equal figures share a rank. Tenths are equally large: of equal figures, who ordered last stands first, then whose
-- first record has the smaller key.
ranked as (

    select
        *,
        {% for rank, measure, group in [
            ('revenue', 'net_revenue', 'is_customer'),
            ('value', 'contribution', 'is_customer, contribution is not null'),
            ('vin', 'vin', 'is_customer'),
            ('expected', 'expected_or_nothing', 'is_forecast'),
        ] %}
            rank() over (partition by {{ group }} order by {{ measure }} desc nulls last) as {{ rank }}_rank,
        {% endfor %}
        {% for decile, measure, group in [
            ('revenue', 'net_revenue', 'is_customer'),
            ('value', 'contribution', 'is_customer, contribution is not null'),
            ('vin', 'vin', 'is_customer'),
        ] %}
            cast(floor(
                10 * cast(
                    row_number() over (
                        partition by {{ group }}
                        order by
                            {{ measure }} desc nulls last, last_ordered_on desc nulls last, record_key asc nulls last
                    ) - 1 as double
                ) / count(*) over (partition by {{ group }})
            ) as int) + 1 as {{ decile }}_decile,
        {% endfor %}
        sum(realised_value) over (partition by is_customer) as realised_total,
        -- summed as money, since a sum of floats hangs on the order of its terms
        sum({{ money('vin') }}) over (partition by is_customer) as vin_total,
        -- equal figures stand at one place, so that the curve does not hang on how ties are ordered
        sum(realised_value) over (
            partition by is_customer order by realised_value desc nulls last
            range between unbounded preceding and current row
        ) as realised_until_here,
        sum({{ money('vin') }}) over (
            partition by is_customer order by {{ money('vin') }} desc nulls last
            range between unbounded preceding and current row
        ) as vin_until_here
    from valued

),

customer_value as (

    select
        ---------- ids
        customer_id,

        ---------- counts
        orders,
        cast(order_lines as bigint) as order_lines,

        ---------- realised, company currency, without tax
        {{ money('gross_revenue') }} as gross_revenue,
        {{ money('discounts') }} as discounts,
        {{ money('returns') }} as returns,
        {{ money('net_revenue') }} as net_revenue,
        {{ money('cost_of_goods') }} as cost_of_goods,
        {{ money('contribution') }} as contribution,
        {{ money('net_revenue_without_cost') }} as net_revenue_without_cost,

        {{ money('shipping_amount') }} as shipping_amount,
        {{ money('fee_amount') }} as fee_amount,
        {{ money('cost_to_serve') }} as cost_to_serve,
        {{ money('reward_cost') }} as reward_cost,
        {{ money('acquisition_cost') }} as acquisition_cost,
        {{ money('campaign_cost') }} as campaign_cost,
        {{ money('offer_cost') }} as offer_cost,
        {{ money('realised_value') }} as realised_value,

        ---------- expected within the horizon, discounted to the as-of day
        p_no_order,
        expected_orders,
        expected_value,
        expected_value_p10,
        expected_value_p50,
        expected_value_p90,
        expected_contract_value,
        cast(horizon_months as int) as horizon_months,

        ---------- realised + expected
        case when customer_id <> 0 then vin end as vin,

        ---------- how it was expected
        order_model,
        spend_model,
        contract_model,
        fallback_reason,
        season,

        ---------- ranks and tenths among customers
        case when is_customer then revenue_rank end as net_revenue_rank,
        case when is_customer then revenue_decile end as net_revenue_decile,
        case when is_customer and contribution is not null then value_rank end as contribution_rank,
        case when is_customer and contribution is not null then value_decile end as contribution_decile,
        case when is_customer then vin_rank end as vin_rank,
        case when is_customer then vin_decile end as vin_decile,
        case when is_forecast then expected_rank end as expected_rank,
        cast(expected_decile as int) as expected_decile,

        ---------- the whale curve
        case when is_customer and realised_total > 0 then cast(realised_until_here as double) / realised_total end
            as cumulative_realised_share,
        case when is_customer and vin_total > 0 then cast(vin_until_here as double) / vin_total end
            as cumulative_vin_share,

        ---------- booleans
        is_any_assumed as is_assumed,
        coalesce(is_left_truncated, false) as is_left_truncated

    from ranked

)

select * from customer_value
