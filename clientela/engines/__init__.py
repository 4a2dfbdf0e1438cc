"""Where the models run when it is not in the warehouse itself: another engine builds them, DuckDB loads, judges and publishes.

`lake` is the tables between the two, as Parquet; `spark` builds on a cluster. What a model computes is in `models/`, the same
for every engine; building in DuckDB is `clientela.build_models`.
"""
