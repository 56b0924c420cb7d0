"""Which pairs are worth sampling for: those of positives that stay when hot items are thinned."""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from pipelines.assembly.partition import SamplerSettings
from pipelines.assembly.shipped import shipped
from pipelines.assembly.task_files import Task
from pipelines.assembly.workplace import Workplace
from pipelines.catalogue.draw_table import Catalogue, load_catalogue
from pipelines.sampling.positives import are_kept


def stage_kept_pairs(
    pairs: DataFrame, catalogue: Catalogue, settings: SamplerSettings, place: Workplace
) -> DataFrame:
    """Return the pairs of positives that are kept, read back from staging.

    All pairs of one positive stay or go together, so this changes no sample: but the rows of
    requests and users that have no other positive need not be shuffled.

    Args:
        pairs: What ``attributed_pairs`` returned.
        catalogue: The date's items.
        settings: Tells the tasks the seed and the catalogue's file.
        place: Where to compute.
    """
    if len(catalogue.draws.hot_keys) == 0:
        return pairs
    task: Task = partial(kept_rows, settings=settings)
    return place.staged_by_tasks(pairs, task, pairs.schema, "kept-pairs")


def kept_rows(
    batches: Iterable[pa.RecordBatch], settings: SamplerSettings
) -> Iterator[pa.RecordBatch]:
    """Give the pairs of kept positives, batch by batch, for ``mapInArrow``."""
    draws = load_catalogue(shipped(settings.catalogue)).draws
    for batch in batches:
        user, request, item = (_keys(batch, f"{name}_key") for name in ("user", "request", "item"))
        stays = are_kept(user, request, item, draws.hot_keys, draws.hot_keep, settings.seed_state)
        kept = batch.filter(pa.array(stays))
        if kept.num_rows:
            yield kept


def _keys(batch: pa.RecordBatch, name: str) -> NDArray[np.uint64]:
    # Copied: a compiled function is another one for arrays that cannot be written.
    keys: NDArray[np.uint64] = np.array(batch[name].to_numpy()).view(np.uint64)
    return keys
