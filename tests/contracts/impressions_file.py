"""One file of impressions with columns of any kind."""

from pathlib import Path

import pyarrow as pa

from tests.contracts.logs_for_tests import NOON_S, write


def parquet(tmp_path: Path, **columns: pa.Array) -> None:
    """One file of impressions: ids 1, 2 and 3, 4, …; ``columns`` replace or add."""
    count = len(next(iter(columns.values())))
    base = {
        "request_id": pa.array([1] * count, pa.int64()),
        "user_id": pa.array([2] * count, pa.int64()),
        "item_id": pa.array(range(3, 3 + count), pa.int64()),
        "ts": pa.array([NOON_S] * count, pa.int64()),
    }
    write(tmp_path / "impressions" / "a.parquet", pa.table({**base, **columns}))
