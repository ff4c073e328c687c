"""Carry out the use cases: one function for each, in one write transaction, or in batches if the work is long."""
