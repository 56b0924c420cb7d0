"""Where a child process starts, and the environment that it gets."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATH = os.pathsep.join([str(ROOT / "pipelines"), str(ROOT)])
"""``PYTHONPATH`` of a child: this checkout, wherever the environment's package lies."""


def child_environment() -> dict[str, str]:
    """This process's environment without what its own session has set."""
    own = ("SPARK_", "PYSPARK_", "WINNOW_ENGINE")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}
