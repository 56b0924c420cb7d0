"""The labels of single actions: whether the user did it, and how long after the showing."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from winnow.config.tree import Config


def labels(
    config: "Config", shown_us: Column, done_us: Callable[[str, int], Column]
) -> Iterator[Column]:
    """Give ``label_<name>`` (int, 0 or 1) and ``label_<name>_delay_ms`` (bigint, NULL where 0).

    Args:
        config: The actions that have labels of their own.
        shown_us: When the item was shown, in microseconds.
        done_us: Returns when an action was first done, NULL where it was not, by the name of its
            columns and its position in the configured order.
    """
    codes = {action: code for code, action in enumerate(config.positives.actions)}
    for action, name in config.positives.label_names.items():
        when = done_us(name, codes[action])
        yield when.isNotNull().cast("int").alias(f"label_{name}")
        delay = F.floor((when - shown_us) / F.lit(1000)).cast("bigint")
        yield delay.alias(f"label_{name}_delay_ms")
