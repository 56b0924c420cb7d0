"""Suites of Great Expectations that users bring: read, checked, run, and what came of them."""
