"""The use cases: one function for each, in one write transaction."""
