with

rates as (

    {{ company_rows_or_default(
        'cost_rates', ['channel', 'kind', 'valid_from', 'cost_per_contact', 'cost_per_minute', 'is_assumed']
    ) }}

),

cost_rates as (

    select
        coalesce(channel, '') as channel,
        coalesce(kind, '') as kind,
        coalesce(cost_per_contact, 0) as cost_per_contact,
        coalesce(cost_per_minute, 0) as cost_per_minute,
        coalesce(is_assumed, false) as is_assumed,
        valid_from,
        -- a rate is good until the next one for the same channel and kind
        coalesce(
            lead(valid_from) over (
                partition by coalesce(channel, ''), coalesce(kind, '') order by valid_from asc nulls last
            ),
            cast('9999-12-31' as date)
        ) as valid_before
    from rates

)

select * from cost_rates
