{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

links as (

    select * from {{ ref('identity_links') }}
    where status = 'linked'

),

-- A link by a rule is surer than any weight.
sides as (

    select
        customer_record_id,
        rule,
        match_weight
    from links
    union all
    select
        other_customer_record_id as customer_record_id,
        rule,
        match_weight
    from links

),

sides_ranked as (

    select
        *,
        row_number() over (
            partition by customer_record_id order by match_weight desc nulls first, rule asc nulls last
        ) as sequence
    from sides

),

surest as (

    select * from sides_ranked
    where sequence = 1

),

customer_records as (

    select
        ---------- ids
        records.record_id as customer_record_id,
        crosswalk.customer_id,
        records.source,
        records.customer_key,

        ---------- evidence
        coalesce(surest.rule, 'only record') as rule,
        surest.match_weight,

        ---------- booleans
        records.is_delivered,

        ---------- dates
        records.first_seen_on,
        records.last_seen_on

    from {{ ref('int_customer_records') }} as records
    inner join crosswalk on records.record_id = crosswalk.record_id
    left join surest on records.record_id = surest.customer_record_id

)

select * from customer_records
