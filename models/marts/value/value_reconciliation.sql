{#- Versions in force are found here by a query of its own, not by the macro that staging uses. -#}
{%- set states = ['products', 'margin_rates', 'cost_rates', 'customers', 'acquisition_costs', 'offers'] -%}
{%- set events = ['interactions', 'rewards', 'campaigns', 'campaign_contacts'] -%}
with

context as (

    select * from {{ source('run', 'context') }}

),

settings as (

    select * from {{ source('run', 'value_settings') }}

),

known_batches as (

    select
        loads.entity,
        loads.batch_id
    from {{ source('ledger', 'loads') }} as loads
    cross join context
    where
        loads.loaded_at <= context.known_at
        and loads.status in ('loaded', 'unloaded')
        and coalesce(loads.retired_at > context.known_at, true)

),

{% for entity in states + events %}
    {{ entity }} as (

        select *
        from (
            select
                *,
                rank() over (
                    partition by record_id order by version desc nulls last, content_hash desc nulls last
                ) as age
            from {{ source('raw', entity) }}
            where
                batch_id in (
                    select known_batches.batch_id from known_batches
                    where known_batches.entity = '{{ entity }}'
                )
                {% if entity in states -%}
                    and coalesce({{ local_date('version_at') }} <= {{ as_of() }}, true)
                {%- endif %}
        ) as versions
        where age = 1 and not is_deleted

    ),

{% endfor %}
---------- what the raw rows of transactions say: every version counts once, and what a later one replaced is taken off

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

    select
        1 as sign,
        source,
        product_record_id,
        ordered_at,
        is_return,
        gross_amount,
        net_amount,
        quantity,
        cost_amount
    from visible_lines
    where not is_deleted
    union all
    select
        -1 as sign,
        source,
        product_record_id,
        ordered_at,
        is_return,
        gross_amount,
        net_amount,
        quantity,
        cost_amount
    from replaced_lines
    where not is_deleted

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

sold as (

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

---------- what the raw rows of everything else say

contacts as (

    select
        source,
        channel,
        kind,
        {{ local_date('opened_at') }} as happened_on,
        case
            when coalesce({{ local_date('resolved_at') }} <= {{ as_of() }}, true) then coalesce(minutes, 0) else 0
        end as minutes,
        count(*) as contacts
    from interactions
    group by all

),

-- The most particular rate that was good on the day, the latest of them.
served as (

    select
        contacts.source,
        contacts.happened_on,
        contacts.contacts
        * {{ money("coalesce(rates.cost_per_contact, 0) + "
            ~ times("coalesce(rates.cost_per_minute, 0)", "contacts.minutes")) }}
            as cost
    from contacts
    inner join cost_rates as rates
        on
            coalesce(nullif(rates.kind, ''), contacts.kind) = contacts.kind
            and coalesce(nullif(rates.channel, ''), coalesce(contacts.channel, '')) = coalesce(contacts.channel, '')
            and contacts.happened_on >= rates.valid_from
    where contacts.happened_on <= {{ as_of() }}
    qualify
        row_number() over (
            partition by contacts.source, contacts.channel, contacts.kind, contacts.happened_on, contacts.minutes
            order by
                case when coalesce(rates.kind, '') <> '' then 2 else 0 end
                + case when coalesce(rates.channel, '') <> '' then 1 else 0 end desc nulls last,
                rates.valid_from desc nulls last
        ) = 1

),

contacted as (

    select
        contacts.campaign_record_id,
        count(*) as contacts
    from campaign_contacts as contacts
    inner join campaigns on contacts.campaign_record_id = campaigns.record_id
    where
        coalesce(contacts.role, 'contacted') = 'contacted'
        and coalesce({{ local_date('contacts.contacted_at') }}, campaigns.started_on) <= {{ as_of() }}
    group by contacts.campaign_record_id

),

used as (

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

told_by_raw as (

    select
        source,
        month,
        'revenue' as component,
        revenue as amount
    from sold
    union all
    select
        source,
        month,
        'discounts' as component,
        discounts as amount
    from sold
    union all
    select
        source,
        month,
        'returns' as component,
        returns as amount
    from sold
    union all
    select
        source,
        month,
        'cost of goods' as component,
        cost_of_goods as amount
    from sold
    union all
    select
        source,
        {{ month_of('happened_on') }} as month,
        'cost to serve' as component,
        -cost as amount
    from served
    union all
    select
        source,
        {{ month_of(local_date('rewarded_at')) }} as month,
        'rewards' as component,
        -value_amount as amount
    from rewards
    where kind in ('redeemed', 'gift') and {{ local_date('rewarded_at') }} <= {{ as_of() }}
    union all
    select
        customers.source,
        {{ month_of('context.as_of_on') }} as month,
        'acquisition' as component,
        -customers.acquisition_cost as amount
    from customers
    cross join context
    union all
    select
        'reference' as source,
        {{ month_of('month') }} as month,
        'acquisition' as component,
        -cost_amount as amount
    from acquisition_costs
    where {{ month_of('month') }} <= {{ as_of() }}
    union all
    select
        campaigns.source,
        {{ month_of('context.as_of_on') }} as month,
        'campaigns' as component,
        -coalesce(campaigns.fixed_cost, 0)
        - coalesce(campaigns.unit_cost, 0) * coalesce(contacted.contacts, 0) as amount
    from campaigns
    left join contacted on campaigns.record_id = contacted.campaign_record_id
    cross join context
    where campaigns.started_on <= context.as_of_on
    union all
    select
        source,
        month,
        'offers' as component,
        -unit_cost as amount
    from used

),

-- The month of a stated acquisition cost and of a campaign's share depends on whom it was given to: these are compared
-- over all months, at the as-of month.
told_by_ledger as (

    select
        ledger.source,
        case
            when ledger.component = 'campaigns' or (ledger.component = 'acquisition' and ledger.source <> 'reference')
                then {{ month_of('context.as_of_on') }}
            else ledger.month
        end as month,
        ledger.component,
        ledger.amount
    from {{ ref('value_ledger') }} as ledger
    cross join context

),

---------- what sources state of their files

stated as (

    select
        files.source,
        {{ month_of('coalesce(loads.last_event_on, cast(loads.loaded_at as date))') }} as month,
        files.entity,
        files.control_rows,
        files.delivered_rows,
        files.control_sum,
        files.delivered_sum
    from {{ source('ledger', 'load_files') }} as files
    inner join {{ source('ledger', 'loads') }} as loads on files.batch_id = loads.batch_id
    where loads.batch_id in (select known_batches.batch_id from known_batches)

),

sides as (

    select
        source,
        month,
        component,
        'raw' as compared_with,
        amount as ledger_amount,
        0 as other_amount
    from told_by_ledger
    union all
    select
        source,
        month,
        component,
        'raw' as compared_with,
        0 as ledger_amount,
        coalesce(amount, 0) as other_amount
    from told_by_raw
    union all
    select
        source,
        month,
        entity as component,
        'rows the source states' as compared_with,
        delivered_rows as ledger_amount,
        control_rows as other_amount
    from stated
    where control_rows is not null
    union all
    select
        source,
        month,
        entity as component,
        'sum the source states' as compared_with,
        coalesce(delivered_sum, 0) as ledger_amount,
        control_sum as other_amount
    from stated
    where control_sum is not null

),

compared as (

    select
        month,
        source,
        component,
        compared_with,
        {{ money('sum(ledger_amount)') }} as amount,
        {{ money('sum(other_amount)') }} as compared_amount
    from sides
    group by month, source, component, compared_with

),

value_reconciliation as (

    select
        ---------- ids
        compared.month,
        compared.source,
        compared.component,
        compared.compared_with,

        ---------- amounts
        compared.amount,
        compared.compared_amount,
        {{ money('compared.amount - compared.compared_amount') }} as difference,

        ---------- booleans
        abs(compared.amount - compared.compared_amount) <= settings.tolerance as is_within_tolerance

    from compared
    cross join settings
    where compared.source <> 'none'

)

select * from value_reconciliation
