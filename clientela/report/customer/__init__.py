"""The page of one customer: who they are, what they are worth and why, what to expect, and what was dealt with them.

It says of one customer what the report says of all, with the same pieces: queries on what is published, texts of the
catalogue, sections. Nothing here computes a figure.
"""
