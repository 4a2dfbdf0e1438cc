"""Who is leaving: each customer's rhythm, state, churn probability, survival, and the reasons.

Belongs here: what SQL does badly, as pure functions of polars frames and of fixed calendar points. Does not belong
here: sums and counts that a dbt model does well (customer_months, cohort_retention, customer_movements), any
connection.
"""
