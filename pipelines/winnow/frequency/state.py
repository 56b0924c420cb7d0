"""An estimate as rows: what frequency_state keeps of it from date to date, and how it goes on."""

import numpy as np
import pyarrow as pa

from winnow.frequency.estimator import FrequencySettings, StreamingFrequency

STATE = pa.schema(
    [
        pa.field("array_no", pa.int32()),
        pa.field("bucket", pa.int64()),
        pa.field("last_step", pa.int64()),
        pa.field("gap", pa.float64()),
        pa.field("steps", pa.int64()),
    ]
)
"""The columns of the rows, one per bucket that was ever hit."""


def state_of(frequency: StreamingFrequency) -> pa.Table:
    """Return an estimate as rows of ``STATE``, in the order of array and bucket."""
    array, bucket = np.nonzero(frequency.last_step)
    columns = (
        array.astype(np.int32),
        bucket,
        frequency.last_step[array, bucket],
        frequency.gap[array, bucket],
        np.full(len(array), frequency.step),
    )
    return pa.table([pa.array(column) for column in columns], schema=STATE)


def resumed(rows: pa.Table, settings: FrequencySettings) -> StreamingFrequency:
    """Return the estimate that rows tell, to go on with the next batch.

    Args:
        rows: The columns of ``STATE`` of one date, in any order; others are left out. Without rows
            the estimate begins anew.
        settings: Those that the rows were made with; ``rate`` may be another from here on.

    Raises:
        ValueError: The rows are of several dates, or of more arrays or buckets than the settings.
    """
    frequency = StreamingFrequency(settings)
    if rows.num_rows == 0:
        return frequency
    array, bucket, last, gap, steps = (rows[name].to_numpy() for name in STATE.names)
    if len(np.unique(steps)) > 1:
        raise ValueError("the rows are of several dates: the state of one is what goes on")
    if array.max() >= settings.arrays or bucket.max() >= settings.buckets:
        found = f"array {array.max()}, bucket {bucket.max()}"
        raise ValueError(f"the rows were made with other arrays or buckets: found {found}")
    frequency.last_step[array, bucket] = last
    frequency.gap[array, bucket] = gap
    frequency.step = int(steps[0])
    return frequency
