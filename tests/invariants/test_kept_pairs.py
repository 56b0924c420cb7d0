"""The pairs that are sampled for: all of the positives that stay, none of those that are thinned.

That fewer pairs change no sample is seen by DescribePasses in test_same_rows.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import LongType
from winnow.events.kinds import FIRST_RANKED
from winnow.sampler.catalogue_file import save_catalogue
from winnow.sampler.kept_pairs import stage_kept_pairs
from winnow.sampler.pair_files import PairFiles
from winnow.sampler.steps import all_events
from winnow.spark.sized import Sized

from tests.invariants.staged import Staged
from tests.sampler.reference import KEEP, MASK, fold, mix64

pytestmark = pytest.mark.both_engines


def kept_one_by_one(staged: Staged) -> Iterator[Row]:
    draws = staged.items.catalogue.draws
    hot = dict(zip(draws.hot_keys.tolist(), draws.hot_keep.tolist(), strict=True))
    seed = fold(mix64(staged.config.seed), 0)
    for row in staged.all_pairs.collect():
        state = seed
        for key in (row.user_key, row.request_key, row.item_key):
            state = fold(state, key & MASK)
        if (fold(state, KEEP) >> 11) * 2.0**-53 < hot.get(row.item_key & MASK, 1.0):
            yield row


def described(staged: Staged, kept: DataFrame) -> pa.Table:
    places = kept.toArrow()
    files = PairFiles(staged.settings.pair_files)
    return files.read(places["pair_file"].to_numpy(), places["pair_row"].to_numpy())


class DescribeStageKeptPairs:
    def it_keeps_those_whose_hash_is_below_the_keep_prob_of_the_item(self, staged: Staged) -> None:
        wanted = list(kept_one_by_one(staged))
        found = described(
            staged, stage_kept_pairs(staged.all_pairs, staged.settings, staged.scratch)
        )
        names = [name for name in staged.all_pairs.columns if name != "click_key"]
        of_click = names.index("click_us")
        rows = zip(*(found[name].to_pylist() for name in names), strict=True)
        by = lambda row: (row[of_click], row)  # noqa: E731
        assert sorted(rows, key=by) == sorted((tuple(r[n] for n in names) for r in wanted), key=by)
        assert 100 < len(wanted) < staged.all_pairs.count()

    def it_tells_the_keys_of_each_pair_and_its_place(self, staged: Staged) -> None:
        kept = stage_kept_pairs(staged.all_pairs, staged.settings, staged.scratch)
        ids = staged.all_pairs.schema["request_id"].dataType
        bigints = ("user_key", "owner_key", "pair_file", "pair_row")
        kinds = [("request_id", ids), *((name, LongType()) for name in bigints)]
        assert [(field.name, field.dataType) for field in kept.schema] == kinds
        files = PairFiles(staged.settings.pair_files)
        for row in kept.collect():
            (pair,) = files.read(np.array([row.pair_file]), np.array([row.pair_row])).to_pylist()
            assert {n: pair[n] for n in ("request_id", "user_key", "owner_key")} == {
                n: row[n] for n in ("request_id", "user_key", "owner_key")
            }

    def it_gives_each_request_of_each_user_a_key_of_its_own(self, staged: Staged) -> None:
        found = described(
            staged, stage_kept_pairs(staged.all_pairs, staged.settings, staged.scratch)
        )
        keys = {(p["user_key"], p["request_key"]): p["owner_key"] for p in found.to_pylist()}
        assert len(set(keys.values())) == len(keys) > 50

    def it_leaves_requests_without_one_out_of_the_shuffle(self, staged: Staged) -> None:
        cold = dataclasses.replace(staged.settings, catalogue=without_hot_items(staged))
        kept = stage_kept_pairs(staged.all_pairs, staged.settings, staged.scratch)
        every = stage_kept_pairs(staged.all_pairs, cold, staged.scratch)
        assert every.count() == staged.all_pairs.count()
        before, after = (
            all_events(staged.logs, Sized(pairs, 1000), staged.run, staged.orders)
            .where(F.col("kind") >= FIRST_RANKED)
            .toArrow()["owner_key"]
            for pairs in (every, kept)
        )
        assert len(after) < len(before)
        assert set(after.unique().to_pylist()) <= {row.owner_key for row in kept.collect()}


def without_hot_items(staged: Staged) -> str:
    catalogue, none = staged.items.catalogue, slice(0)
    draws = catalogue.draws._replace(
        hot_keys=catalogue.draws.hot_keys[none], hot_keep=catalogue.draws.hot_keep[none]
    )
    path = staged.scratch.folder / "cold.arrow"
    save_catalogue(dataclasses.replace(catalogue, draws=draws), path)
    return staged.scratch.ship(path)
