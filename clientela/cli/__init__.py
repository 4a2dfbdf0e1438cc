"""The command line: one file per group of commands, `options` and `output` that they share, `main` that joins them.

A command reads what a person asked, calls the one function that does it, and shows the answer. No rule of the domain.
"""
