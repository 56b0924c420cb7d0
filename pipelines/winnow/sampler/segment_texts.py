"""What tells a segment or a market, as text, by which drivers and tasks know it."""

import pyarrow as pa


def segment_texts(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return text, whole numbers, yes or no, or dates as text, NULL where there is none.

    Numbers with a fraction and times tell neither: their text depends on who writes it.
    """
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return array.cast(pa.string())
