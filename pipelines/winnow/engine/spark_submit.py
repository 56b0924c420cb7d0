"""Whether this process was started by spark-submit."""

import os


def under_spark_submit() -> bool:
    """Return whether spark-submit started this process and so decides on master and JARs."""
    return "PYSPARK_GATEWAY_PORT" in os.environ
