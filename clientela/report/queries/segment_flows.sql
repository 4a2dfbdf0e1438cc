select from_month_end, to_month_end, from_segment, to_segment, customers, months_between
from segment.segment_flows
where
    segmentation = 'value_tier'
    and to_month_end = (select max(to_month_end) from segment.segment_flows where segmentation = 'value_tier')
    and from_month_end = (
        -- three months back, or as far as the data go
        select min(from_month_end) from segment.segment_flows
        where
            segmentation = 'value_tier' and months_between <= 3
            and to_month_end = (select max(to_month_end) from segment.segment_flows where segmentation = 'value_tier')
    )
