"""The requests of users in files that tasks write and read: their keys, ids and times."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.events.kinds import REQUEST
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.requests_of_users import OtherRequests, other_requests_of
from winnow.sampler.pair_files import PairFiles
from winnow.spark.limits import DEFAULT_LIMITS, Limits

KEYS = ("request_id", "user_key", "owner_key")
"""What tells a request: its id, its user's key, and its own as one of that user's."""


def write_requests(
    batches: Iterable[pa.RecordBatch], pair_files: str, limits: Limits = DEFAULT_LIMITS
) -> Iterator[pa.RecordBatch]:
    """Write requests and give where they are, for ``mapInArrow``: ``pair_file``, ``pair_row``."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.nbytes for one in waiting) >= limits.bytes_per_file:
            yield _written(waiting, pair_files)
            waiting = []
    if any(one.num_rows for one in waiting):
        yield _written(waiting, pair_files)


def _written(batches: list[pa.RecordBatch], pair_files: str) -> pa.RecordBatch:
    requests = pa.concat_batches(batches)
    number, n = PairFiles(pair_files).write(requests), requests.num_rows
    places = {"pair_file": np.full(n, number), "pair_row": np.arange(n)}
    return pa.RecordBatch.from_pydict({**{name: requests[name] for name in KEYS}, **places})


def read_requests(
    events: pa.Table, pairs: pa.Table, owners: Owners, pair_files: str
) -> tuple[OtherRequests, pa.Array]:
    """Return the requests of users with a kept positive, and their ids in the same order.

    Args:
        events: What a task received: where the requests lie.
        pairs: The pairs of the partition. owners: Its users and requests with a positive.
        pair_files: The folder of ``PairFiles``.
    """
    told = events.filter(pc.equal(events["kind"], REQUEST))
    # Users of organic positives alone may have had none.
    requests = pairs.slice(0, 0).append_column("request_us", pa.array([], pa.int64()))
    if told.num_rows > 0:
        places = (told[name].to_numpy() for name in ("owner_key", "item_key"))
        requests = PairFiles(pair_files).read(*places)
    user, key = (requests[name].to_numpy().view(np.uint64) for name in KEYS[1:])
    others = other_requests_of(owners, user, key, requests["request_us"].to_numpy())
    ids = requests["request_id"].combine_chunks()
    return others, ids.take(pa.array(others.row))
