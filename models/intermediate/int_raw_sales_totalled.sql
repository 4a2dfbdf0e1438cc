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

-- Every version counts once, and what a later one replaced is taken off.
visible_lines as (

    select * from {{ source('raw', 'transactions') }}
    where batch_id in (
        select known_batches.batch_id from known_batches
        where known_batches.entity = 'transactions'
    )

),

replaced_lines as (

    select *
    from (
        select
            *,
            rank() over (
                partition by record_id order by version desc nulls last, content_hash desc nulls last
            ) as age
        from visible_lines
        where record_id in (
            select revised.record_id from visible_lines as revised
            where revised.is_revision
        )
    ) as versions
    where age > 1

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
            coalesce(nullif(rates.category, ''), products.category) = products.category
            and coalesce(nullif(rates.department, ''), products.department) = products.department
            and coalesce(rates.category, '') || coalesce(rates.department, '') <> ''
    group by products.record_id

),

company_margin as (

    select max(margin_rate) as margin_rate
    from margin_rates
    where coalesce(category, '') = '' and coalesce(department, '') = ''

),

signed_lines as (

    {% for sign, lines in [('1', 'visible_lines'), ('-1', 'replaced_lines')] %}
        select
            {{ sign }} as sign,
            source,
            product_record_id,
            ordered_at,
            is_return,
            gross_amount,
            net_amount,
            quantity,
            cost_amount
        from {{ lines }}
        where not is_deleted
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

costed_lines as (

    select
        lines.sign,
        lines.source,
        {{ local_date('lines.ordered_at') }} as happened_on,
        coalesce(lines.is_return, false) as is_return,
        coalesce(lines.gross_amount, lines.net_amount, 0) as gross_amount,
        coalesce(lines.net_amount, 0) as net_amount,
        {{ money("""coalesce(
            lines.cost_amount,
            """ ~ times("margins.unit_cost", "lines.quantity") ~ """,
            """ ~ times("coalesce(lines.net_amount, 0)", "(1 - coalesce(margins.margin_rate, company_margin.margin_rate))") ~ """,
            0
        )""") }} as cost_amount
    from signed_lines as lines
    left join margins on lines.product_record_id = margins.record_id
    cross join company_margin

),

sales as (

    select
        source,
        {{ month_of('happened_on') }} as month,
        sum(case when is_return then 0 else sign * gross_amount end) as revenue,
        sum(case when is_return then 0 else sign * (net_amount - gross_amount) end) as discounts,
        sum(case when is_return then sign * net_amount else 0 end) as returns,
        sum(-sign * cost_amount) as cost_of_goods
    from costed_lines
    where happened_on <= {{ as_of() }}
    group by source, {{ month_of('happened_on') }}

),

offers_used as (

    select distinct
        lines.order_id,
        lines.source,
        {{ month_of(local_date('lines.ordered_at')) }} as month,
        offers.offer,
        offers.unit_cost
    from visible_lines as lines
    inner join offers on lines.coupon = offers.offer
    left join replaced_lines as replaced
        on
            lines.record_id = replaced.record_id
            and lines.version = replaced.version
            and lines.content_hash = replaced.content_hash
    where
        replaced.record_id is null
        and not lines.is_deleted
        and not coalesce(lines.is_return, false)
        and offers.unit_cost is not null
        and {{ local_date('lines.ordered_at') }} <= {{ as_of() }}

),

totals as (

    {% for component in ['revenue', 'discounts', 'returns', 'cost_of_goods'] %}
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

)

select * from totals
