{{ config(materialized="view") }}

with

interactions as (

    select * from {{ ref('int_interactions_identified') }}

),

rates as (

    select * from {{ ref('stg_cost_rates') }}

),

-- A table of rates holds one at most for a channel, a kind and a day: the joins below keep every interaction once.
priced as (

    select
        interactions.interaction_id,
        interactions.customer_id,
        interactions.source,
        interactions.kind,
        interactions.opened_on,
        coalesce(both_named.valid_from, of_kind.valid_from, of_channel.valid_from, of_all.valid_from) is not null
            as is_priced,
        case
            when both_named.valid_from is not null then 'rate of channel and kind'
            when of_kind.valid_from is not null then 'rate of kind'
            when of_channel.valid_from is not null then 'rate of channel'
            when of_all.valid_from is not null then 'rate of the company'
            else 'missing'
        end as rule,
        coalesce(both_named.is_assumed, of_kind.is_assumed, of_channel.is_assumed, of_all.is_assumed, false)
            as is_assumed,
        {{ money("""
            coalesce(
                both_named.cost_per_contact, of_kind.cost_per_contact, of_channel.cost_per_contact, of_all.cost_per_contact, 0
            )
            + """ ~ times("""coalesce(
                both_named.cost_per_minute, of_kind.cost_per_minute, of_channel.cost_per_minute, of_all.cost_per_minute, 0
            )""", "coalesce(interactions.minutes, 0)")) }} as cost_amount
    from interactions
    left join rates as both_named
        on
            interactions.channel = both_named.channel
            and interactions.kind = both_named.kind
            and interactions.opened_on >= both_named.valid_from
            and interactions.opened_on < both_named.valid_before
    left join rates as of_kind
        on
            interactions.kind = of_kind.kind
            and of_kind.channel = ''
            and interactions.opened_on >= of_kind.valid_from
            and interactions.opened_on < of_kind.valid_before
    left join rates as of_channel
        on
            interactions.channel = of_channel.channel
            and of_channel.kind = ''
            and interactions.opened_on >= of_channel.valid_from
            and interactions.opened_on < of_channel.valid_before
    left join rates as of_all
        on
            of_all.channel = ''
            and of_all.kind = ''
            and interactions.opened_on >= of_all.valid_from
            and interactions.opened_on < of_all.valid_before

)

select * from priced
