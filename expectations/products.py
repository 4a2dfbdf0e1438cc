"""The product list."""

from clientela.contracts.expectations import given

SUITE = (given("category", "warning", "Nineteen products in twenty have a category.", mostly=0.95),)
