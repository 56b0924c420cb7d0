"""The pools of a date in one file that every task maps."""

from functools import lru_cache
from pathlib import Path

from winnow.arrays.array_file import map_arrays, save_arrays
from winnow.sampler.kernels.pools import Pools


def save_pools(pools: Pools, path: Path) -> None:
    """Write them as one file for tasks."""
    save_arrays(pools._asdict(), path)


@lru_cache(maxsize=2)
def load_pools(path: str) -> Pools:
    """Map a file into memory; a process does so once, and processes share the pages."""
    return Pools(**map_arrays(path))
