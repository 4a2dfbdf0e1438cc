"""One company as typed settings: `company` and its `sources`, and how the file is `read`."""
