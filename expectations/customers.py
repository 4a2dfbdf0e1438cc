"""Customer records: never far more than usual at once."""

from clientela.contracts.expectations import fact

SUITE = (fact("rows_to_past", "warning", "The batch has at most ten times the usual records.", maximum=10),)
