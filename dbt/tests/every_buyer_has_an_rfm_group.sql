-- The rules of the reference table rfm_groups leave out no combination of scores that occurs.
{{ config(severity='warn') }}

select distinct
    recency_score,
    frequency_score,
    monetary_score
from {{ ref('customer_segments') }}
where rfm_group = 'No group'
