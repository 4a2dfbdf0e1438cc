"""The words that invented people are made of, one module a language. Data only: what is done with them stands in `words`."""
