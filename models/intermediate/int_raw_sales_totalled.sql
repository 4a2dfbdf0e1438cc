{{ config(materialized="view") }}

with

known_batches as (

    select * from {{ ref('int_raw_batches_known') }}

),

products as (

    {{ latest_raw_version('products', is_state=true) }}

),

margin_rates as (

    {{ latest_raw_version('margin_rates', is_state=true) }}

),

offers as (

    {{ latest_raw_version('offers', is_state=true) }}

),

counted_lines as (

    select * from {{ ref('int_raw_order_lines') }}
    where not is_waiting_for_header and happened_on <= {{ as_of() }}

),

margins as (

    select
        products.record_id,
        max(products.unit_cost) as unit_cost,
        coalesce(
            max(products.margin_rate),
            max_by(
                rates.margin_rate,
                case when coalesce(rates.category, '') <> '' then 2 else 0 end
                + case when coalesce(rates.department, '') <> '' then 1 else 0 end
            )
        ) as margin_rate
    from products
    left join margin_rates as rates
        on
            (coalesce(rates.category, '') = '' or products.category = rates.category)
            and (coalesce(rates.department, '') = '' or products.department = rates.department)
            and coalesce(rates.category, '') || coalesce(rates.department, '') <> ''
    group by products.record_id

),

company_margin as (

    select max(margin_rate) as margin_rate
    from margin_rates
    where coalesce(category, '') = '' and coalesce(department, '') = ''

),

costed_lines as (

    select
        lines.*,
        {{ money("""coalesce(
            lines.cost_amount,
            """ ~ times("margins.unit_cost", "lines.quantity") ~ """,
            """ ~ times("lines.net_amount", "(1 - coalesce(margins.margin_rate, company_margin.margin_rate))") ~ """,
            0
        )""") }} as cost
    from counted_lines as lines
    left join margins on lines.product_record_id = margins.record_id
    cross join company_margin

),

sales as (

    select
        source,
        {{ month_of('happened_on') }} as month,
        sum(case when is_return then 0 else gross_amount end) as revenue,
        sum(case when is_return then 0 else net_amount - gross_amount end) as discounts,
        sum(case when is_return then net_amount else 0 end) as returns,
        sum(shipping_amount) as shipping,
        sum(fee_amount) as fees,
        sum(-cost) as cost_of_goods
    from costed_lines
    group by source, {{ month_of('happened_on') }}

),

offers_used as (

    select distinct
        lines.order_id,
        lines.source,
        {{ month_of('lines.happened_on') }} as month,
        offers.offer,
        offers.unit_cost
    from counted_lines as lines
    inner join offers on lines.coupon_used = offers.offer
    where not lines.is_return and offers.unit_cost is not null

),

totals as (

    {% for component in ['revenue', 'discounts', 'returns', 'shipping', 'fees', 'cost_of_goods'] %}
        select
            source,
            month,
            '{{ component | replace('_', ' ') }}' as component,
            {{ component }} as amount
        from sales
        union all
    {% endfor %}
    select
        source,
        month,
        'offers' as component,
        -unit_cost as amount
    from offers_used
    union all
    -- what expired is in raw no more: its totals stand for it
    select
        source,
        case when component = 'campaigns' then {{ month_of(as_of()) }} else month end as month,
        component,
        amount
    from {{ source('ledger', 'expired_amounts') }}
    where month <= {{ as_of() }}

)

select * from totals
