"""Pools of batches that are wrong: the gates that notice it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession
from winnow.sampler import pool_columns, pools
from winnow.sampler.kernels.hashing import U
from winnow.sampler.kernels.pools import draw_pools, forbidden_slots, mixture_log_q
from winnow.sampler.pools import drawn_pools, shared_by
from winnow.spark.limits import Limits

from tests.audit.broken_builds import Mistake, each_of, gates_that_stop, without_first
from tests.e2e.test_batch_draws import with_pools


def a_conflict_is_lost(patch: pytest.MonkeyPatch) -> None:
    def fewer(*given: Any) -> Any:
        return without_first(*forbidden_slots(*given))

    patch.setattr(pool_columns, "forbidden_slots", fewer)


def the_next_slot_is_masked(patch: pytest.MonkeyPatch) -> None:
    def shifted(*given: Any) -> Any:
        slots, lengths = forbidden_slots(*given)
        return (slots + 1) % 16, lengths

    patch.setattr(pool_columns, "forbidden_slots", shifted)


def the_pool_of_another_batch_is_masked(patch: pytest.MonkeyPatch) -> None:
    def of_another(forbidden: Any, positives: Any, pool: Any, known: Any) -> Any:
        other = np.where(pool < 0, -1, (pool + 1) % (len(known.begins) - 1))
        return forbidden_slots(forbidden, positives, other, known)

    patch.setattr(pool_columns, "forbidden_slots", of_another)


def tail_batches_share_the_pool_of_full_ones(patch: pytest.MonkeyPatch) -> None:
    def by_number(batches: Any, together: int) -> Any:
        of_batch, splits, sizes = shared_by(batches, together)
        number = np.arange(len(of_batch)) // together
        first = np.flatnonzero(np.diff(number, prepend=-1))
        return number, splits[of_batch[first]], sizes[of_batch[first]]

    patch.setattr(pools, "shared_by", by_number)


def rows_name_the_next_pool(patch: pytest.MonkeyPatch) -> None:
    def shifted(batches: Any, together: int) -> Any:
        of_batch, splits, sizes = shared_by(batches, together)
        return np.roll(of_batch, 1), splits, sizes

    patch.setattr(pools, "shared_by", shifted)


def every_pool_has_the_same_draws(patch: pytest.MonkeyPatch) -> None:
    def alike(n_pools: int, *given: Any) -> Any:
        codes, log_q = draw_pools(n_pools, *given)
        return np.repeat(codes[:1], n_pools, axis=0), np.repeat(log_q[:1], n_pools, axis=0)

    patch.setattr(pools, "draw_pools", alike)


def every_date_has_the_same_draws(patch: pytest.MonkeyPatch) -> None:
    def of_no_date(n_pools: int, seed: Any, day: Any, *given: Any) -> Any:
        return draw_pools(n_pools, seed, U(0), *given)

    patch.setattr(pools, "draw_pools", of_no_date)


def all_are_drawn_from_the_first_source(patch: pytest.MonkeyPatch) -> None:
    def of_first(n: int, seed: Any, day: Any, n_items: int, groups: Any, sources: Any) -> Any:
        first = sources._replace(group=np.full_like(sources.group, sources.group[0]))
        return draw_pools(n, seed, day, n_items, groups, first)

    patch.setattr(pools, "draw_pools", of_first)


def log_q_is_that_of_weights_that_do_not_sum_to_one(patch: pytest.MonkeyPatch) -> None:
    def halved(*given: Any) -> Any:
        codes, log_q = draw_pools(*given)
        return codes, log_q - np.log(2)

    patch.setattr(pools, "draw_pools", halved)


def mixtures_are_of_the_pool_alone(patch: pytest.MonkeyPatch) -> None:
    def alone(items: Any, codes: Any, splits: Any, sizes: Any, *given: Any) -> Any:
        found = mixture_log_q(items, codes, splits, np.zeros_like(sizes), *given)
        return np.where(np.isfinite(found), found, -30.0)

    patch.setattr(pools, "mixture_log_q", alone)


def mixtures_of_rows_are_of_the_batch_alone(patch: pytest.MonkeyPatch) -> None:
    def alone(*given: Any) -> Any:
        *others, asked, group = given
        return mixture_log_q(*others, np.zeros_like(asked), group)

    patch.setattr(pool_columns, "mixture_log_q", alone)


def mixtures_are_of_another_split(patch: pytest.MonkeyPatch) -> None:
    def of_valid(items: Any, codes: Any, splits: Any, *given: Any) -> Any:
        return mixture_log_q(items, codes, np.ones_like(splits), *given)

    patch.setattr(pools, "mixture_log_q", of_valid)


def _with_rows(patch: pytest.MonkeyPatch, changed: Callable[[pa.Table], pa.Table]) -> None:
    def made(*given: Any) -> Any:
        rows, known = drawn_pools(*given)
        return changed(rows), known

    patch.setattr(pools, "drawn_pools", made)


def draws_are_named_by_their_own_slot(patch: pytest.MonkeyPatch) -> None:
    _with_rows(patch, lambda rows: rows.set_column(6, "item_slot", rows["slot"]))


def the_last_draw_of_each_pool_is_lost(patch: pytest.MonkeyPatch) -> None:
    _with_rows(patch, lambda rows: rows.filter(pc.less(rows["slot"], pc.max(rows["slot"]))))


def sources_change_places(patch: pytest.MonkeyPatch) -> None:
    def swapped(rows: pa.Table) -> pa.Table:
        other = pc.replace_substring_regex(rows["source"], "^hot$", "cold")
        return rows.set_column(3, "source", other)

    _with_rows(patch, swapped)


MISTAKES: dict[Mistake, set[str]] = {
    a_conflict_is_lost: {"pool_conflicts_missing"},
    the_next_slot_is_masked: {"pool_conflicts_missing", "pool_conflicts_unfounded"},
    the_pool_of_another_batch_is_masked: {"pool_conflicts_missing", "pool_conflicts_unfounded"},
    tail_batches_share_the_pool_of_full_ones: {"pools_differ", "pool_chances_differ"},
    rows_name_the_next_pool: {"pools_differ"},
    every_pool_has_the_same_draws: {"pool_draws_differ"},
    every_date_has_the_same_draws: {"pool_draws_differ"},
    all_are_drawn_from_the_first_source: {"pool_draws_differ", "pool_chances_differ"},
    log_q_is_that_of_weights_that_do_not_sum_to_one: {"pool_chances_differ"},
    mixtures_are_of_the_pool_alone: {"pool_chances_differ"},
    mixtures_of_rows_are_of_the_batch_alone: {"pool_chances_differ"},
    mixtures_are_of_another_split: {"pool_chances_differ"},
    draws_are_named_by_their_own_slot: {"pool_item_slots_differ"},
    the_last_draw_of_each_pool_is_lost: {"pools_differ"},
    sources_change_places: {"pools_differ"},
}

SEEN_BY_OTHERS = (
    the_next_slot_is_masked,
    rows_name_the_next_pool,
    every_pool_has_the_same_draws,
    all_are_drawn_from_the_first_source,
    log_q_is_that_of_weights_that_do_not_sum_to_one,
    mixtures_are_of_the_pool_alone,
    mixtures_are_of_another_split,
    the_last_draw_of_each_pool_is_lost,
    sources_change_places,
)


@pytest.mark.sail_only
class DescribeMistakesOfPools:
    @each_of(MISTAKES, SEEN_BY_OTHERS)
    def it_does_not_pass(
        self, mistake: Mistake, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # So few draws at a time that every pool is looked at alone.
        limits = Limits(audited_draws=20)
        wanted = MISTAKES[mistake]
        found = gates_that_stop(
            mistake, wanted, with_pools, spark, tmp_path, monkeypatch, limits=limits
        )
        assert found >= wanted
