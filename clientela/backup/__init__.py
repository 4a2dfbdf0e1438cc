"""Backups of a company: what cannot be made again, in a folder elsewhere, and back.

`sealing` encrypts, `store` is the folder with its pieces and lists, `make` what goes into it, `restore` how it comes back.
What there is to keep is registered in `clientela.places`.
"""
