"""What is new is staged, validated and written with its lines of the ledger, in one transaction.

`loader` is one feed's load, `context` what all of it works with; `gate/` validates. How a file becomes rows is in
`clientela.extract`.
"""
