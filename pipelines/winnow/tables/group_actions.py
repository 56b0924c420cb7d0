"""What was done with a positive, by its sample group."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.events.kinds import ORGANIC, WEAK


def action_of_group(config: Config) -> Column:
    """Return the code of a positive's action, tinyint; NULL where weak."""
    action = F.col("action")
    code = F.when(action >= 0, action)
    if config.positives.organic is not None:
        code = F.when(action < WEAK, action - F.lit(ORGANIC)).otherwise(code)
    return code.cast("tinyint")
