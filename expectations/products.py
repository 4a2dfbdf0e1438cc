"""The product list."""

from clientela.load.suite import given

SUITE = (given("category", "warning", "Nineteen products in twenty have a category.", mostly=0.95),)
