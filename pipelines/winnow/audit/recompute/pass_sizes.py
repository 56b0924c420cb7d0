"""How much of the logs and the staged tables the audit compares at a time."""

FEWEST_ROWS_PER_POSITIVE = 30
"""Of a log with fewer rows most belong to users with a positive: looking them up does not pay."""
