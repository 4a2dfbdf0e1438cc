"""A delivered file becomes typed rows: `feeds` says which, `inbox` whether it may be read, `open_file` and `readers/` how,
`mapping` and `casting` what its columns mean, and one module for each topic of that: `file_date`, `currency`,
`exchange_rates`, `tax`, `amounts`, `guests`, `record_versions`, `future_rows`. Nothing is judged
or written to the warehouse here.
"""
