"""KPIs and objectives: definitions that compute, their values by month and segment, and the way to a target. Pure: no connection
but to a sealed database of its own in memory."""
