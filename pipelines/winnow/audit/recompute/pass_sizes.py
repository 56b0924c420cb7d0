"""How much of the logs and the staged tables the audit compares at a time."""

ROWS_PER_PARTITION = 2_000_000
"""A row is a log's, a positive with its list, or a hard negative: a task needs about 0.5 GB
where a positive has 20 negatives."""

ROWS_PER_GIB = 1_750_000
"""An engine that holds its shuffles in memory compares so many rows at a time for each GiB."""

MOST_BROADCAST_POSITIVES = 4_000_000
"""Above so many positives a log is not filtered by their users or requests before the shuffle."""

FEWEST_ROWS_PER_POSITIVE = 30
"""Of a log with fewer rows most belong to users with a positive: looking them up does not pay."""
