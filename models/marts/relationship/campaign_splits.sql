with

splits as (

    select * from {{ source('memory', 'campaign_splits') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

campaign_splits as (

    select
        ---------- ids
        splits.campaign_key,
        crosswalk.customer_id,

        ---------- what the lot said
        case when count(distinct splits.arm) = 1 then min(splits.arm) else 'both' end as arm,
        max(splits.held_out_share) as held_out_share,

        ---------- times
        max(splits.planned_at) as planned_at

    from splits
    inner join crosswalk on splits.record_id = crosswalk.record_id
    group by splits.campaign_key, crosswalk.customer_id

)

select * from campaign_splits
