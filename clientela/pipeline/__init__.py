"""What may happen when, and what is said afterwards: the night, a past day, reloads, the review of identity.

How a step does its work is in `load`, `transform`, `publish` and the pure rooms.
"""
