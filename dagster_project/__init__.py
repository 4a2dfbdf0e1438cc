"""The night as Dagster assets: orchestration only.

Here is what depends on what, when it starts, what may be tried again, and how it is shown in Dagster's words. No SQL,
no statistics and no rule of the domain: each asset calls the one function of `clientela` that does its work, and
`clientela run` calls the same ones.
"""
