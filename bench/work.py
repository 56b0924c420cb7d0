"""The work that is compared, and how a program tells what it measured of itself."""

import json
import sys
from collections.abc import Mapping
from datetime import date, timedelta

DAY = date(2025, 10, 10)
"""The date whose samples are made; its popularity is counted on the date before."""

PER_POSITIVE = 10
"""Easy negatives per positive, and as many hard ones."""

SPARE_DRAWS = 5
"""What a peer without rejection sampling draws on top, for the draws that the exclusion takes."""

HOT_CLICKS = 50
"""Positives of items with more clicks than this are kept with probability sqrt(this / clicks)."""

ALPHA, SMOOTHING = 0.75, 1
"""An item is drawn with probability proportional to (clicks + SMOOTHING) ** ALPHA."""


def dates_back(days: int) -> list[str]:
    """Return the date and so many dates before it, the date first, as ``YYYY-MM-DD``."""
    return [str(DAY - timedelta(days=back)) for back in range(days + 1)]


def tell(
    stages: Mapping[str, float], cpu: Mapping[str, float] | None = None, *, started: float = 0.0
) -> None:
    """Write what a program measured of itself as the last line of its output.

    Args:
        stages: Seconds per stage; their sum is the time of the work without starting up.
        cpu: CPU seconds per stage, where they are known.
        started: Seconds from the start of the process to the first stage.
    """
    record = {"started": started, "stages": dict(stages), "cpu": dict(cpu or {})}
    sys.stdout.write("\n" + json.dumps(record) + "\n")
    sys.stdout.flush()
