"""The rows of cold items' positives: as many as there should be, each with its expectation."""

from collections.abc import Iterator

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import POSITIVES, Figure, Measurement, none_of
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.hashes import hashes_of
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.repeats import expected_of, repeats_differ
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many, requests_note
from winnow.audit.recompute.staged_rows import clicked_rows, positives_of
from winnow.audit.recompute.user_caps import KEYS, key_columns
from winnow.config.tree import Config

REPEATS_DIFFER = none_of(
    "repeats_differ",
    POSITIVES,
    "rows of positives that are more or fewer than the clicks of their item and the hash say, or "
    "whose repeat_idx or repeat_expect is another",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the repeats, where positives of cold items are repeated."""
    positives = positives_of(evidence.staged)
    if evidence.config.positives.upsampling is None or positives is None:
        return
    if "repeat_expect" in positives.rows.columns:
        rows, limits = clicked_rows(positives.rows, evidence.config), evidence.scratch.limits
        one_in = one_in_so_many(evidence.n_positives, limits)
        yield Measurement(
            [REPEATS_DIFFER.promised()],
            lambda: repeat_figure(rows, date_items(evidence), evidence.config, one_in),
        )


def repeat_figure(positives: DataFrame, items: Items, config: Config, one_in: int) -> Figure:
    """Count the rows that are too many or too few, or are told wrongly.

    Args:
        positives: The positives, staged.
        items: The clicks of their items.
        config: Seed, id types and how positives are repeated.
        one_in: The positives of one in so many requests are looked at.
    """
    rule = config.positives.upsampling
    assert rule is not None
    stated = (F.col("repeat_idx").alias("number"), F.col("repeat_expect").alias("stated"))
    some = of_some_requests(positives, one_in).select(*key_columns(config), *stated)
    rows = some.toArrow().combine_chunks()
    keys = [rows[name].to_numpy() for name in KEYS]
    hashes = hashes_of(config.seed, *(key.view(np.uint64) for key in keys))
    wrong = repeats_differ(rows, hashes, expected_of(keys[2], items, rule))
    return REPEATS_DIFFER.figure(wrong, detail=requests_note(one_in))
