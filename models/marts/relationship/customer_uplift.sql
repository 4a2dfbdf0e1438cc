with

uplift as (

    select * from {{ ref('int_campaign_uplift') }}
    where row_type = 'customer'

),

customer_uplift as (

    select
        ---------- ids
        campaign_id,
        customer_id,

        ---------- what contact was expected to change, company currency
        measure as uplift_measure,
        uplift as expected_uplift,

        ---------- where that puts them
        ntile(10) over (
            partition by campaign_id order by uplift desc nulls last, customer_id asc nulls last
        ) as uplift_decile

    from uplift

)

select * from customer_uplift
