"""The shuffle keys of samples, computed again: the order that trainers read files in."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Measurement, none_of
from winnow.audit.recompute.hashes import followed_by, hashes_of
from winnow.audit.recompute.repeats import hashes_of_repeats
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many, requests_note
from winnow.config.tree import Config
from winnow.events.keys import key_of

SHUFFLE_KEY_DIFFERS = none_of(
    "shuffle_key_differs",
    TABLES,
    "rows whose shuffle_key is not the keyed hash that it should be",
)

_PURPOSE = 5
"""What tells a shuffle key from the other random numbers of a positive."""

_ITEM_OF = {
    "positives": "item_id",
    "training_samples": "item_id",
    "training_samples_pointwise": "pos_item_id",
    "easy_negatives": "item_id",
    "hard_negatives": "item_id",
}


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the tables of samples."""
    one_in = one_in_so_many(evidence.n_positives, evidence.scratch.limits)
    for name in shuffled_tables(evidence.staged):
        rows = evidence.staged[name]
        yield Measurement(
            [SHUFFLE_KEY_DIFFERS.promised(name)],
            partial(shuffle_figure, name, rows, evidence.config, one_in),
        )


def shuffled_tables(staged: Mapping[str, DataFrame]) -> tuple[str, ...]:
    """Return the tables whose shuffle keys are judged; training_samples stands for the others."""
    if "training_samples" in staged:
        return ("training_samples",)
    return tuple(name for name in _ITEM_OF if name in staged)


def shuffle_figure(name: str, rows: DataFrame, config: Config, one_in: int) -> Figure:
    """Count the shuffle keys that are not the hash of the seed and their positive's ids.

    Rows of one positive with one key count once.

    Args:
        name: One of the tables of samples.
        rows: Its rows, staged.
        config: Seed and id types. The epoch has no part in it.
        one_in: Rows of 1 in so many requests are looked at. Not those of a row sample: a wrong
            key may lie outside of it.
    """
    ids = (
        key_of("user_id", config.ids.user),
        key_of("request_id", config.ids.request),
        key_of(_ITEM_OF[name], config.ids.item),
    )
    some = of_some_requests(rows, one_in)
    keys = (column.alias(key) for column, key in zip(ids, ("user", "request", "item"), strict=True))
    number = F.col("repeat_idx") if "repeat_idx" in rows.columns else F.lit(0)
    stated_key = F.col("shuffle_key").alias("stated")
    found = some.select(*keys, stated_key, number.cast("bigint")).distinct().toArrow()
    # A NULL id has no hash that would be its own.
    user, request, item, stated, repeat = (
        column.fill_null(0).to_numpy().view(np.uint64) for column in found.itercolumns()
    )
    own = hashes_of_repeats(hashes_of(config.seed, user, request, item), repeat.view(np.int64))
    wanted = followed_by(own, _PURPOSE)
    wrong = int((wanted != stated).sum())
    return SHUFFLE_KEY_DIFFERS.figure(wrong, name, detail=requests_note(one_in))
