"""clientela: an analytical customer warehouse that a company runs on its own machine."""
