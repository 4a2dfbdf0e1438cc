"""The gate: `suite` brings a feed's expectations together, `metrics` measures the batch, `validate` validates it in DuckDB,
`validation_report` writes what became of the batch. The suites themselves are data, in `expectations/`.
"""
