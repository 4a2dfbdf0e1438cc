{#
    Of the rates of a contact of this kind, the one that holds on the as-of day for each channel of a relation: the narrowest,
    as int_contact_costs prices contacts that were made. A channel without a rate has no row.
#}
{% macro rates_by_channel(channels, kind) -%}
    select
        channel,
        cost_per_contact,
        cost_per_minute
    from (
        select
            {{ channels }}.channel,
            rates.cost_per_contact,
            rates.cost_per_minute,
            row_number() over (
                partition by {{ channels }}.channel
                order by
                    case when rates.kind = '' then 2 else 1 end asc nulls last,
                    case when rates.channel = '' then 2 else 1 end asc nulls last
            ) as sequence
        from {{ channels }}
        inner join {{ ref('stg_cost_rates') }} as rates
            on
                rates.channel in ({{ channels }}.channel, '')
                and rates.kind in ('{{ kind }}', '')
                and {{ as_of() }} >= rates.valid_from
                and {{ as_of() }} < rates.valid_before
    ) as rates_that_fit
    where sequence = 1
{%- endmacro %}
