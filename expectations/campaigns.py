"""Campaigns."""

from clientela.contracts.expectations import given

SUITE = (given("ended_on", "warning", "Every campaign states its end."),)
