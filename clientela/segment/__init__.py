"""Who is alike: micro-segments, rule segments, hysteresis, and the history of any segmentation.

Belongs here: what SQL does badly, as pure functions of polars frames and of fixed calendar points. Does not belong
here: RFM, tiers and profiles, which are dbt models; any connection to a warehouse.
"""
