"""One partition, sampled without Spark; run as a program it prints a digest of every bit.

The events are made by arithmetic alone, so that no generator's version matters.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.assembly.partition import SamplerSettings, sample_partition
from pipelines.catalogue.draw_table import build_catalogue, save_catalogue
from pipelines.catalogue.weights import integer_weights, keep_probs
from pipelines.config.sampling import Downsampling
from pipelines.config.tree import Config
from pipelines.contracts.days import CalendarDay
from pipelines.sampling.events import FIRST_CANDIDATE, FORBIDDEN, PAIR

ITEMS, USERS = 400, 60
_STEP = 0x9E3779B97F4A7C15


def _scattered(n: int, below: int, stream: int) -> np.ndarray:
    """Return n integers in [0, below), as scattered as a hash."""
    bits = [((i + 1) * _STEP * (2 * stream + 1)) % 2**64 for i in range(n)]
    return np.array([(b ^ (b >> 29)) % below for b in bits], np.int64)


def config(**settings: object) -> Config:
    tree = {
        "logs": {name: {"path": name} for name in ("impressions", "clicks", "ranking_log")},
        "easy": {"max_rejections": 1},
        "mix": {"negatives_per_positive": 10, "hard_ratio": 0.4},
        "positives": {"downsampling": {"threshold_quantile": 0.5}},
        **settings,
    }
    return Config.model_validate_json(json.dumps(tree))


def items() -> pa.Table:
    """A catalogue with a long tail, a tenth of it clicked but not eligible."""
    ids = np.arange(1, ITEMS + 1)
    clicks = 10_000 // ids + ids % 3
    clicks[ids % 7 == 0] = 0
    return pa.table(
        {
            "item_id": ids,
            "item_key": ids,
            "clicks": clicks,
            "in_catalogue": ids % 10 != 9,
        }
    )


def events() -> pa.RecordBatch:
    """Forbidden items, pairs and ranking rows of all users."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("user", "request", "item")}
    kinds: list[np.ndarray] = []
    values: list[np.ndarray] = []
    shown: list[np.ndarray] = []

    def add(
        user: np.ndarray, request: np.ndarray, item: np.ndarray, kind: np.ndarray | int
    ) -> None:
        columns["user"].append(user)
        columns["request"].append(request)
        columns["item"].append(item)
        kinds.append(np.broadcast_to(np.asarray(kind, np.int8), len(user)))
        values.append(_scattered(len(user), 1_000, len(values)) / 7.0)
        shown.append(1_000_000 + 10 * np.arange(len(user)))

    of_user = np.repeat(np.arange(1, USERS + 1), 8)
    popular = (_scattered(len(of_user), ITEMS, 1) * _scattered(len(of_user), ITEMS, 2)) // ITEMS + 1
    request = of_user * 100 + np.tile(np.arange(8), USERS)
    add(of_user, np.zeros_like(request), popular, FORBIDDEN)
    add(of_user, request, popular, PAIR)
    logged = np.repeat(request, 12)
    stage = np.tile(np.arange(12) % 2, len(request))
    add(
        logged // 100,
        logged,
        _scattered(len(logged), ITEMS, 3) + 1,
        FIRST_CANDIDATE + 2 * stage + 1,
    )
    kind = np.concatenate(kinds)
    is_pair = kind == PAIR
    details = [
        *(pa.array(np.concatenate(columns[name])[is_pair]) for name in columns),
        pa.array(np.concatenate(shown)[is_pair]),
        pa.array(np.concatenate(shown)[is_pair] + 5),
        pa.array(np.zeros(is_pair.sum(), np.int8)),
        pa.array(np.arange(is_pair.sum()) % 5),
    ]
    names = ["user_id", "request_id", "item_id", "impression_us", "click_us", "action", "tie"]
    pair = pa.ListArray.from_arrays(
        pa.array(np.concatenate([[0], np.cumsum(is_pair)]), pa.int32()),
        pa.StructArray.from_arrays(details, names=names),
        mask=pa.array(~is_pair),
    )
    return pa.RecordBatch.from_arrays(
        [
            *(pa.array(np.concatenate(columns[name])) for name in columns),
            pa.array(kind),
            pa.array(np.concatenate(values), mask=kind < FIRST_CANDIDATE),
            pair,
        ],
        names=["user_key", "request_key", "item_key", "kind", "value", "pair"],
    )


def sampled(folder: Path, *batches: pa.RecordBatch, **settings: object) -> pa.Table:
    """Sample the partition; the catalogue is saved to the folder and mapped from there."""
    wanted = config(**settings)
    path = folder / f"catalogue-{len(list(folder.iterdir()))}.arrow"
    save_catalogue(build_catalogue(items(), wanted), path)
    day = CalendarDay(np.datetime64("1970-01-01").astype(object))
    task = SamplerSettings.of(wanted, day, str(path), by_score=True)
    rows = batches or (events(),)
    return pa.Table.from_batches(list(sample_partition(rows, task)))


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the bytes of every output, floats included: not one bit may differ."""
    made: dict[str, pa.Array | pa.ChunkedArray] = dict(
        zip((t := sampled(folder)).column_names, t.columns, strict=True)
    )
    clicks = items()["clicks"].to_numpy()
    for alpha in (0.3, 0.75, 1.0):
        made[f"weights_{alpha}"] = pa.array(integer_weights(clicks, 1.0, alpha))
    for rule in ("sqrt", "cap", "power"):
        keep = keep_probs(clicks, Downsampling(rule=rule, threshold_clicks=3.0, power=0.37))
        made[f"keep_{rule}"] = pa.array(keep)
    return {name: _digest(values) for name, values in made.items()}


def _digest(values: pa.Array | pa.ChunkedArray) -> str:
    sink = pa.BufferOutputStream()
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    table = pa.table({"values": flat})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def main() -> None:
    import numba
    from numpy._core._multiarray_umath import (  # type: ignore[import-not-found]
        __cpu_features__,
    )

    with tempfile.TemporaryDirectory() as folder:
        told = {
            "digests": digests(Path(folder)),
            "features": sorted(name for name, on in __cpu_features__.items() if on),
            "numba_cpu": vars(numba.config)["CPU_NAME"],
        }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
