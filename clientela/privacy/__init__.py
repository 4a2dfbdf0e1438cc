"""What a person may ask of a company: to be forgotten, and to be told what is held of them.

`person` finds their records and values, `forget` lets them go from everywhere, `search` looks whether they are gone, `disclose`
tells them. Every place there is stands in `clientela.places`; who was forgotten in `clientela.warehouse.tombstones`.
"""
