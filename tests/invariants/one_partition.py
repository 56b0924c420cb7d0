"""One partition, sampled without Spark; run as a program it prints a digest of every bit.

The events are made by arithmetic alone, so that no generator's version matters.
"""

import hashlib
import json
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from winnow.config.positives import Downsampling
from winnow.config.tree import Config
from winnow.dates import CalendarDay
from winnow.events.kinds import FIRST_RANKED, FORBIDDEN, PAIR
from winnow.sampler.built_catalogue import build_catalogue
from winnow.sampler.catalogue_file import save_catalogue
from winnow.sampler.pair_files import PairFiles
from winnow.sampler.task import sample_partition
from winnow.sampler.task_settings import SamplerSettings
from winnow.sampler.weights import integer_weights, keep_probs

from tests.recipes import negatives

ITEMS, USERS = 400, 60
_PAIR_FILE = 3
_STEP = 0x9E3779B97F4A7C15


def _scattered(n: int, below: int, stream: int) -> np.ndarray:
    """Return n integers in [0, below), as scattered as a hash."""
    bits = [((i + 1) * _STEP * (2 * stream + 1)) % 2**64 for i in range(n)]
    return np.array([(b ^ (b >> 29)) % below for b in bits], np.int64)


STAGES = ({"name": "coarse", "take": "cut"}, {"name": "fine", "take": "low"})


DAY = CalendarDay(date(2026, 1, 10))


def config(**settings: object) -> Config:
    tree = {
        "logs": {name: {"path": name} for name in ("impressions", "clicks", "ranking_log")},
        "negatives": negatives(10, hard=0.4, stages=STAGES, max_rejections=1),
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
            "eligible_from": pa.nulls(len(ids), pa.timestamp("us", "UTC")),
        }
    )


def _impressions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The user, request and item of each; all of them were clicked."""
    user = np.repeat(np.arange(1, USERS + 1), 8)
    popular = (_scattered(len(user), ITEMS, 1) * _scattered(len(user), ITEMS, 2)) // ITEMS + 1
    return user, user * 100 + np.tile(np.arange(8), USERS), popular


def _pairs() -> pa.RecordBatch:
    user, request, item = _impressions()
    shown = 1_000_000 + 10 * np.arange(len(user))
    return pa.RecordBatch.from_pydict(
        {
            "user_id": user,
            "request_id": request,
            "item_id": item,
            "impression_us": shown,
            "click_us": shown + 5,
            "action": np.zeros(len(user), np.int8),
            "tie": np.arange(len(user)) % 5,
            "user_key": user,
            "request_key": request,
            "item_key": item,
            "owner_key": -request,
        }
    )


def events() -> pa.RecordBatch:
    """Forbidden items, the places of pairs, and ranking rows, with their users."""
    user, request, item = _impressions()
    logged = np.repeat(request, 12)
    kind = np.concatenate(
        [
            np.full(len(user), FORBIDDEN),
            np.full(len(user), PAIR),
            np.tile(FIRST_RANKED + 1 + 2 * (np.arange(12) % 2), len(request)),
        ]
    )
    columns = {
        "user_key": np.concatenate([user, user, logged // 100]),
        "owner_key": np.concatenate([user, np.full(len(user), _PAIR_FILE), -logged]),
        "item_key": np.concatenate(
            [item, np.arange(len(user)), _scattered(len(logged), ITEMS, 3) + 1]
        ),
        "kind": kind.astype(np.int8),
    }
    value = _scattered(len(logged), 1_000, 2) / 7.0
    none = pa.nulls(2 * len(user), pa.float64())
    arrays = {name: pa.array(values) for name, values in columns.items()}
    return pa.RecordBatch.from_pydict(
        {**arrays, "score": pa.concat_arrays([none, pa.array(value)])}
    )


def _write_pairs(folder: Path) -> None:
    number = PairFiles(str(folder)).write(_pairs())
    (folder / f"{number}.arrow").replace(folder / f"{_PAIR_FILE}.arrow")


def sampled(folder: Path, *batches: pa.RecordBatch, **settings: object) -> pa.Table:
    """Sample the partition; the catalogue is saved to the folder and mapped from there."""
    wanted = config(**settings)
    path = folder / f"catalogue-{len(list(folder.iterdir()))}.arrow"
    save_catalogue(build_catalogue(items(), wanted, DAY), path)
    day = CalendarDay(np.datetime64("1970-01-01").astype(object))
    task = SamplerSettings.of(wanted, day, str(path), str(folder), by_score=(True, True))
    _write_pairs(folder)
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
    by_share = Downsampling(rule="word2vec_code", threshold_share=0.05)
    made["keep_word2vec_code"] = pa.array(keep_probs(clicks, by_share))
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
