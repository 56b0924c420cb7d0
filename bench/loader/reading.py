"""Scans and readers of files of training samples, each measured in processes of its own."""

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from winnow.loading.samples import COLUMNS, stream_of
from winnow.release.table_files import TableFiles

Cost = tuple[int, float, float]
"""Rows, CPU seconds, user seconds among them."""

_BATCH = 1_024


def measured(read: Callable[[TableFiles, int, int], Cost], files: TableFiles, n: int) -> Cost:
    """Return what some processes cost together that read beside each other, each its share."""
    with ProcessPoolExecutor(n, get_context("spawn")) as pool:
        found = list(pool.map(read, [files] * n, range(n), [n] * n))
    rows, cpu, user = (sum(values) for values in zip(*found, strict=True))
    return int(rows), cpu, user


def scan_in_one_thread(files: TableFiles, _worker: int, _workers: int) -> Cost:
    """Decode the columns batch by batch, and let them go."""
    return _cost(lambda: _scanned(files, use_threads=False))


def scan(files: TableFiles, _worker: int, _workers: int) -> Cost:
    """Do the same with all threads that Arrow has, which is its default."""
    return _cost(lambda: _scanned(files, use_threads=True))


def read(files: TableFiles, worker: int, workers: int) -> Cost:
    """Take a worker's share of the batches of an epoch, as arrays."""
    stream = stream_of(files, _BATCH)
    return _cost(lambda: sum(len(batch["item_id"]) for batch in stream.run(worker, workers)))


def _scanned(files: TableFiles, *, use_threads: bool) -> int:
    batches = files.dataset().to_batches(columns=[*COLUMNS], use_threads=use_threads)
    return sum(batch.num_rows for batch in batches)


def _cost(work: Callable[[], int]) -> Cost:
    before = resource.getrusage(resource.RUSAGE_SELF)
    rows = work()
    # Threads that read ahead have nothing left to do, but may still be ending.
    time.sleep(0.1)
    after = resource.getrusage(resource.RUSAGE_SELF)
    user = after.ru_utime - before.ru_utime
    return rows, user + after.ru_stime - before.ru_stime, user
