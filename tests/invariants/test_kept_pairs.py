"""The pairs that are sampled for: all of the positives that stay, none of those that are thinned.

That fewer pairs change no sample is seen by DescribePasses in test_same_rows.
"""

import dataclasses
from collections.abc import Iterator

import pytest
from pyspark.sql import Row
from pyspark.sql import functions as F

from pipelines.assembly.kept_pairs import stage_kept_pairs
from pipelines.assembly.partition import SamplerSettings
from pipelines.assembly.samples import all_events
from pipelines.sampling.events import FIRST_CANDIDATE
from tests.invariants.staged import DAY, Staged
from tests.kernels.reference import KEEP, MASK, fold, mix64

pytestmark = pytest.mark.both_engines


@pytest.fixture(scope="module")
def settings(staged: Staged) -> SamplerSettings:
    return SamplerSettings.of(staged.config, DAY, staged.items.shipped, by_score=True)


def kept_one_by_one(staged: Staged) -> Iterator[Row]:
    draws = staged.items.catalogue.draws
    hot = dict(zip(draws.hot_keys.tolist(), draws.hot_keep.tolist(), strict=True))
    seed = fold(mix64(staged.config.seed), staged.config.epoch)
    for row in staged.all_pairs.collect():
        state = seed
        for key in (row.user_key, row.request_key, row.item_key):
            state = fold(state, key & MASK)
        if (fold(state, KEEP) >> 11) * 2.0**-53 < hot.get(row.item_key & MASK, 1.0):
            yield row


class DescribeStageKeptPairs:
    def it_keeps_those_whose_hash_is_below_the_keep_prob_of_the_item(
        self, staged: Staged, settings: SamplerSettings
    ) -> None:
        wanted = list(kept_one_by_one(staged))
        kept = stage_kept_pairs(staged.all_pairs, staged.items.catalogue, settings, staged.place)
        assert sorted(map(tuple, kept.collect())) == sorted(map(tuple, wanted))
        assert 100 < len(wanted) < staged.all_pairs.count()

    def it_gives_the_columns_of_the_pairs(self, staged: Staged, settings: SamplerSettings) -> None:
        kept = stage_kept_pairs(staged.all_pairs, staged.items.catalogue, settings, staged.place)
        kinds = [(field.name, field.dataType) for field in kept.schema]
        assert kinds == [(field.name, field.dataType) for field in staged.all_pairs.schema]

    def it_leaves_requests_without_one_out_of_the_shuffle(
        self, staged: Staged, settings: SamplerSettings
    ) -> None:
        kept = stage_kept_pairs(staged.all_pairs, staged.items.catalogue, settings, staged.place)
        before, after = (
            all_events(staged.logs, pairs, staged.config, DAY, n_pairs=1000)
            .where(F.col("kind") >= FIRST_CANDIDATE)
            .toArrow()["request_key"]
            for pairs in (staged.all_pairs, kept)
        )
        assert len(after) < len(before)
        assert set(after.unique().to_pylist()) <= {row.request_key for row in kept.collect()}

    def it_writes_nothing_where_no_item_is_hot(
        self, staged: Staged, settings: SamplerSettings
    ) -> None:
        catalogue, none = staged.items.catalogue, slice(0)
        draws = catalogue.draws._replace(
            hot_keys=catalogue.draws.hot_keys[none], hot_keep=catalogue.draws.hot_keep[none]
        )
        cold = dataclasses.replace(catalogue, draws=draws)
        assert stage_kept_pairs(staged.all_pairs, cold, settings, staged.place) is staged.all_pairs
