with

compared as (

    select * from {{ ref('int_complaints_compared') }}

),

complaint_retention as (

    select
        ---------- ids
        orders_before_group,

        ---------- what can be said
        case when difference is null then 'none' else 'association' end as evidence,
        case
            when customers_within = 0 then 'no complaint was resolved within its target'
            when customers_later = 0 then 'every complaint was resolved within its target'
            when difference is null then 'too few customers who bought as often before'
        end as limitation,

        ---------- counts
        customers_within,
        customers_later,
        retained_within,
        retained_later,

        ---------- shares
        cast(retained_within as double) / nullif(customers_within, 0) as retained_within_share,
        cast(retained_later as double) / nullif(customers_later, 0) as retained_later_share,
        difference as retained_share_difference,
        low as retained_share_low,
        high as retained_share_high

    from compared

)

select * from complaint_retention
