"""How much of the logs and the staged tables the audit compares at a time."""

ROWS_PER_PARTITION = 1_000_000
"""A row is a log's, a positive with its list, or a hard negative: a worker stays below 1 GB."""

ROWS_PER_PASS = 40_000_000
"""An engine that holds its shuffles in memory compares so many rows at a time."""

MOST_BROADCAST_POSITIVES = 4_000_000
"""Above so many positives a log is not filtered by their users or requests before the shuffle."""
