select cohort, period, customers, active_customers, share_active, is_left_censored
from retention.cohort_retention
where
    segmentation = (
        -- by quarter where months would be too many
        select case when count(distinct cohort) > 15 then 'quarter' else 'month' end
        from retention.cohort_retention where segmentation = 'month'
    )
    and is_period_complete and period <= 12
    and customers >= 5 -- a share of fewer says nothing
order by is_left_censored desc, cohort_began_on, period
