"""The warehouse file: its tables, keys, memory, lock and transactions, and what its faults are called.

What moves data through it is in `load`, `identity.step` and dbt's models.
"""
