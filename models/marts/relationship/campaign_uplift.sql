with

uplift as (

    select * from {{ ref('int_campaign_uplift') }}
    where row_type <> 'customer'

),

campaign_uplift as (

    select
        ---------- ids
        uplift.campaign_id,
        coalesce(uplift.segmentation, 'all') as segmentation,
        coalesce(uplift.segment, 'all') as segment,

        ---------- the source's own keys
        campaigns.campaign_key,

        ---------- what can be said
        uplift.measure as uplift_measure,
        case
            when uplift.row_type = 'segment' then null
            when uplift.qini is null then 'too few buyers in an arm'
            when not uplift.has_customer_uplift
                then 'nothing can be said of single customers: their order gains no more than a lot'
        end as uplift_limitation,

        ---------- counts
        uplift.chosen as chosen_customers,
        uplift.held_out as held_out_customers,
        uplift.segments as compared_segments,

        ---------- what contact changed per customer, company currency
        uplift.uplift,
        uplift.uplift_low,
        uplift.uplift_high,
        uplift.qini,
        uplift.qini_low,

        ---------- booleans
        coalesce(uplift.uplift_low > 0 or uplift.uplift_high < 0, false) as has_segment_uplift,
        coalesce(uplift.has_customer_uplift, false) as has_customer_uplift

    from uplift
    inner join {{ ref('int_campaigns') }} as campaigns on uplift.campaign_id = campaigns.campaign_id

)

select * from campaign_uplift
