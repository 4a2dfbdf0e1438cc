"""Campaigns."""

from clientela.load.suite import given

SUITE = (given("ended_on", "warning", "Every campaign states its end."),)
