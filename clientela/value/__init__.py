"""What the warehouse asks of `clientela.lifetime`: forecasts of every customer for the marts, and their explanation.

What belongs in this package: pure functions, frames in, frames out, which say at which days what is forecast, and what a
company too small for a model gets. What does not: models (clientela.lifetime), SQL.
"""
