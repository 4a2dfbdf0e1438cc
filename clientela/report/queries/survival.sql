select segment, landmark_on, days, customers_at_risk, survival, survival_low, survival_high
from retention.survival_curves
where
    basis = 'since landmark' and segmentation = 'value_tier'
    and landmark_on = (
        select max(landmark_on) from retention.survival_curves
        where basis = 'since landmark' and segmentation = 'value_tier'
    )
order by segment, days
