"""A delivered file becomes typed rows: `feeds` says which, `inbox` whether it may be read, `open_file` and `readers/` how,
`mapping`, `casting` and `derive` what its columns mean. Nothing is judged or written to the warehouse here.
"""
