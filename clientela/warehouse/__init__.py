"""The warehouse file: its tables, keys, memory, lock and transactions, and what its faults are called.

What moves data through it stands in `load`, `identity.step` and dbt's models.
"""
