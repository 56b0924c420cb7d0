"""The names of the tables that a build can write."""

from typing import Literal, get_args

TableName = Literal[
    "positives",
    "easy_negatives",
    "hard_negatives",
    "training_samples",
    "training_samples_pointwise",
    "ranking_samples",
    "cascade_samples",
    "request_samples",
    "user_sequences",
    "evaluation_samples",
    "item_stats",
    "rejected",
]
TABLES: tuple[TableName, ...] = get_args(TableName)
STATE_TABLES = ("frequency_state", "history_state")
"""Tables that carry something on from date to date."""
FURTHER_TABLES = (*STATE_TABLES, "batch_draws")
"""Tables that no config names: they are written where what they hold is asked for."""
ONLY_IF_NAMED = (
    "training_samples_pointwise",
    "cascade_samples",
    "request_samples",
    "user_sequences",
    "evaluation_samples",
)
