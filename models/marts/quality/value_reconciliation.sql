with

context as (

    select * from {{ source('run', 'context') }}

),

settings as (

    select * from {{ source('run', 'value_settings') }}

),

known_batches as (

    select * from {{ ref('int_raw_batches_known') }}

),

raw_totals as (

    select * from {{ ref('int_raw_sales_totalled') }}
    union all
    select * from {{ ref('int_raw_costs_totalled') }}
    union all
    select * from {{ ref('int_raw_campaigns_totalled') }}

),

-- The month of a stated acquisition cost and of a campaign's share depends on whom it was given to: these are compared
-- over all months, at the as-of month.
ledger_totals as (

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

-- What sources state of their files.
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

accounted as (

    select * from {{ ref('int_deliveries_accounted') }}

),

-- Each side is counted once: all lines are read for it.
lines_waiting as (

    {% for ledger, raw, lines in [
        ('count(*)', '0', ref('int_order_lines_waiting')), ('0', 'count(*)', ref('int_raw_order_lines')),
    ] %}
        select
            source,
            {{ ledger }} as lines_in_marts,
            {{ raw }} as lines_in_raw,
            {{ ledger | replace('count(*)', 'sum(net_amount)') }} as amount_in_marts,
            {{ raw | replace('count(*)', 'sum(net_amount)') }} as amount_in_raw
        from {{ lines }}
        {{ 'where is_waiting_for_header' if raw != '0' }}
        group by source
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

sides as (

    select
        source,
        month,
        component,
        'raw' as compared_with,
        amount as ledger_amount,
        0 as other_amount
    from ledger_totals
    union all
    select
        source,
        month,
        component,
        'raw' as compared_with,
        0 as ledger_amount,
        coalesce(amount, 0) as other_amount
    from raw_totals
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
    {% for compared_with, measure in [
        ('rows delivered', 'rows'), ('amount delivered', 'amount'), ('rows with an amount_unreadable', 'unreadable'),
    ] %}
        union all
        select
            source,
            month,
            entity as component,
            '{{ compared_with }}' as compared_with,
            accounted_{{ measure }} as ledger_amount,
            delivered_{{ measure }} as other_amount
        from accounted
    {% endfor %}
    {% for compared_with, measure in [
        ('lines waiting_for_header', 'lines'), ('amount waiting_for_header', 'amount'),
    ] %}
        union all
        select
            lines_waiting.source,
            {{ month_of('context.as_of_on') }} as month,
            'transactions' as component,
            '{{ compared_with }}' as compared_with,
            lines_waiting.{{ measure }}_in_marts as ledger_amount,
            lines_waiting.{{ measure }}_in_raw as other_amount
        from lines_waiting
        cross join context
    {% endfor %}

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
