"""Benchmarks: what Winnow costs, against its own parts and against other ways to do the work."""
