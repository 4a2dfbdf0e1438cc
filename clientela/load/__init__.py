"""What is new is staged, judged and written with its lines of the ledger, in one transaction.

`loader` is one feed's night; `gate/` judges. How a file becomes rows stands in `clientela.extract`.
"""
