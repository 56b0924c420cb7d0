"""How long after an impression a click may come to count for it, by its action."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.config.tree import Config

_HOUR_US = 3_600_000_000


def longest_window_us(config: Config) -> int:
    """Return the longest attribution window of any action, in microseconds."""
    return max(
        config.attribution.window_hours * _HOUR_US,
        *(_microseconds(text) for text in config.attribution.windows.values()),
        0,
    )


def own_window(config: Config) -> Column:
    """Return the attribution window of a click by its ``action_type``, in microseconds."""
    window = F.lit(config.attribution.window_hours * _HOUR_US)
    for action, text in config.attribution.windows.items():
        own = F.lit(_microseconds(text))
        window = F.when(F.col("action_type") == action, own).otherwise(window)
    return window


def _microseconds(text: str) -> int:
    minutes = {"m": 1, "h": 60, "d": 24 * 60}[text[-1]]
    return int(text[:-1]) * minutes * (_HOUR_US // 60)
