"""Who is alike: micro-segments, rule segments, hysteresis, nearest customers.

Belongs here: what SQL does badly, as pure functions of polars frames and of fixed calendar points. Does not belong
here: RFM, history, flows and profiles, which are dbt models; any connection to a warehouse.
"""
