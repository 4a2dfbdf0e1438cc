"""The gate: `suite` brings a feed's expectations together, `metrics` measures the batch, `validate` judges it in DuckDB,
`validation_report` writes the batch's page. The suites themselves are data, in `expectations/`.
"""
