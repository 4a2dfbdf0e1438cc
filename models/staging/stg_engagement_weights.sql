with

engagement_weights as (

    {{ company_rows_or_default('engagement_weights', ['part', 'dimension', 'weight', 'full_at']) }}

)

select * from engagement_weights
