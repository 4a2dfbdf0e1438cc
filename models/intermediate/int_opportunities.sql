{#- What companies write where a proposal was decided. -#}
{%- set won = [
    'won', 'accepted', 'sold', 'signed', 'ganado', 'ganada', 'aceptado', 'aceptada', 'firmado', 'firmada',
] -%}
{%- set lost = ['lost', 'rejected', 'declined', 'refused', 'perdido', 'perdida', 'rechazado', 'rechazada'] -%}
{{ config(materialized="view") }}

-- noqa: disable=AM04
with

-- A sales contact is a contact that concerns an amount, or was won or lost.
staged as (

    select
        *,
        case
            when lower(coalesce(outcome, status)) in (
                '{{ won | join("', '") }}'
            ) then 'won'
            when lower(coalesce(outcome, status)) in (
                '{{ lost | join("', '") }}'
            ) then 'lost'
            when resolved_on is null then 'open'
            else 'undecided'
        end as stage
    from {{ ref('int_interactions_identified') }}
    where kind in ('proposal', 'contact')

),

opportunities as (

    select * from staged
    where kind = 'proposal' or amount is not null or stage in ('won', 'lost')

)

select * from opportunities
